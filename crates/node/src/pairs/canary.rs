//! Looking for a word that must not be there, also where it is packed or written in another way.

use std::io::Read;
use std::sync::OnceLock;

use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine as _};

use super::drive::Asked;

/// Stands in everything that is hidden.
pub(super) const CANARY: &str = "CANARY-kx7Qz";

/// How deep packed things in packed things are opened.
const DEPTH: usize = 4;
const MAX_UNPACKED: u64 = 16 << 20;

/// Whether, and in which form, an answer holds the canary.
pub(super) fn found(answer: &Asked) -> Option<String> {
    let heads = answer
        .headers
        .iter()
        .find_map(|(name, value)| inside(value, DEPTH).map(|how| format!("in the header `{name}`, {how}")));
    heads.or_else(|| inside(&answer.body, DEPTH).map(|how| format!("in the body, {how}")))
}

/// The word in another dress.
struct Form {
    how: &'static str,
    bytes: Vec<u8>,
    any_case: bool,
}

/// All dresses that need no unpacking.
fn forms() -> &'static [Form] {
    static FORMS: OnceLock<Vec<Form>> = OnceLock::new();
    FORMS.get_or_init(|| {
        let word = CANARY.as_bytes();
        let wide = |order: fn(u16) -> [u8; 2]| CANARY.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let percent: String = CANARY.bytes().map(|b| format!("%{b:02X}")).collect();
        let form = |how, bytes, any_case| Form { how, bytes, any_case };
        let mut forms = vec![
            form("as it is", word.to_vec(), true),
            form("as UTF-16, little end first", wide(u16::to_le_bytes), true),
            form("as UTF-16, big end first", wide(u16::to_be_bytes), true),
            form("in hexadecimal", hex::encode(word).into_bytes(), true),
            form("backwards", word.iter().rev().copied().collect(), true),
            form("percent-encoded", percent.into_bytes(), true),
        ];
        // In base64 a text looks one of three ways, as it begins at a byte of a group of three; what stands beside it
        // changes the first and the last digits.
        for before in 0..3 {
            for text in [word.to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
                let padded: Vec<u8> = vec![b'x'; before].into_iter().chain(text).collect();
                let digits = BASE64_STANDARD_NO_PAD.encode(&padded).into_bytes();
                let from = [0, 2, 3][before];
                let upto = padded.len() / 3 * 4;
                forms.push(form("in base64", digits[from..upto].to_vec(), false));
            }
        }
        forms
    })
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    let (Some(first), true) = (needle.first(), bytes.len() >= needle.len()) else { return false };
    let last = bytes.len() - needle.len();
    let mut from = 0;
    while let Some(at) = bytes[from..=last].iter().position(|b| b == first) {
        if bytes[from + at..].starts_with(needle) {
            return true;
        }
        from += at + 1;
        if from > last {
            return false;
        }
    }
    false
}

fn inside(bytes: &[u8], depth: usize) -> Option<String> {
    let lower = bytes.to_ascii_lowercase();
    for form in forms() {
        let there = match form.any_case {
            true => holds(&lower, &form.bytes.to_ascii_lowercase()),
            false => holds(bytes, &form.bytes),
        };
        if there {
            return Some(form.how.to_owned());
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
            let two = bytes.get(start + at..start + at + 2);
            two.map_or(0, |two| usize::from(u16::from_le_bytes([two[0], two[1]])))
        };
        let data = bytes.get(start + 30 + number(26) + number(28)..).unwrap_or_default();
        let mut inner = Vec::new();
        let _ = flate2::read::DeflateDecoder::new(data).take(MAX_UNPACKED).read_to_end(&mut inner);
        if let Some(how) = inside(&inner, depth) {
            return Some(format!("in zip, {how}"));
        }
    }
    // What gzip begins with, in base64.
    for (start, _) in bytes.windows(4).enumerate().filter(|(_, four)| *four == b"H4sI") {
        let digit = |b: &&u8| b.is_ascii_alphanumeric() || b"+/".contains(b);
        let run: Vec<u8> = bytes[start..].iter().take_while(digit).copied().collect();
        let whole = &run[..run.len() - usize::from(run.len() % 4 == 1)];
        let engine = &BASE64_STANDARD_NO_PAD;
        let unpacked = engine.decode(whole).or_else(|_| engine.decode(&run[..run.len() / 4 * 4]));
        if let Some(how) = unpacked.ok().and_then(|inner| inside(&inner, depth)) {
            return Some(format!("in base64, {how}"));
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
        ("base64", format!("\"{}\"", BASE64_STANDARD_NO_PAD.encode(&text)).into_bytes()),
        ("base64, a byte on", BASE64_STANDARD_NO_PAD.encode(format!(".{text}")).into_bytes()),
        ("base64, two bytes on", BASE64_STANDARD_NO_PAD.encode(format!("..{text}")).into_bytes()),
        ("gzip in base64", format!("\"{}\"", BASE64_STANDARD_NO_PAD.encode(&gzip)).into_bytes()),
        ("UTF-16", wide),
    ] {
        assert!(found(&body(bytes)).is_some(), "not found: {name}");
    }
    assert_eq!(found(&body(b"CANARY-other".to_vec())), None);
    let headers = vec![("link".to_owned(), format!("</{CANARY}>").into_bytes())];
    assert!(found(&Asked { status: 200, headers, body: Vec::new() }).is_some());
}
