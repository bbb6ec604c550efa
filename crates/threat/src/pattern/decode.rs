//! Bytes written as hex and base64.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// The alphabet and padding of RFC 4648 section 4. Bits that the last character has too many are ignored: the
/// grammar does not forbid them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes of pairs of hex digits.
pub(super) fn hex_bytes(text: &str) -> Option<Box<[u8]>> {
    hex::decode(text).ok().map(Into::into)
}

/// The bytes of base64 with its padding.
pub(super) fn base64_bytes(text: &str) -> Option<Box<[u8]>> {
    BASE64.decode(text).ok().map(Into::into)
}

/// Base64 with its padding.
pub(super) fn base64_text(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}
