//! A page of objects as any server may send it (TAXII 2.1, section 3.7).

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::MAX_DEPTH;
use crate::taxii::envelope::{byte_of, header};
use crate::taxii::{Arrived, EnvelopeFault};

/// What a server answered.
#[derive(Debug)]
pub struct Page<'a> {
    /// Whether there is more. A server that says only `next` means that there is.
    pub more: bool,
    /// Where to go on, word by word.
    pub next: Option<String>,
    /// The objects, each as its bytes.
    pub objects: Vec<Arrived<'a>>,
}

/// The longest `next` that is kept and sent back.
const MAX_NEXT_BYTES: usize = 4096;

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(default)]
    more: Option<bool>,
    #[serde(default)]
    next: Option<Value>,
    #[serde(borrow, default)]
    objects: Option<Vec<&'a RawValue>>,
}

/// Takes a page apart without changing a byte of its objects. `{}` is the page without objects. An object that cannot
/// be kept, or is nested deeper than [`MAX_DEPTH`], does not hold up the others.
///
/// # Errors
/// When the body is no JSON object of that form, or its `next` cannot be sent back.
pub fn read_page(body: &[u8]) -> Result<Page<'_>, EnvelopeFault> {
    let text = std::str::from_utf8(body)
        .map_err(|e| EnvelopeFault { message: "the page is no UTF-8".to_owned(), byte: e.valid_up_to() })?;
    if !text.trim_start().starts_with('{') {
        return Err(EnvelopeFault { message: "the page is no JSON object".to_owned(), byte: 0 });
    }
    let raw: RawPage<'_> = serde_json::from_str(text)
        .map_err(|e| EnvelopeFault { message: e.to_string(), byte: byte_of(text, e.line(), e.column()) })?;
    let next = match raw.next {
        None | Some(Value::Null) => None,
        Some(Value::String(next)) if next.is_empty() => None,
        Some(Value::String(next)) if next.len() <= MAX_NEXT_BYTES => Some(next),
        // The standard says text; a number can be sent back as well.
        Some(Value::Number(next)) => Some(next.to_string()),
        Some(_) => {
            let message = format!("`next` is no text of at most {MAX_NEXT_BYTES} bytes");
            return Err(EnvelopeFault { message, byte: 0 });
        }
    };
    let base = body.as_ptr() as usize;
    let objects = raw.objects.unwrap_or_default().into_iter().map(|raw| {
        let bytes = raw.get().as_bytes();
        let header = if depth(bytes) > MAX_DEPTH {
            Err((None, format!("it is nested deeper than {MAX_DEPTH} levels")))
        } else {
            header(raw.get())
        };
        Arrived { start: bytes.as_ptr() as usize - base, bytes, header }
    });
    Ok(Page { more: raw.more.unwrap_or(next.is_some()), objects: objects.collect(), next })
}

/// How deep valid JSON is nested.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                most = most.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// `match[type]=a,b&..` for filters by name, percent-encoded (RFC 3986, section 2.1), in the order of their names.
///
/// ```
/// let filters = [("type".to_owned(), "indicator,malware".to_owned())].into();
/// assert_eq!(threat::taxii::client::match_query(&filters), "match%5Btype%5D=indicator,malware");
/// ```
pub fn match_query(filters: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = filters
        .iter()
        .map(|(name, values)| format!("match%5B{}%5D={}", encode(name), encode(values)))
        .collect();
    pairs.join("&")
}

/// Everything but unreserved characters, commas and colons is percent-encoded.
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~,:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::read_page;

    #[test]
    fn pages_of_many_servers() {
        let page = |body: &str| read_page(body.as_bytes()).map(|p| (p.more, p.next, p.objects.len()));
        assert_eq!(page("{}"), Ok((false, None, 0)));
        assert_eq!(page(r#"{"objects":[],"more":true}"#), Ok((true, None, 0)));
        assert_eq!(page(r#"{"next":7,"objects":[{}]}"#), Ok((true, Some("7".to_owned()), 1)));
        assert_eq!(page(r#"{"more":false,"next":"a","objects":null}"#), Ok((false, Some("a".to_owned()), 0)));
        assert_eq!(page(r#"{"next":"","more":null}"#), Ok((false, None, 0)));
        for bad in
            ["", "[]", "{", "17", "<html>", r#"{"objects":{}}"#, r#"{"next":["a"]}"#, r#"{"more":"yes"}"#]
        {
            assert!(page(bad).is_err(), "{bad}");
        }
        assert!(page(&format!(r#"{{"next":"{}"}}"#, "x".repeat(5000))).is_err());
    }

    #[test]
    fn what_is_too_deep_is_refused_alone() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let id = "indicator--9299f726-ce06-492e-8472-2b52ccb53191";
        let body = format!(
            r#"{{"objects":[{{"type":"indicator","id":"{id}","x":{deep}}},{{"type":"indicator","id":"{id}","x":"[[[\"["}}]}}"#
        );
        let page = read_page(body.as_bytes()).unwrap();
        assert!(page.objects[0].header.as_ref().is_err_and(|(_, why)| why.contains("levels")));
        assert!(page.objects[1].header.is_ok());
    }
}
