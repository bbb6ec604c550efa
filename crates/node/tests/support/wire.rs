//! A peer made by hand: it holds a node's keys, speaks the link's wire form, and keeps to no rule.

use std::path::Path;
use std::sync::Arc;

use base::{
    Confidence, Country, Finding, Interval, Marking, Method, NodeName, Noun, Precedence, Severity, Timestamp,
};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use link::{BatchHead, ReceivedBatch, ReceivedItem, Reply};
use rand_core::OsRng;
use record::{Checkpoint, Entry, MerkleLog, NodeKey, lane_origin};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::PATIENCE;

/// A certificate with its key, as a node keeps them.
pub(crate) fn identity(folder: &Path) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let keys = folder.join("keys");
    let certificate = CertificateDer::from_pem_file(keys.join("tls.crt")).unwrap();
    (certificate, PrivateKeyDer::from_pem_file(keys.join("tls.key")).unwrap())
}

/// Takes any server for whom he says he is.
#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Connects to the link of a node.
///
/// # Errors
/// When the other side does not take the connection.
pub(crate) async fn open(
    address: &str,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> Result<TlsStream<TcpStream>, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting));
    let config = match identity {
        Some((certificate, key)) => config.with_client_auth_cert(vec![certificate], key).unwrap(),
        None => config.with_no_client_auth(),
    };
    let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
    let name = ServerName::try_from("bongsu.invalid").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|e| e.to_string())
}

/// Connects to the link of a node, sends one request, and gives status and body.
///
/// # Errors
/// When the other side ends the connection before it answers.
pub(crate) async fn post(
    address: &str,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    path: &str,
    body: Vec<u8>,
) -> Result<(u16, Vec<u8>), String> {
    let exchange = async {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let stream = open(address, identity).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| text(&e))?;
        tokio::spawn(connection);
        let request = hyper::Request::post(path)
            .header("host", address)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let response = sender.send_request(request).await.map_err(|e| text(&e))?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.map_err(|e| text(&e))?.to_bytes();
        Ok((status, bytes.to_vec()))
    };
    tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| "no answer in time".to_owned())?
}

/// Somebody who has a node's keys and writes the log for a peer by hand.
pub(crate) struct Hand {
    folder: std::path::PathBuf,
    address: String,
    pub(crate) key: NodeKey,
    pub(crate) country: Country,
    pub(crate) to: NodeName,
    /// The log of the lane as the peer has it.
    pub(crate) log: MerkleLog,
    pub(crate) lane: Precedence,
}

/// An open connection to a link, over which anything may be said.
pub(crate) struct Line(TlsStream<TcpStream>);

impl Line {
    /// Says the head of a request to the routine lane, with these headers beside.
    pub(crate) async fn head(&mut self, headers: &str) -> Result<(), String> {
        let head = format!("POST {PATH} HTTP/1.1\r\nhost: link\r\n{headers}\r\n");
        self.say(head.as_bytes()).await
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) -> Result<(), String> {
        let said = async {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        };
        let said = tokio::time::timeout(PATIENCE, said).await.map_err(|_| "not taken in time".to_owned())?;
        said.map_err(|e| e.to_string())
    }

    /// Says a whole request.
    pub(crate) async fn post(&mut self, body: &[u8]) -> Result<(u16, Vec<u8>), String> {
        self.head(&format!("content-length: {}\r\n", body.len())).await?;
        self.say(body).await?;
        self.answer().await
    }

    /// Status and body of what comes back.
    pub(crate) async fn answer(&mut self) -> Result<(u16, Vec<u8>), String> {
        let answer = async {
            let mut bytes = Vec::new();
            loop {
                if let Some(found) = complete(&bytes) {
                    return Ok(found);
                }
                match self.0.read_buf(&mut bytes).await {
                    Ok(0) => return Err(format!("cut off: {}", String::from_utf8_lossy(&bytes))),
                    Ok(_) => {}
                    Err(e) => return Err(e.to_string()),
                }
            }
        };
        tokio::time::timeout(PATIENCE, answer).await.map_err(|_| "no answer in time".to_owned())?
    }
}

/// An answer with a `content-length`, once it is there.
fn complete(bytes: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).unwrap().to_lowercase();
    let status = head.split(' ').nth(1)?.parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().unwrap();
    Some((status, bytes[end..].get(..length)?.to_vec()))
}

pub(crate) const PATH: &str = "/link/v2/batch/routine";

impl Hand {
    /// With the keys of the node in `folder`, to the node `to` at `address`.
    pub(crate) fn new(folder: &Path, name: &str, country: &str, to: &str, address: &str) -> Self {
        let mut secret = [0; 32];
        let text = std::fs::read_to_string(folder.join("keys/signing.key")).unwrap();
        hex::decode_to_slice(text.trim(), &mut secret).unwrap();
        Self {
            folder: folder.to_owned(),
            address: address.to_owned(),
            key: NodeKey::from_secret(name.parse().unwrap(), &secret),
            country: country.parse().unwrap(),
            to: to.parse().unwrap(),
            log: MerkleLog::default(),
            lane: Precedence::Routine,
        }
    }

    /// The same hand, standing where it stands.
    pub(crate) fn new_like(other: &Self) -> Self {
        Self {
            folder: other.folder.clone(),
            address: other.address.clone(),
            key: NodeKey::from_secret(other.key.name().clone(), &other.key.secret()),
            country: other.country.clone(),
            to: other.to.clone(),
            log: other.log.clone(),
            lane: other.lane,
        }
    }

    /// The same hand at the beginning of another lane.
    pub(crate) fn in_lane(&self, lane: Precedence) -> Self {
        Self { lane, log: MerkleLog::default(), ..Self::new_like(self) }
    }

    pub(crate) fn sign(&self, noun: &impl Noun) -> Entry {
        Entry::sign(noun, &self.country, &self.key, now(), &mut OsRng).unwrap()
    }

    pub(crate) fn finding(&self, title: &str) -> Entry {
        self.sign(&finding(title, self.country.as_str()))
    }

    /// The next batch of the log, in order in every way.
    pub(crate) fn next(&self, entries: &[Entry]) -> ReceivedBatch {
        let start = self.log.size();
        let mut log = self.log.clone();
        for entry in entries {
            log.push(&entry.id());
        }
        let origin = lane_origin(self.key.name(), &self.to, self.lane);
        let checkpoint = Checkpoint::sign(&origin, log.size(), log.root(), &self.key).unwrap();
        ReceivedBatch {
            head: BatchHead {
                from: self.key.name().clone(),
                to: self.to.clone(),
                precedence: self.lane,
                domain: record::Domain::Live,
                start,
                count: entries.len() as u32,
                made: now(),
                checkpoint: checkpoint.note().to_owned(),
            },
            items: entries.iter().map(ReceivedItem::of).collect(),
        }
    }

    /// Sends these bytes over a connection with this node's certificate.
    pub(crate) async fn send_bytes(&self, bytes: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        let path = format!("/link/v2/batch/{}", self.lane);
        post(&self.address, Some(identity(&self.folder)), &path, bytes).await
    }

    /// A connection with this node's certificate.
    pub(crate) async fn open(&self) -> Line {
        Line(open(&self.address, Some(identity(&self.folder))).await.unwrap())
    }

    pub(crate) async fn send(&self, batch: &ReceivedBatch) -> Reply {
        let (status, body) = self.send_bytes(batch.to_bytes().unwrap()).await.unwrap();
        serde_json::from_slice(&body)
            .unwrap_or_else(|e| panic!("{status}: {e}: {}", String::from_utf8_lossy(&body)))
    }

    /// Sends the next batch, which must be taken.
    pub(crate) async fn deliver(&mut self, entries: &[Entry]) {
        let reply = self.send(&self.next(entries)).await;
        assert!(matches!(reply, Reply::Ack { .. }), "{reply:?}");
        for entry in entries {
            self.log.push(&entry.id());
        }
    }

    /// Sends a batch that must be refused, and gives the code.
    pub(crate) async fn refused(&self, batch: &ReceivedBatch) -> String {
        match self.send(batch).await {
            Reply::Refused { refusal, .. } => refusal.code().to_owned(),
            Reply::Ack { .. } => panic!("taken: {batch:?}"),
        }
    }
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_unix_nanos(i64::try_from(since.as_nanos()).unwrap())
}

/// A report of `country` that all of the test may have.
pub(crate) fn finding(title: &str, country: &str) -> Finding {
    Finding {
        kind: "report.officer".to_owned(),
        title: title.to_owned(),
        text: None,
        interval: Interval::at(now()),
        place: None,
        objects: Vec::new(),
        severity: Severity::try_from(3).unwrap(),
        likelihood: None,
        confidence: Confidence::Moderate,
        method: Method { name: "officer".to_owned(), version: "0".to_owned() },
        measures: std::collections::BTreeMap::new(),
        marking: Marking::new("RESTRICTED", &["USA", "KOR", "JPN"], country),
        evidence: Vec::new(),
    }
}
