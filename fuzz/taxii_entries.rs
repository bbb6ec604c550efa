//! What the fuzz targets of TAXII do with an input. The targets and the replay of the corpus on stable share it.
//!
//! A failure is a panic: of a reader, or of a check here.

use threat::taxii::{
    Cursor, Endpoint, MAX_ID_BYTES, Query, accepts, format_micros, is_taxii, parse_micros, read_envelope,
};

/// Reads `data` as the body of a POST; every object must be the bytes at its place.
#[allow(dead_code, reason = "each target uses one of the three")]
pub(crate) fn envelope(data: &[u8]) {
    match read_envelope(data) {
        Ok(arrived) => {
            for one in &arrived {
                assert_eq!(&data[one.start..][..one.bytes.len()], one.bytes);
                match &one.header {
                    Ok(header) => {
                        assert!(header.id.len() <= MAX_ID_BYTES && header.id.starts_with(&*header.kind));
                    }
                    Err((id, why)) => {
                        assert!(id.as_ref().is_none_or(|id| id.chars().count() <= MAX_ID_BYTES));
                        assert!(!why.is_empty());
                    }
                }
            }
        }
        Err(fault) => assert!(fault.byte <= data.len() && !fault.message.is_empty(), "{fault}"),
    }
}

/// Reads `data` as the part of a URL after `?`, for every endpoint. A cursor of the question goes on with it.
#[allow(dead_code, reason = "each target uses one of the three")]
pub(crate) fn query(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for endpoint in
        [Endpoint::Objects, Endpoint::Object, Endpoint::Versions, Endpoint::Manifest, Endpoint::Delete]
    {
        match Query::parse(text, endpoint) {
            Ok(query) => {
                assert_eq!(Query::parse(text, endpoint).as_ref(), Ok(&query));
                let next = Cursor { added: 5, given: 1, question: query.question };
                if endpoint != Endpoint::Delete && query.next.is_none() {
                    let again = Query::parse(&format!("{text}&next={}", next.to_text()), endpoint);
                    assert_eq!(again.map(|again| again.next), Ok(Some(next)), "{text}");
                }
            }
            Err(fault) => assert!(!fault.message.is_empty()),
        }
    }
    if let Some(cursor) = Cursor::parse(text) {
        assert_eq!(cursor.to_text(), text);
    }
    if let Some(micros) = parse_micros(text) {
        assert_eq!(parse_micros(&format_micros(micros)), Some(micros), "{text}");
    }
}

/// Reads `data` as `Accept` and as `Content-Type`: who is sent TAXII accepts it.
#[allow(dead_code, reason = "each target uses one of the three")]
pub(crate) fn headers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // One type without a quality is a range of `Accept` too.
    if is_taxii(Some(text)) && !text.contains([',', '"']) {
        assert!(accepts(Some(text)), "{text}");
    }
    if accepts(Some(text)) {
        assert!(accepts(Some(&format!("text/html, {text}"))), "{text}");
    }
}
