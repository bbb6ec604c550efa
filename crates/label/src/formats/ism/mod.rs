//! IC-ISM (ISM.XML, data encoding specification version 10): security attributes on any element of an XML document.
//!
//! The element with `resourceElement="true"` carries the banner, every other element with attributes is a portion.

mod check;
mod read;
mod write;

pub use check::check_ism;
pub(super) use read::{is_marked, read};
pub(super) use write::write;

/// The namespace of the attributes.
const ISM: &str = "urn:us:gov:ic:ism";

/// Attributes of our own beside them. They can only restrict, so that whoever writes them gains nothing.
const OWN: &str = "urn:bongsu:label:1";

/// Attributes whose tokens are restrictive categories, and where these belong.
const CATEGORIES: [(&str, &str); 5] = [
    ("SCIcontrols", "SCI"),
    ("SARIdentifier", "SAR"),
    ("atomicEnergyMarkings", "AEA"),
    ("nonICmarkings", "NONIC"),
    ("nonUSControls", "NONUS"),
];

/// Attributes that restrict nobody.
const INFORMATIVE: &[&str] = &[
    "DESVersion",
    "ISMCATCESVersion",
    "resourceElement",
    "createDate",
    "classifiedBy",
    "classificationReason",
    "compilationReason",
    "compliesWith",
    "declassDate",
    "declassEvent",
    "declassException",
    "derivativelyClassifiedBy",
    "derivedFrom",
    "excludeFromRollup",
    "noticeDate",
    "noticeReason",
    "noticeType",
    "externalNotice",
    "pocType",
    "unregisteredNoticeType",
];

/// Whether a category has an attribute of its own.
pub(super) fn is_native(category: &str) -> bool {
    category == "FGI" || place(category).is_some()
}

/// The attribute and the token of a category.
fn place(category: &str) -> Option<(&'static str, &str)> {
    let (space, token) = category.split_once(':')?;
    if token.is_empty() || token.contains(' ') {
        return None;
    }
    if space == "DISSEM" {
        let reserved = ["REL", "NF", "OC", "EYES", "RELIDO", "DISPLAYONLY"].contains(&token);
        return (!reserved).then_some(("disseminationControls", token));
    }
    let (attribute, _) = CATEGORIES.iter().find(|(_, known)| *known == space)?;
    Some((attribute, token))
}
