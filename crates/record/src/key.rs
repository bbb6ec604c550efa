use base::{KeyFingerprint, NodeName};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use rand_core::CryptoRngCore;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Why bytes are no key, or a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a point on the curve, or a weak one.
    #[error("the 32 bytes are no usable Ed25519 public key")]
    BadPublicKey,
    /// The signature is not of this key over these bytes.
    #[error("the signature does not hold")]
    BadSignature,
}

/// A node's signing key: Ed25519 (RFC 8032). It signs entries (DSSE), checkpoints of its own logs and
/// cosignatures of its peers' logs; each of the three has its own prefix, so that none can pass for another.
pub struct NodeKey {
    name: NodeName,
    pub(crate) signing: SigningKey,
}

impl NodeKey {
    /// A fresh key for the node `name` from `rng`.
    pub fn generate(name: NodeName, rng: &mut impl CryptoRngCore) -> Self {
        Self { name, signing: SigningKey::generate(rng) }
    }

    /// The key from its 32 secret bytes.
    pub fn from_secret(name: NodeName, secret: &[u8; 32]) -> Self {
        Self { name, signing: SigningKey::from_bytes(secret) }
    }

    /// The 32 secret bytes, wiped when dropped.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes())
    }

    /// The node that holds it.
    pub const fn name(&self) -> &NodeName {
        &self.name
    }

    /// The half that may be shown.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.signing.verifying_key())
    }

    /// 64 bytes of signature over `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret half must not reach a log.
        write!(f, "NodeKey({}, {})", self.name, self.public().fingerprint().short())
    }
}

/// The public half of a [`NodeKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub(crate) VerifyingKey);

impl PublicKey {
    /// From 32 bytes.
    ///
    /// # Errors
    /// When they are no curve point, or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::BadPublicKey)?;
        if key.is_weak() { Err(KeyError::BadPublicKey) } else { Ok(Self(key)) }
    }

    /// From 64 hexadecimal digits.
    ///
    /// # Errors
    /// When they are not 64 digits or no usable key.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| KeyError::BadPublicKey)?;
        Self::from_bytes(&bytes)
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.to_bytes())
    }

    /// SHA-256 of the 32 bytes.
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint::from_bytes(Sha256::digest(self.to_bytes()).into())
    }

    /// Checks a signature strictly (RFC 8032 with the cofactor-less equation and canonical `S`), so that one
    /// message has one valid encoding of a signature.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), KeyError> {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).map_err(|_| KeyError::BadSignature)
    }
}
