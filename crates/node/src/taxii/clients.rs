//! Who calls: names and passwords, bearer tokens.
//!
//! Passwords are kept as Argon2id hashes (RFC 9106). One such hash takes tens of milliseconds on purpose; what was
//! found right is remembered by a keyed digest, so that it is paid once and not with every request.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base::NodeName;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use label::{Audience, Level};
use sha2::{Digest, Sha256};

use super::classes::Eyes;
use super::settings::{TaxiiClient, TaxiiSettings};
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

struct Known {
    client: Client,
    hash: String,
}

pub(crate) struct Clients {
    known: Vec<Known>,
    /// Makes the digests of this run worthless elsewhere.
    key: [u8; 32],
    right: Mutex<HashMap<[u8; 32], (usize, Instant)>>,
    pub(crate) tries: tokio::sync::Semaphore,
}

fn bad(message: String) -> NodeError {
    NodeError::BadRequest { message }
}

impl Clients {
    pub(crate) fn read(
        settings: &TaxiiSettings,
        data: &Path,
        surroundings: &dyn Surroundings,
    ) -> Result<Self, NodeError> {
        let known = settings.clients.iter().map(|client| known(client, data)).collect::<Result<_, _>>()?;
        let mut key = [0; 32];
        surroundings.fill(&mut key);
        Ok(Self { known, key, right: Mutex::default(), tries: tokio::sync::Semaphore::new(TRIES) })
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
        let hash = found.and_then(|place| Some(self.known.get(place)?.hash.as_str()));
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

fn known(client: &TaxiiClient, data: &Path) -> Result<Known, NodeError> {
    let name = &client.name;
    let path = data.join(&client.secret_file);
    let text =
        std::fs::read_to_string(&path).map_err(|source| NodeError::Io { path: path.clone(), source })?;
    let hash = text.trim().to_owned();
    if PasswordHash::new(&hash).is_err() {
        let path = path.display();
        let message =
            format!("`{path}` holds no hash of a password; make it with `bongsu taxii client {name}`");
        return Err(bad(message));
    }
    let eyes = match (client.own, &client.country, &client.clearance) {
        (true, None, None) => Eyes::Own,
        (false, Some(country), Some(level)) => Eyes::Of(Audience {
            node: name.clone(),
            country: country.clone(),
            clearance: level.parse::<Level>().map_err(|e| bad(format!("taxii client `{name}`: {e}")))?,
            organisation: None,
        }),
        _ => {
            let message = format!("taxii client `{name}` needs own = true, or country and clearance");
            return Err(bad(message));
        }
    };
    Ok(Known { client: Client { name: name.clone(), eyes }, hash })
}

/// The Argon2id hash of a password, as a client's file holds it.
///
/// # Errors
/// When it cannot be hashed.
pub fn taxii_secret_hash(password: &str) -> Result<String, NodeError> {
    let failed = |e: String| bad(format!("the password cannot be hashed: {e}"));
    let params = Params::new(19_456, 2, 1, None).map_err(|e| failed(e.to_string()))?;
    let salt = SaltString::generate(&mut rand_core::OsRng);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|e| failed(e.to_string()))
}
