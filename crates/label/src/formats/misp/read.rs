//! Events to markings.

use std::collections::BTreeSet;

use base::{Fault, Marking};
use serde_json::Value;

use super::{LEVELS, OWN};
use crate::formats::capco::{Controls, NATO_POLICY};
use crate::formats::{FormatContext, ReadMarkings, category, complain, cut, narrow, push_caveat, push_new};
use crate::{Caveat, Level, Pap, Tlp};

/// How many objects within objects are looked at; MISP has two.
const MAX_DEPTH: usize = 8;

/// The marking of each event, and of each attribute and object that says more than its event.
pub(in crate::formats) fn read(value: &Value, context: &FormatContext<'_>) -> ReadMarkings {
    let mut reader = Reader { context, read: ReadMarkings::default() };
    match value {
        Value::Array(all) => all.iter().for_each(|one| reader.document(one)),
        one => reader.document(one),
    }
    let mut read = reader.read;
    if read.items.is_empty() && read.faults.is_empty() {
        read.faults.push(Fault::error("label::no_marking", "there is no event with a distribution"));
    }
    read
}

struct Reader<'c> {
    context: &'c FormatContext<'c>,
    read: ReadMarkings,
}

impl Reader<'_> {
    fn document(&mut self, value: &Value) {
        let event = value.get("Event").unwrap_or(value);
        let Some(marking) = self.marking(event, "event", None) else { return };
        self.children(event, &marking, 0);
        let name = event.get("uuid").and_then(Value::as_str).unwrap_or("event");
        self.read.push(cut(name), 1, marking);
    }

    fn children(&mut self, parent: &Value, outer: &Marking, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for kind in ["Attribute", "Object", "ObjectReference", "EventReport"] {
            for child in parent.get(kind).and_then(Value::as_array).into_iter().flatten() {
                let name = child.get("uuid").and_then(Value::as_str).map_or_else(|| kind.to_owned(), cut);
                let Some(marking) = self.marking(child, &name, Some(outer)) else { continue };
                self.children(child, &marking, depth + 1);
                if marking != *outer {
                    self.read.push(name, 1, marking);
                }
            }
        }
    }

    fn fault(&mut self, fault: Fault, name: &str, field: &str) {
        let fault = Fault { message: format!("{name}: {}", fault.message), ..fault };
        complain(&mut self.read.faults, fault.in_field(field));
    }

    /// What one thing says, on top of what holds it.
    fn marking(&mut self, value: &Value, name: &str, outer: Option<&Marking>) -> Option<Marking> {
        let distribution = match value.get("distribution") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(number) => number.as_u64(),
            None if outer.is_some() => Some(5),
            // A group alone marks as distribution 4 would.
            None if value.get("SharingGroup").is_some() => Some(4),
            None => None,
        };
        let listed = match (distribution, outer) {
            (Some(5), Some(_)) => None,
            (Some(4), _) => Some(self.group(value, name)),
            (Some(0), _) => Some(BTreeSet::new()),
            (Some(1..=3), _) => {
                let message =
                    "distributions 1 to 3 name no organisations: nobody gets it until countries are listed";
                self.fault(Fault::warning("label::no_list", message), name, "distribution");
                Some(BTreeSet::new())
            }
            _ => {
                let message = "the distribution is none of 0 to 4 (or 5 below an event); it reaches nobody";
                self.fault(Fault::error("label::no_marking", message), name, "distribution");
                return None;
            }
        };
        let originator = self.context.owner();
        let mut marking =
            outer.cloned().unwrap_or_else(|| Marking::new(Level::Unclassified.as_str(), &[], originator));
        if let Some(listed) = listed {
            marking.rel_to = match outer {
                Some(outer) => outer.rel_to.iter().filter(|code| listed.contains(*code)).cloned().collect(),
                None => listed.into_iter().collect(),
            };
        }
        for tag in value.get("Tag").and_then(Value::as_array).into_iter().flatten() {
            marking = self.tag(tag.get("name").and_then(Value::as_str).unwrap_or_default(), marking, name);
        }
        Some(marking)
    }

    /// The countries for which the organisations of the group stand.
    fn group(&mut self, value: &Value, name: &str) -> BTreeSet<String> {
        let group = value.get("SharingGroup");
        let uuid = group.and_then(|group| group.get("uuid")).and_then(Value::as_str).and_then(uuid);
        let (Some(group), Some(uuid)) = (group, uuid) else {
            let message = "the sharing group is not named by its UUID; a number means something on its own server only. \
                           It reaches nobody";
            self.fault(Fault::error("label::local_sharing_group", message), name, "sharing_group_id");
            return BTreeSet::new();
        };
        if [Some(&Value::Bool(false)), Some(&Value::String("0".to_owned()))].contains(&group.get("active")) {
            let message = "the sharing group is not active; it reaches nobody";
            self.fault(Fault::warning("label::inactive_sharing_group", message), name, "SharingGroup.active");
            return BTreeSet::new();
        }
        let servers = group.get("SharingGroupServer").and_then(Value::as_array).into_iter().flatten();
        let truth = |value: &Value| matches!(value, Value::Bool(true)) || *value == 1 || *value == "1";
        if servers.filter_map(|server| server.get("all_orgs")).any(truth) {
            let message = "`all_orgs` speaks of the organisations of another server; it reaches nobody here";
            self.fault(Fault::warning("label::all_orgs", message), name, "SharingGroupServer.all_orgs");
        }
        let known = self.context.organisations.groups.get(&uuid);
        let mut countries = BTreeSet::new();
        let members = group.get("SharingGroupOrg").and_then(Value::as_array).into_iter().flatten();
        for member in members {
            let organisation =
                member.pointer("/Organisation/uuid").and_then(Value::as_str).and_then(self::uuid);
            let agreed = organisation.filter(|one| known.is_none_or(|known| known.contains(one)));
            match agreed.and_then(|one| self.context.organisations.countries.get(&one)) {
                Some(country) => {
                    countries.insert(country.to_string());
                }
                None => {
                    let message =
                        "an organisation of the sharing group stands for no country here; it reaches nobody";
                    self.fault(
                        Fault::warning("label::unknown_organisation", message),
                        name,
                        "SharingGroupOrg",
                    );
                }
            }
        }
        countries
    }

    fn tag(&mut self, tag: &str, mut marking: Marking, name: &str) -> Marking {
        let lower = tag.to_lowercase();
        if let Some(word) = lower.strip_prefix("tlp:") {
            self.tlp(word, &mut marking, name);
        } else if let Some(word) = lower.strip_prefix("pap:") {
            let word = if word == "white" { "clear" } else { word };
            narrow::<Pap>(&mut marking.pap, &word.to_uppercase());
        } else if let Some((_, level)) = LEVELS.iter().find(|(known, _)| *known == tag) {
            raise(&mut marking, *level);
            if tag.starts_with("nato:") {
                marking.policy.get_or_insert_with(|| NATO_POLICY.to_owned());
            }
        } else if ["nato:", "euci:"].iter().any(|space| lower.starts_with(space)) {
            push_new(&mut marking.categories, category("MISP", tag));
        } else if lower.starts_with("exercise:") {
            push_caveat(&mut marking, Caveat::Exercise);
        } else if let Some(control) = tag.strip_prefix(OWN).and_then(|rest| rest.strip_suffix('"')) {
            if let Some(level) = control.strip_prefix("LEVEL ").and_then(|level| level.parse().ok()) {
                raise(&mut marking, level);
                return marking;
            }
            // A tag may restrict, but nobody may let others in by it.
            let (rel_to, display_only) = (marking.rel_to.clone(), marking.display_only.clone());
            let mut controls = Controls::onto(marking);
            controls.take(control);
            marking = controls.marking;
            marking.rel_to.retain(|code| rel_to.contains(code));
            if marking.display_only != display_only {
                push_new(&mut marking.categories, category("MISP", tag));
                marking.display_only = display_only;
            }
            controls.faults.into_iter().for_each(|fault| complain(&mut self.read.faults, fault));
        } else if lower.starts_with("bongsu:") {
            push_new(&mut marking.categories, category("MISP", tag));
        }
        marking
    }

    fn tlp(&mut self, word: &str, marking: &mut Marking, name: &str) {
        let word = match word {
            "white" => Tlp::Clear.as_str().to_owned(),
            "clear" | "green" | "amber" | "amber+strict" | "red" => word.to_uppercase(),
            // `tlp:ex:chr`, `tlp:unclear` and whatever comes: nobody knows how far.
            _ => {
                let message = format!("`tlp:{}` says no colour; read as RED", cut(word));
                self.fault(Fault::warning("label::unclear_tlp", message), name, "Tag");
                Tlp::Red.as_str().to_owned()
            }
        };
        narrow::<Tlp>(&mut marking.tlp, &word);
    }
}

fn raise(marking: &mut Marking, level: Level) {
    let higher = marking.level.parse::<Level>().is_ok_and(|before| before < level);
    if higher {
        marking.level = level.to_string();
    }
}

/// A UUID in small letters.
fn uuid(text: &str) -> Option<String> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (groups == [8, 4, 4, 4, 12] && hex).then(|| text.to_lowercase())
}
