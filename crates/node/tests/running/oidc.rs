//! Log-in by an identity provider that runs here on loopback: a real one, with keys, codes, PKCE and userinfo.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as B64, Engine as _};
use hyper::Method;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::person::{chief, origin};
use crate::support::{Answer, Client, SEOUL, Side, text};

/// What a test may make wrong in the next id token.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    Issuer,
    Audience,
    Expired,
    Nonce,
    Signature,
    NoSignature,
    SharedSecret,
    OtherKey,
    AccessToken,
    NoIdToken,
}

struct Provider {
    issuer: String,
    key: KeyPair,
    secret: String,
    subject: Mutex<String>,
    wrong: Mutex<Wrong>,
    /// Code -> (PKCE challenge, nonce, redirect).
    codes: Mutex<BTreeMap<String, (String, String, String)>>,
    /// Access tokens that are still good.
    good: Mutex<Vec<String>>,
    count: Mutex<u32>,
}

type Shared = State<Arc<Provider>>;

impl Provider {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Arc::new(Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
            secret: "a secret of the node at the provider".to_owned(),
            subject: Mutex::new("248289761001".to_owned()),
            wrong: Mutex::new(Wrong::Nothing),
            codes: Mutex::default(),
            good: Mutex::default(),
            count: Mutex::new(0),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(Arc::clone(&provider));
        let server = hyper_util::service::TowerToHyperService::new(router);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = server.clone();
                tokio::spawn(async move {
                    let io = hyper_util::rt::TokioIo::new(stream);
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, server).await;
                });
            }
        });
        provider
    }

    fn next(&self, what: &str) -> String {
        let mut count = self.count.lock().unwrap();
        *count += 1;
        format!("{what}-{count}")
    }

    fn id_token(&self, nonce: &str, access: &str) -> String {
        let wrong = *self.wrong.lock().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let half = |text: &str| B64.encode(&Sha256::digest(text)[..16]);
        let claims = json!({
            "iss": if wrong == Wrong::Issuer { "http://127.0.0.1:1" } else { &self.issuer },
            "aud": if wrong == Wrong::Audience { "another-node" } else { "bongsu-seoul" },
            "sub": *self.subject.lock().unwrap(),
            "nonce": if wrong == Wrong::Nonce { "another" } else { nonce },
            "iat": now - 60,
            "exp": if wrong == Wrong::Expired { now - 30 } else { now + 300 },
            "at_hash": half(if wrong == Wrong::AccessToken { "another" } else { access }),
        });
        let algorithm = match wrong {
            Wrong::NoSignature => "none",
            Wrong::SharedSecret => "HS256",
            _ => "ES256",
        };
        let head = json!({"alg": algorithm, "kid": "one"});
        let signed = format!("{}.{}", B64.encode(head.to_string()), B64.encode(claims.to_string()));
        let other = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let signature = match wrong {
            Wrong::NoSignature => Vec::new(),
            Wrong::SharedSecret => hmac_sha256(self.secret.as_bytes(), signed.as_bytes()),
            Wrong::OtherKey => fixed(&other.sign(signed.as_bytes()).unwrap()),
            Wrong::Signature => fixed(&self.key.sign(b"something else").unwrap()),
            _ => fixed(&self.key.sign(signed.as_bytes()).unwrap()),
        };
        format!("{signed}.{}", B64.encode(signature))
    }
}

/// RFC 2104, to write the token of somebody who knows the shared secret.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |byte: u8| block.map(|b| b ^ byte);
    let inner = Sha256::digest([&pad(0x36)[..], message].concat());
    Sha256::digest([&pad(0x5c)[..], &inner].concat()).to_vec()
}

/// An ECDSA signature in DER as the two numbers of 32 bytes that a JWS holds (RFC 7518, section 3.4).
fn fixed(der: &[u8]) -> Vec<u8> {
    let mut numbers = Vec::new();
    let mut rest = &der[2..];
    for _ in 0..2 {
        let length = usize::from(rest[1]);
        let number = &rest[2..2 + length];
        let number = &number[number.len().saturating_sub(32)..];
        numbers.extend(vec![0; 32 - number.len()]);
        numbers.extend(number);
        rest = &rest[2 + length..];
    }
    numbers
}

async fn discovery(State(provider): Shared) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"), "jwks_uri": at("/keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    }))
}

async fn keys(State(provider): Shared) -> Json<Value> {
    let point = provider.key.der_bytes();
    let (x, y) = (B64.encode(&point[1..33]), B64.encode(&point[33..65]));
    Json(json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "one", "x": x, "y": y}]}))
}

async fn authorize(State(provider): Shared, Query(query): Query<BTreeMap<String, String>>) -> Response {
    assert_eq!(query["client_id"], "bongsu-seoul");
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["code_challenge_method"], "S256");
    assert!(query["scope"].split(' ').any(|scope| scope == "openid"));
    let code = provider.next("code");
    let begun = (query["code_challenge"].clone(), query["nonce"].clone(), query["redirect_uri"].clone());
    provider.codes.lock().unwrap().insert(code.clone(), begun);
    Redirect::to(&format!("{}?code={code}&state={}", query["redirect_uri"], query["state"])).into_response()
}

async fn token(State(provider): Shared, headers: HeaderMap, body: String) -> Response {
    let form: BTreeMap<String, String> =
        openidconnect::url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let refused = |why: &str| {
        (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant", "error_description": why})))
    };
    if !headers.get(header::AUTHORIZATION).unwrap().to_str().unwrap().starts_with("Basic ") {
        return refused("who are you").into_response();
    }
    let begun = provider.codes.lock().unwrap().remove(form.get("code").map_or("", String::as_str));
    let Some((challenge, nonce, redirect)) = begun else { return refused("no such code").into_response() };
    let verifier = form.get("code_verifier").map_or("", String::as_str);
    if B64.encode(Sha256::digest(verifier)) != challenge || form.get("redirect_uri") != Some(&redirect) {
        return refused("not who began").into_response();
    }
    let access = provider.next("access");
    provider.good.lock().unwrap().push(access.clone());
    let mut answer = json!({"access_token": access, "token_type": "Bearer", "expires_in": 300});
    if *provider.wrong.lock().unwrap() != Wrong::NoIdToken {
        answer["id_token"] = json!(provider.id_token(&nonce, &access));
    }
    Json(answer).into_response()
}

async fn userinfo(State(provider): Shared, headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).unwrap().to_str().unwrap();
    let good = provider.good.lock().unwrap().iter().any(|token| format!("Bearer {token}") == bearer);
    if !good {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(json!({"sub": *provider.subject.lock().unwrap()})).into_response()
}

/// A node that knows the provider, with an account for the provider's person.
async fn node_with(provider: &Provider) -> (Side, Client) {
    let settings = format!(
        "{SEOUL}[oidc]\nissuer = \"{}\"\nclient_id = \"bongsu-seoul\"\nclient_secret_file = \"oidc.secret\"\n",
        provider.issuer
    );
    let mut side = Side::new(&settings);
    let secret = side.data().join("oidc.secret");
    std::fs::write(&secret, format!("{}\n", provider.secret)).unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o644)).unwrap();
    let refused = side.try_start().await.unwrap_err().to_string();
    assert!(refused.contains("chmod 600"), "{refused}");
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    side.start().await;
    let chief = chief(&side).await.client;
    let account = json!({"name": "kim", "roles": ["analyst"], "oidc_subject": "248289761001"});
    chief.post("/api/accounts", &account).await;
    (side, chief)
}

/// What a browser does: to the provider and back.
struct Browser {
    client: Client,
    away: String,
    back: String,
}

impl Browser {
    async fn away(side: &Side) -> Self {
        let client = Client::stranger(&side.url());
        let answer = client.raw(Method::GET, "/login/oidc", &[], Vec::new()).await.unwrap();
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = answer.header("set-cookie").to_owned();
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/login/oidc"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        let url = answer.header("location").to_owned();
        let provider = Client::stranger(&url);
        let path = url.split_once(&provider.authority).unwrap().1.to_owned();
        let answer = provider.raw(Method::GET, &path, &[], Vec::new()).await.unwrap();
        let back = answer.header("location").to_owned();
        let back = back.strip_prefix(&origin(side)).unwrap().to_owned();
        Self { client, away: cookie.split(';').next().unwrap().to_owned(), back }
    }

    async fn come_back(&self, cookie: &str, path: &str) -> Answer {
        self.client.raw(Method::GET, path, &[("cookie", cookie)], Vec::new()).await.unwrap()
    }

    async fn let_in(&self) -> Option<Client> {
        let answer = self.come_back(&self.away, &self.back).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let session = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        let session =
            session.map(|value| value.split(';').next().unwrap()).find(|v| v.starts_with("bongsu_seoul="));
        let location = answer.header("location");
        assert_eq!(location, if session.is_some() { "/" } else { "/login#refused" });
        let mut client = self.client.clone();
        client.cookie = session?.to_owned();
        Some(client)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_lets_in_whom_an_account_names() {
    let provider = Provider::start().await;
    let (side, chief) = node_with(&provider).await;
    let client = Browser::away(&side).await.let_in().await.unwrap();
    let session = client.get("/api/session").await;
    assert_eq!((text(&session, "account"), text(&session, "way")), ("kim", "oidc"));
    assert_eq!(client.status("/api/overview").await, 200);
    // The organisation can end this account; a passkey would stay.
    let passkey = client.try_post("/api/account/passkeys/start", &json!({"title": "own"})).await.unwrap();
    assert_eq!(passkey.status, 409);

    // A person whom no account names.
    "another".clone_into(&mut provider.subject.lock().unwrap());
    assert!(Browser::away(&side).await.let_in().await.is_none());
    "248289761001".clone_into(&mut provider.subject.lock().unwrap());

    // An answer that another browser began, that is used twice, or that nobody began.
    let browser = Browser::away(&side).await;
    let other = Browser::away(&side).await;
    for (cookie, path) in [
        (other.away.as_str(), browser.back.as_str()),
        ("", other.back.as_str()),
        (browser.away.as_str(), "/login/oidc/callback"),
        (browser.away.as_str(), "/login/oidc/callback?code=code-1&state=none"),
        (browser.away.as_str(), "/login/oidc/callback?error=access_denied&state=none"),
    ] {
        let answer = browser.come_back(cookie, path).await;
        assert_eq!(answer.header("location"), "/login#refused", "{path}");
    }
    let browser = Browser::away(&side).await;
    browser.let_in().await.unwrap();
    assert!(browser.let_in().await.is_none(), "an answer was taken twice");
    let acts = chief.all("/api/acts").await;
    assert!(acts.iter().any(|act| act["kind"] == "log_in" && act["by"] == "kim" && act["way"] == "oidc"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_id_token_lets_nobody_in() {
    let provider = Provider::start().await;
    let (side, _) = node_with(&provider).await;
    for wrong in [
        Wrong::Issuer,
        Wrong::Audience,
        Wrong::Expired,
        Wrong::Nonce,
        Wrong::Signature,
        Wrong::NoSignature,
        Wrong::SharedSecret,
    ] {
        *provider.wrong.lock().unwrap() = wrong;
        assert!(Browser::away(&side).await.let_in().await.is_none(), "{wrong:?}");
    }
    *provider.wrong.lock().unwrap() = Wrong::Nothing;
    assert!(Browser::away(&side).await.let_in().await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_or_token_lets_nobody_in() {
    let provider = Provider::start().await;
    let (side, _) = node_with(&provider).await;
    for wrong in [Wrong::OtherKey, Wrong::AccessToken, Wrong::NoIdToken] {
        *provider.wrong.lock().unwrap() = wrong;
        assert!(Browser::away(&side).await.let_in().await.is_none(), "{wrong:?}");
    }
    *provider.wrong.lock().unwrap() = Wrong::Nothing;
    assert!(Browser::away(&side).await.let_in().await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_when_the_provider_lets_the_person_go() {
    let provider = Provider::start().await;
    let (side, chief) = node_with(&provider).await;
    let client = Browser::away(&side).await.let_in().await.unwrap();
    let mut live = client.listen(None).await;
    provider.good.lock().unwrap().clear();
    let begun = std::time::Instant::now();
    let over = async {
        while client.status("/api/session").await == 200 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        while live.next(crate::support::PATIENCE).await.is_ok() {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), over).await.unwrap();
    assert!(begun.elapsed().as_secs() < 60);
    // Removal here ends it at once.
    let client = Browser::away(&side).await.let_in().await.unwrap();
    chief.post("/api/accounts/kim/remove", &json!({})).await;
    assert_eq!(client.status("/api/session").await, 401);
}

/// For who comes by the provider the provider vouches: such a person signs without a passkey, and once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persons_of_the_provider_sign_a_policy() {
    let provider = Provider::start().await;
    let (side, chief) = node_with(&provider).await;
    chief.post("/api/accounts/kim/roles", &json!({"roles": ["release-officer"]})).await;
    let lee = json!({"name": "lee", "roles": ["release-officer"], "oidc_subject": "another"});
    chief.post("/api/accounts", &lee).await;
    let kim = Browser::away(&side).await.let_in().await.unwrap();
    let draft = json!({"name": "kor", "text": "permit(principal, action, resource);"});
    let policy = kim.post("/api/policy", &draft).await;
    let path = |step: &str| format!("/api/policy/{}/{step}", text(&policy, "entry"));
    let signature = json!({"sha256": policy["sha256"]});
    let wrong = json!({"sha256": "ab".repeat(32)});
    assert_eq!(kim.try_post(&path("sign"), &wrong).await.unwrap().status, 409);
    let signed = kim.post(&path("sign"), &signature).await;
    assert_eq!(signed["signed_by"], json!(["kim"]));
    let again = kim.try_post(&path("sign"), &signature).await.unwrap();
    assert!(again.status == 409 && again.text().contains("has signed this already"), "{}", again.text());
    assert_eq!(kim.try_post(&path("apply"), &json!({})).await.unwrap().status, 409);

    "another".clone_into(&mut provider.subject.lock().unwrap());
    let lee = Browser::away(&side).await.let_in().await.unwrap();
    assert_eq!(lee.post(&path("sign"), &signature).await["signed_by"], json!(["kim", "lee"]));
    assert_eq!(lee.post(&path("apply"), &json!({})).await["in_force"], json!(true));
    // Who signed and how is in the record, and counts when it is read again.
    let entry = chief.get(&format!("/api/entries/{}", text(&signed, "step"))).await;
    let body = ["account", "way", "passkey"].map(|field| entry["body"][field].clone());
    assert_eq!(body, [json!("kim"), json!("oidc"), json!(null)], "{entry}");
}
