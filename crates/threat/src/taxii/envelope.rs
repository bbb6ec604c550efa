//! What a client adds: an envelope (TAXII 2.1, section 3.7), taken apart without changing a byte.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Micros, parse_micros};

/// The longest `id` that is kept. The standard names no limit; a UUID with the longest type of the standard has 60.
pub const MAX_ID_BYTES: usize = 300;

/// What the server must know of an object. All else in it is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// `indicator--9299f726-ce06-492e-8472-2b52ccb53191`.
    pub id: Cow<'a, str>,
    /// `indicator`.
    pub kind: Cow<'a, str>,
    /// `2.1`, or `2.0` where the object says nothing and is of a kind that must say something since 2.1.
    pub spec_version: Cow<'a, str>,
    /// `modified`, else `created`; `None` for objects that have neither, whose version is the time at which they were
    /// added (section 3.5).
    pub version: Option<Micros>,
    /// The version as the object writes it.
    pub version_text: Option<Cow<'a, str>>,
    /// `object_marking_refs`.
    pub markings: Vec<Cow<'a, str>>,
    /// `labels`.
    pub labels: Vec<Cow<'a, str>>,
    /// Whether some of its properties carry markings of their own.
    pub has_granular_markings: bool,
    /// Whether it has extensions, of which one may be a marking.
    pub has_extensions: bool,
}

/// One object of an envelope.
#[derive(Debug)]
pub struct Arrived<'a> {
    /// Where it begins in the envelope, in bytes.
    pub start: usize,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its header, or why it cannot be kept, and its id if that could be read.
    pub header: Result<Header<'a>, (Option<String>, String)>,
}

/// Why an envelope is none; nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (byte {byte})")]
pub struct EnvelopeFault {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes from the beginning; 0 where the whole is meant.
    pub byte: usize,
}

#[derive(Deserialize)]
struct RawEnvelope<'a> {
    #[serde(borrow, default)]
    objects: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct RawHeader<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    spec_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    created: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    modified: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    object_marking_refs: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    labels: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    granular_markings: Option<&'a RawValue>,
    #[serde(borrow, default)]
    extensions: Option<&'a RawValue>,
}

/// Takes an envelope apart. The objects come in its order; one that cannot be kept does not hold up the others.
///
/// # Errors
/// When the body is no JSON object with a list `objects`.
pub fn read_envelope(body: &[u8]) -> Result<Vec<Arrived<'_>>, EnvelopeFault> {
    let text = std::str::from_utf8(body)
        .map_err(|e| EnvelopeFault { message: "the body is no UTF-8".to_owned(), byte: e.valid_up_to() })?;
    let envelope: RawEnvelope<'_> = serde_json::from_str(text)
        .map_err(|e| EnvelopeFault { message: e.to_string(), byte: byte_of(text, e.line(), e.column()) })?;
    let Some(objects) = envelope.objects else {
        let message = "an envelope holds its objects in the list `objects`".to_owned();
        return Err(EnvelopeFault { message, byte: 0 });
    };
    let base = body.as_ptr() as usize;
    Ok(objects
        .into_iter()
        .map(|raw| {
            let bytes = raw.get().as_bytes();
            Arrived { start: bytes.as_ptr() as usize - base, bytes, header: header(raw.get()) }
        })
        .collect())
}

/// The place of a line and column as serde_json counts them.
pub(super) fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

pub(super) fn header(text: &str) -> Result<Header<'_>, (Option<String>, String)> {
    let raw: RawHeader<'_> =
        serde_json::from_str(text).map_err(|e| (None, format!("this is no STIX object: {e}")))?;
    let Some(id) = raw.id else { return Err((None, "it has no `id`".to_owned())) };
    let refuse = |why: String| Err((Some(id.chars().take(MAX_ID_BYTES).collect()), why));
    let Some(kind) = raw.kind else { return refuse("it has no `type`".to_owned()) };
    if id.len() > MAX_ID_BYTES {
        return refuse(format!("its `id` has more than {MAX_ID_BYTES} bytes"));
    }
    if !id.split_once("--").is_some_and(|(of, uuid)| of == kind && is_uuid(uuid)) {
        return refuse(format!("its `id` is not `{}--` and a UUID", cut(&kind)));
    }
    if kind == "bundle" {
        return refuse("a bundle is no object of a collection; send its objects".to_owned());
    }
    let (version, version_text) = match raw.modified.or(raw.created) {
        None => (None, None),
        Some(text) => match parse_micros(&text) {
            Some(version) => (Some(version), Some(text)),
            None => return refuse(format!("`{}` is no time such as 2026-01-01T00:00:00.000Z", cut(&text))),
        },
    };
    let spec_version = match raw.spec_version {
        Some(text) if is_spec_version(&text) => text,
        Some(text) => return refuse(format!("`spec_version` `{}` is not like 2.1", cut(&text))),
        // Since 2.1 all but some observables say it, and these did not exist as objects before.
        None if version.is_some() => Cow::Borrowed("2.0"),
        None => Cow::Borrowed("2.1"),
    };
    Ok(Header {
        has_granular_markings: raw.granular_markings.is_some_and(|list| list.get() != "[]"),
        has_extensions: raw.extensions.is_some_and(|map| map.get() != "{}"),
        markings: raw.object_marking_refs,
        labels: raw.labels,
        id,
        kind,
        spec_version,
        version,
        version_text,
    })
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(end, _)| &text[..end])
}

fn is_spec_version(text: &str) -> bool {
    text.split_once('.').is_some_and(|(major, minor)| {
        [major, minor].iter().all(|n| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::read_envelope;

    const ID: &str = "indicator--9299f726-ce06-492e-8472-2b52ccb53191";

    #[test]
    fn bytes_stay_as_they_are() {
        let object =
            format!(r#"{{ "type":"indicator",  "z":1.50, "id":"{ID}","modified":"2026-01-01T00:00:00Z"}}"#);
        let body = format!("{{\"more\":false,\n \"objects\": [ {object} ,{object}] }}");
        let arrived = read_envelope(body.as_bytes()).unwrap();
        assert_eq!(arrived.len(), 2);
        for one in &arrived {
            assert_eq!(one.bytes, object.as_bytes());
            assert_eq!(&body.as_bytes()[one.start..one.start + one.bytes.len()], object.as_bytes());
            let header = one.header.as_ref().unwrap();
            assert_eq!((header.id.as_ref(), header.spec_version.as_ref()), (ID, "2.0"));
        }
    }

    #[test]
    fn what_is_no_envelope_says_where() {
        for (body, byte) in
            [("{\"objects\": [1,", 15), ("{}", 0), ("[", 1), ("", 0), ("{\"objects\":[{}]} x", 17)]
        {
            let fault = read_envelope(body.as_bytes()).unwrap_err();
            assert!(fault.byte.abs_diff(byte) <= 1, "{body}: {fault}");
        }
        assert!(read_envelope(b"{\"objects\":[\xff]}").unwrap_err().message.contains("UTF-8"));
    }

    #[test]
    fn one_bad_object_does_not_hold_up_the_others() {
        let good = format!(r#"{{"type":"indicator","id":"{ID}"}}"#);
        let wrong = [
            "17".to_owned(),
            "{}".to_owned(),
            format!(r#"{{"id":"{ID}"}}"#),
            format!(r#"{{"type":"malware","id":"{ID}"}}"#),
            format!(r#"{{"type":"indicator","id":"{ID}","modified":"today"}}"#),
            format!(r#"{{"type":"indicator","id":"{ID}","id":"{ID}"}}"#),
            format!(r#"{{"type":"indicator","id":"{ID}","spec_version":"two"}}"#),
            r#"{"type":"bundle","id":"bundle--9299f726-ce06-492e-8472-2b52ccb53191"}"#.to_owned(),
            format!(r#"{{"type":"indicator","id":"indicator--{}"}}"#, "9".repeat(1000)),
        ];
        for wrong in &wrong {
            let body = format!("{{\"objects\":[{wrong},{good}]}}");
            let arrived = read_envelope(body.as_bytes()).unwrap();
            assert!(arrived[0].header.is_err(), "{wrong}");
            assert!(arrived[1].header.is_ok());
        }
    }

    #[test]
    fn ten_thousand_levels_need_no_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let body = format!(r#"{{"objects":[{{"type":"indicator","id":"{ID}","x_deep":{deep}}}]}}"#);
        // Whatever it says, it says it without falling over.
        let _ = read_envelope(body.as_bytes());
    }
}
