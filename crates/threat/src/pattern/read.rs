//! Observed data from JSON.

use std::borrow::Cow;
use std::collections::HashMap;

use base::Fault;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::decode::{base64_bytes, hex_bytes};
use super::error::short;
use super::table::{Cell, Column, Observations, Observed, Target};
use super::time::{Micros, micros};

/// Bytes of observed data that are read.
pub const MAX_OBSERVED_BYTES: usize = 1 << 30;

/// Different properties, over all object types, that are kept.
const MAX_COLUMNS: usize = 200_000;

/// Faults that are told.
const MAX_FAULTS: usize = 1000;

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct ReadObservations {
    /// What could be read.
    pub observations: Observations,
    /// What could not, with its bytes. The first thousand.
    pub faults: Vec<Fault>,
}

impl Observations {
    /// Reads observed data: one observed-data object, a bundle, or an array of either.
    ///
    /// Both ways of naming objects are read, the dictionary `objects` of STIX 2.0 and the `object_refs` of 2.1; the
    /// latter are looked up in all bundles of the input, and where an id stands twice the later object counts. An
    /// observation without valid `first_observed`, `last_observed` and `number_observed` is left out, with a fault.
    /// Properties that end in `_hex` and `_bin` are binary.
    pub fn from_json(bytes: &[u8]) -> ReadObservations {
        let mut reader = Reader { input: bytes, faults: Vec::new(), untold: 0, bundles: Bundles::default() };
        reader.read();
        let mut table = Table::default();
        for number in 0..reader.bundles.observed.len() {
            let raw = reader.bundles.observed[number];
            reader.observation(raw, &mut table);
        }
        if reader.untold > 0 {
            let message = format!("{} more faults are not shown", reader.untold);
            reader.faults.push(Fault::warning("observations::too_many_faults", message));
        }
        ReadObservations { observations: table.finish(), faults: reader.faults }
    }
}

/// What decides how an object is read; the rest is left for later.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    objects: Option<&'a RawValue>,
    #[serde(borrow)]
    object_refs: Option<&'a RawValue>,
    first_observed: Option<Json>,
    last_observed: Option<Json>,
    number_observed: Option<Json>,
}

#[derive(Default)]
struct Bundles<'a> {
    observed: Vec<&'a RawValue>,
    /// Of each id the last object.
    objects: HashMap<Cow<'a, str>, &'a RawValue>,
}

struct Reader<'a> {
    input: &'a [u8],
    faults: Vec<Fault>,
    untold: usize,
    bundles: Bundles<'a>,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        if self.input.len() > MAX_OBSERVED_BYTES {
            let message =
                format!("{} bytes; at most {MAX_OBSERVED_BYTES} are read at once", self.input.len());
            return self.fault(Fault::error("observations::too_large", message));
        }
        let input = self.input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(self.input);
        match serde_json::from_slice::<&RawValue>(input) {
            Ok(raw) => self.document(raw, 0),
            Err(error) => self.not_json(&error, self.input.len() - input.len(), input),
        }
    }

    /// An array of documents, a bundle, or one observation.
    fn document(&mut self, raw: &'a RawValue, depth: usize) {
        if raw.get().starts_with('[') && depth == 0 {
            if let Some(members) = self.list(raw) {
                members.into_iter().for_each(|member| self.document(member, 1));
            }
            return;
        }
        let Some(head) = self.head(raw) else { return };
        match head.objects {
            Some(objects) if objects.get().starts_with('[') => {
                for member in self.list(objects).unwrap_or_default() {
                    self.member(member);
                }
            }
            Some(_) => self.bundles.observed.push(raw),
            None => self.member_with(raw, head),
        }
    }

    fn member(&mut self, raw: &'a RawValue) {
        if let Some(head) = self.head(raw) {
            self.member_with(raw, head);
        }
    }

    /// An object of a bundle.
    fn member_with(&mut self, raw: &'a RawValue, head: Head<'a>) {
        match (head.kind.as_deref(), head.id) {
            (Some("observed-data"), _) => self.bundles.observed.push(raw),
            (Some(_), Some(id)) => {
                if self.bundles.objects.insert(id, raw).is_some() {
                    let message = "an object with this id came before: the later one counts";
                    self.fault_at(Fault::warning("observations::same_id", message), raw);
                }
            }
            _ => {
                let message = "an object without `type` or without `id` can be in no observation";
                self.fault_at(Fault::error("observations::bad_object", message), raw);
            }
        }
    }

    fn list(&mut self, raw: &'a RawValue) -> Option<Vec<&'a RawValue>> {
        self.parsed(raw)
    }

    fn head(&mut self, raw: &'a RawValue) -> Option<Head<'a>> {
        if !raw.get().starts_with('{') {
            let message = format!("expected a JSON object, found `{}`", short(raw.get()));
            self.fault_at(Fault::error("observations::bad_object", message), raw);
            return None;
        }
        self.parsed(raw)
    }

    fn parsed<T: Deserialize<'a>>(&mut self, raw: &'a RawValue) -> Option<T> {
        match serde_json::from_str(raw.get()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.not_json(&error, self.offset(raw), raw.get().as_bytes());
                None
            }
        }
    }

    /// One observation with its objects into the table.
    fn observation(&mut self, raw: &'a RawValue, table: &mut Table<'a>) {
        let Some(head) = self.head(raw) else { return };
        let Some(observed) = self.observed(&head, raw) else { return };
        match (head.objects, head.object_refs) {
            (_, Some(refs)) => {
                let Some(refs) = self.parsed::<Vec<Cow<'a, str>>>(refs) else { return };
                let number = table.start(observed);
                for id in refs {
                    match self.bundles.objects.get(&id) {
                        Some(object) => self.shared_object(id, object, number, table),
                        None => {
                            let message = format!("`{}` of `object_refs` is not in the input", short(&id));
                            self.fault_at(Fault::warning("observations::missing_object", message), raw);
                        }
                    }
                }
                table.end(number);
            }
            (Some(objects), None) => {
                let Some(objects) = self.parsed::<Entries<'a>>(objects) else { return };
                let number = table.start(observed);
                for (key, object) in objects.0 {
                    if let Some(row) = self.object(object, table) {
                        table.own.insert(key, row);
                        table.table.instances.rows.push(row);
                    }
                }
                table.end(number);
            }
            (None, None) => {
                let message = "an observation without `object_refs` and without `objects`";
                self.fault_at(Fault::error("observations::no_objects", message).in_field("object_refs"), raw);
            }
        }
    }

    /// Times and count.
    fn observed(&mut self, head: &Head<'_>, raw: &RawValue) -> Option<Observed> {
        let first = self.time(head.first_observed.as_ref(), "first_observed", raw)?;
        let last = self.time(head.last_observed.as_ref(), "last_observed", raw)?;
        if last < first {
            let message = "`last_observed` is before `first_observed`";
            self.fault_at(Fault::error("observations::bad_time", message).in_field("last_observed"), raw);
            return None;
        }
        let Some(count) = head.number_observed.as_ref().and_then(Json::as_u64).filter(|count| *count > 0)
        else {
            let message = "`number_observed` must be a whole number from 1";
            self.fault_at(Fault::error("observations::bad_count", message).in_field("number_observed"), raw);
            return None;
        };
        Some(Observed { id: head.id.as_deref().unwrap_or_default().into(), first, last, count })
    }

    fn time(&mut self, value: Option<&Json>, field: &str, raw: &RawValue) -> Option<Micros> {
        let time = value.and_then(Json::as_str).and_then(micros);
        if time.is_none() {
            let found = value.map_or("nothing".to_owned(), |value| short(&value.to_string()));
            let message = format!("expected a time such as 2026-01-01T00:00:00Z, found {found}");
            self.fault_at(Fault::error("observations::bad_time", message).in_field(field), raw);
        }
        time
    }

    /// An object of a bundle, once for all observations that name it.
    fn shared_object(&mut self, id: Cow<'a, str>, raw: &'a RawValue, number: u32, table: &mut Table<'a>) {
        let row = match table.shared.get(&id) {
            Some(row) => *row,
            None => {
                let row = self.object(raw, table);
                table.shared.insert(id, row);
                row
            }
        };
        if let Some(row) = row {
            debug_assert_eq!(number as usize + 1, table.table.observed.len());
            table.table.instances.rows.push(row);
        }
    }

    fn object(&mut self, raw: &'a RawValue, table: &mut Table<'a>) -> Option<u32> {
        let object: Json = self.parsed(raw)?;
        let Some(kind) = object.get("type").and_then(Json::as_str) else {
            let message = "an object without `type` matches nothing";
            self.fault_at(Fault::warning("observations::bad_object", message).in_field("type"), raw);
            return None;
        };
        let mut notes = Vec::new();
        let row = table.add(kind, &object, &mut notes);
        notes.into_iter().for_each(|note| self.fault_at(note, raw));
        Some(row)
    }

    fn offset(&self, raw: &RawValue) -> usize {
        (raw.get().as_ptr() as usize).saturating_sub(self.input.as_ptr() as usize)
    }

    fn fault_at(&mut self, fault: Fault, raw: &RawValue) {
        let start = self.offset(raw);
        self.fault(fault.at_bytes(start as u64, (start + raw.get().len()) as u64));
    }

    fn not_json(&mut self, error: &serde_json::Error, offset: usize, text: &[u8]) {
        let line_start =
            text.split_inclusive(|b| *b == b'\n').take(error.line().saturating_sub(1)).map(<[u8]>::len);
        let at =
            (offset + line_start.sum::<usize>() + error.column().saturating_sub(1)).min(self.input.len());
        let line = 1 + self.input[..at].iter().filter(|b| **b == b'\n').count() as u64;
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let end = (at + 1).min(self.input.len());
        self.fault(
            Fault::error("observations::bad_json", short(message))
                .at_line(line)
                .at_bytes(at as u64, end as u64),
        );
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            self.untold += 1;
        }
    }
}

/// The members of a JSON object in their order.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a dictionary of objects")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Text(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        from.deserialize_map(Visitor)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The table under construction.
#[derive(Default)]
struct Table<'a> {
    table: Observations,
    /// Rows of objects of bundles, by id; `None` for one that could not be read.
    shared: HashMap<Cow<'a, str>, Option<u32>>,
    /// Rows of the observation's own dictionary, by key.
    own: HashMap<Cow<'a, str>, u32>,
    /// References of bundles: column, entry.
    open: Vec<(u32, u32)>,
    /// References of the observation's own dictionary.
    own_open: Vec<(u32, u32)>,
    /// Properties that were left out were told once.
    told: bool,
}

impl Table<'_> {
    fn start(&mut self, observed: Observed) -> u32 {
        self.table.observed.push(observed);
        self.table.observed.len() as u32 - 1
    }

    /// Ends observation `number`: its instances are ordered, and references within its own dictionary resolved.
    fn end(&mut self, number: u32) {
        let instances = &mut self.table.instances;
        let start = instances.observations.len();
        let mut rows = instances.rows.split_off(start);
        rows.sort_unstable();
        rows.dedup();
        instances.rows.extend(rows);
        instances.observations.resize(instances.rows.len(), number);
        if self.own.is_empty() {
            self.open.append(&mut self.own_open);
            return;
        }
        for (column, entry) in std::mem::take(&mut self.own_open) {
            resolve(&mut self.table.columns[column as usize], entry as usize, |id| self.own.get(id).copied());
        }
        self.own.clear();
    }

    fn finish(mut self) -> Observations {
        for (column, entry) in std::mem::take(&mut self.open) {
            let column = &mut self.table.columns[column as usize];
            resolve(column, entry as usize, |id| self.shared.get(id).copied().flatten());
        }
        self.table.instances.index(self.table.rows.len());
        self.table
    }

    /// A new row.
    fn add(&mut self, kind: &str, object: &Json, notes: &mut Vec<Fault>) -> u32 {
        let row = self.table.rows.len() as u32;
        let column = match self.table.types.get(kind) {
            Some(column) => *column,
            None => {
                let column = self.new_column();
                self.table.types.insert(kind.into(), column);
                column
            }
        };
        let entry = self.enter(column, row, 0, Cell::Dictionary);
        self.table.rows.push((column, entry));
        self.below(column, entry, row, object, Kind::Plain, notes);
        row
    }

    fn new_column(&mut self) -> u32 {
        self.table.columns.push(Column::default());
        self.table.columns.len() as u32 - 1
    }

    fn enter(&mut self, column: u32, row: u32, parent: u32, cell: Cell) -> u32 {
        let column = &mut self.table.columns[column as usize];
        column.rows.push(row);
        column.parents.push(parent);
        column.cells.push(cell);
        column.cells.len() as u32 - 1
    }

    /// What `value`, which is entry `entry` of `column`, holds.
    fn below(&mut self, column: u32, entry: u32, row: u32, value: &Json, kind: Kind, notes: &mut Vec<Fault>) {
        match value {
            Json::Object(members) => {
                for (key, value) in members {
                    let Some(child) = self.child(column, key, notes) else { continue };
                    self.value(child, entry, row, value, Kind::of(key), key, notes);
                }
            }
            Json::Array(elements) => {
                let child = match self.table.columns[column as usize].elements {
                    Some(child) => child,
                    None => {
                        let child = self.new_column();
                        self.table.columns[column as usize].elements = Some(child);
                        child
                    }
                };
                let kind = if kind == Kind::References { Kind::Reference } else { Kind::Plain };
                for (element, position) in elements.iter().zip(0..) {
                    self.table.columns[child as usize].positions.push(position);
                    self.value(child, entry, row, element, kind, "", notes);
                }
            }
            _ => (),
        }
    }

    /// The column of a property.
    fn child(&mut self, column: u32, key: &str, notes: &mut Vec<Fault>) -> Option<u32> {
        if let Some(child) = self.table.columns[column as usize].keys.get(key) {
            return Some(*child);
        }
        if self.table.columns.len() >= MAX_COLUMNS {
            if !std::mem::replace(&mut self.told, true) {
                let message = format!(
                    "more than {MAX_COLUMNS} different properties: from here on new ones are left out"
                );
                notes.push(Fault::error("observations::too_many_properties", message).in_field(short(key)));
            }
            return None;
        }
        let child = self.new_column();
        self.table.columns[column as usize].keys.insert(key.into(), child);
        Some(child)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one place in the tree of columns and one in that of the object"
    )]
    fn value(
        &mut self,
        column: u32,
        parent: u32,
        row: u32,
        value: &Json,
        kind: Kind,
        key: &str,
        notes: &mut Vec<Fault>,
    ) {
        let cell = self.cell(column, value, kind, key, notes);
        let entry = self.enter(column, row, parent, cell);
        let target = match (kind, value) {
            (Kind::Reference, Json::String(_)) => {
                self.own_open.push((column, entry));
                Some(Target::Unresolved)
            }
            (Kind::Reference, _) => Some(Target::NoReference),
            (Kind::References, Json::Array(_)) => Some(Target::Unresolved),
            (Kind::References, _) => Some(Target::NoReference),
            _ => None,
        };
        if let Some(target) = target {
            self.table.columns[column as usize].targets.push(target);
        }
        self.below(column, entry, row, value, kind, notes);
    }

    fn cell(&mut self, column: u32, value: &Json, kind: Kind, key: &str, notes: &mut Vec<Fault>) -> Cell {
        let column = &mut self.table.columns[column as usize];
        match value {
            Json::Null => Cell::Null,
            Json::Bool(value) => Cell::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Cell::Integer(value),
                None => Cell::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => {
                let bytes = match kind {
                    Kind::Hex => hex_bytes(text),
                    Kind::Base64 => base64_bytes(text),
                    _ => return column.text_cell(text),
                };
                if let Some(bytes) = bytes {
                    return column.bytes_cell(&bytes);
                }
                let message = format!(
                    "`{}` is not what the ending of its name says: it is read as a string",
                    short(text)
                );
                notes.push(Fault::warning("observations::bad_binary", message).in_field(short(key)));
                column.text_cell(text)
            }
            Json::Array(_) => Cell::List,
            Json::Object(_) => Cell::Dictionary,
        }
    }
}

/// What the ending of a property's name says of its value (STIX 2.1 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Hex,
    Base64,
    Reference,
    References,
}

impl Kind {
    pub(super) fn of(key: &str) -> Self {
        let endings = [
            ("_hex", Self::Hex),
            ("_bin", Self::Base64),
            ("_ref", Self::Reference),
            ("_refs", Self::References),
        ];
        endings.into_iter().find(|(ending, _)| key.ends_with(ending)).map_or(Self::Plain, |(_, kind)| kind)
    }
}

/// Sets what entry `entry` refers to.
fn resolve(column: &mut Column, entry: usize, row: impl Fn(&str) -> Option<u32>) {
    let found = match column.value(entry) {
        super::table::Value::Text(id) => row(id),
        _ => None,
    };
    if let (Some(row), Some(target)) = (found, column.targets.get_mut(entry)) {
        *target = Target::Row(row);
    }
}
