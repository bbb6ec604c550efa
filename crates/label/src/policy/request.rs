//! What Cedar is asked, and which parts of it a policy looks at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::str::FromStr;

use base::{Facts, Timestamp};
use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request, RestrictedExpression,
};
use serde_json::Value;

use crate::{Audience, Caveat, Label, Level};

/// May `audience` receive an item with this label and these facts at `now`?
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) audience: &'a Audience,
    pub(super) label: &'a Label,
    pub(super) facts: &'a Facts,
    pub(super) now: Timestamp,
}

/// The request could not be made.
#[derive(Debug)]
pub(super) struct CannotAsk;

/// The value of an attribute.
enum Datum<'a> {
    Word(&'a str),
    Number(i64),
    Flag(bool),
    Set(Vec<&'a str>),
}

impl Datum<'_> {
    fn expression(&self) -> RestrictedExpression {
        match self {
            Self::Word(word) => RestrictedExpression::new_string((*word).to_owned()),
            Self::Number(number) => RestrictedExpression::new_long(*number),
            Self::Flag(flag) => RestrictedExpression::new_bool(*flag),
            Self::Set(words) => RestrictedExpression::new_set(
                words.iter().map(|word| RestrictedExpression::new_string((*word).to_owned())),
            ),
        }
    }

    /// Adds the value to a key so that no two values look alike: each word with its length.
    fn key(&self, key: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Word(word) => write!(key, "w{}:{word}", word.len()),
            Self::Number(number) => write!(key, "n{number};"),
            Self::Flag(flag) => write!(key, "f{flag};"),
            Self::Set(words) => {
                let _ = write!(key, "s{}:", words.len());
                words.iter().try_for_each(|word| write!(key, "{}:{word}", word.len()))
            }
        };
    }
}

type Attributes<'a> = Vec<(&'static str, Datum<'a>)>;

impl<'a> Asked<'a> {
    /// The attributes of the node, without its identity.
    fn principal(&self) -> Attributes<'a> {
        let audience = self.audience;
        let mut attributes = vec![
            ("country", Datum::Word(audience.country.as_str())),
            ("clearance", Datum::Word(audience.clearance.as_str())),
            ("clearance_rank", Datum::Number(rank(audience.clearance))),
        ];
        attributes.extend(audience.organisation.as_deref().map(|o| ("organisation", Datum::Word(o))));
        attributes
    }

    fn resource(&self) -> Attributes<'a> {
        let Self { label, facts, .. } = *self;
        let countries =
            |set: &'a BTreeSet<base::Country>| Datum::Set(set.iter().map(base::Country::as_str).collect());
        let mut attributes = vec![
            ("level", Datum::Word(label.level().as_str())),
            ("level_rank", Datum::Number(rank(label.level()))),
            ("rel_to", countries(label.rel_to())),
            ("originators", countries(label.originators())),
            ("caveats", Datum::Set(label.caveats().iter().map(|caveat| caveat.as_str()).collect())),
            ("exercise", Datum::Flag(label.caveats().contains(&Caveat::Exercise))),
            ("categories", Datum::Set(label.categories().iter().map(String::as_str).collect())),
            ("display_only", countries(label.display_only())),
            ("relido", Datum::Flag(label.relido())),
            ("noun", Datum::Word(&facts.noun)),
            ("objects", Datum::Set(facts.objects.iter().map(String::as_str).collect())),
        ];
        attributes.extend(label.tlp().map(|tlp| ("tlp", Datum::Word(tlp.as_str()))));
        attributes.extend(label.pap().map(|pap| ("pap", Datum::Word(pap.as_str()))));
        attributes.extend(facts.kind.as_deref().map(|kind| ("kind", Datum::Word(kind))));
        attributes.extend(facts.severity.map(|s| ("severity", Datum::Number(i64::from(s.beacons())))));
        attributes.extend(facts.precedence.as_deref().map(|word| ("precedence", Datum::Word(word))));
        attributes
    }

    fn context(&self) -> Attributes<'static> {
        let unix_time_s = self.now.unix_nanos().div_euclid(1_000_000_000);
        let (date, hour) = day_and_hour(unix_time_s);
        vec![
            ("date", Datum::Number(date)),
            ("hour", Datum::Number(hour)),
            ("unix_time_s", Datum::Number(unix_time_s)),
        ]
    }

    /// The request with the entities that it speaks of.
    pub(super) fn request(&self) -> Result<(Request, Entities), CannotAsk> {
        let node = uid("Node", self.audience.node.as_str())?;
        let country = uid("Country", self.audience.country.as_str())?;
        let item = uid("Item", "item")?;
        let entity = |uid: &EntityUid, attributes: Attributes<'_>, parents: HashSet<EntityUid>| {
            let attributes: HashMap<String, RestrictedExpression> =
                attributes.iter().map(|(name, value)| ((*name).to_owned(), value.expression())).collect();
            Entity::new(uid.clone(), attributes, parents).map_err(|_| CannotAsk)
        };
        let entities = [
            entity(&node, self.principal(), HashSet::from([country.clone()]))?,
            entity(&item, self.resource(), HashSet::new())?,
            Entity::new_no_attrs(country, HashSet::new()),
        ];
        let entities = Entities::from_entities(entities, None).map_err(|_| CannotAsk)?;
        let context = self.context();
        let context = context.iter().map(|(name, value)| ((*name).to_owned(), value.expression()));
        let context = Context::from_pairs(context).map_err(|_| CannotAsk)?;
        let request =
            Request::new(node, uid("Action", "receive")?, item, context, None).map_err(|_| CannotAsk)?;
        Ok((request, entities))
    }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, CannotAsk> {
    let kind = EntityTypeName::from_str(kind).map_err(|_| CannotAsk)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// The place of a level on its scale, from 0.
fn rank(level: Level) -> i64 {
    Level::ALL.iter().position(|l| *l == level).map_or(i64::MAX, |place| place as i64)
}

/// The day as a number (20260310) and the hour of it, in UTC.
fn day_and_hour(unix_time_s: i64) -> (i64, i64) {
    let (days, seconds) = (unix_time_s.div_euclid(86_400), unix_time_s.rem_euclid(86_400));
    // Days from civil, Howard Hinnant: years begin in March, eras have 400 years.
    let from_era = days + 719_468;
    let (era, day_of_era) = (from_era.div_euclid(146_097), from_era.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year * 10_000 + month * 100 + day, seconds / 3_600)
}

/// The names of the attributes that a policy looks at. What it does not look at cannot change its answer.
#[derive(Debug, Default)]
pub(super) struct Relevant {
    /// The policies could not be looked through: everything counts.
    all: bool,
    names: HashSet<String>,
    /// Of sets that are asked for nothing but whether they hold certain words: these words. So items about different
    /// objects have one answer as long as no policy names one of these objects.
    members: HashMap<String, HashSet<String>>,
}

impl Relevant {
    pub(super) fn of(set: &PolicySet) -> Self {
        let mut relevant = Self::default();
        for policy in set.policies() {
            match policy.to_json() {
                Ok(json) => relevant.note(&json),
                Err(_) => relevant.all = true,
            }
        }
        relevant
    }

    /// Every attribute is reached through `.` or `has`, whose operand names it under `attr`; only the context is a
    /// value by itself, which may be compared as a whole.
    fn note(&mut self, json: &Value) {
        let mut open = vec![json];
        while let Some(value) = open.pop() {
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(map) => {
                    if let Some((name, words, of)) = membership(map) {
                        self.members.entry(name.to_owned()).or_default().extend(words);
                        open.push(of);
                        continue;
                    }
                    for operator in [".", "has"] {
                        match map.get(operator).and_then(|operand| operand.get("attr")) {
                            Some(Value::String(name)) => {
                                self.names.insert(name.clone());
                            }
                            // A path of attributes, or another form than the one that is known.
                            Some(_) => self.all = true,
                            None => {}
                        }
                    }
                    for (name, inner) in map {
                        let of_context = [".", "has"].contains(&name.as_str())
                            && inner.get("left").and_then(|left| left.get("Var")).and_then(Value::as_str)
                                == Some("context");
                        if name == "Var" && inner.as_str() == Some("context") {
                            self.all = true;
                        }
                        if !of_context {
                            open.push(inner);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The same for any two requests that the policy cannot tell apart.
    pub(super) fn key(&self, asked: &Asked<'_>) -> String {
        let mut key = String::with_capacity(64);
        Datum::Word(asked.audience.node.as_str()).key(&mut key);
        Datum::Word(asked.audience.country.as_str()).key(&mut key);
        for (part, attributes) in [("P", asked.principal()), ("R", asked.resource()), ("C", asked.context())]
        {
            key.push_str(part);
            for (name, value) in attributes {
                if self.all || self.names.contains(name) {
                    key.push_str(name);
                    value.key(&mut key);
                } else if let (Some(asked_for), Datum::Set(words)) = (self.members.get(name), &value) {
                    key.push_str(name);
                    let asked_for = words.iter().copied().filter(|word| asked_for.contains(*word));
                    Datum::Set(asked_for.collect()).key(&mut key);
                }
            }
        }
        key
    }
}

/// Whether an expression asks only if a set attribute holds certain words: the attribute, the words, and of what it is
/// an attribute. So are `contains` of a text, and `containsAll` and `containsAny` of texts that stand in the policy.
fn membership(map: &serde_json::Map<String, Value>) -> Option<(&str, Vec<String>, &Value)> {
    let [(operator, inner)] = map.iter().collect::<Vec<_>>()[..] else { return None };
    let text = |value: &Value| Some(value.get("Value")?.as_str()?.to_owned());
    let right = inner.get("right")?;
    let words = match operator.as_str() {
        "contains" => vec![text(right)?],
        "containsAll" | "containsAny" => {
            right.get("Set")?.as_array()?.iter().map(text).collect::<Option<Vec<_>>>()?
        }
        _ => return None,
    };
    let attribute = inner.get("left")?.get(".")?;
    let of = attribute.get("left")?;
    // Of the context as a value nothing more is known than that it was looked at.
    let is_resource = of.get("Var").and_then(Value::as_str) == Some("resource");
    is_resource.then_some((attribute.get("attr")?.as_str()?, words, of))
}
