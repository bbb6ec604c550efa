use serde::{Deserialize, Serialize};

use super::{FieldType, LogFormat, columns, evtx_log, json, text, zeek};
use crate::matching::Scan;

/// How a line is read when it stands alone: what the head of its log said. As JSON it is kept beside the lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
pub enum LineShape {
    /// A row of Zeek's tables.
    ZeekTsv {
        /// Between cells.
        separator: u8,
        /// Between the members of a set.
        set_separator: u8,
        /// What stands for a set without members.
        empty: String,
        /// What stands for nothing.
        unset: String,
        /// The names of the columns; none before the head.
        fields: Vec<String>,
        /// Their types.
        types: Vec<String>,
    },
    /// An object on a line.
    Json,
    /// An object of an array, or of objects that go over several lines.
    JsonDocument,
    /// An event of Windows, as JSON.
    Evtx,
    /// A record of a table with a head.
    Csv {
        /// Between cells.
        separator: u8,
        /// The names of the columns.
        columns: Vec<String>,
    },
    /// A line of text.
    Text,
}

impl LineShape {
    /// What the log was read as.
    pub const fn format(&self) -> LogFormat {
        match self {
            Self::ZeekTsv { .. } => LogFormat::ZeekTsv,
            Self::Json | Self::JsonDocument => LogFormat::Json,
            Self::Evtx => LogFormat::Evtx,
            Self::Csv { .. } => LogFormat::Csv,
            Self::Text => LogFormat::Text,
        }
    }

    /// Whether a log of such lines can be read on from the middle.
    pub const fn goes_on(&self) -> bool {
        !matches!(self, Self::JsonDocument | Self::Evtx)
    }
}

/// Reads single lines of one shape.
pub(crate) enum LineReader {
    Zeek(zeek::Head, Vec<(usize, usize)>),
    Json,
    Evtx,
    Csv(u8, Vec<(String, FieldType)>),
    Text,
}

impl LineReader {
    pub(crate) fn new(shape: &LineShape, scan: &Scan<'_, '_>) -> Self {
        match shape {
            LineShape::ZeekTsv { .. } => Self::Zeek(zeek::Head::of_shape(shape, scan), Vec::new()),
            LineShape::Json | LineShape::JsonDocument => Self::Json,
            LineShape::Evtx => Self::Evtx,
            LineShape::Csv { separator, columns } => Self::Csv(*separator, columns::typed(columns.clone())),
            LineShape::Text => Self::Text,
        }
    }

    pub(crate) fn read(&mut self, bytes: &[u8], line: u64, offset: u64, scan: &mut Scan<'_, '_>) {
        match self {
            Self::Zeek(head, cells) => {
                scan.begin(line, offset);
                head.row(bytes, line, cells, scan);
            }
            Self::Json => {
                scan.begin(line, offset);
                json::object(bytes, offset, scan);
            }
            Self::Evtx => evtx_log::event(&String::from_utf8_lossy(bytes), line, offset, None, scan),
            Self::Csv(separator, columns) => {
                scan.begin(line, offset);
                columns::row(bytes, *separator, columns, scan);
            }
            Self::Text => {
                scan.begin(line, offset);
                text::line(bytes, scan);
            }
        }
    }
}
