//! Data markings of STIX 2.0 and 2.1 (OASIS, 2.1 section 7.2): `object_marking_refs`, `granular_markings`, the TLP 1
//! definitions of the standard, the TLP 2.0 definitions of OASIS (2022), statements.
//!
//! TLP names no countries, so nobody gets what carries nothing else. Our own marking travels as an extension of the
//! object and is joined with what the references say.

mod read;
mod redact;
mod selector;
mod write;

pub(super) use read::{is_stix, read};
pub use redact::{Redacted, redact_stix};
pub(super) use write::write;

use crate::Tlp;

/// The extension under which an object of STIX carries our marking.
pub const EXTENSION: &str = "extension-definition--6ce0d0ba-31de-4a2b-8f0f-3c6b40d2a7e1";

/// The TLP 2.0 definitions; the property that holds the word is `tlp_2_0` under this extension.
const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// The label of an object that is not real.
const EXERCISE: &str = "exercise";

/// Ids of TLP definitions and what they mean in TLP 2.0.
///
/// RED of version 1 was for those in a meeting, which is more than RED of version 2, for individual recipients: it is
/// read as the narrower and never written. WHITE is CLEAR; GREEN and AMBER (the organisation and its clients) mean
/// the same in both.
const TLP_1: [(&str, Tlp); 4] = [
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", Tlp::Clear),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp::Green),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", Tlp::Amber),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp::Red),
];

const TLP_2: [(&str, Tlp); 5] = [
    ("marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", Tlp::Clear),
    ("marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Tlp::Green),
    ("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", Tlp::Amber),
    ("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", Tlp::AmberStrict),
    ("marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", Tlp::Red),
];
