//! Registers of IANA that ship with the program; `data/iana/README.md` says of which day.

use std::collections::HashSet;
use std::sync::LazyLock;

type Names = LazyLock<HashSet<&'static str>>;

static MEDIA_TYPES: Names = LazyLock::new(|| names(include_str!("../../../data/iana/media-types.txt")));
static CHARACTER_SETS: Names = LazyLock::new(|| names(include_str!("../../../data/iana/character-sets.txt")));
static SERVICE_NAMES: Names = LazyLock::new(|| names(include_str!("../../../data/iana/service-names.txt")));
static IPFIX_ELEMENTS: Names = LazyLock::new(|| names(include_str!("../../../data/iana/ipfix.txt")));

fn names(text: &'static str) -> HashSet<&'static str> {
    text.lines().collect()
}

/// A media type as it is registered.
pub(crate) fn is_media_type(text: &str) -> bool {
    MEDIA_TYPES.contains(text)
}

/// A character set by its preferred MIME name, or its name where it has none.
pub(crate) fn is_character_set(text: &str) -> bool {
    CHARACTER_SETS.contains(text)
}

/// A service, a transport protocol, or one of the names that STIX itself uses: ipv4, ipv6, ssl, tls, dns.
pub(crate) fn is_protocol(text: &str) -> bool {
    SERVICE_NAMES.contains(text)
}

/// An information element of IPFIX.
pub(crate) fn is_ipfix_element(text: &str) -> bool {
    IPFIX_ELEMENTS.contains(text)
}
