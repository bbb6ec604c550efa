//! The node's secrets: one Ed25519 key that signs, one TLS certificate that peers pin. Both are made on the first
//! start and live in `keys/` of the data folder, readable by the owner only.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base::{KeyFingerprint, NodeName};
use rand_core::{OsRng, RngCore as _};
use record::NodeKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

use crate::NodeError;

/// A TLS certificate with its key.
pub(crate) struct TlsIdentity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl TlsIdentity {
    pub(crate) fn fingerprint(&self) -> KeyFingerprint {
        fingerprint(&self.certificate)
    }

    pub(crate) fn clone_key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

/// SHA-256 of a certificate in DER: what peers pin.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> KeyFingerprint {
    KeyFingerprint::from_bytes(Sha256::digest(certificate.as_ref()).into())
}

/// SHA-256 of the first certificate in a PEM file; `None` where there is none.
pub fn certificate_fingerprint(pem: &[u8]) -> Option<KeyFingerprint> {
    CertificateDer::from_pem_slice(pem).ok().map(|certificate| fingerprint(&certificate))
}

/// The signing key in `data`; made when there is none and `data` holds no record yet.
pub(crate) fn signing_key(data: &Path, name: &NodeName) -> Result<NodeKey, NodeError> {
    let path = data.join("keys/signing.key");
    match std::fs::read(&path) {
        Ok(bytes) => read_key(&path, &bytes, name),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if record::SqliteRecord::exists(data) {
                // A new key would make every signature of the record a stranger's.
                return Err(NodeError::LostKey { path });
            }
            let key = NodeKey::generate(name.clone(), &mut OsRng);
            write_secret(&path, hex::encode(key.secret().as_ref()).as_bytes())?;
            Ok(key)
        }
        Err(source) => Err(NodeError::Io { path, source }),
    }
}

/// Makes a key for an officer in a file that only its owner may read.
///
/// # Errors
/// When there is such a file already, or it cannot be written.
pub fn new_officer_key(path: &Path, name: &NodeName) -> Result<NodeKey, NodeError> {
    if path.exists() {
        let message = format!("`{}` exists already; an officer's key is never overwritten", path.display());
        return Err(NodeError::Conflict { message });
    }
    let key = NodeKey::generate(name.clone(), &mut OsRng);
    let mut file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| NodeError::Io { path: path.to_owned(), source })?;
    let text = hex::encode(key.secret().as_ref());
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|source| NodeError::Io { path: path.to_owned(), source })?;
    Ok(key)
}

/// The officer's key in a file, under the officer's name.
///
/// # Errors
/// When the file cannot be read or holds no key.
pub fn officer_key(path: &Path, name: &NodeName) -> Result<NodeKey, NodeError> {
    let bytes = std::fs::read(path).map_err(|source| NodeError::Io { path: path.to_owned(), source })?;
    read_key(path, &bytes, name)
}

/// 32 random bytes from the system.
pub fn random_secret() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

fn read_key(path: &Path, bytes: &[u8], name: &NodeName) -> Result<NodeKey, NodeError> {
    let mut secret = [0; 32];
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    hex::decode_to_slice(text.trim(), &mut secret)
        .map_err(|_| NodeError::BadKey { path: path.to_owned() })?;
    Ok(NodeKey::from_secret(name.clone(), &secret))
}

/// The TLS certificate in `data`; made when there is none. It is self-signed: trust comes from its fingerprint, which
/// officers compare by another way.
pub(crate) fn tls_identity(data: &Path, name: &NodeName) -> Result<TlsIdentity, NodeError> {
    let (key_path, certificate_path) = (data.join("keys/tls.key"), data.join("keys/tls.crt"));
    if record::SqliteRecord::exists(data) {
        for path in [&key_path, &certificate_path] {
            if !path.exists() {
                // Peers have pinned the old one: a new one would be refused by all of them.
                return Err(NodeError::LostKey { path: path.clone() });
            }
        }
    }
    if !key_path.exists() || !certificate_path.exists() {
        let tls = |e: rcgen::Error| NodeError::Tls { message: e.to_string() };
        // P-256, because browsers do not take Ed25519 certificates.
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(tls)?;
        let names = vec![name.to_string(), "localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).map_err(tls)?;
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("bongsu node {name}"));
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        let certificate = params.self_signed(&pair).map_err(tls)?;
        write_secret(&key_path, pair.serialize_pem().as_bytes())?;
        write_secret(&certificate_path, certificate.pem().as_bytes())?;
    }
    let bad = |path: &Path| NodeError::BadKey { path: path.to_owned() };
    let certificate = CertificateDer::from_pem_file(&certificate_path).map_err(|_| bad(&certificate_path))?;
    let key = PrivatePkcs8KeyDer::from_pem_file(&key_path).map_err(|_| bad(&key_path))?;
    Ok(TlsIdentity { certificate, key: key.into() })
}

/// Writes a file that only its owner may read, whole or not at all, in a folder that only its owner may enter.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let io = |source| NodeError::Io { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(io)?;
    write_secret_file(path, bytes)
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_secret_file(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let io = |source| NodeError::Io { path: path.to_owned(), source };
    let temporary = path.with_added_extension("tmp");
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)?;
    std::fs::rename(&temporary, path).map_err(io)
}
