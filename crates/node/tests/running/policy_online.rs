//! A policy from the draft to force on a running node: tried, proposed, signed by two officers with their accounts.

use base::Timestamp;
use hyper::Method;
use label::{POLICY_SCHEMA, PolicyDocument};
use node::{
    AccountSignature, Config, Desk, Officer, Overrides, PolicyApproval, RulesAnswer, RulesOnRecord,
    RulesOrder, order_rules,
};
use record::{NodeKey, ReadRecord};
use serde_json::{Value, json};

use crate::support::person::{Person, add, chief};
use crate::support::{Answer, Client, SEOUL, Side, allies, report, text};

const NO_FINDINGS: &str =
    "permit(principal, action, resource) when { resource.noun != \"bongsu.finding/1\" };";
const EVERYTHING: &str = "permit(principal, action, resource);";

async fn propose(client: &Client, policy: &str) -> Value {
    client.post("/api/policy", &json!({"name": "kor", "text": policy})).await
}

/// The lines of a dry run; the last one says that it is whole.
async fn try_out(client: &Client, body: &Value) -> Vec<Value> {
    let answer = client.try_post("/api/policy/dry-run", body).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["schema"], json!("bongsu.policy-dry-run/1"));
    assert_eq!(lines.last().unwrap()["kind"], json!("end"), "{lines:?}");
    lines
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

/// Signs as `person` does who has read the policy.
async fn sign(person: &mut Person, policy: &Value) -> Answer {
    let (proposal, sha256) = (text(policy, "entry"), text(policy, "sha256"));
    let asked = json!({"act": "sign_policy", "proposal": proposal, "sha256": sha256});
    let (approval, _) = person.approve(&asked).await;
    let body = json!({"sha256": sha256, "approval": approval});
    person.client.try_post(&format!("/api/policy/{proposal}/sign"), &body).await.unwrap()
}

async fn apply(client: &Client, policy: &Value) -> Answer {
    client.try_post(&format!("/api/policy/{}/apply", text(policy, "entry")), &json!({})).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_officers_put_a_policy_in_force_while_the_node_runs() {
    let (mut seoul, washington) = allies().await;
    let chief = chief(&seoul).await;
    let mut kim = add(&chief.client, "kim", &["release-officer"]).await;
    let mut lee = add(&chief.client, "lee", &["release-officer"]).await;
    let before = chief.client.report(&report("Before", &["USA"])).await;
    let own = chief.client.report(&report("Nobody's", &[])).await;
    let mut live = washington.officer().listen(None).await;
    while washington.officer().status(&format!("/api/findings/{before}")).await != 200 {
        live.wait("entry", |event| event["id"] == before).await;
    }

    // What it would do: the finding that went is held from now on, the own one was never for Washington.
    let lines = try_out(&kim.client, &json!({"text": NO_FINDINGS, "days": 90})).await;
    let changes = of_kind(&lines, "change");
    let kinds: Vec<&str> = changes.iter().map(|line| text(line, "entry_kind")).collect();
    // The incident rests on the finding.
    assert_eq!(
        (text(changes[0], "entry"), &kinds[..]),
        (before.as_str(), &["bongsu.finding/1", "bongsu.incident/1"][..])
    );
    assert!(changes.iter().all(|line| line["change"] == "newly_held" && line["shared"] == json!(true)));
    assert!(!changes.iter().any(|line| line["entry"] == own));
    let counts = of_kind(&lines, "count");
    assert_eq!((text(counts[0], "peer"), &counts[0]["newly_held"]), ("washington", &json!(2)));
    let sum = counts[0]["unchanged"].as_u64().unwrap() + 2;
    assert_eq!(counts[0]["considered"].as_u64().unwrap(), sum);

    // A browser reads it compressed, to its end.
    let body = json!({"text": NO_FINDINGS}).to_string().into_bytes();
    let cookie = kim.client.cookie.clone();
    let headers = [
        ("cookie", cookie.as_str()),
        ("x-bongsu", "1"),
        ("content-type", "application/json"),
        ("accept-encoding", "gzip"),
    ];
    let packed = kim.client.raw(Method::POST, "/api/policy/dry-run", &headers, body).await.unwrap();
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));

    let policy = propose(&kim.client, NO_FINDINGS).await;
    assert_eq!((&policy["version"], text(&policy, "author")), (&json!(1), "kim"));
    assert_eq!(lines.len(), try_out(&lee.client, &json!({"proposal": policy["entry"]})).await.len());

    // Without an assertion, with one for another hash, and by one person twice: nothing.
    let path = format!("/api/policy/{}/sign", text(&policy, "entry"));
    let bare = kim.client.try_post(&path, &json!({"sha256": policy["sha256"]})).await.unwrap();
    assert_eq!(bare.status, 428, "{}", bare.text());
    let mut other = policy.clone();
    other["sha256"] = json!("ab".repeat(32));
    assert_eq!(sign(&mut kim, &other).await.status, 409);
    assert_eq!(apply(&kim.client, &policy).await.status, 409);
    let signed = sign(&mut kim, &policy).await;
    assert_eq!((signed.status, &signed.json()["signed_by"]), (201, &json!(["kim"])), "{}", signed.text());
    let again = sign(&mut kim, &policy).await;
    assert_eq!(again.status, 409, "{}", again.text());
    assert!(again.text().contains("has signed this already"), "{}", again.text());
    let early = apply(&kim.client, &policy).await;
    assert_eq!(early.status, 409);
    assert!(early.text().contains("1 of 2"), "{}", early.text());
    // An assertion of another person is none of the caller's.
    let asked = json!({"act": "sign_policy", "proposal": policy["entry"], "sha256": policy["sha256"]});
    let (approval, _) = kim.approve(&asked).await;
    let stolen = json!({"sha256": policy["sha256"], "approval": approval});
    assert_eq!(lee.client.try_post(&path, &stolen).await.unwrap().status, 403);

    let signed = sign(&mut lee, &policy).await;
    assert_eq!((signed.status, &signed.json()["signed_by"]), (201, &json!(["kim", "lee"])));
    let applied = apply(&lee.client, &policy).await;
    assert_eq!((applied.status, &applied.json()["in_force"]), (201, &json!(true)), "{}", applied.text());
    assert_eq!(apply(&lee.client, &policy).await.status, 409);

    // It holds at once, for what is new.
    let after = chief.client.report(&report("EMBARGO-AFTER", &["USA"])).await;
    let why = chief.client.get(&format!("/api/entries/{after}/release?peer=washington")).await;
    assert_eq!(text(&why["decided"], "verdict"), "withheld");
    assert!(text(&why["decided"], "path").starts_with("policy/kor/1"), "{why}");
    assert!(crate::support::files_with(washington.data(), "EMBARGO").is_empty());

    // The acts tell it all, with the assertions.
    let acts = chief.client.all("/api/acts").await;
    let told = |kind: &str| acts.iter().filter(|act| act["kind"] == kind).count();
    assert_eq!((told("policy"), told("policy_dry_run")), (4, 3), "{acts:?}");
    let approved = acts.iter().filter(|act| act["kind"] == "policy" && act["approved"] == json!(true));
    assert_eq!(approved.count(), 2);

    // After a restart the record alone says so; without the node the same is read from it.
    seoul.restart_as(&chief.client).await;
    let policies = chief.client.all("/api/policy").await;
    assert_eq!((&policies[0]["in_force"], &policies[0]["signed_by"]), (&json!(true), &json!(["kim", "lee"])));
    // The reverse is proposed against what is in force: now the finding that stayed would go.
    let lines = try_out(&kim.client, &json!({"text": EVERYTHING})).await;
    let released = of_kind(&lines, "change");
    assert!(released.iter().any(|line| line["entry"] == after && line["change"] == "newly_released"));
    seoul.stop().await;
    let rules = RulesOnRecord::read(&ReadRecord::open(seoul.data()).unwrap()).unwrap();
    assert!(rules.faults().is_empty(), "{:?}", rules.faults());
    assert_eq!(rules.proposals().map(|(_, proposal)| proposal.signed()).collect::<Vec<_>>(), [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proposal_that_was_overtaken_is_refused() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let mut kim = add(&chief.client, "kim", &["release-officer"]).await;
    let mut lee = add(&chief.client, "lee", &["release-officer"]).await;
    let early = propose(&kim.client, EVERYTHING).await;
    let other = propose(&lee.client, NO_FINDINGS).await;
    assert_eq!(other["version"], json!(2));
    assert_eq!(sign(&mut kim, &early).await.status, 201);
    for person in [&mut kim, &mut lee] {
        assert_eq!(sign(person, &other).await.status, 201);
    }
    assert_eq!(apply(&kim.client, &other).await.status, 201);
    let late = sign(&mut lee, &early).await;
    assert_eq!((late.status, late.json()["code"].as_str()), (409, Some("policy::stale")), "{}", late.text());
    assert_eq!(apply(&lee.client, &early).await.json()["code"], json!("policy::stale"));
    let listed = chief.client.all("/api/policy").await;
    assert_eq!(
        listed.iter().map(|policy| &policy["stale"]).collect::<Vec<_>>(),
        [&json!(false), &json!(true)]
    );
    // A version that does not rise, and a text that is no policy.
    let old = json!({"name": "kor", "version": 2, "text": EVERYTHING});
    assert_eq!(kim.client.try_post("/api/policy", &old).await.unwrap().status, 409);
    for wrong in ["permit(", "permit(principal, action, resource) when { resource.colour == 1 };"] {
        let body = json!({"name": "kor", "text": wrong});
        let answer = kim.client.try_post("/api/policy", &body).await.unwrap();
        assert_eq!(answer.status, 422, "{}", answer.text());
        let answer = kim.client.try_post("/api/policy/dry-run", &json!({"text": wrong})).await.unwrap();
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
}

/// Who holds the data folder can write entries, but not the assertion of a passkey.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_made_by_hand_counts_for_nothing() {
    let mut side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let mut kim = add(&chief.client, "kim", &["release-officer"]).await;
    let policy = propose(&kim.client, NO_FINDINGS).await;
    let signed = sign(&mut kim, &policy).await.json();
    let step: base::EntryId = text(&signed, "step").parse().unwrap();
    side.stop().await;
    let stored = ReadRecord::open(side.data()).unwrap().get(&step).unwrap().unwrap();
    let real: AccountSignature = stored.entry.unwrap().noun().unwrap();

    let desk = Desk::open(&Config::load(side.data(), &Overrides::default()).unwrap()).unwrap();
    let document = PolicyDocument {
        name: "other".to_owned(),
        version: 1,
        author: "kim".to_owned(),
        effective_from: Timestamp::UNIX_EPOCH,
        policy_schema: POLICY_SCHEMA.to_owned(),
        text: EVERYTHING.to_owned(),
        marking: desk.nobody(),
    };
    let other = desk.sign(&document, None).unwrap();
    let entry = |signature: &AccountSignature| desk.sign(signature, None).unwrap();
    let changed = |change: &dyn Fn(&mut AccountSignature)| {
        let mut signature = real.clone();
        change(&mut signature);
        entry(&signature)
    };
    // Under another name, without its proof, with a proof in which one word is another, for another policy.
    let by_hand = [
        changed(&|s| s.account = "lee".parse().unwrap()),
        changed(&|s| (s.approval, s.passkey) = (None, None)),
        changed(&|s| s.way = node::Way::Bootstrap),
        changed(&|s| {
            let approval = s.approval.as_mut().unwrap();
            approval.text = approval.text.replace("\"kim\"", "\"lee\"");
            s.account = "lee".parse().unwrap();
        }),
        changed(&|s| {
            let signature = &mut s.approval.as_mut().unwrap().signature;
            let other = if signature.as_bytes()[20] == b'A' { "B" } else { "A" };
            signature.replace_range(20..21, other);
        }),
        changed(&|s| s.approval.as_mut().unwrap().signature.clear()),
        changed(&|s| s.approval.as_mut().unwrap().authenticator_data.clear()),
        changed(&|s| s.approval.as_mut().unwrap().client_data = "A".repeat(100_000)),
        changed(&|s| {
            s.proposal = other.id();
            s.policy_sha256 = document.sha256().unwrap();
        }),
    ];
    drop(desk);
    let mut rules = RulesOnRecord::read(&ReadRecord::open(side.data()).unwrap()).unwrap();
    let id = text(&policy, "entry").parse().unwrap();
    assert_eq!(rules.proposal(&id).unwrap().signed(), 1);
    rules.apply(&other);
    for (n, entry) in by_hand.iter().enumerate() {
        rules.apply(entry);
        assert_eq!(rules.faults().len(), n + 1, "entry {n} counts: {:?}", rules.faults());
    }
    assert_eq!(rules.proposal(&id).unwrap().signed(), 1);
    assert_eq!(rules.proposal(&other.id()).unwrap().signed(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_is_nobody_signs_nothing_and_a_table_of_codes_takes_two_officers() {
    let side = Side::started(SEOUL).await;
    let first = side.officer().clone();
    let policy = propose(&first, EVERYTHING).await;
    let path = format!("/api/policy/{}/sign", text(&policy, "entry"));
    let answer = first.try_post(&path, &json!({"sha256": policy["sha256"]})).await.unwrap();
    assert_eq!(answer.status, 409, "{}", answer.text());
    let mut chief = chief(&side).await;

    let tables = chief.client.get("/api/tables").await;
    let mut table = tables["items"][0].clone();
    let former_version = table["version"].clone();
    let now = text(&chief.client.get("/api/session").await, "now").to_owned();
    table["version"] = json!("test-2");
    table["valid_from"] = json!(now);
    let bare = chief.client.try_post("/api/tables", &json!({"table": table})).await.unwrap();
    assert_eq!(bare.status, 428, "{}", bare.text());
    let (approval, _) = chief.approve(&json!({"act": "load_table", "table": table})).await;
    let mut other = table.clone();
    other["version"] = json!("test-3");
    let swapped = json!({"table": other, "approval": approval});
    assert_eq!(chief.client.try_post("/api/tables", &swapped).await.unwrap().status, 409);
    let (approval, _) = chief.approve(&json!({"act": "load_table", "table": table})).await;
    let proposed = chief.client.post("/api/tables", &json!({"table": table, "approval": approval})).await;
    let reader = chief.client.clone();
    let holds = async || reader.get("/api/tables").await["items"][0]["version"].clone();
    assert_eq!(holds().await, former_version, "one officer is not enough");
    let listed = reader.get("/api/policy").await["items"][0].clone();
    assert_eq!(
        (&listed["entry"], &listed["kind"], &listed["table"]),
        (&proposed["entry"], &json!("codes"), &json!("test-2"))
    );
    let shown: Value = serde_json::from_str(text(&listed, "text")).unwrap();
    assert_eq!(shown["version"], json!("test-2"), "an officer reads what is signed");
    let mut kim = add(&chief.client, "kim", &["release-officer"]).await;
    assert_eq!(sign(&mut chief, &listed).await.status, 201);
    assert_eq!(apply(&chief.client, &listed).await.status, 409);
    assert_eq!(holds().await, former_version);
    assert_eq!(sign(&mut kim, &listed).await.status, 201);
    let applied = apply(&kim.client, &listed).await;
    assert_eq!((applied.status, &applied.json()["in_force"]), (201, &json!(true)), "{}", applied.text());
    assert_eq!(holds().await, json!("test-2"));
    let dry =
        kim.client.try_post("/api/policy/dry-run", &json!({"proposal": listed["entry"]})).await.unwrap();
    assert_eq!(dry.status, 400, "{}", dry.text());
    let former = chief.client.get("/api/tables?at=2026-01-01T00:00:00Z").await;
    assert_ne!(former["items"][0]["version"], json!("test-2"));
}

/// The operator of the machine takes the same steps by order, with the officers' key files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_takes_steps_by_order() {
    let mut side = Side::started(SEOUL).await;
    side.stop().await;
    let keys: Vec<NodeKey> = ["choi", "jung"]
        .map(|name| NodeKey::generate(name.parse().unwrap(), &mut rand_core::OsRng))
        .into_iter()
        .collect();
    let mut desk = Desk::open(&side.config().unwrap()).unwrap();
    let marking = desk.nobody();
    for key in &keys {
        let officer =
            Officer { name: key.name().clone(), key: key.public().to_hex(), marking: marking.clone() };
        let entry = desk.sign(&officer, None).unwrap();
        desk.record(entry).unwrap();
    }
    drop(desk);
    side.start().await;
    side.officer().report(&report("Own", &["USA"])).await;
    let config = side.config().unwrap();
    let order = |order: RulesOrder| {
        let config = config.clone();
        async move { tokio::task::spawn_blocking(move || order_rules(&config, order)).await.unwrap() }
    };
    let document = PolicyDocument {
        name: "kor".to_owned(),
        version: 0,
        author: "Choi".to_owned(),
        effective_from: Timestamp::UNIX_EPOCH,
        policy_schema: POLICY_SCHEMA.to_owned(),
        text: NO_FINDINGS.to_owned(),
        marking: marking.clone(),
    };
    let (RulesAnswer { step, policies, .. }, _) = order(RulesOrder::Propose(document.clone())).await.unwrap();
    let proposal = step.unwrap();
    assert_eq!((policies[0].entry, policies[0].version), (proposal, 1));
    for key in [&keys[0], &keys[0], &keys[1]] {
        let approval =
            PolicyApproval { proposal, policy_sha256: policies[0].sha256, marking: marking.clone() };
        let now = Timestamp::UNIX_EPOCH;
        let approval = approval.signed(&"KOR".parse().unwrap(), key, now).unwrap();
        let signed = order(RulesOrder::Sign { proposal, approval }).await;
        let listed = order(RulesOrder::Policies).await.unwrap().0.policies;
        match signed {
            Ok((answer, _)) => assert_eq!(answer.officer.as_deref(), Some(key.name().as_str())),
            Err(refused) => {
                assert!(refused.to_string().contains("has signed this already"), "{refused}");
                assert_eq!(listed[0].signed_by, ["choi"]);
            }
        }
    }
    let (answer, _) = order(RulesOrder::Apply { proposal }).await.unwrap();
    assert!(answer.policies[0].in_force);
    let (_, lines) = order(RulesOrder::DryRun { policy: document, days: 90 }).await.unwrap();
    assert!(String::from_utf8(lines).unwrap().ends_with("{\"kind\":\"end\",\"changes\":0}\n"));
    assert!(order(RulesOrder::LoadTable { table: json!({}) }).await.is_err());
    assert_eq!(order(RulesOrder::Tables { at: None }).await.unwrap().0.tables.len(), 1);
    let acts = side.officer().all("/api/acts").await;
    let by_operator = acts.iter().filter(|act| act["kind"] == "policy" && act["way"] == "operator").count();
    assert_eq!(by_operator, 4, "{acts:?}");
}
