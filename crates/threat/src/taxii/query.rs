//! What a request asks for: the parameters of TAXII 2.1, section 3.4 and 3.5, and the further `match` filters of the
//! TAXII 2.1 Interoperability document, section 3.13.2.

use super::cursor::digest;
use super::{ContentMatch, Cursor, Micros, parse_micros};

/// The most values of one `match` parameter.
const MAX_VALUES: usize = 1000;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `objects/`.
    Objects,
    /// `objects/{id}/`.
    Object,
    /// `objects/{id}/versions/`.
    Versions,
    /// `manifest/`.
    Manifest,
    /// `DELETE objects/{id}/`.
    Delete,
}

/// Which versions of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionMatch {
    /// The earliest.
    First,
    /// The latest.
    Last,
    /// Every one.
    All,
    /// That very one.
    At(Micros),
}

/// Which objects. An empty list asks for no such thing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// `match[id]`.
    pub ids: Vec<String>,
    /// `match[type]`.
    pub types: Vec<String>,
    /// `match[version]`.
    pub versions: Vec<VersionMatch>,
    /// `match[spec_version]`.
    pub spec_versions: Vec<String>,
    /// Filters on what the objects say.
    pub content: Vec<ContentMatch>,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Only what was added after this time.
    pub added_after: Option<Micros>,
    /// At most so many.
    pub limit: Option<usize>,
    /// Go on there.
    pub next: Option<Cursor>,
    /// Which objects.
    pub filter: Filter,
    /// A digest of all but `limit` and `next`.
    pub question: u32,
}

/// Why a question cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryFault {
    /// What is wrong and what to do.
    pub message: String,
}

fn fault<T>(message: impl Into<String>) -> Result<T, QueryFault> {
    Err(QueryFault { message: message.into() })
}

impl Query {
    /// Reads the part of a URL after `?`. Parameters that are no business of TAXII are left alone.
    ///
    /// # Errors
    /// For a value that means nothing, a parameter given twice, a `match` filter that is not known, a cursor of another
    /// question.
    pub fn parse(text: &str, endpoint: Endpoint) -> Result<Self, QueryFault> {
        let mut query =
            Self { added_after: None, limit: None, next: None, filter: Filter::default(), question: 0 };
        let mut seen: Vec<String> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return fault(format!("`{pair}` is not percent-encoded UTF-8"));
            };
            let known = query.take(&name, &value, endpoint)?;
            if known && seen.contains(&name) {
                return fault(format!("`{name}` is given twice; several values are separated by commas"));
            }
            seen.extend(known.then_some(name));
        }
        query.question = query.digest(endpoint);
        if query.next.is_some_and(|next| next.question != query.question) {
            return fault("`next` belongs to another question; begin again without it");
        }
        Ok(query)
    }

    /// Takes one parameter; `false` when it is none of ours.
    fn take(&mut self, name: &str, value: &str, endpoint: Endpoint) -> Result<bool, QueryFault> {
        let pages = endpoint != Endpoint::Delete;
        match name {
            "added_after" if pages => match parse_micros(&value.replace(' ', "+")) {
                Some(time) => self.added_after = Some(time),
                None => {
                    return fault(format!(
                        "`added_after`: `{value}` is no time such as 2026-01-01T00:00:00Z"
                    ));
                }
            },
            "limit" if pages => match value.parse::<usize>() {
                Ok(limit) if limit > 0 => self.limit = Some(limit),
                _ => return fault(format!("`limit`: `{value}` is no positive number")),
            },
            "next" if pages => match Cursor::parse(value) {
                Some(cursor) => self.next = Some(cursor),
                None => return fault("`next` was not made by this server; begin again without it"),
            },
            _ => match name.strip_prefix("match[").and_then(|rest| rest.strip_suffix(']')) {
                Some(field) => self.take_match(field, value, endpoint)?,
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    fn take_match(&mut self, field: &str, value: &str, endpoint: Endpoint) -> Result<(), QueryFault> {
        let values: Vec<&str> = value.split(',').collect();
        if values.len() > MAX_VALUES {
            return fault(format!("`match[{field}]` has more than {MAX_VALUES} values; ask several times"));
        }
        if values.iter().any(|value| value.is_empty()) {
            return fault(format!("`match[{field}]` has an empty value"));
        }
        let of_many = matches!(endpoint, Endpoint::Objects | Endpoint::Manifest);
        let owned = || values.iter().map(|value| (*value).to_owned()).collect();
        match field {
            "id" if of_many => self.filter.ids = owned(),
            "type" if of_many => self.filter.types = owned(),
            "spec_version" => self.filter.spec_versions = owned(),
            "version" if endpoint != Endpoint::Versions => {
                self.filter.versions = values.iter().map(|value| version(value)).collect::<Result<_, _>>()?;
            }
            _ if of_many => match ContentMatch::new(field, &values) {
                Some(Ok(content)) => self.filter.content.push(content),
                Some(Err(message)) => return fault(message),
                None => return fault(format!("`match[{field}]` is not known here")),
            },
            _ => return fault(format!("`match[{field}]` has no meaning here")),
        }
        Ok(())
    }

    fn digest(&self, endpoint: Endpoint) -> u32 {
        digest(&format!("{endpoint:?} {:?} {:?}", self.added_after, self.filter))
    }
}

fn version(value: &str) -> Result<VersionMatch, QueryFault> {
    Ok(match value {
        "first" => VersionMatch::First,
        "last" => VersionMatch::Last,
        "all" => VersionMatch::All,
        time => match parse_micros(&time.replace(' ', "+")) {
            Some(time) => VersionMatch::At(time),
            None => return fault(format!("`match[version]`: `{time}` is not first, last, all or a time")),
        },
    })
}

/// Undoes percent-encoding; `+` is a space.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Query, VersionMatch};
    use crate::taxii::Cursor;

    #[test]
    fn parameters_are_read() {
        let text = "match%5Bid%5D=a,b&match[type]=indicator&limit=3&match[version]=first,2016-12-25T12:30:59.444Z\
                    &added_after=2016-11-03T12:30:59%2B01:00&utm=1&match[spec_version]=2.0";
        let query = Query::parse(text, Endpoint::Objects).unwrap();
        assert_eq!(query.filter.ids, ["a", "b"]);
        assert_eq!(query.filter.types, ["indicator"]);
        assert_eq!(query.filter.spec_versions, ["2.0"]);
        assert_eq!(query.filter.versions[0], VersionMatch::First);
        assert!(matches!(query.filter.versions[1], VersionMatch::At(_)));
        assert_eq!(query.limit, Some(3));
        assert!(query.added_after.is_some());
    }

    #[test]
    fn what_means_nothing_is_said() {
        for text in [
            "limit=-20",
            "limit=0",
            "limit=many",
            "added_after=today",
            "match[version]=newest",
            "match[id]=a&match[id]=b",
            "match[id]=",
            "match[colour]=red",
            "next=17",
            "match[id]=%zz",
            "match[id]=%ff",
            "match[confidence]=much",
        ] {
            assert!(Query::parse(text, Endpoint::Objects).is_err(), "{text}");
        }
        assert!(Query::parse("match[id]=a", Endpoint::Object).is_err());
        assert!(Query::parse("match[version]=all", Endpoint::Versions).is_err());
    }

    #[test]
    fn a_cursor_belongs_to_its_question() {
        let question = Query::parse("match[version]=all&limit=2", Endpoint::Objects).unwrap().question;
        let next = Cursor { added: 5, given: 1, question }.to_text();
        let with = |rest: &str| Query::parse(&format!("{rest}&next={next}"), Endpoint::Objects);
        assert!(with("match[version]=all&limit=2").is_ok());
        assert!(with("match[version]=all&limit=7").is_ok(), "the size of a page may change");
        assert!(with("match[version]=first&limit=2").is_err());
        assert!(Query::parse(&format!("match[version]=all&next={next}"), Endpoint::Manifest).is_err());
    }
}
