//! The form of the tables of types: `domain.rs`, `observable.rs` and `meta.rs` fill them, the engine reads them.

use super::Context;
use super::vocabulary::Vocabulary;
use crate::stix::json::Node;

/// A type of object.
#[derive(Debug)]
pub(crate) struct ObjectType {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) shape: Shape,
    /// Extensions that the specification itself defines for the type (clause 6).
    pub(crate) extensions: &'static [(&'static str, &'static Shape)],
    /// Relationship types from this type and the types at their other end (appendix B), besides the common ones.
    pub(crate) relationships: &'static [(&'static str, &'static [&'static str])],
    /// ID contributing properties of a cyber-observable object (clause 2.9).
    pub(crate) contributing: &'static [&'static str],
}

/// What sort of object a type is; it decides which common properties it has (clause 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Domain,
    Relationship,
    Observable,
    Meta,
}

/// The properties of an object or of a part of one.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) properties: &'static [Property],
    pub(crate) rules: &'static [Rule],
    /// Whether other properties may stand beside those of the table.
    pub(crate) open: bool,
}

/// A property by its name.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) kind: Kind,
    pub(crate) vocabulary: Option<&'static Vocabulary>,
}

/// What the value of a property must be.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    Bool,
    Integer {
        min: i64,
        max: i64,
    },
    Number {
        min: f64,
        max: f64,
    },
    /// RFC 3339 in UTC (clause 2.16).
    Timestamp,
    /// A timestamp with at least three digits of the second: `created` and `modified` (clause 3.2).
    Milliseconds,
    /// A timestamp without a fraction.
    WholeSeconds,
    /// An identifier (clause 2.9).
    Id,
    /// An identifier of the type of the object itself.
    OwnId,
    /// An identifier of one of these types.
    Ref(&'static [&'static str]),
    /// An identifier of any type but these.
    RefExcept(&'static [&'static str]),
    /// A reference from one cyber-observable object to another: an identifier of one of these types, or a key of the
    /// deprecated `objects` when it stands there. No types: any.
    ObservableRef(&'static [&'static str]),
    /// Of a fixed set.
    Enum(&'static [&'static str]),
    List {
        of: &'static Kind,
        min: usize,
    },
    /// Names to anything (clause 2.3).
    Dictionary,
    /// Names to values of one of these kinds.
    DictionaryOf(&'static [Kind]),
    /// Names of algorithms to hashes (clause 2.7).
    Hashes,
    /// Bytes as hexadecimal digits.
    Hex,
    /// Bytes as base64.
    Binary,
    Shape(&'static Shape),
    Extensions,
    /// A string of a form that `format.rs` knows.
    Form(Form),
    /// What needs code: the function adds its own faults.
    Own(for<'n> fn(&mut Context<'_, 'n>, &'n Node<'n>)),
}

/// Forms of strings that other standards define.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// RFC 3986.
    Uri,
    /// RFC 5890.
    HostName,
    /// RFC 5322 addr-spec, as mail systems take it.
    EmailAddress,
    /// One IPv4 address or CIDR range.
    Ipv4,
    /// One IPv6 address or CIDR range.
    Ipv6,
    /// EUI-48 in lower case with colons.
    Mac,
    /// IANA media type.
    MediaType,
    /// IANA character set.
    CharacterSet,
    /// Common Platform Enumeration 2.3.
    Cpe,
    /// RFC 5646.
    Language,
    /// RFC 5646, or ISO 639-2 as STIX 2.0 had it.
    SoftwareLanguage,
    /// Lower-case ASCII, digits and hyphens.
    RelationshipType,
    /// A path to a property (clause 7.2.3.1).
    Selector,
}

/// What holds between properties.
#[derive(Debug)]
pub(crate) enum Rule {
    /// At least one of these is there.
    AnyOf(&'static [&'static str]),
    /// Exactly one of these is there.
    OneOf(&'static [&'static str]),
    /// With the first the second is there too.
    Needs(&'static str, &'static str),
    /// The first is not earlier than the second.
    NotBefore(&'static str, &'static str),
    /// The first is later than the second.
    After(&'static str, &'static str),
    /// What needs code.
    Own(for<'n> fn(&mut Context<'_, 'n>, &'n Node<'n>)),
}

/// An integer of any size.
pub(crate) const INTEGER: Kind = Kind::Integer { min: i64::MIN, max: i64::MAX };
/// An integer of at least 0.
pub(crate) const COUNT: Kind = Kind::Integer { min: 0, max: i64::MAX };
/// A number of any size.
pub(crate) const NUMBER: Kind = Kind::Number { min: f64::NEG_INFINITY, max: f64::INFINITY };
/// A list of strings.
pub(crate) const TEXTS: Kind = Kind::List { of: &Kind::Text, min: 1 };
/// A list of identifiers of any type.
pub(crate) const REFS: Kind = Kind::List { of: &Kind::Id, min: 1 };

/// A required property.
pub(crate) const fn must(name: &'static str, kind: Kind) -> Property {
    Property { name, required: true, kind, vocabulary: None }
}

/// An optional property.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Property {
    Property { name, required: false, kind, vocabulary: None }
}

impl Property {
    /// The same property with values from a vocabulary.
    pub(crate) const fn of(self, vocabulary: &'static Vocabulary) -> Self {
        Self { vocabulary: Some(vocabulary), ..self }
    }
}

/// A shape to which custom properties may be added.
pub(crate) const fn open(properties: &'static [Property], rules: &'static [Rule]) -> Shape {
    Shape { properties, rules, open: true }
}

impl Shape {
    /// The property `name`.
    pub(crate) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

/// The type `name` of STIX 2.1, when the specification defines it.
pub(crate) fn object_type(name: &str) -> Option<&'static ObjectType> {
    let mut all = super::domain::TYPES.iter().chain(super::observable::TYPES).chain(super::meta::TYPES);
    all.find(|one| one.name == name)
}
