//! What the table of observables cannot say in data.

use super::checks::Check;
use super::engine::{dictionary, object, value};
use super::table::{INTEGER, Kind, object_type};
use super::vocabulary::{HASH_ALGORITHMS, HTTP_REQUEST_HEADERS, PDF_DOCUMENT_INFORMATION, SOCKET_OPTIONS};
use super::{Context, form, registers, shown};
use crate::stix::json::{Member, Node, Value};

/// The deprecated `objects` of observed-data: a cyber-observable under each key (clause 4.14).
pub(crate) fn deprecated_objects<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let Some(members) = node.as_map() else {
        return context.must("threat::wrong_type", node, "a JSON object of keys and observables is expected");
    };
    if members.is_empty() {
        context.must("threat::empty_dictionary", node, "at least one object is required");
    }
    context.siblings = Some(node);
    for member in members {
        context.at(&member.key, |context| {
            object_key(context, member);
            object(context, &member.value);
        });
    }
    context.siblings = None;
}

/// Keys of observable objects are numbers.
pub(crate) fn object_key(context: &mut Context<'_, '_>, member: &Member<'_>) {
    if member.key.is_empty() || !member.key.bytes().all(|b| b.is_ascii_digit()) {
        context.should(Check::OBSERVABLE_OBJECT_KEYS, &member.value, || {
            "keys of observable objects should be numbers from 0".to_owned()
        });
    }
}

/// What observed-data may refer to: cyber-observables, relationships and sightings.
pub(crate) fn observed_ref<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    value(context, &Kind::Id, node);
    let name = node.as_str().map(form::type_of).unwrap_or_default();
    let domain = object_type(name).is_some_and(|one| one.class == super::Class::Domain);
    if domain {
        context.must(
            "threat::reference_type",
            node,
            "observed-data refers to cyber-observables and relations",
        );
    }
}

/// A reference to another cyber-observable.
pub(crate) fn observable_ref_to(context: &mut Context<'_, '_>, types: &[&str], node: &Node<'_>) {
    let Some(text) = node.as_str() else {
        return context.must("threat::wrong_type", node, "a reference is a string");
    };
    let found = match context.siblings {
        Some(siblings) => match siblings.get(text) {
            Some(object) => object.text("type"),
            None => {
                let message = format!("`{}` is no key of the `objects` here", shown(text));
                return context.must("threat::reference_unknown", node, message);
            }
        },
        None => {
            if !form::is_identifier(text) {
                context.should(Check::OBSERVABLE_REFERENCES, node, || {
                    format!("`{}` is not an identifier", shown(text))
                });
            }
            text.contains("--").then(|| form::type_of(text))
        }
    };
    // A type of somebody's own may stand for one of the specification.
    let known = found.filter(|name| context.siblings.is_some() || object_type(name).is_some());
    if !types.is_empty() && known.is_some_and(|name| !types.contains(&name)) {
        let message = format!("must refer to {}", types.join(" or "));
        context.must("threat::reference_type", node, message);
    }
}

/// Hashes by the name of their algorithm (clause 2.7).
pub(crate) fn hashes<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    for member in dictionary(context, node).unwrap_or_default() {
        context.at(&member.key, |context| hash(context, member));
    }
}

fn hash(context: &mut Context<'_, '_>, member: &Member<'_>) {
    let (node, name) = (&member.value, &*member.key);
    let Some(text) = node.as_str() else {
        return context.must("threat::wrong_type", node, "a hash is a string");
    };
    if name.len() < 3 {
        context.must(
            "threat::dictionary_key",
            node,
            "the name of an algorithm has at least three characters",
        );
    }
    let hex = |length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    let right = match name {
        "MD5" => hex(32),
        "SHA-1" => hex(40),
        "SHA-256" | "SHA3-256" => hex(64),
        "SHA-512" | "SHA3-512" => hex(128),
        "SSDEEP" => {
            let of = |b: u8| b.is_ascii_alphanumeric() || b"/+:.".contains(&b);
            (1..=128).contains(&text.len()) && text.bytes().all(of)
        }
        "TLSH" => text.len() == 70 && text.bytes().all(|b| b.is_ascii_alphanumeric()),
        _ => true,
    };
    if !right {
        context.must("threat::wrong_value", node, format!("`{}` is not a hash of {name}", shown(text)));
    }
    if context.observable && !HASH_ALGORITHMS.contains(&name) && !name.starts_with("x_") {
        context.should(Check::HASH_ALGO, node, || {
            "the algorithm is not in hash-algorithm-ov; names of others should begin with `x_`".to_owned()
        });
    }
    if context.observable && name.len() > 30 {
        context.should(Check::HASH_LENGTH, node, || {
            "the name of an algorithm should have at most 30 characters".to_owned()
        });
    }
}

pub(crate) fn additional_header_fields<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    const OWN: &[&str] = &[
        "date",
        "received_lines",
        "content_type",
        "from_ref",
        "sender_ref",
        "to_refs",
        "cc_refs",
        "bcc_refs",
        "subject",
    ];
    for member in dictionary(context, node).unwrap_or_default() {
        let texts = |items: &[Node<'_>]| items.len() >= 2 && items.iter().all(|item| item.as_str().is_some());
        let right = member.value.as_str().is_some() || member.value.as_list().is_some_and(texts);
        let own = OWN.contains(&&*member.key);
        if !right || own {
            context.at(&member.key, |context| {
                let message = if own {
                    "this header has a property of its own: put it there"
                } else {
                    "a header is a string, or a list of several when it is repeated"
                };
                context.must("threat::wrong_value", &member.value, message);
            });
        }
    }
}

/// A multipart message has its body in parts (clause 6.6).
pub(crate) fn mail_body<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let forbidden = match node.get("is_multipart").map(|node| &node.value) {
        Some(Value::Bool(true)) => "body",
        Some(Value::Bool(false)) => "body_multipart",
        _ => return,
    };
    if let Some(node) = node.get(forbidden) {
        context.at(forbidden, |context| {
            let message = "`body` belongs to a message in one part, `body_multipart` to one in several";
            context.must("threat::forbidden_property", node, message);
        });
    }
}

pub(crate) fn file_media_type<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let Some(kind) = node.get("mime_type") else { return };
    if kind.as_str().is_some_and(|text| !registers::is_media_type(text)) {
        context.at("mime_type", |context| {
            context
                .should(Check::MIME_TYPE, kind, || "should be a media type of the IANA registry".to_owned());
        });
    }
}

pub(crate) fn active_traffic_has_no_end<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let active = node.get("is_active").is_some_and(|active| matches!(active.value, Value::Bool(true)));
    if let Some(end) = node.get("end").filter(|_| active) {
        context.at("end", |context| {
            context.must("threat::forbidden_property", end, "traffic that is active has no end yet");
        });
    }
}

/// Ports, protocols and IPFIX names that network traffic should have.
pub(crate) fn traffic<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    if node.get("src_port").is_none() || node.get("dst_port").is_none() {
        context.should(Check::NETWORK_TRAFFIC_PORTS, node, || {
            "network traffic should have `src_port` and `dst_port`".to_owned()
        });
    }
    for protocol in node.get("protocols").and_then(Node::as_list).unwrap_or_default() {
        if protocol.as_str().is_some_and(|text| !registers::is_protocol(text)) {
            context.at("protocols", |context| {
                context.should(Check::PROTOCOLS, protocol, || {
                    "should be a service or protocol of the IANA registry, in lower case".to_owned()
                });
            });
        }
    }
    for member in node.get("ipfix").and_then(Node::as_map).unwrap_or_default() {
        if !registers::is_ipfix_element(&member.key) {
            context.at("ipfix", |context| {
                context.should(Check::IPFIX, &member.value, || {
                    format!("`{}` is no information element of the IANA registry", shown(&member.key))
                });
            });
        }
    }
}

/// Processes are seen once: their ids are random (clause 6.13).
pub(crate) fn process_id<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let Some(id) = node.get("id") else { return };
    if id.as_str().and_then(form::uuid_version).is_some_and(|version| version != 4) {
        context.must("threat::uuid_version", id, "a process must have a random id: UUID version 4");
    }
}

/// Root keys are spelled out (clause 6.17).
pub(crate) fn registry_key<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    const SHORT: &[&str] = &["HKLM", "HKCC", "HKCR", "HKCU", "HKU"];
    let Some(text) = node.as_str() else {
        return context.must("threat::wrong_type", node, "a string is expected");
    };
    let root = text.split('\\').next().unwrap_or_default();
    if SHORT.iter().any(|short| root.eq_ignore_ascii_case(short)) {
        context.must("threat::wrong_value", node, "the root key must be spelled out: HKEY_LOCAL_MACHINE");
    }
}

pub(crate) fn pdf_document_information<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    for member in dictionary(context, node).unwrap_or_default() {
        context.at(&member.key, |context| {
            value(context, &Kind::Text, &member.value);
            if !PDF_DOCUMENT_INFORMATION.contains(&&*member.key) {
                context.should(Check::PDF_DOC_INFO, &member.value, || {
                    "no key of the document information dictionary of PDF".to_owned()
                });
            }
        });
    }
}

pub(crate) fn exif_tags<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    for member in dictionary(context, node).unwrap_or_default() {
        context.at(&member.key, |context| {
            let capital = member.key.len() > 1 && member.key.starts_with(|c: char| c.is_ascii_uppercase());
            if !capital {
                context.must("threat::dictionary_key", &member.value, "an EXIF tag begins with a capital");
            }
            if member.value.as_str().is_none() {
                value(context, &INTEGER, &member.value);
            }
        });
    }
}

pub(crate) fn request_header<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    for member in dictionary(context, node).unwrap_or_default() {
        context.at(&member.key, |context| {
            value(context, &Kind::List { of: &Kind::Text, min: 0 }, &member.value);
            if HTTP_REQUEST_HEADERS.binary_search(&&*member.key).is_err() {
                context.should(Check::HTTP_REQUEST_HEADERS, &member.value, || {
                    "no request header of HTTP".to_owned()
                });
            }
        });
    }
}

pub(crate) fn socket_options<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    const FAMILIES: &[&str] = &["SO_", "ICMP_", "ICMP6_", "IP_", "IPV6_", "MCAST_", "TCP_", "IRLMP_"];
    for member in dictionary(context, node).unwrap_or_default() {
        context.at(&member.key, |context| {
            value(context, &INTEGER, &member.value);
            let rest = FAMILIES.iter().find_map(|family| member.key.strip_prefix(family));
            let words = |rest: &str| {
                rest.split('_').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase()))
            };
            if !rest.is_some_and(words) {
                context.must(
                    "threat::dictionary_key",
                    &member.value,
                    "no socket option such as SO_KEEPALIVE",
                );
            } else if SOCKET_OPTIONS.binary_search(&&*member.key).is_err() {
                context.should(Check::SOCKET_OPTIONS, &member.value, || "no known socket option".to_owned());
            }
        });
    }
}

pub(crate) fn process_priority<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    value(context, &Kind::Text, node);
    if node.as_str().is_some_and(|text| text.strip_suffix("_CLASS").is_none_or(str::is_empty)) {
        context.should(Check::WINDOWS_PROCESS_PRIORITY_FORMAT, node, || "should end in `_CLASS`".to_owned());
    }
}

/// The members of STARTUPINFO (clause 6.13.2).
pub(crate) fn startup_info<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    const TEXT: &[&str] = &[
        "lpDesktop",
        "lpTitle",
        "dwFillAttribute",
        "dwFlags",
        "wShowWindow",
        "hStdInput",
        "hStdOutput",
        "hStdError",
    ];
    const NUMBERS: &[&str] =
        &["cb", "dwX", "dwY", "dwXSize", "dwYSize", "dwXCountChars", "dwYCountChars", "cbReserved2"];
    for member in dictionary(context, node).unwrap_or_default() {
        context.at(&member.key, |context| match &*member.key {
            name if TEXT.contains(&name) => value(context, &Kind::Text, &member.value),
            "cbReserved2" => value(context, &Kind::Integer { min: 0, max: 0 }, &member.value),
            name if NUMBERS.contains(&name) => value(context, &INTEGER, &member.value),
            _ => context.must("threat::dictionary_key", &member.value, "no member of STARTUPINFO"),
        });
    }
}

pub(crate) fn not_empty<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    if node.as_map().is_some_and(<[_]>::is_empty) {
        context.must("threat::empty_dictionary", node, "at least one property is required");
    }
}
