//! `link`: cards between stopped nodes.

use serde_json::json;

use crate::support::{Seoul, bongsu_in, washington};

#[test]
fn a_card_makes_a_peer_at_the_other_end() {
    let (a, b) = (Seoul::found().close(), Seoul::found().close());
    let offer =
        bongsu_in(a.path(), &["link", "offer", "--data", "seoul", "--link-address", "seoul.example:8421"])
            .exits(0)
            .json();
    assert_eq!(offer["schema"], "bongsu.card/1");
    assert_eq!((&offer["node"], &offer["country"]), (&json!("seoul"), &json!("KOR")));
    assert_eq!((&offer["title"], &offer["address"]), (&json!("Seoul watch"), &json!("seoul.example:8421")));

    // Another node of the same country and another name takes it.
    let mut card = offer.clone();
    card["node"] = json!("busan");
    std::fs::write(b.path().join("busan.card.json"), card.to_string()).unwrap();
    let accept = ["link", "accept", "busan.card.json", "--data", "seoul", "--clearance"];
    let accepted = bongsu_in(b.path(), &[&accept[..], &["SECRET"]].concat()).exits(0).json();
    assert_eq!((&accepted["node"], &accepted["clearance"]), (&json!("busan"), &json!("SECRET")));
    assert_eq!(accepted["key"], offer["key"]);

    let status = bongsu_in(b.path(), &["link", "status", "--data", "seoul"]).exits(0).items();
    assert_eq!(status.len(), 1);
    assert_eq!(
        (&status[0]["name"], &status[0]["log_size"], &status[0]["received"]),
        (&json!("busan"), &json!(0), &json!(0))
    );
    let verdict = bongsu_in(b.path(), &["record", "verify", "seoul"]).exits(0).json();
    assert_eq!((&verdict["ok"], &verdict["entries"]), (&json!(true), &json!(2)));
}

#[test]
fn cards_that_cannot_be_are_refused() {
    let node = Seoul::found().close();
    let path = node.path().join("card.json");
    let take = |card: &str, clearance: &str| {
        std::fs::write(&path, card).unwrap();
        bongsu_in(node.path(), &["link", "accept", "card.json", "--data", "seoul", "--clearance", clearance])
            .exits(2)
    };
    let own = bongsu_in(node.path(), &["link", "offer", "--data", "seoul"]).exits(0).out;
    assert!(take(&own, "SECRET").err.contains("own peer"));
    let busan = own.replace("\"node\":\"seoul\"", "\"node\":\"busan\"");
    assert!(take(&busan, "HUSH").err.contains("clearance"));
    assert!(take(&busan.replace("KOR", "XXX"), "SECRET").err.contains("card.country"));
    assert!(take(&busan.replace("bongsu.card/1", "bongsu.card/9"), "SECRET").err.contains("card.schema"));
    assert!(take("{}", "SECRET").err.contains("card.json"));
    assert!(take("", "SECRET").err.contains("card.json"));
    let ran = bongsu_in(node.path(), &["link", "status", "--data", "seoul"]).exits(0);
    assert_eq!(ran.out, "");
}

#[test]
fn what_went_to_a_peer_is_counted() {
    let mut seoul = Seoul::found();
    let id = seoul.add(&washington());
    seoul.share("washington", id);
    let folder = seoul.close();
    let status = bongsu_in(folder.path(), &["link", "status", "--data", "seoul"]).exits(0).items();
    assert_eq!((&status[0]["name"], &status[0]["log_size"]), (&json!("washington"), &json!(1)));
    let stats = bongsu_in(folder.path(), &["record", "stats", "--store", "seoul"]).exits(0).json();
    assert_eq!(stats["lanes"], json!({"to washington (routine)": 1}));
}

#[test]
fn another_nodes_name_is_not_taken_for_granted() {
    let folder = Seoul::found().close();
    let ran = bongsu_in(folder.path(), &["link", "offer", "--data", "seoul", "--name", "tokyo"]).exits(2);
    assert!(ran.err.contains("seoul") && ran.err.contains("tokyo"), "{ran:?}");
    bongsu_in(folder.path(), &["link", "offer", "--data", "elsewhere"]).exits(2);
}
