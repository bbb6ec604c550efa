//! Who may do what, on every route, with every sort of object: as the table says, and nothing else is changed.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value, json};

use crate::support::person::{ALL_ROLES, add, chief};
use crate::support::{Client, PATIENCE, SEOUL, Side, allies, report, text};

/// Every operation of the OpenAPI document.
fn documented() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&node::openapi().unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, operations)| {
        operations.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
    });
    each.collect()
}

/// Routes of the table that are not in the document: pages, the way in, and what programs other than the console ask.
const UNDOCUMENTED: [(&str, &str); 10] = [
    ("GET", "/healthz"),
    ("GET", "/enter"),
    ("GET", "/login"),
    ("GET", "/login/ways"),
    ("POST", "/login/passkey/start"),
    ("POST", "/login/passkey/finish"),
    ("GET", "/login/oidc"),
    ("GET", "/login/oidc/callback"),
    ("GET", "/api/openapi.json"),
    ("GET", "/metrics"),
];

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let mut routes = documented();
    routes.extend(UNDOCUMENTED.map(|(method, path)| (method.to_owned(), path.to_owned())));
    routes.sort();
    let mut rows: Vec<(String, String)> = node::access_table()
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    rows.sort();
    assert_eq!(routes, rows);
}

#[test]
fn the_reference_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/roles.md");
    if std::env::var_os("BONGSU_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, node::roles_reference()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap();
    assert_eq!(page, node::roles_reference(), "run this test once with BONGSU_WRITE_REFERENCE=1");
}

/// A body with which the route would do something, if it has one. `None`: the route takes none.
fn body(path: &str, id: &str) -> Option<Value> {
    let card = json!({
        "schema": "bongsu.card/1", "node": "tokyo", "title": "Tokyo", "country": "JPN", "key": "00".repeat(32),
        "certificate": "00".repeat(32), "address": "127.0.0.1:1",
    });
    match path {
        "/api/session/end"
        | "/api/session/move"
        | "/api/accounts/{name}/remove"
        | "/api/accounts/{name}/link"
        | "/api/account/passkeys/{id}/remove"
        | "/api/entries/{id}/verify"
        | "/api/record/verify"
        | "/api/policy/{id}/apply"
        | "/api/feeds/{kind}"
        | "/api/link/file"
        | "/api/link/receipts" => None,
        "/api/account/passkeys/start" => Some(json!({"title": "another"})),
        "/api/account/passkeys/finish" => Some(json!({"ceremony": "none", "credential": {
            "id": "AA", "rawId": "AA", "type": "public-key", "extensions": {},
            "response": {"attestationObject": "AA", "clientDataJSON": "AA"},
        }})),
        "/api/accounts" => Some(json!({"name": "mallory", "roles": ["administrator"]})),
        "/api/accounts/{name}/roles" => Some(json!({"roles": []})),
        "/api/accounts/{name}/clearance" => Some(json!({"clearance": {"level": "SECRET"}})),
        "/api/policy" => Some(json!({"name": "kor", "text": "permit(principal, action, resource);"})),
        "/api/policy/dry-run" => Some(json!({"text": "permit(principal, action, resource);"})),
        "/api/policy/{id}/sign" => Some(json!({"sha256": "00".repeat(32)})),
        "/api/tables" => Some(json!({"table": {"schema": "bongsu.code-table/1"}})),
        "/api/approvals" => Some(json!({"act": "recall", "entry": id, "reason": "by mistake"})),
        "/api/entries/{id}/recall" => Some(json!({"reason": "by mistake"})),
        "/api/entries/{id}/request-release" => {
            Some(json!({"audience": "washington", "reason": "they hold the dish"}))
        }
        "/api/release-requests/{id}/answer" => Some(json!({"granted": true})),
        "/api/peers/{name}/file" => Some(json!({"from": {}})),
        "/api/reports" => Some(report("Reported", &[])),
        "/api/jobs/screen" => Some(json!({"hours": 1.0})),
        "/api/peers" => Some(json!({"card": card, "clearance": "SECRET"})),
        other => panic!("give POST {other} a body here"),
    }
}

/// What a refused request must not change.
async fn state(chief: &Client) -> Value {
    let size = chief.get("/api/overview").await["log"]["size"].clone();
    let accounts = chief.all("/api/accounts").await;
    let jobs = chief.all("/api/jobs").await.len();
    json!({"size": size, "accounts": accounts, "peers": chief.all("/api/peers").await.len(), "jobs": jobs})
}

/// A node with an ally and with one object of each sort.
struct World {
    side: Side,
    _ally: Side,
    chief: Client,
    /// By what they are: `finding`, `incident`, `act`, `allied` (another owner's), `absent`.
    ids: BTreeMap<&'static str, String>,
}

async fn world() -> World {
    let (side, ally) = allies().await;
    let chief = chief(&side).await.client;
    let finding = chief.report(&report("Own", &["USA"])).await;
    let allied = ally.officer().report(&report_of("Allied", "USA", &["KOR"])).await;
    let arrived = async {
        while chief.status(&format!("/api/findings/{allied}")).await != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap();
    let incident = chief.ids("/api/incidents").await.remove(0);
    let act = text(&chief.all("/api/acts").await[0], "entry").to_owned();
    let ids = BTreeMap::from([
        ("absent", "0".repeat(64)),
        ("act", act),
        ("allied", allied),
        ("finding", finding),
        ("incident", incident),
    ]);
    World { side, _ally: ally, chief, ids }
}

fn report_of(title: &str, country: &str, rel_to: &[&str]) -> Value {
    let mut report = report(title, rel_to);
    report["marking"]["originator"] = json!(country);
    report
}

async fn ask(client: &Client, method: &str, path: &str, body: Option<&Value>) -> crate::support::Answer {
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    if path == "/api/events" {
        // A stream has no end: its head is the answer.
        return client.head_of(method.parse().unwrap(), path).await;
    }
    client.ask(method.parse::<Method>().unwrap(), path, bytes).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_what_the_table_says() {
    let World { side, _ally, chief, ids } = world().await;
    let table: BTreeMap<(String, String), Vec<&str>> = node::access_table()
        .into_iter()
        .map(|(method, path, who)| ((method.to_owned(), path.to_owned()), who))
        .collect();
    let stranger = Client::stranger(&side.url());
    let mut callers: Vec<(&str, Client)> = vec![("", stranger)];
    for role in ALL_ROLES {
        callers.push((role, add(&chief, role, &[role]).await.client));
    }
    let nothing = add(&chief, "nothing", &[]).await;
    callers.push(("nothing", nothing.client));

    let mut asked = 0;
    for (method, route) in documented() {
        // They would end what the next row needs; `people` tests them.
        if ["/api/session/end", "/api/session/move"].contains(&route.as_str()) {
            continue;
        }
        let who = &table[&(method.clone(), route.clone())];
        for (role, client) in &callers {
            let inside = !role.is_empty();
            let allowed = inside && (who.contains(&"inside") || who.contains(role));
            let objects: Vec<&str> =
                if route.contains("{id}") { ids.keys().copied().collect() } else { vec!["none"] };
            for object in objects {
                let id = ids.get(object).map_or("", String::as_str);
                // What is allowed on accounts is tried on one that is not there: the others are needed.
                let name = if route.contains("/peers/") {
                    "washington"
                } else if allowed {
                    "absent"
                } else {
                    "observer"
                };
                let path = route.replace("{id}", id).replace("{name}", name).replace("{kind}", "catalogue");
                let body = (method == "POST").then(|| body(&route, id)).flatten();
                let before = state(&chief).await;
                let answer = ask(client, &method, &path, body.as_ref()).await;
                let case =
                    format!("{method} {path} ({object}) as {role:?}: {} {}", answer.status, answer.text());
                asked += 1;
                if !inside {
                    assert_eq!(answer.status, 401, "{case}");
                } else if !allowed {
                    assert_eq!(answer.status, 403, "{case}");
                    assert_eq!(answer.json()["code"], json!("node::not_your_role"), "{case}");
                } else {
                    assert!(
                        ![401, 403, 405, 500].contains(&answer.status) || may_fail(&route, &answer),
                        "{case}"
                    );
                    check_object(&route, object, role, answer.status, &case);
                    continue;
                }
                assert_eq!(state(&chief).await, before, "{case} changed something");
            }
        }
    }
    assert!(asked > 300, "{asked}");
}

/// A wrong proof is refused whatever the role.
fn may_fail(route: &str, answer: &crate::support::Answer) -> bool {
    route == "/api/account/passkeys/finish" && answer.status == 400
}

/// An object of another sort, of another owner, or none at all, answers as if it were not there or not so.
fn check_object(route: &str, object: &str, role: &str, status: u16, case: &str) {
    let expected: &[u16] = match (route, object) {
        ("/api/entries/{id}" | "/api/entries/{id}/verify", "act") if role != "key-holder" => &[404],
        ("/api/entries/{id}" | "/api/entries/{id}/verify", "absent") => &[404],
        ("/api/entries/{id}" | "/api/entries/{id}/verify", _) => &[200],
        ("/api/findings/{id}", "finding" | "allied") => &[200],
        ("/api/incidents/{id}", "incident") => &[200],
        ("/api/findings/{id}" | "/api/incidents/{id}", _) => &[404],
        // Own and of a kind that can be recalled: only the approval is missing.
        ("/api/entries/{id}/recall", "finding" | "incident") => &[428],
        ("/api/entries/{id}/recall", "allied") => &[409],
        ("/api/entries/{id}/recall", _) => &[404],
        ("/api/account/passkeys/{id}/remove", _) => &[404],
        (
            "/api/accounts/{name}/roles"
            | "/api/accounts/{name}/clearance"
            | "/api/accounts/{name}/remove"
            | "/api/accounts/{name}/link",
            _,
        ) => &[404],
        // None of these entries holds a policy.
        ("/api/policy/{id}/sign" | "/api/policy/{id}/apply", _) => &[404],
        ("/api/policy/dry-run", _) => &[200],
        ("/api/peers", "none") => &[200, 428, 400],
        _ => return,
    };
    assert!(expected.contains(&status), "{case}: expected {expected:?}");
}

/// Fields that nobody asked for change nothing: the whole request is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_fields_are_refused() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await.client;
    let id = chief.report(&report("Own", &[])).await;
    let extras = [
        ("roles", json!(["administrator"])),
        ("owner", json!("USA")),
        ("by", json!("kim")),
        ("entered", json!(true)),
        ("id", json!("0")),
        ("__proto__", json!({})),
    ];
    let mut tried = 0;
    for (method, route) in documented().into_iter().filter(|(method, _)| method == "POST") {
        let Some(body) = body(&route, &id) else { continue };
        for (field, value) in &extras {
            if body.get(*field).is_some() {
                continue;
            }
            let mut body = body.clone();
            body[*field] = value.clone();
            let path = route.replace("{id}", &id).replace("{name}", "chief");
            let before = state(&chief).await;
            let answer = ask(&chief, &method, &path, Some(&body)).await;
            assert!([400, 422].contains(&answer.status), "{method} {path} {field}: {}", answer.status);
            assert_eq!(state(&chief).await, before, "{method} {path} {field} changed something");
            tried += 1;
        }
    }
    assert!(tried >= 40, "{tried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_without_a_row_are_refused() {
    let side = Side::started(SEOUL).await;
    for (_, route) in documented() {
        let path =
            route.replace("{id}", &"0".repeat(64)).replace("{name}", "kim").replace("{kind}", "catalogue");
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST", "GET"] {
            if documented().contains(&(method.to_owned(), route.clone())) {
                continue;
            }
            let answer = ask(side.officer(), method, &path, None).await;
            assert_eq!(answer.status, 405, "{method} {path}");
        }
    }
}
