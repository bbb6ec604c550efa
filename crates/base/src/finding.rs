use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer, ser};

use crate::{Confidence, EntryId, Facts, Interval, Likelihood, Marked, Marking, Noun, Place, Severity};

/// Something that a finding is about: a satellite, a host, a person's account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// The namespaced id by which findings of all domains meet: `norad:29268`.
    pub id: String,
    /// The name for people, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is one that we protect (rather than one that comes near it).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
}

/// How a conclusion was reached, so that another can repeat it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The method's name: `orbit.screen`, `officer`.
    pub name: String,
    /// The version of the program or rule.
    pub version: String,
}

/// What we conclude from observations. All domains end here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What sort of conclusion, in dotted words: `orbit.approach`, `report.officer`.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// More text, when a person wrote some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it holds.
    pub interval: Interval,
    /// Where, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What it is about.
    pub objects: Vec<ObjectRef>,
    /// How many beacons.
    pub severity: Severity,
    /// How likely, when that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likelihood: Option<Likelihood>,
    /// How sure of it.
    pub confidence: Confidence,
    /// How it was reached.
    pub method: Method,
    /// Measured values by name with the unit in the name: `miss_km`. A value that is not finite cannot be written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", serialize_with = "finite")]
    pub measures: BTreeMap<String, f64>,
    /// Who may have it: at least as narrow as all of its evidence.
    pub marking: Marking,
    /// The entries it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EntryId>,
}

impl Noun for Finding {
    const SCHEMA: &'static str = "bongsu.finding/1";
}

impl Marked for Finding {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &self.evidence
    }

    fn facts(&self) -> Option<Facts> {
        Some(Facts {
            kind: Some(self.kind.clone()),
            objects: Facts::ids(&self.objects),
            severity: Some(self.severity),
            ..Facts::of_noun(Self::SCHEMA)
        })
    }
}

/// JSON has no NaN and no infinity; serde_json would write `null`, which nobody could read as a number again.
fn finite<S: Serializer>(measures: &BTreeMap<String, f64>, to: S) -> Result<S::Ok, S::Error> {
    match measures.iter().find(|(_, value)| !value.is_finite()) {
        Some((name, value)) => Err(ser::Error::custom(format!("measure `{name}` is {value}"))),
        None => measures.serialize(to),
    }
}
