//! Messages as JSON. CCSDS has a JSON form for none of them; CelesTrak and Space-Track have one for the OMM.

use serde_json::{Map, Number, Value, json};

use super::check::decimal;
use super::model::{Field, Message, MessageKind, Section};
use super::schema::{Kind, Table};

impl Message {
    /// The message as JSON.
    ///
    /// An OMM is one flat object of keywords, as CelesTrak and Space-Track write it: numbers as numbers in the units of
    /// the standard, comments of all sections in `COMMENT`. Every other message has `kind`, `version`, `header`, for
    /// a CDM `relative`, and `segments` of `metadata` and `data`; `data` lists the sections by `section`. There a
    /// number in another unit than that of the standard is `{"value": .., "unit": ".."}`.
    pub fn to_json(&self) -> Value {
        let table = self.kind.table();
        if self.kind == MessageKind::Omm {
            return flat(self, table);
        }
        let fields = |section: &Section| Value::Object(fields(table, section));
        let segments: Vec<Value> = self
            .segments
            .iter()
            .map(|segment| {
                let data: Vec<Value> = segment
                    .data
                    .iter()
                    .map(|section| {
                        let mut all = Map::from_iter([("section".to_owned(), json!(section.name))]);
                        all.append(&mut self::fields(table, section));
                        Value::Object(all)
                    })
                    .collect();
                json!({"metadata": fields(&segment.metadata), "data": data})
            })
            .collect();
        let mut all = Map::new();
        all.insert("kind".to_owned(), json!(self.kind.to_string()));
        all.insert("version".to_owned(), json!(self.version.value));
        all.insert("header".to_owned(), fields(&self.header));
        if let Some(relative) = &self.relative {
            all.insert("relative".to_owned(), fields(relative));
        }
        all.insert("segments".to_owned(), Value::Array(segments));
        Value::Object(all)
    }
}

fn flat(message: &Message, table: &Table) -> Value {
    let mut all = Map::new();
    all.insert(table.version.to_owned(), json!(message.version.value));
    let comments: Vec<&str> = message.comments().collect();
    if !comments.is_empty() {
        all.insert("COMMENT".to_owned(), json!(comments));
    }
    for section in message.sections() {
        for field in section.fields().filter(|field| !field.value.is_empty()) {
            let value = section.number(&field.keyword).filter(|_| is_number(table, section, field));
            let value = value.and_then(Number::from_f64).map(Value::Number);
            all.insert(field.keyword.to_string(), value.unwrap_or_else(|| plain(table, section, field)));
        }
    }
    Value::Object(all)
}

fn fields(table: &Table, section: &Section) -> Map<String, Value> {
    let mut all = Map::new();
    let comments: Vec<&str> = section.comments().collect();
    if !comments.is_empty() {
        all.insert("COMMENT".to_owned(), json!(comments));
    }
    for field in section.fields().filter(|field| !field.value.is_empty()) {
        let standard =
            table.section(section.name).and_then(|s| s.key(&field.keyword)).map_or("", |key| key.unit);
        let value = plain(table, section, field);
        let value = match field.unit() {
            Some(unit) if unit != standard => json!({"value": value, "unit": unit}),
            _ => value,
        };
        all.insert(field.keyword.to_string(), value);
    }
    all
}

fn kind(table: &Table, section: &Section, field: &Field) -> Option<Kind> {
    Some(table.section(section.name)?.key(&field.keyword)?.kind)
}

fn is_number(table: &Table, section: &Section, field: &Field) -> bool {
    kind(table, section, field) == Some(Kind::Number)
}

/// The value in the type that its keyword has.
fn plain(table: &Table, section: &Section, field: &Field) -> Value {
    let value = field.value();
    let text = || json!(value);
    match kind(table, section, field) {
        Some(Kind::Number) => decimal(value).and_then(Number::from_f64).map_or_else(text, Value::Number),
        Some(Kind::Count) => value.parse::<u64>().map_or_else(|_| text(), |count| json!(count)),
        Some(Kind::Numbers(_)) => {
            let numbers: Option<Vec<f64>> = value.split_whitespace().map(decimal).collect();
            numbers.map_or_else(text, |numbers| json!(numbers))
        }
        _ => text(),
    }
}
