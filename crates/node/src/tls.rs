//! Mutual TLS with pinned certificates: no authority, no names. A certificate is right when its SHA-256 is the one
//! that two officers compared.

use std::sync::Arc;

use base::KeyFingerprint;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use crate::NodeError;
use crate::keys::{TlsIdentity, fingerprint};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn tls(e: &Error) -> NodeError {
    NodeError::Tls { message: e.to_string() }
}

/// For the console beyond loopback. With `asks`, callers may show a certificate whose key they prove; who shows none
/// or an unknown one comes in as anybody does.
pub(crate) fn console_server(identity: &TlsIdentity, asks: bool) -> Result<Arc<ServerConfig>, NodeError> {
    let provider = provider();
    let proven = ProvenClient { algorithms: provider.signature_verification_algorithms, is_demanded: false };
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| tls(&e))?;
    let config = match asks {
        true => config.with_client_cert_verifier(Arc::new(proven)),
        false => config.with_no_client_auth(),
    };
    let config = config
        .with_single_cert(vec![identity.certificate.clone()], identity.clone_key())
        .map_err(|e| tls(&e))?;
    Ok(Arc::new(config))
}

/// For the link: a client certificate is demanded and its key proven; whose it is, is looked up right after the
/// handshake and before a byte of a request is read, so that a stranger can be recorded with what he showed.
pub(crate) fn link_server(identity: &TlsIdentity) -> Result<Arc<ServerConfig>, NodeError> {
    let provider = provider();
    let verifier =
        Arc::new(ProvenClient { algorithms: provider.signature_verification_algorithms, is_demanded: true });
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| tls(&e))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![identity.certificate.clone()], identity.clone_key())
        .map_err(|e| tls(&e))?;
    Ok(Arc::new(config))
}

/// For calling a peer: its certificate must be the pinned one.
pub(crate) fn link_client(
    identity: &TlsIdentity,
    pinned: KeyFingerprint,
) -> Result<Arc<ClientConfig>, NodeError> {
    let provider = provider();
    let verifier = Arc::new(PinnedServer { pinned, algorithms: provider.signature_verification_algorithms });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| tls(&e))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(vec![identity.certificate.clone()], identity.clone_key())
        .map_err(|e| tls(&e))?;
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct PinnedServer {
    pinned: KeyFingerprint,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = fingerprint(end_entity);
        if found == self.pinned {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General(format!("the peer shows certificate {found}, pinned is {}", self.pinned)))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Has callers prove the key of their certificate; whose it is, is looked up by its fingerprint.
#[derive(Debug)]
struct ProvenClient {
    algorithms: WebPkiSupportedAlgorithms,
    /// Whether nobody comes in without one.
    is_demanded: bool,
}

impl ClientCertVerifier for ProvenClient {
    fn client_auth_mandatory(&self) -> bool {
        self.is_demanded
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
