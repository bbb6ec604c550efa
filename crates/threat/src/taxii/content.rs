use std::sync::LazyLock;

use serde_json::Value;

use super::{Micros, parse_micros};

/// A filter on what an object says: TAXII 2.1 Interoperability, section 3.13.2. Several values are alternatives.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentMatch {
    field: &'static Field,
    values: Vec<Wanted>,
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    /// As it stands between the brackets.
    name: &'static str,
    how: How,
    kind: Kind,
}

/// Where the value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// A property of the object itself (tier 1).
    Own,
    /// A list of the object itself (tier 2).
    List,
    /// A property by this name at any depth (tier 3).
    Deep,
    /// The markings of the object, by the word of TLP (tier 3).
    Tlp,
    /// Either end of a relationship, or what a sighting is of.
    Ends,
    /// At least.
    AtLeast,
    /// At most.
    AtMost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Truth,
    Time,
}

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    Text(String),
    Number(f64),
    Truth(bool),
    Time(Micros),
}

const fn field(name: &'static str, how: How, kind: Kind) -> Field {
    Field { name, how, kind }
}

/// The words of TLP 1 and 2 and the ids of their definitions (STIX 2.1, section 7.2.1.4; OASIS, TLP 2.0, 2022).
const TLP: &[(&str, &str)] = &[
    ("white", "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"),
    ("green", "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"),
    ("amber", "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"),
    ("red", "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"),
    ("clear", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"),
    ("green", "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"),
    ("amber", "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"),
    ("amber+strict", "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"),
    ("red", "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"),
];

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let own = [
        "account_type",
        "context",
        "data_type",
        "encryption_algorithm",
        "identity_class",
        "name",
        "opinion",
        "pattern",
        "pattern_type",
        "primary_motivation",
        "region",
        "relationship_type",
        "resource_level",
        "result",
        "sophistication",
        "subject",
        "value",
    ];
    let lists = [
        "aliases",
        "architecture_execution_envs",
        "capabilities",
        "extension_types",
        "implementation_languages",
        "indicator_types",
        "infrastructure_types",
        "labels",
        "malware_types",
        "personal_motivations",
        "report_types",
        "roles",
        "secondary_motivations",
        "sectors",
        "threat_actor_types",
        "tool_types",
    ];
    let deep = [
        "address_family",
        "external_id",
        "MD5",
        "SHA-1",
        "SHA-256",
        "SHA-512",
        "SHA3-256",
        "SHA3-512",
        "SSDEEP",
        "TLSH",
        "integrity_level",
        "pe_type",
        "phase_name",
        "service_status",
        "service_type",
        "socket_type",
        "source_name",
        "start_type",
    ];
    let mut fields: Vec<Field> = own.map(|name| field(name, How::Own, Kind::Text)).into();
    fields.extend(
        ["confidence", "dst_port", "number", "src_port"].map(|name| field(name, How::Own, Kind::Number)),
    );
    fields.push(field("revoked", How::Own, Kind::Truth));
    fields.extend(lists.map(|name| field(name, How::List, Kind::Text)));
    fields.extend(deep.map(|name| field(name, How::Deep, Kind::Text)));
    fields.push(field("tlp", How::Tlp, Kind::Text));
    fields.push(field("relationships-all", How::Ends, Kind::Text));
    for name in ["confidence-gte", "number-gte", "src_port-gte", "dst_port-gte"] {
        fields.push(field(name, How::AtLeast, Kind::Number));
    }
    for name in ["confidence-lte", "number-lte", "src_port-lte", "dst_port-lte"] {
        fields.push(field(name, How::AtMost, Kind::Number));
    }
    fields.extend(["modified-gte", "valid_until-gte"].map(|name| field(name, How::AtLeast, Kind::Time)));
    fields.extend(["modified-lte", "valid_from-lte"].map(|name| field(name, How::AtMost, Kind::Time)));
    fields
});

impl ContentMatch {
    /// The filter `match[name]`; `None` when there is none by that name, an error when a value means nothing.
    pub(super) fn new(name: &str, values: &[&str]) -> Option<Result<Self, String>> {
        let field = FIELDS.iter().find(|field| field.name == name)?;
        let values = values.iter().map(|value| wanted(field, value)).collect::<Result<_, _>>();
        Some(values.map(|values| Self { field, values }))
    }

    /// Whether an object meets it.
    pub fn meets(&self, object: &Value) -> bool {
        let property =
            self.field.name.rsplit_once('-').filter(|_| self.is_range()).map_or(self.field.name, |(p, _)| p);
        match self.field.how {
            How::Own => object.get(property).is_some_and(|value| self.is(value)),
            How::List => object
                .get(property)
                .and_then(Value::as_array)
                .is_some_and(|list| list.iter().any(|v| self.is(v))),
            How::Deep => self.is_below(object, 0),
            How::Tlp => object
                .get("object_marking_refs")
                .and_then(Value::as_array)
                .is_some_and(|refs| refs.iter().any(|id| self.is_tlp(id))),
            How::Ends => ["source_ref", "target_ref", "sighting_of_ref"]
                .iter()
                .filter_map(|end| object.get(end))
                .chain(object.get("where_sighted_refs").and_then(Value::as_array).into_iter().flatten())
                .any(|end| self.is(end)),
            How::AtLeast | How::AtMost => object.get(property).is_some_and(|value| self.bounds(value)),
        }
    }

    const fn is_range(&self) -> bool {
        matches!(self.field.how, How::AtLeast | How::AtMost)
    }

    fn is(&self, value: &Value) -> bool {
        self.values.iter().any(|wanted| match (wanted, value) {
            (Wanted::Text(wanted), Value::String(text)) => wanted == text,
            (Wanted::Number(wanted), Value::Number(number)) => number.as_f64() == Some(*wanted),
            (Wanted::Truth(wanted), Value::Bool(truth)) => wanted == truth,
            (Wanted::Time(wanted), Value::String(text)) => parse_micros(text) == Some(*wanted),
            _ => false,
        })
    }

    fn bounds(&self, value: &Value) -> bool {
        let least = self.field.how == How::AtLeast;
        self.values.iter().any(|wanted| match (wanted, value) {
            (Wanted::Number(bound), Value::Number(number)) => {
                number.as_f64().is_some_and(|number| if least { number >= *bound } else { number <= *bound })
            }
            (Wanted::Time(bound), Value::String(text)) => {
                parse_micros(text).is_some_and(|time| if least { time >= *bound } else { time <= *bound })
            }
            _ => false,
        })
    }

    fn is_tlp(&self, id: &Value) -> bool {
        let word = id.as_str().and_then(|id| TLP.iter().find(|(_, of)| *of == id)).map(|(word, _)| *word);
        self.values.iter().any(|wanted| matches!(wanted, Wanted::Text(text) if Some(text.as_str()) == word))
    }

    fn is_below(&self, value: &Value, depth: usize) -> bool {
        // serde_json reads at most 128 levels.
        match value {
            Value::Object(map) => map.iter().any(|(name, value)| {
                (name == self.field.name && depth > 0 && self.is(value)) || self.is_below(value, depth + 1)
            }),
            Value::Array(list) => list.iter().any(|value| self.is_below(value, depth + 1)),
            _ => false,
        }
    }
}

fn wanted(field: &Field, value: &str) -> Result<Wanted, String> {
    let no = |what: &str| Err(format!("`match[{}]`: `{value}` is no {what}", field.name));
    match field.kind {
        Kind::Text if field.how == How::Tlp && !TLP.iter().any(|(word, _)| *word == value) => {
            no("word of TLP")
        }
        Kind::Text => Ok(Wanted::Text(value.to_owned())),
        Kind::Number => {
            value.parse::<i64>().map_or_else(|_| no("whole number"), |n| Ok(Wanted::Number(n as f64)))
        }
        Kind::Truth => match value {
            "true" => Ok(Wanted::Truth(true)),
            "false" => Ok(Wanted::Truth(false)),
            _ => no("true or false"),
        },
        Kind::Time => {
            parse_micros(&value.replace(' ', "+")).map_or_else(|| no("time"), |time| Ok(Wanted::Time(time)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ContentMatch;

    fn meets(name: &str, values: &[&str], object: &Value) -> bool {
        ContentMatch::new(name, values).unwrap().unwrap().meets(object)
    }

    #[test]
    fn each_tier() {
        let malware = json!({
            "type": "malware", "malware_types": ["trojan", "worm"], "confidence": 30, "revoked": false,
            "modified": "2026-01-02T00:00:00Z", "labels": [],
            "external_references": [{"source_name": "mitre", "external_id": "S1"}],
            "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        });
        assert!(meets("malware_types", &["worm"], &malware) && !meets("malware_types", &["bot"], &malware));
        assert!(meets("malware_types", &["bot", "worm"], &malware));
        assert!(meets("confidence", &["30"], &malware) && !meets("confidence", &["31"], &malware));
        assert!(meets("confidence-gte", &["30"], &malware) && !meets("confidence-gte", &["31"], &malware));
        assert!(meets("confidence-lte", &["30"], &malware) && !meets("confidence-lte", &["29"], &malware));
        assert!(meets("modified-gte", &["2026-01-02T00:00:00Z"], &malware));
        assert!(!meets("modified-lte", &["2026-01-01T00:00:00Z"], &malware));
        assert!(meets("revoked", &["false"], &malware) && !meets("revoked", &["true"], &malware));
        assert!(meets("external_id", &["S1"], &malware) && !meets("external_id", &["S2"], &malware));
        assert!(meets("tlp", &["green"], &malware) && !meets("tlp", &["red"], &malware));
        let file = json!({"type": "file", "hashes": {"MD5": "aa"}, "MD5": "bb"});
        assert!(
            meets("MD5", &["aa"], &file) && !meets("MD5", &["bb"], &file),
            "a property of its own is no hash"
        );
        let relationship = json!({"source_ref": "a", "target_ref": "b"});
        assert!(meets("relationships-all", &["b"], &relationship));
        assert!(!meets("relationships-all", &["c"], &relationship));
    }

    #[test]
    fn what_means_nothing() {
        assert!(ContentMatch::new("nothing", &["1"]).is_none());
        for (name, value) in
            [("confidence", "x"), ("tlp", "blue"), ("revoked", "yes"), ("modified-gte", "now")]
        {
            assert!(ContentMatch::new(name, &[value]).unwrap().is_err(), "{name}");
        }
    }
}
