//! What the tables of the standards are written in: one [`Table`] a kind of message serves KVN and XML, reading,
//! checking and writing.

use super::{MessageKind, cdm, oem, omm, opm, tdm};

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// A time in one of the two forms of CCSDS 301.0-B, 3.5.
    Time,
    /// A finite decimal number.
    Number,
    /// A whole number from 0.
    Count,
    /// So many numbers with blanks between.
    Numbers(usize),
    /// Whole numbers with blanks or commas between.
    Counts,
    /// One of these words; case does not count.
    Word(&'static [&'static str]),
    /// A time system that the standards know.
    TimeSystem,
    /// Indices of participants with commas between.
    Path,
}

/// A keyword of a section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The unit of the standard; empty where there is none.
    pub(crate) unit: &'static str,
    pub(crate) required: bool,
    /// Whether it may stand there without a value although it is required.
    pub(crate) may_be_empty: bool,
    /// The element that holds it in XML, inside that of the section.
    pub(crate) group: Option<&'static str>,
}

/// How often a section stands in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occurs {
    Once,
    AtMostOnce,
    Many,
}

/// How a section looks in KVN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A line for each keyword.
    Lines,
    /// `time x y z ..`: the values of the keywords in their order on one line.
    Row,
    /// `KEYWORD = time value`.
    Observation,
    /// Lines, and behind them the lower triangle of a matrix, within `COVARIANCE_START` and `COVARIANCE_STOP`.
    Triangle,
}

#[derive(Debug)]
pub(crate) struct SectionTable {
    /// The name that it goes by here; unique within a table.
    pub(crate) name: &'static str,
    /// Its element in XML.
    pub(crate) element: &'static str,
    pub(crate) occurs: Occurs,
    pub(crate) shape: Shape,
    pub(crate) keys: &'static [Key],
    /// Whether `USER_DEFINED_x` may stand here.
    pub(crate) user_defined: bool,
}

impl SectionTable {
    pub(crate) const fn new(name: &'static str, occurs: Occurs, keys: &'static [Key]) -> Self {
        Self { name, element: name, occurs, shape: Shape::Lines, keys, user_defined: false }
    }

    pub(crate) const fn of_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    pub(crate) const fn in_element(self, element: &'static str) -> Self {
        Self { element, ..self }
    }

    /// The section of user-defined parameters.
    pub(crate) const fn user() -> Self {
        Self { user_defined: true, ..Self::new("userDefinedParameters", Occurs::AtMostOnce, &[]) }
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Whether `keyword` belongs here.
    pub(crate) fn takes(&self, keyword: &str) -> bool {
        self.key(keyword).is_some() || (self.user_defined && is_user_defined(keyword))
    }

    /// The keywords that stand on the lines of the triangle.
    pub(crate) fn matrix_keys(&self) -> &'static [Key] {
        let from = self.keys.iter().position(|key| key.name == "CX_X").unwrap_or(self.keys.len());
        self.keys.get(from..).unwrap_or_default()
    }
}

/// The unit of a value whose unit another keyword names (`RANGE_UNITS`).
pub(crate) const ANY_UNIT: &str = "*";

/// Prefix of the keywords that partners agree on.
pub(crate) const USER_DEFINED: &str = "USER_DEFINED_";

/// Whether `keyword` is `USER_DEFINED_x` with an `x` that both forms can carry: letters, digits, `_`, `-` and `.`.
pub(crate) fn is_user_defined(keyword: &str) -> bool {
    keyword.strip_prefix(USER_DEFINED).is_some_and(|own| {
        !own.is_empty() && own.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    })
}

/// A kind of message.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) kind: MessageKind,
    /// Its element in XML.
    pub(crate) root: &'static str,
    /// The keyword of its first line.
    pub(crate) version: &'static str,
    /// The versions that the standards have had.
    pub(crate) versions: &'static [&'static str],
    pub(crate) header: SectionTable,
    pub(crate) relative: Option<SectionTable>,
    pub(crate) metadata: SectionTable,
    pub(crate) data: &'static [SectionTable],
    /// How many segments it has; 0 is one or more.
    pub(crate) segments: usize,
    /// Whether KVN has `META_START` and `META_STOP`.
    pub(crate) meta_marks: bool,
    /// Whether KVN has `DATA_START` and `DATA_STOP`.
    pub(crate) data_marks: bool,
}

impl Table {
    pub(crate) fn section(&self, name: &str) -> Option<&SectionTable> {
        [Some(&self.header), self.relative.as_ref(), Some(&self.metadata)]
            .into_iter()
            .flatten()
            .chain(self.data)
            .find(|section| section.name == name)
    }
}

pub(crate) fn table(kind: MessageKind) -> &'static Table {
    match kind {
        MessageKind::Opm => &opm::TABLE,
        MessageKind::Omm => &omm::TABLE,
        MessageKind::Oem => &oem::TABLE,
        MessageKind::Cdm => &cdm::TABLE,
        MessageKind::Tdm => &tdm::TABLE,
    }
}

/// The unit of the standard for a keyword. Sections of one name have the same units in all kinds that have them,
/// but covariances: those are told apart by their names.
pub(crate) fn unit_of(section: &str, keyword: &str) -> Option<&'static str> {
    MessageKind::ALL
        .iter()
        .filter_map(|kind| kind.table().section(section)?.key(keyword))
        .map(|key| key.unit)
        .find(|unit| !unit.is_empty() && *unit != ANY_UNIT)
}

const fn key(name: &'static str, kind: Kind, unit: &'static str, required: bool) -> Key {
    Key { name, kind, unit, required, may_be_empty: false, group: None }
}

/// A required number.
pub(crate) const fn number(name: &'static str, unit: &'static str) -> Key {
    key(name, Kind::Number, unit, true)
}

/// A number that may be absent.
pub(crate) const fn maybe_number(name: &'static str, unit: &'static str) -> Key {
    key(name, Kind::Number, unit, false)
}

/// A required value.
pub(crate) const fn must(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", true)
}

/// A value that may be absent.
pub(crate) const fn may(name: &'static str, kind: Kind) -> Key {
    key(name, kind, "", false)
}

impl Key {
    /// It must stand there, but a value is not insisted on: the largest publishers leave it empty.
    pub(crate) const fn or_empty(self) -> Self {
        Self { may_be_empty: true, ..self }
    }

    /// In element `group` of the XML form.
    pub(crate) const fn grouped(self, group: &'static str) -> Self {
        Self { group: Some(group), ..self }
    }
}

/// Header of the orbit data messages (502.0-B-3, tables 3-1, 4-1, 5-2) and of the TDM (503.0-B-2, table 3-2).
pub(crate) const HEADER: SectionTable = SectionTable::new(
    "header",
    Occurs::Once,
    &[
        may("CLASSIFICATION", Kind::Text),
        must("CREATION_DATE", Kind::Time),
        must("ORIGINATOR", Kind::Text),
        may("MESSAGE_ID", Kind::Text),
    ],
);

/// The spacecraft of an OPM or OMM (502.0-B-3, tables 3-3 and 4-3).
pub(crate) const SPACECRAFT: SectionTable = SectionTable::new(
    "spacecraftParameters",
    Occurs::AtMostOnce,
    &[
        maybe_number("MASS", "kg"),
        maybe_number("SOLAR_RAD_AREA", "m**2"),
        maybe_number("SOLAR_RAD_COEFF", ""),
        maybe_number("DRAG_AREA", "m**2"),
        maybe_number("DRAG_COEFF", ""),
    ],
);

macro_rules! covariance_keys {
    ($($first:expr),*) => {
        &[
            $($first,)*
            number("CX_X", "km**2"),
            number("CY_X", "km**2"),
            number("CY_Y", "km**2"),
            number("CZ_X", "km**2"),
            number("CZ_Y", "km**2"),
            number("CZ_Z", "km**2"),
            number("CX_DOT_X", "km**2/s"),
            number("CX_DOT_Y", "km**2/s"),
            number("CX_DOT_Z", "km**2/s"),
            number("CX_DOT_X_DOT", "km**2/s**2"),
            number("CY_DOT_X", "km**2/s"),
            number("CY_DOT_Y", "km**2/s"),
            number("CY_DOT_Z", "km**2/s"),
            number("CY_DOT_X_DOT", "km**2/s**2"),
            number("CY_DOT_Y_DOT", "km**2/s**2"),
            number("CZ_DOT_X", "km**2/s"),
            number("CZ_DOT_Y", "km**2/s"),
            number("CZ_DOT_Z", "km**2/s"),
            number("CZ_DOT_X_DOT", "km**2/s**2"),
            number("CZ_DOT_Y_DOT", "km**2/s**2"),
            number("CZ_DOT_Z_DOT", "km**2/s**2"),
        ]
    };
}

/// The covariance of an OPM or OMM: its lower triangle, all of it or none (502.0-B-3, tables 3-3 and 4-3).
pub(crate) const COVARIANCE: SectionTable = SectionTable::new(
    "covarianceMatrix",
    Occurs::AtMostOnce,
    covariance_keys!(may("COV_REF_FRAME", Kind::Text)),
);

/// A covariance of an OEM (502.0-B-3, 5.2.5).
pub(crate) const OEM_COVARIANCE: SectionTable = SectionTable::new(
    "covarianceMatrix",
    Occurs::Many,
    covariance_keys!(must("EPOCH", Kind::Time), may("COV_REF_FRAME", Kind::Text)),
)
.of_shape(Shape::Triangle);
