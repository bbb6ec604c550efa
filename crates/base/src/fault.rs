use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad a [`Fault`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultLevel {
    /// Read, but suspicious.
    Warning,
    /// This item could not be read; the rest was.
    Error,
}

/// Something wrong with input: what, where, and what to do. Readers give what they could read plus these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// A stable code such as `orbit::bad_checksum`.
    pub code: String,
    /// How bad.
    pub level: FaultLevel,
    /// What is wrong and what to do, in words.
    pub message: String,
    /// The file, or `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The physical line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The field by its name in the format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// First byte of the wrong part, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_start: Option<u64>,
    /// First byte after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_end: Option<u64>,
}

impl Fault {
    /// An error without a place yet.
    pub fn error(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            level: FaultLevel::Error,
            message: message.into(),
            source: None,
            line: None,
            field: None,
            byte_start: None,
            byte_end: None,
        }
    }

    /// A warning without a place yet.
    pub fn warning(code: &str, message: impl Into<String>) -> Self {
        Self { level: FaultLevel::Warning, ..Self::error(code, message) }
    }

    /// The same fault in file `source`.
    #[must_use]
    pub fn in_source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same fault at physical line `line`, counted from 1.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The same fault in the field named `field`.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same fault over bytes `start..end` of the input.
    #[must_use]
    pub fn at_bytes(mut self, start: u64, end: u64) -> Self {
        self.byte_start = Some(start);
        self.byte_end = Some(end);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}:")?;
        }
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if self.source.is_some() || self.line.is_some() {
            write!(f, " ")?;
        }
        let level = match self.level {
            FaultLevel::Warning => "warning",
            FaultLevel::Error => "error",
        };
        write!(f, "{level}[{}]: ", self.code)?;
        if let Some(field) = &self.field {
            write!(f, "field {field}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let (Some(start), Some(end)) = (self.byte_start, self.byte_end) {
            write!(f, " (bytes {start} to {end})")?;
        }
        Ok(())
    }
}
