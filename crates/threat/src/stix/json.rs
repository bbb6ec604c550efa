//! JSON with the place of every part. serde_json tells neither where a value stands nor how a number was spelled,
//! and a verdict without a place helps nobody find the fault in a bundle of 34 MB.

use std::borrow::Cow;

use base::Fault;

/// Levels of arrays and objects within one another; deeper text is refused.
pub const MAX_DEPTH: usize = 128;

/// A value and the bytes it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: Value<'a>,
    /// First byte, from 0.
    pub(crate) start: usize,
    /// First byte after it.
    pub(crate) end: usize,
}

/// A JSON value. A number is kept as it was spelled.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Map(Vec<Member<'a>>),
}

/// A property of an object, in the order of the text.
#[derive(Debug, Clone)]
pub(crate) struct Member<'a> {
    pub(crate) key: Cow<'a, str>,
    /// First byte of the key's quotation mark.
    pub(crate) key_start: usize,
    pub(crate) value: Node<'a>,
}

/// What is wrong with a JSON text, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) kind: JsonErrorKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl JsonError {
    /// The error as a fault of a text whose first byte is byte `offset` of the input.
    pub(crate) fn to_fault(self, offset: u64) -> Fault {
        Fault::error(self.kind.code(), self.kind.message())
            .at_bytes(offset + self.start as u64, offset + self.end as u64)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonErrorKind {
    NotUtf8,
    TooDeep,
    CutOff,
    /// What was expected there.
    Unexpected(&'static str),
    BadEscape,
    ControlCharacter,
    LoneSurrogate,
    DuplicateKey,
    TrailingText,
}

impl JsonErrorKind {
    /// The stable code of the fault.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NotUtf8 => "threat::not_utf8",
            Self::TooDeep => "threat::too_deep",
            Self::CutOff => "threat::cut_off",
            Self::DuplicateKey => "threat::duplicate_property",
            _ => "threat::not_json",
        }
    }

    /// What is wrong and what to do.
    pub(crate) fn message(self) -> String {
        match self {
            Self::NotUtf8 => "not UTF-8: STIX is JSON in UTF-8; convert the text".to_owned(),
            Self::TooDeep => format!("more than {MAX_DEPTH} levels: no STIX object needs as many"),
            Self::CutOff => "the text ends inside a value: fetch it again".to_owned(),
            Self::Unexpected(what) => format!("not JSON: {what} is expected here"),
            Self::BadEscape => "not JSON: an escape that does not exist".to_owned(),
            Self::ControlCharacter => {
                "not JSON: a control character in a string must be written as an escape".to_owned()
            }
            Self::LoneSurrogate => {
                "half of a surrogate pair stands alone: this string is no Unicode text".to_owned()
            }
            Self::DuplicateKey => {
                "a property that was there before: I-JSON (RFC 7493) allows each once; remove one".to_owned()
            }
            Self::TrailingText => "text after the end of the value: remove it".to_owned(),
        }
    }
}

impl<'a> Node<'a> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&[Member<'a>]> {
        match &self.value {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Node<'a>]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The text of property `key`, when it is a string.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }
}

/// Reads one JSON text as a tree. Spans count from the start of `bytes`.
///
/// # Errors
/// The first thing that is not JSON (RFC 8259), not I-JSON (RFC 7493), or deeper than [`MAX_DEPTH`].
pub(crate) fn parse(bytes: &[u8]) -> Result<Node<'_>, JsonError> {
    let mut cursor = Cursor::new(bytes)?;
    let node = cursor.node(0)?;
    cursor.space();
    if cursor.at < bytes.len() {
        return Err(JsonError { kind: JsonErrorKind::TrailingText, start: cursor.at, end: bytes.len() });
    }
    Ok(node)
}

/// A place in a JSON text.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => {
                let start = error.valid_up_to();
                let end = start + error.error_len().unwrap_or(bytes.len() - start);
                Err(JsonError { kind: JsonErrorKind::NotUtf8, start, end })
            }
        }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn wrong(&self, what: &'static str) -> JsonError {
        if self.at >= self.text.len() {
            return JsonError { kind: JsonErrorKind::CutOff, start: self.at, end: self.at };
        }
        JsonError { kind: JsonErrorKind::Unexpected(what), start: self.at, end: self.at + 1 }
    }

    pub(crate) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(self.wrong(what));
        }
        self.at += 1;
        Ok(())
    }

    pub(crate) fn node(&mut self, depth: usize) -> Result<Node<'a>, JsonError> {
        self.space();
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            _ => self.literal()?,
        };
        Ok(Node { value, start, end: self.at })
    }

    fn literal(&mut self) -> Result<Value<'a>, JsonError> {
        let rest = &self.bytes()[self.at.min(self.text.len())..];
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
            if !rest.is_empty() && word.as_bytes().starts_with(rest) {
                return Err(JsonError { kind: JsonErrorKind::CutOff, start: self.at, end: self.text.len() });
            }
        }
        Err(self.wrong("a value"))
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        if depth >= MAX_DEPTH {
            return Err(JsonError { kind: JsonErrorKind::TooDeep, start: self.at, end: self.at + 1 });
        }
        Ok(depth + 1)
    }

    fn map(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        let depth = self.deeper(depth)?;
        self.at += 1;
        let mut members: Vec<Member<'a>> = Vec::with_capacity(8);
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(members));
        }
        let mut keys = Keys::default();
        loop {
            let (key, key_start) = self.key()?;
            if keys.repeats(&members, &key) {
                return Err(JsonError {
                    kind: JsonErrorKind::DuplicateKey,
                    start: key_start,
                    end: key_start + key.len() + 2,
                });
            }
            let value = self.node(depth)?;
            members.push(Member { key, key_start, value });
            if self.ends(b'}')? {
                return Ok(Value::Map(members));
            }
        }
    }

    /// A key and the colon after it.
    pub(crate) fn key(&mut self) -> Result<(Cow<'a, str>, usize), JsonError> {
        self.space();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a property name in quotation marks"));
        }
        let key = self.string()?;
        self.expect(b':', "`:`")?;
        Ok((key, start))
    }

    /// Whether the list or object ends here with `close`; else a comma was read.
    pub(crate) fn ends(&mut self, close: u8) -> Result<bool, JsonError> {
        self.space();
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.wrong(if close == b'}' { "`,` or `}`" } else { "`,` or `]`" })),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        let depth = self.deeper(depth)?;
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.node(depth)?);
            if self.ends(b']')? {
                return Ok(Value::List(items));
            }
        }
    }

    /// Looks over a value as `node` would, without keeping it.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), JsonError> {
        self.space();
        let (open, close) = match self.peek() {
            Some(b'{') => (b'{', b'}'),
            Some(b'[') => (b'[', b']'),
            Some(b'"') => return self.string().map(|_| ()),
            _ => return self.node(depth).map(|_| ()),
        };
        let depth = self.deeper(depth)?;
        self.at += 1;
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            if open == b'{' {
                self.key()?;
            }
            self.skip(depth)?;
            if self.ends(close)? {
                return Ok(());
            }
        }
    }

    fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.wrong("a digit")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.some_digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(self.wrong("a digit")) } else { Ok(()) }
    }

    /// A string; borrowed when it has no escape.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let quote = self.at;
        self.at += 1;
        let start = self.at;
        let bytes = self.bytes();
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
                }
                Some(b'\\') => break,
                Some(byte) if *byte >= 0x20 => self.at += 1,
                Some(_) => return Err(self.error(JsonErrorKind::ControlCharacter, self.at, self.at + 1)),
                None => return Err(self.error(JsonErrorKind::CutOff, quote, self.at)),
            }
        }
        let mut owned = self.text[start..self.at].to_owned();
        loop {
            let run = self.at;
            while bytes.get(self.at).is_some_and(|byte| *byte >= 0x20 && *byte != b'"' && *byte != b'\\') {
                self.at += 1;
            }
            owned.push_str(&self.text[run..self.at]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(owned));
                }
                Some(b'\\') => owned.push(self.escape()?),
                Some(_) => return Err(self.error(JsonErrorKind::ControlCharacter, self.at, self.at + 1)),
                None => return Err(self.error(JsonErrorKind::CutOff, quote, self.at)),
            }
        }
    }

    fn error(&self, kind: JsonErrorKind, start: usize, end: usize) -> JsonError {
        JsonError { kind, start, end: end.min(self.text.len()) }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        self.at += 1;
        let Some(letter) = self.peek() else {
            return Err(self.error(JsonErrorKind::CutOff, start, self.at));
        };
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return Err(self.error(JsonErrorKind::BadEscape, start, start + 1)),
        })
    }

    fn unicode(&mut self, start: usize) -> Result<char, JsonError> {
        let high = self.four_digits(start)?;
        if !(0xD800..0xE000).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.error(JsonErrorKind::BadEscape, start, self.at));
        }
        let lone = self.error(JsonErrorKind::LoneSurrogate, start, self.at);
        if high >= 0xDC00 || !self.bytes()[self.at..].starts_with(b"\\u") {
            return Err(lone);
        }
        self.at += 2;
        let low = self.four_digits(start)?;
        if !(0xDC00..0xE000).contains(&low) {
            return Err(lone);
        }
        char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or(lone)
    }

    fn four_digits(&mut self, start: usize) -> Result<u32, JsonError> {
        let Some(digits) = self.bytes().get(self.at..self.at + 4) else {
            return Err(self.error(JsonErrorKind::CutOff, start, self.text.len()));
        };
        let mut number = 0;
        for digit in digits {
            let digit = char::from(*digit).to_digit(16);
            number = number * 16 + digit.ok_or(self.error(JsonErrorKind::BadEscape, start, self.at + 4))?;
        }
        self.at += 4;
        Ok(number)
    }
}

/// Finds a key that is there twice, in time that does not grow with the square of the keys.
#[derive(Default)]
struct Keys {
    many: Option<std::collections::HashSet<String>>,
}

impl Keys {
    /// Objects with more keys than this are looked up by hash.
    const FEW: usize = 32;

    fn repeats(&mut self, members: &[Member<'_>], key: &str) -> bool {
        if members.len() < Self::FEW {
            return members.iter().any(|member| member.key == key);
        }
        let many =
            self.many.get_or_insert_with(|| members.iter().map(|m| m.key.clone().into_owned()).collect());
        !many.insert(key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &[u8]) -> (JsonErrorKind, usize, usize) {
        let error = parse(text).unwrap_err();
        (error.kind, error.start, error.end)
    }

    #[test]
    fn parts_know_their_place() {
        let text = br#" {"a": [1, -2.50e3, "x\u00e9\ud83d\ude00\n"], "b": {"c": null}} "#;
        let node = parse(text).unwrap();
        let list = node.get("a").and_then(Node::as_list).unwrap();
        assert!(matches!(list[1].value, Value::Number("-2.50e3")));
        assert_eq!(&text[list[1].start..list[1].end], b"-2.50e3");
        assert_eq!(list[2].as_str(), Some("x\u{e9}\u{1f600}\n"));
        assert_eq!((node.start, node.end), (1, text.len() - 1));
    }

    #[test]
    fn what_is_not_json_is_placed() {
        assert_eq!(kind(b"{\"a\": 1, \"a\": 2}"), (JsonErrorKind::DuplicateKey, 9, 12));
        assert_eq!(kind(b"[1,"), (JsonErrorKind::CutOff, 3, 3));
        assert_eq!(kind(b"[tru"), (JsonErrorKind::CutOff, 1, 4));
        assert_eq!(kind(b"{\"a\":\"b"), (JsonErrorKind::CutOff, 5, 7));
        assert_eq!(kind(b"[1 2]"), (JsonErrorKind::Unexpected("`,` or `]`"), 3, 4));
        assert_eq!(kind(b"[\"\\ud800\"]"), (JsonErrorKind::LoneSurrogate, 2, 8));
        assert_eq!(kind(b"[NaN]"), (JsonErrorKind::Unexpected("a value"), 1, 2));
        assert_eq!(kind(b"[\"a\xff\"]"), (JsonErrorKind::NotUtf8, 3, 4));
        assert_eq!(kind(b"1 1"), (JsonErrorKind::TrailingText, 2, 3));
        assert_eq!(kind(b"[01]"), (JsonErrorKind::Unexpected("`,` or `]`"), 2, 3));
        assert_eq!(kind(b"[\"\\x\"]"), (JsonErrorKind::BadEscape, 2, 3));
        assert_eq!(kind(b"[\"\t\"]"), (JsonErrorKind::ControlCharacter, 2, 3));
        let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
        assert_eq!(kind(&deep), (JsonErrorKind::TooDeep, MAX_DEPTH, MAX_DEPTH + 1));
        let many: String = (0..100).map(|i| format!("\"k{i}\":0,")).collect();
        assert_eq!(kind(format!("{{{many}\"k40\":1}}").as_bytes()).0, JsonErrorKind::DuplicateKey);
    }
}
