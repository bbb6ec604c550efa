//! Accounts, passkeys, sessions and the record of what people did.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD as B64, Engine as _};
use node::{AccountOrder, NewAccount};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::authenticator::{Authenticator, VERIFIED};
use crate::support::person::{Person, add, chief, enrol, origin, try_log_in};
use crate::support::{Client, PATIENCE, SEOUL, Side, TOKYO, allies, report, text};

/// The kinds of acts, oldest first.
async fn acts(client: &Client) -> Vec<Value> {
    let mut acts = client.all("/api/acts").await;
    acts.reverse();
    acts
}

fn kinds(acts: &[Value]) -> Vec<&str> {
    acts.iter().map(|act| text(act, "kind")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_administrator_closes_the_first_door() {
    let mut side = Side::started(SEOUL).await;
    let first = side.officer().clone();
    assert_eq!(first.get("/api/session").await["awaits_administrator"], json!(true));
    let mut live = first.listen(None).await;
    let unused = side.entry_link();

    // Somebody who is no administrator does not close it.
    add(&first, "kim", &["analyst"]).await;
    assert_eq!(first.status("/api/overview").await, 200);
    let chief = chief(&side).await;
    assert_eq!(chief.client.get("/api/session").await["awaits_administrator"], json!(false));
    assert_eq!(first.status("/api/session").await, 401, "the first session outlived the first administrator");
    while let Ok(event) = live.next(PATIENCE).await {
        assert_ne!(event.name, "never");
    }
    assert_eq!(Client::enter(&unused).await.unwrap_err().status, 401, "an unused first link still lets in");

    // From now on a link of the machine's operator is a way past the accounts, and recorded as that.
    let glass = Client::enter(&side.entry_link()).await.unwrap();
    assert_eq!(glass.get("/api/session").await["roles"], json!(["administrator"]));
    assert_eq!(glass.status("/api/overview").await, 403);
    let done = acts(&chief.client).await;
    assert_eq!(
        kinds(&done),
        [
            "log_in",
            "account_added",
            "log_in",
            "passkey_added",
            "account_added",
            "log_in",
            "passkey_added",
            "bootstrap_closed",
            "log_in_failed",
            "break_glass"
        ]
    );
    assert_eq!(done[1]["account"], json!("kim"));
    assert_eq!(done[6]["by"], json!("chief"));

    // It stays closed over a restart, and also when the file of accounts is lost.
    side.restart_as(&chief.client).await;
    assert_eq!(chief.client.status("/api/overview").await, 200);
    side.stop().await;
    std::fs::remove_file(side.data().join("accounts/accounts.json")).unwrap();
    side.try_start().await.unwrap();
    assert_eq!(chief.client.status("/api/session").await, 401);
    let glass = Client::enter(&side.entry_link()).await.unwrap();
    assert_eq!(glass.get("/api/session").await["way"], json!("break_glass"));
    // A damaged one is not taken for none.
    side.stop().await;
    std::fs::write(side.data().join("accounts/accounts.json"), "{\"schema\": \"bongsu.accounts/9\"}")
        .unwrap();
    assert!(matches!(side.try_start().await, Err(node::NodeError::BadAccounts { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_passkey_lets_in() {
    let side = Side::started(SEOUL).await;
    let mut chief = chief(&side).await;
    let client = try_log_in(&side, &mut chief.passkey, |_| ()).await.unwrap();
    assert_eq!(client.get("/api/session").await["account"], json!("chief"));

    let strange_key = {
        // Registered nowhere, but it names the chief as its user.
        let mut other = Authenticator::new(&origin(&side));
        let begun = chief.client.post("/api/account/passkeys/start", &json!({"title": "second"})).await;
        other.register(&begun["options"]);
        other
    };
    let mut wrong: Vec<(&str, Authenticator)> = vec![("a strange key", strange_key)];
    std::mem::swap(&mut wrong[0].1, &mut chief.passkey);
    let (mut own, mut strange) = (wrong.remove(0).1, chief.passkey);
    let mut refusals = Vec::new();
    refusals.push(try_log_in(&side, &mut strange, |_| ()).await.unwrap_err());
    let right = own.origin.clone();
    for origin in ["http://localhost:1", "https://localhost.example", "https://evil.example"] {
        own.origin = origin.to_owned();
        refusals.push(try_log_in(&side, &mut own, |_| ()).await.unwrap_err());
    }
    own.origin = right;
    own.flags = 0x01;
    refusals.push(try_log_in(&side, &mut own, |_| ()).await.unwrap_err());
    own.flags = VERIFIED;
    let mut sent = Value::Null;
    let flip = |request: &mut Value| {
        let signature = &mut request["credential"]["response"]["signature"];
        let mut bytes = B64.decode(signature.as_str().unwrap()).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        *signature = json!(B64.encode(bytes));
    };
    refusals.push(try_log_in(&side, &mut own, flip).await.unwrap_err());
    // The right answer, once.
    try_log_in(&side, &mut own, |request| sent = request.clone()).await.unwrap();
    refusals.push(try_log_in(&side, &mut own, |request| *request = sent.clone()).await.unwrap_err());
    let ceremony = sent["ceremony"].clone();
    refusals.push(try_log_in(&side, &mut own, |request| request["ceremony"] = ceremony).await.unwrap_err());
    // A copy of the authenticator has an old counter.
    own.counter = 1;
    refusals.push(try_log_in(&side, &mut own, |_| ()).await.unwrap_err());
    for refusal in &refusals {
        assert_eq!(refusal.status, 401);
        assert_eq!(refusal.text(), refusals[0].text(), "answers tell one failure from another");
        assert_eq!(refusal.header("set-cookie"), "");
    }
    // All of that is one entry; the rest was counted.
    let done = acts(&client).await;
    let failed = done.iter().filter(|act| act["kind"] == "log_in_failed").count();
    assert_eq!(failed, 1, "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_are_limited() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let mut stranger = Authenticator::new(&origin(&side));
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(try_log_in(&side, &mut stranger, |_| ()).await.unwrap_err().status);
    }
    assert_eq!(statuses[0], 401);
    assert_eq!(statuses[29], 429, "{statuses:?}");
    // Who is in stays in.
    assert_eq!(chief.client.status("/api/overview").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_with_removal_and_with_other_roles() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let change = |path: &'static str, body: Value| {
        let client = chief.client.clone();
        async move { client.post(path, &body).await }
    };
    let mut kim = add(&chief.client, "kim", &["analyst"]).await;
    let mut live = kim.client.listen(None).await;
    kim.client.report(&report("Seen", &[])).await;
    live.wait("entry", |_| true).await;

    change("/api/accounts/kim/roles", json!({"roles": ["observer"]})).await;
    let begun = std::time::Instant::now();
    while live.next(PATIENCE).await.is_ok() {}
    assert!(begun.elapsed().as_secs() < 60, "the stream stayed open for {:?}", begun.elapsed());
    assert_eq!(kim.client.status("/api/session").await, 401);
    let again = try_log_in(&side, &mut kim.passkey, |_| ()).await.unwrap();
    assert_eq!(again.get("/api/session").await["roles"], json!(["observer"]));
    assert_eq!(again.try_post("/api/reports", &report("No", &[])).await.unwrap().status, 403);

    let mut live = again.listen(None).await;
    change("/api/accounts/kim/remove", json!({})).await;
    while live.next(PATIENCE).await.is_ok() {}
    assert_eq!(again.status("/api/session").await, 401);
    assert_eq!(try_log_in(&side, &mut kim.passkey, |_| ()).await.unwrap_err().status, 401);
    // Another person of that name has nothing of the first one's.
    let other = add(&chief.client, "kim", &["observer"]).await;
    assert_eq!(again.status("/api/session").await, 401);
    assert_eq!(try_log_in(&side, &mut kim.passkey, |_| ()).await.unwrap_err().status, 401);
    assert_eq!(other.client.status("/api/overview").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_can_become_nobody_else() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let conflict = |answer: crate::support::Answer| assert_eq!(answer.status, 409, "{}", answer.text());
    let post = |path: &'static str, body: Value| {
        let client = chief.client.clone();
        async move { client.try_post(path, &body).await.unwrap() }
    };
    add(&chief.client, "kim", &["analyst"]).await;
    let before = chief.client.all("/api/accounts").await;
    conflict(post("/api/accounts/kim/link", json!({})).await);
    conflict(post("/api/accounts/chief/roles", json!({"roles": ["observer"]})).await);
    conflict(post("/api/accounts/chief/remove", json!({})).await);
    conflict(post("/api/accounts", json!({"name": "kim", "roles": []})).await);
    assert_eq!(chief.client.all("/api/accounts").await, before);
    // Only the other administrators could, and not with the last of them.
    let deputy = add(&chief.client, "deputy", &["administrator"]).await;
    let removed = deputy.client.try_post("/api/accounts/chief/remove", &json!({})).await.unwrap();
    assert_eq!(removed.status, 200, "{}", removed.text());
    assert_eq!(chief.client.status("/api/session").await, 401);
    // A link for a new account may be made anew, and registers a passkey once.
    let link = text(
        &deputy.client.post("/api/accounts", &json!({"name": "lee", "roles": ["observer"]})).await,
        "enter",
    )
    .to_owned();
    let visitor = Client::enter(&link).await.unwrap();
    assert_eq!(visitor.get("/api/session").await["roles"], json!([]), "a link alone gives the roles");
    assert_eq!(visitor.status("/api/overview").await, 403);
    let again = deputy.client.post("/api/accounts/lee/link", &json!({})).await;
    let spare = deputy.client.post("/api/accounts/lee/link", &json!({})).await;
    let lee = enrol(text(&again, "enter"), "lee").await;
    assert_eq!(lee.client.status("/api/overview").await, 200);
    // Neither a link that was kept back nor a session that began by one registers another passkey.
    assert_eq!(Client::enter(text(&spare, "enter")).await.unwrap_err().status, 401);
    assert_eq!(visitor.status("/api/session").await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passkeys_of_one_node_open_no_other() {
    let (seoul, tokyo) = (Side::started(SEOUL).await, Side::started(TOKYO).await);
    let mut at_seoul = chief(&seoul).await;
    let at_tokyo = chief(&tokyo).await;
    for own_origin in [origin(&seoul), origin(&tokyo)] {
        at_seoul.passkey.origin = own_origin;
        assert_eq!(try_log_in(&tokyo, &mut at_seoul.passkey, |_| ()).await.unwrap_err().status, 401);
    }
    let mut there = at_tokyo.client.clone();
    there.cookie = at_seoul.client.cookie.replace("bongsu_seoul", "bongsu_tokyo");
    assert_eq!(there.status("/api/session").await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recall_is_approved_word_by_word() {
    let side = Side::started(SEOUL).await;
    let mut chief = chief(&side).await;
    let id = chief.client.report(&report("To be taken back", &["USA"])).await;
    let other = chief.client.report(&report("Stays", &["USA"])).await;
    let recall = |client: &Client, id: &str, body: Value| {
        let (client, path) = (client.clone(), format!("/api/entries/{id}/recall"));
        async move { client.try_post(&path, &body).await.unwrap() }
    };
    let asked = json!({"act": "recall", "entry": id, "reason": "by mistake"});
    let answer = recall(&chief.client, &id, json!({"reason": "by mistake"})).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (428, Some("node::approval_needed")));

    // What was approved for one entry or reason approves no other, and is used up by the try.
    let size = side_size(&chief).await;
    let (approval, _) = chief.approve(&asked).await;
    let answer = recall(&chief.client, &other, json!({"reason": "by mistake", "approval": approval})).await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    let answer = recall(&chief.client, &id, json!({"reason": "by mistake", "approval": approval})).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    let (approval, _) = chief.approve(&asked).await;
    let answer = recall(&chief.client, &id, json!({"reason": "another reason", "approval": approval})).await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    let answer = json!({"reason": "x", "approval": {"ceremony": "0", "credential": approval["credential"]}});
    assert_eq!(recall(&chief.client, &id, answer).await.status, 403);
    // Another person's approval is none.
    let kim = add(&chief.client, "kim", &["release-officer"]).await;
    let (approval, _) = chief.approve(&asked).await;
    let answer = recall(&kim.client, &id, json!({"reason": "by mistake", "approval": approval})).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert_eq!(
        side_size(&chief).await,
        size + 3,
        "something was recorded beside kim's account, log-in and passkey"
    );

    let (approval, begun) = chief.approve(&asked).await;
    let challenge = B64.decode(begun["options"]["publicKey"]["challenge"].as_str().unwrap()).unwrap();
    assert_eq!(challenge, Sha256::digest(text(&begun, "text")).to_vec());
    let answer = recall(&chief.client, &id, json!({"reason": "by mistake", "approval": approval})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let done = acts(&chief.client).await;
    let last = done.last().unwrap();
    assert_eq!((text(last, "kind"), &last["by"]), ("recall", &json!("chief")));
    assert_eq!(last["about"][0], json!(id));
    // The record holds what a third party needs to check it.
    let entry = chief.client.get(&format!("/api/entries/{}", text(last, "entry"))).await;
    let kept = &entry["body"]["approval"];
    assert_eq!(kept["text"], begun["text"]);
    let client_data = B64.decode(text(kept, "client_data")).unwrap();
    let client_data: Value = serde_json::from_slice(&client_data).unwrap();
    assert_eq!(client_data["challenge"], json!(B64.encode(Sha256::digest(text(kept, "text")))));
    assert!(text(kept, "text").starts_with("bongsu.approval/1\n{"));
    assert!(text(kept, "text").contains(&id));
}

async fn side_size(person: &Person) -> u64 {
    person.client.get("/api/overview").await["log"]["size"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acts_stay_here_and_are_for_few() {
    let (seoul, washington) = allies().await;
    let chief = chief(&seoul).await;
    chief.client.report(&report("Shared", &["USA"])).await;
    let observer = add(&chief.client, "observer", &["observer"]).await;
    let mut live = observer.client.listen(None).await;
    let kim = add(&chief.client, "kim", &["analyst"]).await;
    let shared = kim.client.report(&report("Also shared", &["USA"])).await;
    // The next event of an entry is the report: what people did makes none.
    let event = live.wait("entry", |_| true).await;
    assert_eq!(text(&event.data, "id"), shared);

    let done = acts(&chief.client).await;
    assert!(done.len() >= 10, "{done:?}");
    assert_eq!(done.last().unwrap()["about"], json!([shared]));
    for act in &done {
        let path = format!("/api/entries/{}", text(act, "entry"));
        assert_eq!(chief.client.status(&path).await, 200);
        // As if there were nothing.
        assert_eq!(observer.client.status(&path).await, 404);
        let verify = observer.client.try_post(&format!("{path}/verify"), &json!({})).await.unwrap();
        assert_eq!(verify.status, 404);
    }
    assert_eq!(observer.client.status("/api/acts").await, 403);
    let withheld = chief.client.all("/api/peers/washington/withheld").await;
    assert!(withheld.iter().all(|row| row["kind"] != "act"), "{withheld:?}");
    // By the chief: the first session is over.
    let until = async {
        while washington.officer().ids("/api/findings").await.len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, until).await.unwrap();
    for name in ["chief", "observer"] {
        let found = crate::support::files_with(washington.data(), name);
        assert!(found.is_empty(), "{name} is known at Washington: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_orders_a_running_and_a_stopped_node() {
    let mut side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let config = side.config().unwrap();
    let order = |order: AccountOrder| {
        let config = config.clone();
        tokio::task::spawn_blocking(move || node::order_accounts(&config, order))
    };
    let new = |name: &str| {
        let roles = ["observer".parse().unwrap()].into();
        AccountOrder::Add(NewAccount {
            name: name.parse().unwrap(),
            title: None,
            roles,
            clearance: None,
            oidc_subject: None,
        })
    };
    let answer = order(new("running")).await.unwrap().unwrap();
    let link = format!("{}/enter?token={}", origin(&side), answer.token.unwrap());
    let person = enrol(&link, "running").await;
    assert_eq!(person.client.status("/api/overview").await, 200);
    assert!(order(new("running")).await.unwrap().is_err());
    // The operator may make a link for somebody who lost the passkeys.
    let again = order(AccountOrder::Link { name: "running".parse().unwrap() }).await.unwrap().unwrap();
    assert!(again.token.is_some());

    side.stop().await;
    let answer = order(new("stopped")).await.unwrap().unwrap();
    order(AccountOrder::Remove { name: "running".parse().unwrap() }).await.unwrap().unwrap();
    let listed = order(AccountOrder::List).await.unwrap().unwrap();
    assert_eq!(listed.accounts.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["chief", "stopped"]);
    side.try_start().await.unwrap();
    assert_eq!(person.client.status("/api/session").await, 401);
    let link = format!("{}/enter?token={}", origin(&side), answer.token.unwrap());
    enrol(&link, "stopped").await;
    let done = acts(&chief.client).await;
    let by_operator: Vec<_> = done.iter().filter(|act| act["way"] == "operator").collect();
    assert_eq!(
        by_operator
            .iter()
            .map(|act| (text(act, "kind"), act["account"].as_str().unwrap()))
            .collect::<Vec<_>>(),
        [
            ("account_added", "running"),
            ("link_made", "running"),
            ("account_added", "stopped"),
            ("account_removed", "running")
        ]
    );
    let verdict = chief.client.post("/api/record/verify", &json!({})).await;
    assert_eq!(verdict["ok"], json!(true), "{verdict}");
}
