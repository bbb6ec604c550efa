//! Looking for a word that must not be there, also where it is packed or written in another way.

use std::io::Read;

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};

use super::drive::Asked;

/// Stands in everything that is hidden.
pub(super) const CANARY: &str = "CANARY-kx7Qz";

/// How deep packed things in packed things are opened.
const DEPTH: usize = 4;
const MAX_UNPACKED: u64 = 16 << 20;

/// Whether, and in which form, an answer holds the canary.
pub(super) fn found(answer: &Asked) -> Option<String> {
    let heads = answer.headers.iter().find_map(|(name, value)| {
        inside(value, DEPTH).map(|how| format!("in the header `{name}`, {how}"))
    });
    heads.or_else(|| inside(&answer.body, DEPTH).map(|how| format!("in the body, {how}")))
}

fn inside(bytes: &[u8], depth: usize) -> Option<String> {
    let word = CANARY.as_bytes();
    let plain = |form: Vec<u8>| bytes.windows(form.len()).any(|part| part.eq_ignore_ascii_case(&form));
    let wide = |order: fn(u16) -> [u8; 2]| CANARY.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let percent: String = CANARY.bytes().map(|b| format!("%{b:02X}")).collect();
    let forms = [
        ("as it is", word.to_vec()),
        ("as UTF-16, little end first", wide(u16::to_le_bytes)),
        ("as UTF-16, big end first", wide(u16::to_be_bytes)),
        ("in hexadecimal", hex::encode(word).into_bytes()),
        ("backwards", word.iter().rev().copied().collect()),
        ("percent-encoded", percent.into_bytes()),
    ];
    for (how, form) in forms {
        if plain(form) {
            return Some(how.to_owned());
        }
    }
    let depth = depth.checked_sub(1)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut inner = Vec::new();
        let _ = flate2::read::MultiGzDecoder::new(bytes).take(MAX_UNPACKED).read_to_end(&mut inner);
        if let Some(how) = inside(&inner, depth) {
            return Some(format!("in gzip, {how}"));
        }
    }
    // A zip keeps each file behind a local header; its method 8 is deflate.
    for start in bytes.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x03\x04").map(|(at, _)| at) {
        let number = |at: usize| {
            bytes.get(start + at..start + at + 2).map_or(0, |two| usize::from(u16::from_le_bytes([two[0], two[1]])))
        };
        let data = bytes.get(start + 30 + number(26) + number(28)..).unwrap_or_default();
        let mut inner = Vec::new();
        let _ = flate2::read::DeflateDecoder::new(data).take(MAX_UNPACKED).read_to_end(&mut inner);
        if let Some(how) = inside(&inner, depth) {
            return Some(format!("in zip, {how}"));
        }
    }
    let digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(b);
    for run in bytes.split(|b| !digit(b)).filter(|run| run.len() >= 16) {
        let bare: Vec<u8> = run.iter().copied().filter(|b| *b != b'=').collect();
        // The word may begin at any of four places of a longer text.
        for skip in 0..4 {
            let part = bare.get(skip..).unwrap_or_default();
            let part = &part[..part.len() - usize::from(part.len() % 4 == 1)];
            let engines = [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD];
            for inner in engines.iter().filter_map(|engine| engine.decode(part).ok()) {
                if inner.windows(word.len()).any(|part| part == word)
                    || (inner.starts_with(&[0x1f, 0x8b]) && inside(&inner, depth).is_some())
                {
                    return Some("in base64".to_owned());
                }
            }
        }
    }
    None
}

#[test]
fn a_canary_is_found_in_every_dress() {
    use std::io::Write;
    let body = |body: Vec<u8>| Asked { status: 200, headers: Vec::new(), body };
    let text = format!("{{\"title\": \"before {CANARY} behind\"}}");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    deflate.write_all(text.as_bytes()).unwrap();
    let mut zip = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
    zip.extend([0; 16]);
    zip.extend([1, 0, 0, 0, b'a']);
    zip.extend(deflate.finish().unwrap());
    for (name, bytes) in [
        ("plain", text.clone().into_bytes()),
        ("lower case", text.to_lowercase().into_bytes()),
        ("gzip", gzip.clone()),
        ("zip", zip),
        ("base64", format!("\"{}\"", BASE64_STANDARD.encode(&text)).into_bytes()),
        ("gzip in base64", format!("\"{}\"", BASE64_STANDARD.encode(&gzip)).into_bytes()),
        ("UTF-16", wide),
    ] {
        assert!(found(&body(bytes)).is_some(), "not found: {name}");
    }
    assert_eq!(found(&body(b"CANARY-other".to_vec())), None);
    let headers = vec![("link".to_owned(), format!("</{CANARY}>").into_bytes())];
    assert!(found(&Asked { status: 200, headers, body: Vec::new() }).is_some());
}
