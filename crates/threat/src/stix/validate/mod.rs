//! The validator: what a STIX 2.1 object must and should be.
//!
//! `domain.rs`, `observable.rs` and `meta.rs` are the tables of types; `engine.rs` walks an object by them; `rules.rs`
//! and `rules_observable.rs` hold what needs code; `recommended.rs` the checks that look at a whole object; `form.rs` the strings whose form
//! other standards define.

mod bundle;
mod checks;
mod domain;
mod engine;
mod form;
mod meta;
mod observable;
mod path;
mod pattern_check;
mod recommended;
mod registers;
mod rules;
mod rules_observable;
mod selector;
mod table;
mod version20;
mod vocabulary;

use base::{Fault, FaultLevel};

pub use bundle::BundleCheck;
pub use checks::{Check, Checks, UnknownCheck};
pub(crate) use form::{comparable, is_identifier};
pub(crate) use selector::select;
pub(crate) use table::{Class, ObjectType, object_type};

use self::path::Path;
use super::frame::Frame;
use super::json::{self, Node};
use crate::SpecVersion;

/// How a validator judges.
#[derive(Debug, Clone, Default)]
pub struct ValidateOptions {
    /// By which version. With 2.1, objects of a bundle that have `created` but no `spec_version` are of 2.0 all the same.
    /// Objects of 2.0 are judged as what they become in 2.1.
    pub spec: SpecVersion,
    /// Recommendations count like requirements.
    pub strict: bool,
    /// Types that the specification does not define are told of.
    pub strict_types: bool,
    /// Properties that the specification does not define are told of.
    pub strict_properties: bool,
    /// The ends of relationships must be in the same bundle.
    pub enforce_refs: bool,
    /// The recommended checks that are done.
    pub checks: Checks,
}

/// Whether the specification demands something or recommends it (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The object is no STIX without it.
    Must,
    /// The object is STIX, but others may stumble over it.
    Should,
}

/// What is wrong with an object, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A stable code: `threat::missing_property`, or `threat::` and the name of the check.
    pub code: &'static str,
    /// Demanded or recommended.
    pub level: Level,
    /// The recommended check that found it.
    pub check: Option<Check>,
    /// The `id` of the object, as far as it has one.
    pub object_id: String,
    /// Where in the object: `external_references[0].url`. Empty for the object as a whole.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
    /// First byte of the wrong part, counted from the start of the input.
    pub byte_start: u64,
    /// First byte after it.
    pub byte_end: u64,
}

impl Violation {
    /// The violation as a fault of a reader: what must be is an error, what should be a warning.
    pub fn to_fault(&self) -> Fault {
        let message = match self.object_id.as_str() {
            "" => self.message.clone(),
            id => format!("{id}: {}", self.message),
        };
        let level = match self.level {
            Level::Must => FaultLevel::Error,
            Level::Should => FaultLevel::Warning,
        };
        let mut fault = Fault::error(self.code, message).at_bytes(self.byte_start, self.byte_end);
        fault.level = level;
        if self.path.is_empty() { fault } else { fault.in_field(self.path.clone()) }
    }
}

/// What was found of an object or of a whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The `id`; empty when there is none.
    pub id: String,
    /// Whether nothing that must be is missing and, when strict, nothing that should be.
    pub valid: bool,
    /// In the order of the text.
    pub violations: Vec<Violation>,
}

impl Verdict {
    fn new(id: String, violations: Vec<Violation>, options: &ValidateOptions) -> Self {
        let valid = violations.iter().all(|one| one.level == Level::Should && !options.strict);
        Self { id, valid, violations }
    }

    /// Adds what was found of the object in its bundle.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Violation>, options: &ValidateOptions) {
        self.violations.extend(more);
        self.valid = self.violations.iter().all(|one| one.level == Level::Should && !options.strict);
    }

    /// What must be mended: errors. With `strict` also what should be.
    pub fn errors<'v>(&'v self, options: &ValidateOptions) -> impl Iterator<Item = &'v Violation> {
        let strict = options.strict;
        self.violations.iter().filter(move |one| one.level == Level::Must || strict)
    }

    /// What should be mended, when that does not count as an error.
    pub fn warnings<'v>(&'v self, options: &ValidateOptions) -> impl Iterator<Item = &'v Violation> {
        let strict = options.strict;
        self.violations.iter().filter(move |one| one.level == Level::Should && !strict)
    }
}

/// Judges one JSON text: an object of STIX 2.1, or a bundle with all that is in it.
///
/// For files use [`crate::BundleReader`] and [`validate_object`], which hold one object at a time.
///
/// ```
/// let text = br#"{"type": "mutex", "spec_version": "2.1",
///   "id": "mutex--eba44954-d4e4-5d3b-814c-2b17dd8de300", "name": "sync"}"#;
/// assert!(threat::validate(text, &Default::default()).valid);
/// ```
pub fn validate(text: &[u8], options: &ValidateOptions) -> Verdict {
    match json::parse(text) {
        Ok(node) => {
            let mut violations = Vec::new();
            let id = one(&node, text, options, options.spec, 0, &mut violations);
            if node.text("type") == Some("bundle") {
                bundle::validate_children(&node, text, options, &mut violations);
            }
            Verdict::new(id, violations, options)
        }
        Err(error) => Verdict::new(String::new(), vec![unreadable(error, 0)], options),
    }
}

/// Judges one object whose first byte is byte `offset` of the input. Of a bundle only the frame is judged, not its
/// objects.
pub fn validate_object(text: &[u8], offset: u64, options: &ValidateOptions) -> Verdict {
    judge(text, offset, options, |_| options.spec)
}

/// Judges one object of a bundle: like [`validate_object`], save that one with `created` and no `spec_version` is of 2.0.
pub fn validate_member(text: &[u8], offset: u64, options: &ValidateOptions) -> Verdict {
    judge(
        text,
        offset,
        options,
        |node| {
            if version20::is_of_2_0(node) { SpecVersion::V2_0 } else { options.spec }
        },
    )
}

fn judge(
    text: &[u8],
    offset: u64,
    options: &ValidateOptions,
    spec: impl FnOnce(&Node<'_>) -> SpecVersion,
) -> Verdict {
    match json::parse(text) {
        Ok(node) => {
            let mut violations = Vec::new();
            let id = one(&node, text, options, spec(&node), offset, &mut violations);
            Verdict::new(id, violations, options)
        }
        Err(error) => Verdict::new(String::new(), vec![unreadable(error, offset)], options),
    }
}

/// Judges the object `node` of `text` by a version of the specification.
fn one(
    node: &Node<'_>,
    text: &[u8],
    options: &ValidateOptions,
    spec: SpecVersion,
    offset: u64,
    violations: &mut Vec<Violation>,
) -> String {
    match spec {
        SpecVersion::V2_0 => version20::validate(node, text, options, offset, violations),
        SpecVersion::V2_1 => engine::validate_node(node, options, offset, violations),
    }
}

/// Judges a bundle by itself, without its objects. Spans count from the beginning of the bundle; after its objects they
/// mean nothing.
pub fn validate_frame(frame: &Frame, options: &ValidateOptions) -> Verdict {
    let mut verdict = validate_object(&frame.to_empty_bundle(), 0, options);
    verdict.violations.retain(|one| !(one.code == "threat::empty_list" && one.path == "objects"));
    verdict.extend([], options);
    verdict
}

fn unreadable(error: json::JsonError, offset: u64) -> Violation {
    Violation {
        code: error.kind.code(),
        level: Level::Must,
        check: None,
        object_id: String::new(),
        path: String::new(),
        message: error.kind.message(),
        byte_start: offset + error.start as u64,
        byte_end: offset + error.end as u64,
    }
}

/// An object under judgement.
pub(crate) struct Context<'v, 'n> {
    options: &'v ValidateOptions,
    /// The `id` of the object; for the deprecated `objects` of observed-data that of the outer one.
    id: &'n str,
    /// The `type` of the object that is looked at: of `root`, or of one in its deprecated `objects`.
    type_name: &'n str,
    /// Within a cyber-observable object.
    observable: bool,
    /// The keys of the deprecated `objects` of observed-data, while one of them is looked at.
    siblings: Option<&'n Node<'n>>,
    path: Path<'n>,
    offset: u64,
    violations: &'v mut Vec<Violation>,
}

/// Violations that one object may have; more would only fill memory.
const MAX_VIOLATIONS: usize = 200;

impl<'n> Context<'_, 'n> {
    fn add(
        &mut self,
        code: &'static str,
        check: Option<Check>,
        level: Level,
        node: &Node<'_>,
        message: String,
    ) {
        if self.violations.len() >= MAX_VIOLATIONS {
            return;
        }
        self.violations.push(Violation {
            code,
            level,
            check,
            object_id: shown(self.id).to_owned(),
            path: self.path.to_string(),
            message,
            byte_start: self.offset + node.start as u64,
            byte_end: self.offset + node.end as u64,
        });
    }

    /// Something that must be otherwise.
    pub(crate) fn must(&mut self, code: &'static str, node: &Node<'_>, message: impl Into<String>) {
        self.add(code, None, Level::Must, node, message.into());
    }

    /// Something that should be otherwise, when its check is done.
    pub(crate) fn should(&mut self, check: Check, node: &Node<'_>, message: impl FnOnce() -> String) {
        if self.options.checks.has(check) {
            self.add(check.code(), Some(check), Level::Should, node, message());
        }
    }

    /// Something that a strict option tells of.
    pub(crate) fn custom(&mut self, code: &'static str, node: &Node<'_>, message: String) {
        self.add(code, None, Level::Should, node, message);
    }

    /// Does `work` on a property of the present place.
    pub(crate) fn at(&mut self, key: &'n str, work: impl FnOnce(&mut Self)) {
        self.path.push_key(key);
        work(self);
        self.path.pop();
    }

    /// Does `work` on an item of the list at the present place.
    pub(crate) fn at_index(&mut self, index: usize, work: impl FnOnce(&mut Self)) {
        self.path.push_index(index);
        work(self);
        self.path.pop();
    }
}

/// A text of the input as a message shows it: not without end.
pub(crate) fn shown(text: &str) -> &str {
    const MOST: usize = 120;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
