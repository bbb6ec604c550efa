//! Elements of a small XML document with resolved namespaces. No document type and no entity is ever resolved.

use base::Fault;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

const MAX_DEPTH: usize = 256;
const MAX_ELEMENTS: usize = 1_000_000;

#[derive(Debug)]
pub(super) struct Attribute {
    /// Empty for one without a prefix.
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    /// The text directly in it, without that of its children.
    pub(super) text: String,
    /// Which element it stands in.
    pub(super) parent: Option<usize>,
    pub(super) line: u64,
    pub(super) byte_start: u64,
    pub(super) byte_end: u64,
}

impl Element {
    /// The value of an attribute of a namespace; empty for attributes without one.
    pub(super) fn attribute(&self, namespace: &str, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.namespace == namespace && a.name == name);
        found.map(|attribute| attribute.value.trim())
    }

    /// A fault at this element.
    pub(super) fn place(&self, fault: Fault) -> Fault {
        fault.at_line(self.line).at_bytes(self.byte_start, self.byte_end)
    }
}

/// The elements directly within one, each with its place.
pub(super) fn children(elements: &[Element], parent: usize) -> impl Iterator<Item = (usize, &Element)> {
    // In the order of start tags what lies within an element follows it without a gap, so the search ends with it.
    let within = move |(_, element): &(usize, &Element)| element.parent.is_some_and(|p| p >= parent);
    let inner = elements.iter().enumerate().skip(parent + 1).take_while(within);
    inner.filter(move |(_, element)| element.parent == Some(parent))
}

/// The elements in the order of their start tags.
pub(super) fn elements(text: &str) -> Result<Vec<Element>, Box<Fault>> {
    let mut reader = NsReader::from_str(text);
    let mut all: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let (mut from, mut line) = (0, 1);
    loop {
        let event = reader
            .read_event()
            .map_err(|e| bad(format!("not well formed: {}", super::cut(&e.to_string())), line, from))?;
        let to = usize::try_from(reader.buffer_position()).unwrap_or(text.len()).min(text.len());
        let take = |tag: &BytesStart<'_>, parent| element(&reader, tag, parent, (line, from, to));
        match &event {
            Event::Start(tag) => {
                all.push(take(tag, open.last().copied())?);
                open.push(all.len() - 1);
            }
            Event::Empty(tag) => all.push(take(tag, open.last().copied())?),
            Event::End(_) => {
                open.pop();
            }
            Event::Text(content) => push(&mut all, &open, &content.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(content) => push(&mut all, &open, &content.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(name) => match character(name) {
                Some(c) => push(&mut all, &open, c.encode_utf8(&mut [0; 4])),
                None => {
                    return Err(bad(
                        "an entity is not resolved; write the characters themselves".to_owned(),
                        line,
                        from,
                    ));
                }
            },
            Event::DocType(_) => {
                return Err(bad(
                    "a document type is never read or resolved; remove it".to_owned(),
                    line,
                    from,
                ));
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
        if open.len() > MAX_DEPTH || all.len() > MAX_ELEMENTS {
            return Err(bad("more or deeper elements than any marking has".to_owned(), line, from));
        }
        line += text.as_bytes()[from..to].iter().filter(|byte| **byte == b'\n').count() as u64;
        from = to;
    }
    if !open.is_empty() || all.is_empty() {
        return Err(bad("the document ends within an element, or holds none".to_owned(), line, from));
    }
    Ok(all)
}

fn element(
    reader: &NsReader<&[u8]>,
    tag: &BytesStart<'_>,
    parent: Option<usize>,
    (line, from, to): (u64, usize, usize),
) -> Result<Element, Box<Fault>> {
    let resolver = reader.resolver();
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| {
            bad(format!("an attribute is malformed: {}", super::cut(&e.to_string())), line, from)
        })?;
        let (namespace, name) = resolver.resolve_attribute(attribute.key);
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| {
            bad(format!("an attribute cannot be read: {}", super::cut(&e.to_string())), line, from)
        })?;
        attributes.push(Attribute {
            namespace: bound(&namespace),
            name: name.as_ref().to_owned(),
            value: value.into_owned(),
        });
    }
    Ok(Element {
        name: tag.local_name().as_ref().to_owned(),
        attributes,
        text: String::new(),
        parent,
        line,
        byte_start: from as u64,
        byte_end: to as u64,
    })
}

fn bound(namespace: &ResolveResult<'_>) -> String {
    match namespace {
        ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
        ResolveResult::Unbound => String::new(),
        // Not empty, so that it is not taken for an attribute of the element's own kind.
        ResolveResult::Unknown(prefix) => format!("unknown prefix {prefix}"),
    }
}

fn push(all: &mut [Element], open: &[usize], content: &str) {
    if let Some(element) = open.last().and_then(|at| all.get_mut(*at)) {
        element.text.push_str(content);
    }
}

fn character(name: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    match &**name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.resolve_char_ref().ok().flatten(),
    }
}

fn bad(message: String, line: u64, at: usize) -> Box<Fault> {
    Box::new(Fault::error("label::bad_xml", message).at_line(line).at_bytes(at as u64, at as u64 + 1))
}

/// Text that may stand in an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            other => safe.push(other),
        }
    }
    safe
}
