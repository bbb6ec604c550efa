//! A national policy that two officers put in force holds in the running node, with both ways of deciding: at once
//! for new entries, and again for what waits.

use base::Timestamp;
use label::{POLICY_SCHEMA, PolicyDocument};
use node::{Config, Desk, Officer, Overrides, PolicyApproval, PolicySignature, RulesOnRecord};
use record::{NodeKey, ReadRecord};

use crate::support::{Side, allies, report};

/// Puts a policy in force at the stopped node `side`, signed by two officers.
fn put_in_force(side: &Side, version: u64, text: &str) {
    let config = Config::load(side.data(), &Overrides::default()).unwrap();
    let mut desk = Desk::open(&config).unwrap();
    let marking = desk.nobody();
    let document = PolicyDocument {
        name: "kor".to_owned(),
        version,
        author: "Kim".to_owned(),
        effective_from: Timestamp::UNIX_EPOCH,
        policy_schema: POLICY_SCHEMA.to_owned(),
        text: text.to_owned(),
        marking: marking.clone(),
    };
    let policy_sha256 = document.sha256().unwrap();
    let proposed = desk.sign(&document, None).unwrap();
    let proposal = desk.record(proposed).unwrap();
    for name in ["kim", "lee"] {
        let key = NodeKey::generate(name.parse().unwrap(), &mut rand_core::OsRng);
        let officer =
            Officer { name: key.name().clone(), key: key.public().to_hex(), marking: marking.clone() };
        let enrolled = desk.sign(&officer, None).unwrap();
        desk.record(enrolled).unwrap();
        let approval = PolicyApproval { proposal, policy_sha256, marking: marking.clone() };
        let signature = PolicySignature {
            proposal,
            officer: officer.name,
            approval: desk.sign_as(&approval, &key, None).unwrap().to_envelope(),
            marking: marking.clone(),
        };
        let signed = desk.sign(&signature, None).unwrap();
        desk.record(signed).unwrap();
    }
    drop(desk);
    let rules = RulesOnRecord::read(&ReadRecord::open(side.data()).unwrap()).unwrap();
    let applied = rules.may_apply(&proposal, marking).unwrap();
    let mut desk = Desk::open(&config).unwrap();
    let entry = desk.sign(&applied, None).unwrap();
    desk.record(entry).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_holds_in_the_running_node_and_holds_back_what_waits() {
    let (mut seoul, mut washington) = allies().await;
    let mut live = washington.officer().listen(None).await;
    let before = seoul.officer().report(&report("Before", &["USA"])).await;
    live.wait("entry", |event| event["id"] == before).await;
    washington.stop().await;
    let waits = seoul.officer().report(&report("EMBARGO-WAITS", &["USA"])).await;
    seoul.stop().await;
    put_in_force(
        &seoul,
        1,
        "permit(principal, action, resource) when { resource.noun != \"bongsu.finding/1\" };",
    );
    seoul.start().await;
    let after = seoul.officer().report(&report("EMBARGO-AFTER", &["USA"])).await;
    washington.start().await;
    seoul.delivered("washington").await;
    assert_eq!(washington.officer().ids("/api/findings").await, [before]);
    for id in [&waits, &after] {
        assert_eq!(washington.officer().status(&format!("/api/findings/{id}")).await, 404);
    }
    assert!(crate::support::files_with(washington.data(), "EMBARGO").is_empty());
    seoul.verify().await;

    // The next version lets new items go; what was withheld stays.
    seoul.stop().await;
    put_in_force(&seoul, 2, "permit(principal, action, resource);");
    seoul.start().await;
    let mut live = washington.officer().listen(None).await;
    let open = seoul.officer().report(&report("Open", &["USA"])).await;
    live.wait("entry", |event| event["id"] == open).await;
    assert_eq!(washington.officer().status(&format!("/api/findings/{after}")).await, 404);
}
