//! People at a node: accounts with passkeys, made as their owners make them.

use hyper::Method;
use serde_json::{Value, json};

use super::authenticator::Authenticator;
use super::{Answer, Client, Side, text};

/// Somebody with an account, a passkey and a session.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) passkey: Authenticator,
}

pub(crate) const ALL_ROLES: [&str; 5] =
    ["observer", "analyst", "release-officer", "key-holder", "administrator"];

/// The node's own name for browsers.
pub(crate) fn origin(side: &Side) -> String {
    side.url().replace("127.0.0.1", "localhost")
}

/// Opens the link of a new account and registers a passkey.
pub(crate) async fn enrol(link: &str, name: &str) -> Person {
    let mut client = Client::enter(link).await.unwrap_or_else(|answer| panic!("{}", answer.text()));
    let origin = link.split("/enter").next().unwrap();
    let mut passkey = Authenticator::new(origin);
    let begun = client.post("/api/account/passkeys/start", &json!({"title": "test key"})).await;
    let credential = passkey.register(&begun["options"]);
    let request = json!({"ceremony": begun["ceremony"], "credential": credential});
    let answer = client.try_post("/api/account/passkeys/finish", &request).await.unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
    client.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    Person { name: name.to_owned(), client, passkey }
}

/// `by` adds an account, and its person registers a passkey.
pub(crate) async fn add(by: &Client, name: &str, roles: &[&str]) -> Person {
    let added = by.post("/api/accounts", &json!({"name": name, "roles": roles})).await;
    enrol(text(&added, "enter"), name).await
}

/// The first administrator, who has all roles: the first door is closed by it.
pub(crate) async fn chief(side: &Side) -> Person {
    add(side.officer(), "chief", &ALL_ROLES).await
}

/// Tries to log in with a passkey; the answer is changed by `wrong` before it is sent.
pub(crate) async fn try_log_in(
    side: &Side,
    passkey: &mut Authenticator,
    wrong: impl FnOnce(&mut Value),
) -> Result<Client, Answer> {
    let mut client = Client::stranger(&side.url());
    let headers = [("x-bongsu", "1"), ("content-type", "application/json")];
    let begun = client.raw(Method::POST, "/login/passkey/start", &headers, b"{}".to_vec()).await.unwrap();
    if begun.status != 200 {
        return Err(begun);
    }
    let begun = begun.json();
    let mut request = json!({"ceremony": begun["ceremony"], "credential": passkey.assert(&begun["options"])});
    wrong(&mut request);
    let body = request.to_string().into_bytes();
    let answer = client.raw(Method::POST, "/login/passkey/finish", &headers, body).await.unwrap();
    if answer.status != 204 {
        return Err(answer);
    }
    client.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    Ok(client)
}

impl Person {
    /// Approves an act as its request describes it, and gives what goes with the request for the act.
    pub(crate) async fn approve(&mut self, act: &Value) -> (Value, Value) {
        let begun = self.client.post("/api/approvals", act).await;
        let credential = self.passkey.assert(&begun["options"]);
        (json!({"ceremony": begun["ceremony"], "credential": credential}), begun)
    }
}
