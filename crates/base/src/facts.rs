use serde_json::Value;

use crate::{ObjectRef, Severity};

/// What a policy may look at beside the marking: what an item is, and what it is about.
///
/// It is read from the item itself, so that whoever has the item can repeat the decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Facts {
    /// The schema of the item: `bongsu.finding/1`.
    pub noun: String,
    /// What sort of that noun, in dotted words: `orbit.approach`.
    pub kind: Option<String>,
    /// The namespaced ids of what it is about: `norad:29268`. Sorted, each once.
    pub objects: Vec<String>,
    /// How many beacons, 1 to 5.
    pub severity: Option<Severity>,
    /// The precedence word with which it is sent: `flash`.
    pub precedence: Option<String>,
}

impl Facts {
    /// The facts of an item whose only one is what it is.
    pub fn of_noun(noun: &str) -> Self {
        Self { noun: noun.to_owned(), kind: None, objects: Vec::new(), severity: None, precedence: None }
    }

    /// The ids of `objects` as facts have them.
    pub fn ids(objects: &[ObjectRef]) -> Vec<String> {
        sorted(objects.iter().map(|object| object.id.clone()).collect())
    }

    /// The facts in a document with a `schema`; `None` when it has none, or when one of the fields `kind`, `objects`,
    /// `severity` and `precedence` is there in a form that this version does not know. A field that is left out is
    /// no fact.
    pub fn read(document: &Value) -> Option<Self> {
        let noun = crate::schema_of(document);
        if noun.is_empty() {
            return None;
        }
        let word = |field: &str| match document.get(field) {
            None => Some(None),
            Some(value) => value.as_str().map(|word| Some(word.to_owned())),
        };
        let mut objects = Vec::new();
        if let Some(list) = document.get("objects") {
            for object in list.as_array()? {
                objects.push(object.get("id")?.as_str()?.to_owned());
            }
        }
        let severity = match document.get("severity") {
            None => None,
            Some(value) => Some(serde_json::from_value(value.clone()).ok()?),
        };
        Some(Self {
            noun: noun.to_owned(),
            kind: word("kind")?,
            objects: sorted(objects),
            severity,
            precedence: word("precedence")?,
        })
    }
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_finding_tells_what_it_is_about() {
        let facts = Facts::read(&json!({
            "schema": "bongsu.finding/1", "kind": "orbit.approach", "severity": 3, "precedence": "flash",
            "objects": [{"id": "norad:2"}, {"id": "norad:1", "name": "A"}, {"id": "norad:2"}],
        }))
        .unwrap();
        assert_eq!(
            (facts.noun.as_str(), facts.kind.as_deref()),
            ("bongsu.finding/1", Some("orbit.approach"))
        );
        assert_eq!(facts.objects, ["norad:1", "norad:2"]);
        assert_eq!(facts.severity.map(Severity::beacons), Some(3));
        assert_eq!(facts.precedence.as_deref(), Some("flash"));
    }

    #[test]
    fn what_cannot_be_read_is_no_fact_that_is_missing() {
        assert_eq!(Facts::read(&json!({"schema": "x/1"})), Some(Facts::of_noun("x/1")));
        for wrong in [
            json!({}),
            json!({"schema": 1}),
            json!({"schema": "x/1", "kind": ["a"]}),
            json!({"schema": "x/1", "kind": null}),
            json!({"schema": "x/1", "objects": "norad:1"}),
            json!({"schema": "x/1", "objects": [{"name": "A"}]}),
            json!({"schema": "x/1", "objects": ["norad:1"]}),
            json!({"schema": "x/1", "severity": 9}),
            json!({"schema": "x/1", "precedence": 1}),
        ] {
            assert_eq!(Facts::read(&wrong), None, "{wrong}");
        }
    }
}
