//! An HTTP client for a node on loopback that says exactly what is sent and shows exactly what comes back.

use std::collections::VecDeque;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Nothing in a test takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a node answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{}: {e}: {}", self.status, self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Whoever asks a node, with a session or without.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) authority: String,
    pub(crate) cookie: String,
}

impl Client {
    /// Somebody without a session.
    pub(crate) fn stranger(url: &str) -> Self {
        let authority = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        Self { authority: authority.to_owned(), cookie: String::new() }
    }

    /// Opens a one-time link as a browser does.
    pub(crate) async fn enter(link: &str) -> Result<Self, Answer> {
        let mut client = Self::stranger(link);
        let path = link.strip_prefix(&format!("http://{}", client.authority)).unwrap();
        let answer = client.raw(Method::GET, path, &[], Vec::new()).await.unwrap();
        if answer.status != 303 {
            return Err(answer);
        }
        client.cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Ok(client)
    }

    /// Sends only the headers that are given, and `Host` unless it is among them.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let answer = async {
            let response = self.open(method, path, headers, body).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, 64 << 20).collect().await.map_err(|e| e.to_string())?;
            Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes().into() })
        };
        tokio::time::timeout(PATIENCE, answer).await.map_err(|_| format!("{path}: no answer in time"))?
    }

    async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, String> {
        let text = |e: &dyn std::fmt::Display| format!("{path}: {e}");
        let stream = TcpStream::connect(&self.authority).await.map_err(|e| text(&e))?;
        let _ = stream.set_nodelay(true);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| text(&e))?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", &self.authority);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|e| text(&e))?;
        sender.send_request(request).await.map_err(|e| text(&e))
    }

    /// As the console does it.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Answer, String> {
        let headers =
            [("cookie", self.cookie.as_str()), ("x-bongsu", "1"), ("content-type", "application/json")];
        self.raw(method, path, &headers, body).await
    }

    /// Status and headers of an answer that has no end.
    pub(crate) async fn head_of(&self, method: Method, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("x-bongsu", "1")];
        let response = self.open(method, path, &headers, Vec::new()).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = if status == 200 {
            Vec::new()
        } else {
            response.into_body().collect().await.unwrap().to_bytes().into()
        };
        Answer { status, headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, Vec::new()).await.unwrap();
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        answer.json()
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.ask(Method::GET, path, Vec::new()).await.unwrap().status
    }

    /// Posts and gives what came back, whatever it is.
    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        self.ask(Method::POST, path, body.to_string().into_bytes()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.try_post(path, body).await.unwrap();
        assert!((200..300).contains(&answer.status), "POST {path}: {} {}", answer.status, answer.text());
        answer.json()
    }

    pub(crate) async fn upload(&self, title: &str, bytes: Vec<u8>) -> Answer {
        self.ask(Method::POST, &format!("/api/feeds/catalogue?title={title}"), bytes).await.unwrap()
    }

    /// Posts a report and gives its entry.
    pub(crate) async fn report(&self, report: &Value) -> String {
        text(&self.post("/api/reports", report).await, "entry").to_owned()
    }

    pub(crate) async fn recall(&self, id: &str) -> Value {
        self.post(&format!("/api/entries/{id}/recall"), &json!({"reason": "sent by mistake"})).await
    }

    /// All items of a list, page by page.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = "0".to_owned();
        loop {
            let page = self.get(&format!("{path}?limit=1000&cursor={cursor}")).await;
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return items,
            }
        }
    }

    /// The ids of all items of a list.
    pub(crate) async fn ids(&self, path: &str) -> Vec<String> {
        self.all(path).await.iter().map(|item| text(item, "id").to_owned()).collect()
    }

    /// The live stream; `after` is what a browser sends as `Last-Event-ID`.
    pub(crate) async fn listen(&self, after: Option<u64>) -> Live {
        let after = after.map(|id| id.to_string());
        let mut headers = vec![("cookie", self.cookie.as_str())];
        headers.extend(after.as_deref().map(|id| ("last-event-id", id)));
        let response = self.open(Method::GET, "/api/events", &headers, Vec::new()).await.unwrap();
        assert_eq!(response.status(), 200);
        Live { body: response.into_body(), text: String::new(), ready: VecDeque::new() }
    }
}

/// A string field of a document.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value}"))
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    pub(crate) id: Option<u64>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// An open event stream.
pub(crate) struct Live {
    body: Incoming,
    text: String,
    ready: VecDeque<Sent>,
}

impl Live {
    /// The next event; an error when the stream ends or nothing comes `within`.
    pub(crate) async fn next(&mut self, within: Duration) -> Result<Sent, String> {
        let search = async {
            loop {
                if let Some(event) = self.ready.pop_front() {
                    return Ok(event);
                }
                let frame = self.body.frame().await.ok_or("the stream ended")?.map_err(|e| e.to_string())?;
                if let Some(bytes) = frame.data_ref() {
                    self.text.push_str(&String::from_utf8_lossy(bytes));
                    self.parse();
                }
            }
        };
        tokio::time::timeout(within, search).await.map_err(|_| format!("no event in {within:?}"))?
    }

    /// The first event named `name` whose data `fits`.
    pub(crate) async fn wait(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Sent {
        let search = async {
            loop {
                let event = self.next(PATIENCE).await?;
                if event.name == name && fits(&event.data) {
                    return Ok::<_, String>(event);
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found
            .unwrap_or_else(|_| panic!("no `{name}` event in time"))
            .unwrap_or_else(|e| panic!("`{name}`: {e}"))
    }

    fn parse(&mut self) {
        while let Some(end) = self.text.find("\n\n") {
            let block: String = self.text.drain(..end + 2).collect();
            let field = |name: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(|value| value.trim_start().to_owned())
            };
            if let (Some(name), Some(data)) = (field("event:"), field("data:")) {
                let id = field("id:").map(|id| id.parse().unwrap());
                self.ready.push_back(Sent { id, name, data: serde_json::from_str(&data).unwrap() });
            }
        }
    }
}

/// A report as an officer posts it, for Korea and those in `rel_to`.
pub(crate) fn report(title: &str, rel_to: &[&str]) -> Value {
    json!({
        "title": title,
        "severity": 3,
        "confidence": "moderate",
        "marking": {"level": "RESTRICTED", "rel_to": rel_to, "caveats": [], "originator": "KOR"},
    })
}

/// All files below `folder` in which `needle` stands.
pub(crate) fn files_with(folder: &std::path::Path, needle: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = match std::fs::read(&path) {
                // Gone since the folder was listed, as a database's log when it is closed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                read => read.unwrap(),
            };
            if bytes.windows(needle.len()).any(|w| w == needle.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}
