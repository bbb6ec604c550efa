use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Not 64 lower-case hexadecimal digits.
    #[error("`{text}` is not 64 lower-case hexadecimal digits")]
    NotHash {
        /// What was given.
        text: String,
    },
    /// Not a catalogue number.
    #[error("`{text}` is not a catalogue number from 0 to 4294967295")]
    NotNoradId {
        /// What was given.
        text: String,
    },
    /// Not three capital letters.
    #[error("`{text}` is not an ISO 3166-1 alpha-3 country code such as KOR")]
    NotCountry {
        /// What was given.
        text: String,
    },
    /// Not a node name.
    #[error("`{text}` is not a node name: 1 to 63 of a-z, 0-9 and `-`, starting with a letter")]
    NotNodeName {
        /// What was given.
        text: String,
    },
}

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// From the 32 bytes of a SHA-256 digest.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The first eight digits, for people. Never compare by it.
            pub fn short(&self) -> String {
                hex::encode(&self.0[..4])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = || IdError::NotHash { text: text.chars().take(80).collect() };
                // One spelling only: an id that reads in two ways could be signed in one and matched in the other.
                if text.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(wrong());
                }
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| wrong())?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

hash_id! {
    /// The identity of an entry: SHA-256 of its canonical bytes.
    EntryId
}
hash_id! {
    /// The identity of raw bytes kept beside the record: SHA-256 of the bytes as received.
    BlobHash
}
hash_id! {
    /// The fingerprint of a public key: SHA-256 of its raw bytes (Ed25519) or of its DER certificate (TLS).
    KeyFingerprint
}

/// A catalogue number as NORAD / 18 SDS assigns them. Numbers beyond Alpha-5 (339,999) are ordinary here.
///
/// Text is decimal digits or Alpha-5 (a letter other than I and O for the ten-thousands, `A0001` = 100,001);
/// it is always written as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoradId(u32);

impl NoradId {
    /// From the number itself.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for NoradId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NoradId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::NotNoradId { text: text.chars().take(80).collect() };
        let bytes = text.as_bytes();
        if let Some(first) = bytes.first().filter(|b| b.is_ascii_uppercase()) {
            let skipped = match first {
                b'I' | b'O' => return Err(wrong()),
                b'P'.. => 2,
                b'J'.. => 1,
                _ => 0,
            };
            if bytes.len() != 5 || !bytes[1..].iter().all(u8::is_ascii_digit) {
                return Err(wrong());
            }
            let rest: u32 = text[1..].parse().map_err(|_| wrong())?;
            return Ok(Self((u32::from(first - b'A') - skipped + 10) * 10_000 + rest));
        }
        if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
            return Err(wrong());
        }
        text.parse().map(Self).map_err(|_| wrong())
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $error:ident, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(&[u8]) -> bool = $valid;
                if valid(text.as_bytes()) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError::$error { text: text.chars().take(80).collect() })
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

text_id! {
    /// The name of a node, unique among its peers: 1 to 63 of `a`-`z`, `0`-`9` and `-`, starting with a letter.
    NodeName, NotNodeName, |b| {
        (1..=63).contains(&b.len())
            && b[0].is_ascii_lowercase()
            && b.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-')
    }
}

/// An ISO 3166-1 alpha-3 country code such as `KOR`. Whether a code is *known* is the label kernel's matter.
// Three bytes and no text on the heap: a release decision copies and compares dozens of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 3]);

impl Country {
    /// The text.
    pub fn as_str(&self) -> &str {
        // Only capital letters get in, so it is always text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Country {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(IdError::NotCountry { text: text.chars().take(80).collect() }),
        }
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
