//! A small HTTP client for a node on loopback: JSON requests, raw bodies, and the live stream.

use std::collections::VecDeque;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(120);
const MAX_BYTES: usize = 64 << 20;

/// A session at one node.
pub(crate) struct Client {
    authority: String,
    cookie: String,
}

impl Client {
    /// Uses a one-time link as a browser does.
    pub(crate) async fn enter(link: &str) -> Result<Self, String> {
        let rest = link.strip_prefix("http://").ok_or("the link is not http")?;
        let (authority, path) = rest.split_once('/').ok_or("the link has no path")?;
        let mut client = Self { authority: authority.to_owned(), cookie: String::new() };
        let response = client.send(Method::GET, &format!("/{path}"), None, "").await?;
        let cookie = response.headers().get("set-cookie").and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|value| value.split(';').next());
        client.cookie =
            cookie.ok_or_else(|| format!("the link was not accepted: {}", response.status()))?.to_owned();
        Ok(client)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, String> {
        self.json(Method::GET, path, None, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.json(Method::POST, path, Some(body.to_string().into_bytes()), "application/json").await
    }

    pub(crate) async fn upload(&self, path: &str, bytes: &[u8]) -> Result<Value, String> {
        self.json(Method::POST, path, Some(bytes.to_vec()), "application/octet-stream").await
    }

    /// Status and text of a page.
    pub(crate) async fn page(&self, path: &str) -> Result<(u16, String), String> {
        let response = self.send(Method::GET, path, None, "").await?;
        let status = response.status().as_u16();
        Ok((status, String::from_utf8_lossy(&body(response).await?).into_owned()))
    }

    /// All items of a list, page by page.
    pub(crate) async fn all(&self, path: &str) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        let mut cursor = "0".to_owned();
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{mark}limit=1000&cursor={cursor}")).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return Ok(items),
            }
        }
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        body_bytes: Option<Vec<u8>>,
        kind: &str,
    ) -> Result<Value, String> {
        let response = self.send(method, path, body_bytes, kind).await?;
        let status = response.status();
        let bytes = body(response).await?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| format!("{path}: {status}: {e}"))?;
        if status.is_success() {
            return Ok(value);
        }
        Err(format!("{path}: {status}: {}", value["message"].as_str().unwrap_or("no message")))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        kind: &str,
    ) -> Result<Response<Incoming>, String> {
        let text = |e: &dyn std::fmt::Display| format!("{path}: {e}");
        let stream = TcpStream::connect(&self.authority).await.map_err(|e| text(&e))?;
        let _ = stream.set_nodelay(true);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| text(&e))?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", &self.authority);
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie).header("x-bongsu", "1");
        }
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default()))).map_err(|e| text(&e))?;
        tokio::time::timeout(PATIENCE, sender.send_request(request))
            .await
            .map_err(|_| text(&"no answer in time"))?
            .map_err(|e| text(&e))
    }

    /// The live stream, as an open page has it.
    pub(crate) async fn listen(&self) -> Result<Live, String> {
        let response = self.send(Method::GET, "/api/events", None, "").await?;
        Ok(Live { body: response.into_body(), text: String::new(), ready: VecDeque::new() })
    }
}

async fn body(response: Response<Incoming>) -> Result<Bytes, String> {
    let collected = tokio::time::timeout(PATIENCE, Limited::new(response.into_body(), MAX_BYTES).collect());
    let collected = collected.await.map_err(|_| "no answer in time".to_owned())?;
    Ok(collected.map_err(|e| e.to_string())?.to_bytes())
}

/// An open event stream.
pub(crate) struct Live {
    body: Incoming,
    text: String,
    ready: VecDeque<(String, Value)>,
}

impl Live {
    /// Waits for the first event named `name` whose data `fits`.
    pub(crate) async fn wait(
        &mut self,
        within: Duration,
        name: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let search = async {
            loop {
                while let Some((event, data)) = self.ready.pop_front() {
                    if event == name && fits(&data) {
                        return Ok(data);
                    }
                }
                let frame = self.body.frame().await.ok_or("the stream ended")?.map_err(|e| e.to_string())?;
                if let Some(bytes) = frame.data_ref() {
                    self.text.push_str(&String::from_utf8_lossy(bytes));
                    self.parse();
                }
            }
        };
        tokio::time::timeout(within, search).await.map_err(|_| format!("no `{name}` event in {within:?}"))?
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
            if let (Some(event), Some(data)) = (field("event:"), field("data:"))
                && let Ok(data) = serde_json::from_str(&data)
            {
                self.ready.push_back((event, data));
            }
        }
    }
}
