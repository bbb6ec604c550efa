//! One server over HTTP: who we are, how much is read, where a redirect may lead.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use threat::taxii::client::Trouble;
use threat::taxii::{MEDIA_TYPE, Micros, is_taxii, parse_micros};
use ureq::http::HeaderMap;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use url::Url;

use super::settings::{TaxiiPeer, address, is_loopback};
use super::trouble::TaxiiTrouble;
use crate::people::secret_file;
use crate::unpack::{InputLimits, UnpackError, unpack};

/// How long one request may take, its body included.
const REQUEST: Duration = Duration::from_secs(120);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(20);
/// Redirects that are followed, to the same host only.
const REDIRECTS: usize = 5;
/// Bytes of an error body that are read.
const ERROR_BYTES: u64 = 64 << 10;

/// Where a server is and how to come in.
#[derive(Default)]
pub struct TaxiiAccess {
    /// Its discovery resource or an API root.
    pub url: String,
    /// Name and password.
    pub basic: Option<(String, String)>,
    /// A bearer token, in place of these.
    pub token: Option<String>,
    /// Certificates (PEM) to show, and the key (PEM) of the first.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The authorities (PEM) that the server stands under, instead of the public ones.
    pub authorities: Option<Vec<u8>>,
    /// Whether it is spoken to without TLS beyond loopback.
    pub plain_http: bool,
    /// The most bytes of one answer, packed or not.
    pub max_page_bytes: u64,
}

impl TaxiiAccess {
    /// Reads the files that the settings name; anew for each pull, so that a changed password holds at once.
    pub(super) fn of(peer: &TaxiiPeer, data: &Path) -> Result<Self, TaxiiTrouble> {
        let bad = |e: &dyn std::fmt::Display| {
            let hint = "see to the files that [[taxii_peers]] names; they lie below the data folder";
            TaxiiTrouble::new("taxii::settings", e.to_string(), hint).of_server()
        };
        let secret = |file: &std::path::PathBuf| secret_file(&data.join(file)).map_err(|e| bad(&e));
        let open = |file: &std::path::PathBuf| {
            let path = data.join(file);
            std::fs::read(&path).map_err(|e| bad(&format!("`{}`: {e}", path.display())))
        };
        let identity = match (&peer.certificate_file, &peer.key_file) {
            (Some(certificate), Some(key)) => Some((open(certificate)?, secret(key)?.into_bytes())),
            _ => None,
        };
        let password = peer.password_file.as_ref().map(secret).transpose()?;
        Ok(Self {
            url: peer.url.clone(),
            basic: peer.user.clone().zip(password),
            token: peer.token_file.as_ref().map(secret).transpose()?,
            identity,
            authorities: peer.ca_file.as_ref().map(open).transpose()?,
            plain_http: peer.plain_http,
            max_page_bytes: peer.max_page_bytes,
        })
    }
}

/// One server.
pub(super) struct Remote {
    agent: ureq::Agent,
    authorization: Option<String>,
    pub(super) url: Url,
    max_bytes: u64,
}

/// A success.
pub(super) struct Answer {
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// When the last object of the page was added there.
    pub(super) fn last_added(&self) -> Option<Micros> {
        self.header("x-taxii-date-added-last").and_then(parse_micros)
    }

    /// The server's clock.
    pub(super) fn server_time(&self) -> Option<Micros> {
        let time = httpdate::parse_http_date(self.header("date")?).ok()?;
        i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok()
    }
}

impl Remote {
    pub(super) fn new(access: &TaxiiAccess) -> Result<Self, TaxiiTrouble> {
        let bad = |message: String| {
            TaxiiTrouble::new("taxii::settings", message, "correct the address or the certificates")
                .of_server()
        };
        let url = address(&access.url, access.plain_http).map_err(bad)?;
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(REQUEST))
            .timeout_connect(Some(CONNECT))
            // Followed here, where the host can be looked at.
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("bongsu/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls(access).map_err(|e| bad(e.to_string()))?);
        if is_loopback(&url) {
            config = config.proxy(None);
        }
        let authorization = match (&access.basic, &access.token) {
            (Some((user, password)), _) => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            (None, Some(token)) => Some(format!("Bearer {token}")),
            (None, None) => None,
        };
        Ok(Self { agent: config.build().into(), authorization, url, max_bytes: access.max_page_bytes })
    }

    /// Whether an address is on this very server.
    fn is_here(&self, url: &Url) -> bool {
        url.origin() == self.url.origin()
    }

    /// What `text` names, seen from `base`, when it is on this server.
    pub(super) fn join(&self, base: &Url, text: &str) -> Result<Url, TaxiiTrouble> {
        let url = base.join(text).ok().filter(|url| self.is_here(url));
        url.ok_or_else(|| {
            let message = format!("{base} names `{text}`, which is not on the same host and port");
            let hint = "credentials go to one host only: set url to the API root itself";
            TaxiiTrouble::new("taxii::other_host", message, hint)
        })
    }

    /// Gets a TAXII document.
    pub(super) fn get(&self, url: &Url) -> Result<Answer, TaxiiTrouble> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let mut request =
                self.agent.get(url.as_str()).header("accept", MEDIA_TYPE).header("accept-encoding", "gzip");
            if let Some(authorization) = &self.authorization {
                request = request.header("authorization", authorization);
            }
            let response = request.call().map_err(|e| failed(&url, &e))?;
            let status = response.status().as_u16();
            let location = response.headers().get("location").and_then(|to| to.to_str().ok());
            if let (300..=399, Some(to)) = (status, location) {
                url = self.redirected(&url, to)?;
                continue;
            }
            return self.read(&url, response);
        }
        let message = format!("{url}: more than {REDIRECTS} redirects");
        Err(TaxiiTrouble::new("taxii::redirect", message, "check the address"))
    }

    /// Posts an envelope. A redirect is not followed: it would post elsewhere.
    pub(super) fn post(&self, url: &Url, body: &[u8]) -> Result<Answer, TaxiiTrouble> {
        let mut request =
            self.agent.post(url.as_str()).header("accept", MEDIA_TYPE).header("content-type", MEDIA_TYPE);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let response = request.send(body).map_err(|e| failed(url, &e))?;
        self.read(url, response)
    }

    fn redirected(&self, from: &Url, to: &str) -> Result<Url, TaxiiTrouble> {
        let url = from.join(to).ok().filter(|url| self.is_here(url));
        url.ok_or_else(|| {
            let message = format!("{from} redirects to `{to}`, which is not the same host and port");
            TaxiiTrouble::new(
                "taxii::redirect",
                message,
                "set url to where the server is now, if that is right",
            )
        })
    }

    fn read(
        &self,
        url: &Url,
        mut response: ureq::http::Response<ureq::Body>,
    ) -> Result<Answer, TaxiiTrouble> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let trouble = Trouble::of_status(status);
        let most = if trouble.is_some() { ERROR_BYTES } else { self.max_bytes };
        let read = response.body_mut().with_config().limit(most).read_to_vec();
        if let Some(trouble) = trouble {
            let said = read.ok().and_then(|body| what_it_said(&body)).unwrap_or_default();
            return Err(TaxiiTrouble::status(trouble, url, status, &said, retry_after(&headers)));
        }
        let body = match read {
            Ok(body) => unpacked(body, most).map_err(|e| of_body(url, &e, most))?,
            Err(ureq::Error::BodyExceedsLimit(_)) => return Err(too_large(url, most)),
            Err(e) => return Err(failed(url, &e)),
        };
        let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok());
        if !is_taxii(kind) {
            let message =
                format!("{url} answers in `{}`, not in {MEDIA_TYPE}", kind.unwrap_or("no media type"));
            return Err(TaxiiTrouble::new("taxii::media_type", message, Trouble::MediaType.advice()));
        }
        Ok(Answer { headers, body })
    }
}

fn tls(access: &TaxiiAccess) -> Result<TlsConfig, ureq::Error> {
    let mut tls = TlsConfig::builder();
    if let Some(pem) = &access.authorities {
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates(pem)?));
    }
    if let Some((chain, key)) = &access.identity {
        tls = tls
            .client_cert(Some(ClientCert::new_with_certs(&certificates(chain)?, PrivateKey::from_pem(key)?)));
    }
    Ok(tls.build())
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, ureq::Error> {
    let mut found = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        Err(ureq::Error::Tls("there is no certificate (PEM) in the file"))
    } else {
        Ok(found)
    }
}

/// Seconds, or a time as HTTP writes it (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(SystemTime::now()).map_or(0, |wait| wait.as_secs() + 1))
}

/// The error message of a TAXII server (section 3.6), cut short.
fn what_it_said(body: &[u8]) -> Option<String> {
    let message: serde_json::Value = serde_json::from_slice(body).ok()?;
    let said = ["title", "description"].iter().filter_map(|field| message.get(field)?.as_str());
    let said: Vec<&str> = said.filter(|text| !text.is_empty()).collect();
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    Some(said.join(", ").chars().take(300).map(plain).collect())
}

/// What was packed although nothing obliged the server to, or because we take it.
fn unpacked(body: Vec<u8>, most: u64) -> Result<Vec<u8>, UnpackError> {
    if body.starts_with(&[0x1f, 0x8b]) {
        return unpack(&body[..], &InputLimits { bytes: most, line_bytes: most });
    }
    Ok(body)
}

/// The code of an answer over the limit, which a smaller page may mend.
pub(super) const TOO_LARGE: &str = "taxii::too_large";

fn too_large(url: &Url, most: u64) -> TaxiiTrouble {
    let message = format!("{url}: the answer has more than {most} bytes");
    TaxiiTrouble::new(TOO_LARGE, message, "raise max_page_bytes")
}

fn of_body(url: &Url, error: &UnpackError, most: u64) -> TaxiiTrouble {
    match error {
        UnpackError::TooLarge { .. } | UnpackError::LineTooLong { .. } => too_large(url, most),
        UnpackError::Io(e) => {
            let message = format!("{url}: the packed answer is damaged: {e}");
            TaxiiTrouble::new("taxii::damaged", message, "nothing: it is tried again later").passing()
        }
    }
}

fn failed(url: &Url, error: &ureq::Error) -> TaxiiTrouble {
    let tls = match error {
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => true,
        // What the TLS library says in the middle of reading.
        ureq::Error::Io(e) => e.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()),
        _ => false,
    };
    let message = format!("{url}: {error}");
    if tls {
        let hint = "check ca_file, and the client certificate if the server asks for one";
        return TaxiiTrouble::new("taxii::tls", message, hint).of_server();
    }
    let hint = "nothing if the server is down for a while; else check the address";
    TaxiiTrouble::new("taxii::unreachable", message, hint).passing().of_server()
}
