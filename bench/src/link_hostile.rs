//! What a bad peer costs a good one: commit to visible of the good one's items with the bad one silent, and with it
//! flooding. The flood is made before it is measured, so that its making costs the machine nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base::{Country, EntryId, NodeName, Precedence};
use link::{BatchHead, ReceivedBatch, ReceivedItem};
use node::Node;
use rand_core::OsRng;
use record::{Checkpoint, Domain, Entry, Frontier, NodeKey, lane_origin};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Failed, Pair, Seen, observation, observations, percentile, print, settings};

/// Items of the good peer a second: a busy watch, not a bulk.
const GOOD_PER_SECOND: u64 = 50;
/// Batches of the flood in each lane, and items in each.
const BATCHES: usize = 60;
const ITEMS: usize = link::MAX_BATCH_ITEMS;

/// Commit to visible with and without each sort of flood, and the ratio.
pub(super) async fn hostile(folder: &Path, span: Duration) -> Result<(), Failed> {
    let folder = tempfile::Builder::new().prefix("bongsu-bench-").tempdir_in(folder)?;
    let [seoul, washington] = super::meet(folder.path()).await?;
    let tokyo = settings(folder.path(), "tokyo", "JPN", 1)?;
    Node::start(tokyo.clone()).await?.stop().await;
    node::accept(&washington, node::card(&tokyo)?, "SECRET", None)?;
    let address = washington.link_listen.to_string();
    let pair = Pair {
        seoul: Arc::new(Node::start(seoul).await?),
        washington: Arc::new(Node::start(washington).await?),
        _folder: tempfile::tempdir()?,
    };
    pair.seoul.observe(observations(usize::MAX / 2, 1)?, None).await?;
    pair.received(1).await;
    let flood = Flood::new(&folder.path().join("tokyo"), address)?;

    let mut next = 0;
    let alone = good(&pair, span, &mut next).await?;
    for (sort, valid) in [("valid items in four lanes", true), ("forged batches over 12 connections", false)]
    {
        let running = flood.start(valid);
        let beside = good(&pair, span, &mut next).await?;
        running.stop.store(true, Ordering::Relaxed);
        let (sent, ended) = (running.sent.load(Ordering::Relaxed), running.ended.load(Ordering::Relaxed));
        let ratio = |percent: f64| {
            let times = percentile(&beside, percent) / percentile(&alone, percent);
            (times * 100.0).round() / 100.0
        };
        let more = json!({
            "flood": sort,
            "flood_batches": sent,
            "flood_lanes_run_dry": ended,
            "alone_p50_ms": percentile(&alone, 50.0), "alone_p99_ms": percentile(&alone, 99.0),
            "ratio_p50": ratio(50.0), "ratio_p99": ratio(99.0),
        });
        print("hostile: good peer beside a bad one", beside, &more)?;
        running.end().await;
    }
    pair.stop().await;
    Ok(())
}

/// The good peer's items, one by one.
async fn good(pair: &Pair, span: Duration, next: &mut usize) -> Result<Vec<f64>, Failed> {
    let (here, there) = (Seen::listen(pair.seoul.arrivals()?), Seen::listen(pair.washington.arrivals()?));
    let mut tick = tokio::time::interval(Duration::from_millis(1000 / GOOD_PER_SECOND));
    let began = Instant::now();
    let mut ids: Vec<EntryId> = Vec::new();
    while began.elapsed() < span {
        tick.tick().await;
        ids.extend(pair.seoul.observe(observations(*next, 1)?, Some(Precedence::Immediate)).await?);
        *next += 1;
    }
    let mut spans = pair.compare(&ids, &here, &there).await;
    spans.sort_by(f64::total_cmp);
    Ok(spans)
}

/// A node's keys in bad hands, and what they made beforehand.
struct Flood {
    address: String,
    client: Arc<ClientConfig>,
    valid: Vec<(Precedence, Arc<Vec<Vec<u8>>>)>,
    forged: Arc<Vec<u8>>,
}

struct Running {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    /// Lanes that had nothing more to send before the end.
    ended: Arc<AtomicUsize>,
    work: tokio::task::JoinSet<()>,
}

impl Running {
    async fn end(mut self) {
        while self.work.join_next().await.is_some() {}
    }
}

impl Flood {
    fn new(folder: &Path, address: String) -> Result<Self, Failed> {
        let secret = std::fs::read_to_string(folder.join("keys/signing.key"))?;
        let secret: [u8; 32] = hex_bytes(secret.trim()).ok_or("no key")?;
        let key = NodeKey::from_secret("tokyo".parse()?, &secret);
        let certificate = CertificateDer::from_pem_file(folder.join("keys/tls.crt"))?;
        let tls_key = PrivateKeyDer::from_pem_file(folder.join("keys/tls.key"))?;
        let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Trusting))
            .with_client_auth_cert(vec![certificate], tls_key)?;
        let mut valid = Vec::new();
        for lane in Precedence::ALL {
            valid.push((lane, Arc::new(batches(&key, lane)?)));
        }
        let mut forged = valid.first().and_then(|(_, some)| some.first()).cloned().ok_or("no batch")?;
        if let Some(last) = forged.last_mut() {
            *last ^= 1;
        }
        Ok(Self { address, client: Arc::new(client), valid, forged: Arc::new(forged) })
    }

    fn start(&self, valid: bool) -> Running {
        let mut running = Running {
            stop: Arc::default(),
            sent: Arc::default(),
            ended: Arc::default(),
            work: tokio::task::JoinSet::new(),
        };
        let lines: Vec<(Precedence, Arc<Vec<Vec<u8>>>)> = if valid {
            self.valid.clone()
        } else {
            let forged = Arc::new(vec![Vec::clone(&self.forged); 1]);
            (0..12).map(|number| (Precedence::ALL[number % 4], Arc::clone(&forged))).collect()
        };
        for (lane, bodies) in lines {
            let (address, client) = (self.address.clone(), Arc::clone(&self.client));
            let (stop, sent, ended) =
                (Arc::clone(&running.stop), Arc::clone(&running.sent), Arc::clone(&running.ended));
            running.work.spawn(async move {
                let said = say(&address, client, lane, &bodies, !valid, &stop, &sent).await;
                if said.is_ok() && !stop.load(Ordering::Relaxed) {
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        running
    }
}

/// Sends the bodies one after the other over one connection; `again`: from the beginning for ever.
async fn say(
    address: &str,
    client: Arc<ClientConfig>,
    lane: Precedence,
    bodies: &[Vec<u8>],
    again: bool,
    stop: &AtomicBool,
    sent: &AtomicUsize,
) -> Result<(), Failed> {
    let stream = TcpStream::connect(address).await?;
    let mut stream =
        TlsConnector::from(client).connect(ServerName::try_from("bongsu.invalid")?, stream).await?;
    let mut answer = vec![0; 64 << 10];
    loop {
        for body in bodies {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let head = format!(
                "POST /link/v2/batch/{lane} HTTP/1.1\r\nhost: link\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body).await?;
            stream.flush().await?;
            // An answer is short and comes at once.
            if stream.read(&mut answer).await? == 0 {
                return Err("cut off".into());
            }
            sent.fetch_add(1, Ordering::Relaxed);
        }
        if !again {
            return Ok(());
        }
    }
}

/// Consecutive batches of a lane, each in order in every way.
fn batches(key: &NodeKey, lane: Precedence) -> Result<Vec<Vec<u8>>, Failed> {
    let (country, to): (Country, NodeName) = ("JPN".parse()?, "washington".parse()?);
    let now = || -> Result<_, Failed> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        Ok(base::Timestamp::from_unix_nanos(i64::try_from(since.as_nanos())?))
    };
    let mut log = Frontier::default();
    let mut all = Vec::new();
    for batch in 0..BATCHES {
        let start = log.size();
        let mut items = Vec::new();
        for item in 0..ITEMS {
            let mut noun = observation(batch * ITEMS + item)?;
            noun.marking.originator = "JPN".to_owned();
            let entry = Entry::sign(&noun, &country, key, now()?, &mut OsRng)?;
            log.push(&entry.id());
            items.push(ReceivedItem::of(&entry));
        }
        let checkpoint = Checkpoint::sign(&lane_origin(key.name(), &to, lane), log.size(), log.root(), key)?;
        let head = BatchHead {
            from: key.name().clone(),
            to: to.clone(),
            precedence: lane,
            domain: Domain::Live,
            start,
            count: u32::try_from(items.len())?,
            made: now()?,
            checkpoint: checkpoint.note().to_owned(),
        };
        all.push(ReceivedBatch { head, items }.to_bytes()?);
    }
    Ok(all)
}

fn hex_bytes(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Takes any server: the bench knows whom it started.
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
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
