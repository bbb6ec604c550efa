//! Accepting connections: plain or TLS, with a limit on how many and on how long a handshake may take, and an end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use base::KeyFingerprint;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use link::{Refusal, Refused};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::core::{Core, nobody};
use crate::keys::fingerprint;

/// How many connections at once, each for console and link.
const CONNECTIONS: usize = 256;
/// How many connections of one peer to the link.
const CONNECTIONS_OF_A_PEER: usize = 16;
/// How long a TLS handshake and the head of a request may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who is at the other end of a link connection.
#[derive(Debug, Clone)]
pub(crate) struct LinkCaller {
    pub(crate) peer: base::NodeName,
    /// What it showed in the handshake.
    pub(crate) certificate: base::KeyFingerprint,
    pub(crate) address: String,
}

/// From where somebody calls the console.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConsoleCaller(pub(crate) SocketAddr);

/// The certificate that a caller of the console proved to have. Only a TAXII account can be named by one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConsoleCertificate(pub(crate) KeyFingerprint);

pub(crate) type Stop = watch::Receiver<bool>;

/// Waits until the node stops.
pub(crate) async fn stopped(stop: &mut Stop) {
    // An error means that the node is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Serves the console and its API.
pub(crate) async fn console(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, stop: Stop) {
    accept(listener, stop, |stream, address, stop| {
        let (tls, router) = (tls.clone(), router.clone().layer(Extension(ConsoleCaller(address))));
        async move {
            match tls {
                None => connection(stream, router, stop).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        let router = match shown(&stream) {
                            Some(shown) => router.layer(Extension(ConsoleCertificate(shown))),
                            None => router,
                        };
                        connection(stream, router, stop).await;
                    }
                }
            }
        }
    })
    .await;
}

/// Serves the link: only to peers whose certificate is pinned.
pub(crate) async fn link(
    listener: TcpListener,
    tls: TlsAcceptor,
    router: Router,
    core: Arc<Core>,
    stop: Stop,
) {
    accept(listener, stop, |stream, address, stop| {
        let (tls, router, core) = (tls.clone(), router.clone(), Arc::clone(&core));
        async move {
            let stream = match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    tracing::warn!(%address, %error, "link handshake failed");
                    core.metrics.refusals.inc();
                    return;
                }
                Err(_) => return,
            };
            let shown = shown(&stream);
            let known = shown.and_then(|shown| Some((core.peer_by_certificate(&shown)?, shown)));
            let Some((peer, certificate)) = known else {
                tracing::warn!(%address, certificate = ?shown, "link refused: unknown certificate");
                core.refuse(Refused {
                    peer: None,
                    certificate: shown,
                    address: Some(address.to_string()),
                    refusal: Refusal::UnknownPeer,
                    at: core.surroundings.now(),
                    suppressed: 0,
                    marking: nobody(&core.config.country),
                });
                return;
            };
            let Some(link) = core.link(&peer) else { return };
            // Four lanes, and as many that are being replaced; a peer that opens more has no use for them.
            if link.connections.fetch_add(1, Ordering::Relaxed) < CONNECTIONS_OF_A_PEER {
                let caller = LinkCaller { peer, certificate, address: address.to_string() };
                connection(stream, router.layer(Extension(caller)), stop).await;
            } else {
                core.refuse(Refused {
                    peer: Some(peer),
                    certificate: shown,
                    address: Some(address.to_string()),
                    refusal: Refusal::OverShare { what: "connections".to_owned() },
                    at: core.surroundings.now(),
                    suppressed: 0,
                    marking: nobody(&core.config.country),
                });
            }
            link.connections.fetch_sub(1, Ordering::Relaxed);
        }
    })
    .await;
}

/// What the caller showed in the handshake.
fn shown(stream: &TlsStream<TcpStream>) -> Option<KeyFingerprint> {
    stream.get_ref().1.peer_certificates().and_then(<[CertificateDer<'_>]>::first).map(fingerprint)
}

async fn accept<F, Work>(listener: TcpListener, mut stop: Stop, serve: F)
where
    F: Fn(TcpStream, SocketAddr, Stop) -> Work,
    Work: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stopped(&mut stop) => return,
            accepted = async {
                // Beyond the limit callers wait in the system's queue.
                let slot = Arc::clone(&slots).acquire_owned().await;
                listener.accept().await.map(|(stream, address)| (stream, address, slot))
            } => accepted,
        };
        match accepted {
            Ok((stream, address, slot)) => {
                // Small answers must not wait for more to send.
                let _ = stream.set_nodelay(true);
                let work = serve(stream, address, stop.clone());
                tokio::spawn(async move {
                    work.await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection<S>(stream: S, router: Router, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(router);
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HANDSHAKE).max_buf_size(64 << 10);
    let serving = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(serving);
    tokio::select! {
        _ = &mut serving => {}
        () = stopped(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            // What is under way may finish; an open event stream would not.
            let _ = tokio::time::timeout(Duration::from_secs(2), serving).await;
        }
    }
}
