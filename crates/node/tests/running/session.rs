//! Who gets in, and what is served to whom.

use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, SEOUL, Side, report};

/// Every operation of the OpenAPI document, with something in place of each parameter.
fn operations() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&node::openapi().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{id}", &"0".repeat(64))
            .replace("{name}", "washington")
            .replace("{kind}", "catalogue");
        assert!(!path.contains('{'), "give {path} a value for its parameter here");
        for method in operations.as_object().unwrap().keys() {
            found.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    found
}

/// The console's page and the files that it names.
async fn console_files(officer: &Client) -> Vec<String> {
    let page = officer.ask(Method::GET, "/", Vec::new()).await.unwrap().text();
    let named = page
        .split('"')
        .filter(|part| part.contains("assets/"))
        .map(|part| format!("/{}", part.trim_start_matches(['.', '/'])));
    let files: Vec<String> = ["/", "/index.html"].map(str::to_owned).into_iter().chain(named).collect();
    assert!(files.len() > 3, "{page}");
    files
}

async fn refused_without_session(client: &Client, console: &[String], headers: &[(&str, &str)]) {
    let mut asked: Vec<_> = operations();
    assert!(asked.len() >= 20, "{asked:?}");
    asked.extend(console.iter().map(|path| (Method::GET, path.clone())));
    for path in ["/metrics", "/api/openapi.json", "/api/nothing", "/nothing", "/enter/", "//", "/api"] {
        asked.push((Method::GET, path.to_owned()));
        asked.push((Method::HEAD, path.to_owned()));
        asked.push((Method::OPTIONS, path.to_owned()));
    }
    for (method, path) in asked {
        let answer = client.raw(method.clone(), &path, headers, Vec::new()).await.unwrap();
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        assert!(!answer.text().contains("<script"), "{method} {path} shows the console");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{method} {path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
        assert!(answer.header("content-security-policy").contains("default-src 'self'"), "{method} {path}");
        if path.starts_with("/api/") && method != Method::HEAD {
            assert_eq!(answer.json()["code"], "node::no_session", "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_served_without_a_session() {
    let side = Side::started(SEOUL).await;
    let stranger = Client::stranger(&side.url());
    let console = console_files(side.officer()).await;
    refused_without_session(&stranger, &console, &[]).await;
    refused_without_session(&stranger, &console, &[("cookie", "bongsu_seoul=0000"), ("x-bongsu", "1")]).await;
    // A session of another node of this machine is none here.
    let other = side.officer().cookie.replace("bongsu_seoul", "bongsu_tokyo");
    refused_without_session(&stranger, &console, &[("cookie", other.as_str())]).await;

    let health = stranger.raw(Method::GET, "/healthz", &[], Vec::new()).await.unwrap();
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    for path in ["/enter", "/enter?token=", "/enter?token=none", "/enter?token=../sessions.json"] {
        let answer = stranger.raw(Method::GET, path, &[], Vec::new()).await.unwrap();
        assert!([400, 401].contains(&answer.status), "{path}: {}", answer.status);
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }

    // The same paths answer to a session, so the refusals above say something.
    for path in console {
        assert_eq!(side.officer().status(&path).await, 200, "{path}");
    }
    for (method, path) in operations() {
        if method == Method::GET && path != "/api/events" {
            let status = side.officer().status(&path).await;
            // 400: a question without its words.
            assert!([200, 400, 404].contains(&status), "{path}: {status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_lets_one_in_once() {
    let side = Side::started(SEOUL).await;
    let link = side.entry_link();
    let first = Client::enter(&link).await.unwrap();
    assert_eq!(first.status("/api/session").await, 200);
    let second: Answer = Client::enter(&link).await.unwrap_err();
    assert_eq!(second.status, 401);
    assert_eq!(second.header("set-cookie"), "");

    let link = side.entry_link();
    let path = link.strip_prefix(&side.url()).unwrap();
    let stranger = Client::stranger(&side.url());
    let answer = stranger.raw(Method::GET, path, &[], Vec::new()).await.unwrap();
    let cookie = answer.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(attribute), "{cookie}");
    }

    // Many at once: one of them is in.
    for _ in 0..10 {
        let link = side.entry_link();
        let tries = (0..8).map(|_| {
            let link = link.clone();
            tokio::spawn(async move { Client::enter(&link).await.is_ok() })
        });
        let mut inside = 0;
        for each in tries.collect::<Vec<_>>() {
            inside += usize::from(each.await.unwrap());
        }
        assert_eq!(inside, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_good_for_fifteen_minutes() {
    let side = Side::started(SEOUL).await;
    let links = side.data().join("sessions/links");
    for (age_seconds, good) in [(14 * 60, true), (15 * 60 + 1, false)] {
        let link = side.entry_link();
        let file = std::fs::read_dir(&links).unwrap().next().unwrap().unwrap().path();
        let token = link.split("token=").nth(1).unwrap();
        let made: base::Timestamp = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        assert!(!file.to_str().unwrap().contains(token), "the folder holds the token itself");
        std::fs::write(&file, made.plus_seconds(-f64::from(age_seconds)).to_string()).unwrap();
        assert_eq!(Client::enter(&link).await.is_ok(), good, "{age_seconds} s");
        assert!(!file.exists(), "a used link is left behind");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_needs_the_header() {
    let side = Side::started(SEOUL).await;
    let officer = side.officer();
    let id = officer.report(&report("Stays", &[])).await;
    let size = side.log_size().await;
    let cookie = officer.cookie.as_str();
    let body = report("From another site", &["USA"]).to_string().into_bytes();
    let mut writes = operations();
    writes.retain(|(method, _)| *method != Method::GET);
    writes.push((Method::POST, format!("/api/entries/{id}/recall")));
    assert!(writes.len() >= 8, "{writes:?}");
    for headers in [vec![("cookie", cookie)], vec![("cookie", cookie), ("x-bongsu", "0")]] {
        for (method, path) in &writes {
            let headers = [headers.clone(), vec![("content-type", "application/json")]].concat();
            let answer = officer.raw(method.clone(), path, &headers, body.clone()).await.unwrap();
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
            assert_eq!(answer.json()["code"], "node::no_header", "{method} {path}");
        }
    }
    assert_eq!(side.log_size().await, size);
    assert_eq!(officer.status("/api/session").await, 200, "the session was ended without the header");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_name_is_not_answered() {
    let side = Side::started(SEOUL).await;
    let officer = side.officer();
    let port = officer.authority.rsplit(':').next().unwrap().to_owned();
    let cookie = officer.cookie.as_str();
    for (host, good) in [
        (format!("127.0.0.1:{port}"), true),
        (format!("localhost:{port}"), true),
        (format!("[::1]:{port}"), true),
        ("localhost".to_owned(), true),
        (format!("bongsu.example:{port}"), false),
        (format!("localhost.example:{port}"), false),
        (format!("127.0.0.1.example:{port}"), false),
        (format!("127.0.0.1@evil.example:{port}"), false),
        (String::new(), false),
    ] {
        for path in ["/healthz", "/api/session", "/"] {
            let headers = [("host", host.as_str()), ("cookie", cookie)];
            let answer = officer.raw(Method::GET, path, &headers, Vec::new()).await.unwrap();
            assert_eq!(answer.status, if good { 200 } else { 421 }, "{host} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_open_to_their_token() {
    let side = Side::started(SEOUL).await;
    let stranger = Client::stranger(&side.url());
    let token = std::fs::read_to_string(side.data().join("keys/metrics.token")).unwrap();
    let right = format!("Bearer {token}");
    let ask = |path: &'static str, value: String| {
        let stranger = stranger.clone();
        async move { stranger.raw(Method::GET, path, &[("authorization", &value)], Vec::new()).await.unwrap() }
    };
    let answer = ask("/metrics", right.clone()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(answer.text().contains("bongsu_log_size 2\n"), "{}", answer.text());
    assert!(answer.text().ends_with("# EOF\n"));
    for value in ["Bearer ".to_owned(), "Bearer 0".to_owned(), token.clone(), format!("Bearer {token}0")] {
        assert_eq!(ask("/metrics", value).await.status, 401);
    }
    // It opens nothing else.
    for path in ["/", "/api/session", "/api/overview", "/api/findings"] {
        assert_eq!(ask(path, right.clone()).await.status, 401, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_outlives_the_process_until_it_is_ended() {
    let mut side = Side::started(SEOUL).await;
    let officer = side.officer().clone();
    let token = officer.cookie.split('=').nth(1).unwrap().to_owned();
    side.restart().await;
    assert_eq!(officer.status("/api/session").await, 200);
    assert!(crate::support::files_with(side.data(), &token).is_empty(), "the session's token is on disk");

    let other = Client::enter(&side.entry_link()).await.unwrap();
    let ended = officer.try_post("/api/session/end", &json!({})).await.unwrap();
    assert_eq!(ended.status, 204);
    assert_eq!(officer.status("/api/session").await, 401);
    assert_eq!(other.status("/api/session").await, 200, "another's session was ended too");
    side.restart().await;
    assert_eq!(officer.status("/api/session").await, 401, "the ended session is back");
    assert_eq!(other.status("/api/session").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn officers_who_come_at_once_all_stay() {
    let mut side = Side::started(SEOUL).await;
    let mut inside = Vec::new();
    for _ in 0..5 {
        let links: Vec<String> = (0..8).map(|_| side.entry_link()).collect();
        let tries = links.into_iter().map(|link| tokio::spawn(async move { Client::enter(&link).await }));
        for each in tries.collect::<Vec<_>>() {
            inside.push(each.await.unwrap().unwrap_or_else(|answer| panic!("{}", answer.text())));
        }
    }
    side.restart().await;
    for client in &inside {
        assert_eq!(client.status("/api/session").await, 200, "a session was lost");
    }
}
