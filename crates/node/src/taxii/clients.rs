//! Who calls: names and passwords, bearer tokens.
//!
//! Passwords are kept as Argon2id hashes (RFC 9106). One such hash takes tens of milliseconds on purpose; what was
//! found right is remembered by a keyed digest, so that it is paid once and not with every request.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base::{KeyFingerprint, NodeName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::book::Known;
use super::classes::Eyes;
use crate::NodeError;
use crate::core::{Surroundings, lock};

/// What was found right is asked again after so long.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// So many are remembered.
const REMEMBERED: usize = 1024;
/// Wrong passwords that are tried at once: each takes memory and time.
const TRIES: usize = 2;

/// A client that was let in.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) name: NodeName,
    pub(crate) eyes: Eyes,
}

/// An account as it is looked up.
struct Ready {
    client: Client,
    hash: Option<String>,
    certificate: Option<KeyFingerprint>,
}

pub(crate) struct Clients {
    known: Vec<Ready>,
    /// Makes the digests of this run worthless elsewhere.
    key: [u8; 32],
    right: Mutex<HashMap<[u8; 32], (usize, Instant)>>,
    pub(crate) tries: tokio::sync::Semaphore,
}

fn bad(message: String) -> NodeError {
    NodeError::BadRequest { message }
}

impl Clients {
    pub(crate) fn of(known: &[Known], surroundings: &dyn Surroundings) -> Result<Self, NodeError> {
        let known = known.iter().map(ready).collect::<Result<_, _>>()?;
        let mut key = [0; 32];
        surroundings.fill(&mut key);
        Ok(Self { known, key, right: Mutex::default(), tries: tokio::sync::Semaphore::new(TRIES) })
    }

    /// The client that a proven certificate names.
    pub(crate) fn of_certificate(&self, shown: &KeyFingerprint) -> Option<Client> {
        let known = self.known.iter().find(|known| known.certificate == Some(*shown))?;
        Some(known.client.clone())
    }

    /// How far the eyes of a client reach; `None` when there is none of that name.
    pub(crate) fn eyes(&self, name: &str) -> Option<&Eyes> {
        self.known
            .iter()
            .map(|known| &known.client)
            .find(|client| client.name.as_str() == name)
            .map(|c| &c.eyes)
    }

    /// The client of an `Authorization` header that was found right lately.
    pub(crate) fn remembered(&self, authorization: &str) -> Option<Client> {
        let digest = self.digest(authorization);
        let right = lock(&self.right);
        let (place, since) = right.get(&digest)?;
        (since.elapsed() < REMEMBERED_FOR)
            .then(|| self.known.get(*place).map(|known| known.client.clone()))?
    }

    /// Checks an `Authorization` header in full; blocks for some tens of milliseconds.
    pub(crate) fn check(&self, authorization: &str) -> Option<Client> {
        let (scheme, rest) = authorization.split_once(' ')?;
        let text = match scheme.to_ascii_lowercase().as_str() {
            "basic" => String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?,
            // A token is `name:secret` too, so that it can be looked up.
            "bearer" => rest.trim().to_owned(),
            _ => return None,
        };
        let (name, password) = text.split_once(':')?;
        let found = self.known.iter().position(|known| known.client.name.as_str() == name);
        let hash = found.and_then(|place| self.known.get(place)?.hash.as_deref());
        // An unknown name takes as long as a known one.
        let right = verify(password, hash.unwrap_or(NOBODY));
        let place = found.filter(|_| right && hash.is_some())?;
        let mut remembered = lock(&self.right);
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(self.digest(authorization), (place, Instant::now()));
        self.known.get(place).map(|known| known.client.clone())
    }

    fn digest(&self, authorization: &str) -> [u8; 32] {
        Sha256::new().chain_update(self.key).chain_update(authorization).finalize().into()
    }
}

/// A hash that no password has.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Ym9uZ3N1LW5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn verify(password: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
}

fn ready(known: &Known) -> Result<Ready, NodeError> {
    let Known { account, hash } = known;
    if hash.as_ref().is_some_and(|hash| PasswordHash::new(hash).is_err()) {
        let message = format!(
            "taxii.json holds no hash of the password of `{0}`; `bongsu taxii account remove {0}` and add it again",
            account.name
        );
        return Err(bad(message));
    }
    let client = Client { name: account.name.clone(), eyes: account.eyes()? };
    Ok(Ready { client, hash: hash.clone(), certificate: account.certificate })
}

/// The Argon2id hash of a password.
pub(super) fn taxii_secret_hash(password: &str) -> Result<String, NodeError> {
    let failed = |e: String| bad(format!("the password cannot be hashed: {e}"));
    let params = Params::new(19_456, 2, 1, None).map_err(|e| failed(e.to_string()))?;
    let salt = SaltString::generate(&mut rand_core::OsRng);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|e| failed(e.to_string()))
}
