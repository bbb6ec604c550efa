//! What marking an object carries, and who may have it. Few markings serve many objects: each gets a number.

use std::collections::HashMap;

use base::{Country, EntryId, Facts, Marked, Marking, Timestamp};
use label::{Audience, Evidence, Format, FormatContext, Organisations, Rules, Standing};
use threat::taxii::Header;

use crate::core::nobody;

/// Whose eyes.
#[derive(Debug, Clone)]
pub(crate) enum Eyes {
    /// A client of this organisation.
    Own,
    /// Somebody else's.
    Of(Audience),
}

/// An object of a collection, as the label kernel sees it.
struct Shown<'a> {
    marking: &'a Marking,
    kind: &'a str,
}

impl Marked for Shown<'_> {
    fn marking(&self) -> Option<&Marking> {
        Some(self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }

    fn facts(&self) -> Option<Facts> {
        let kind = Some(format!("stix.{}", self.kind));
        Some(Facts { kind, ..Facts::of_noun("bongsu.taxii-object/1") })
    }
}

/// Whether somebody may have what carries `marking`.
pub(crate) fn may_have(eyes: &Eyes, marking: &Marking, kind: &str, rules: &Rules, now: Timestamp) -> bool {
    match eyes {
        Eyes::Own => true,
        Eyes::Of(audience) => {
            let standing = Standing { recalled: false, evidence: &|_: &EntryId| Evidence::Unknown };
            label::release(Shown { marking, kind }, audience, rules, &standing, now).is_ok()
        }
    }
}

/// The markings of the objects of an envelope.
pub(crate) struct Marker<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) country: &'a Country,
    /// That of the collection.
    pub(crate) base: Option<&'a Marking>,
    /// By what the objects refer to.
    pub(crate) known: HashMap<Vec<String>, Marking>,
}

/// The label that says that an object is not real.
const EXERCISE: &str = "exercise";

impl Marker<'_> {
    /// The marking of one object. Where its own cannot be read, it reaches nobody.
    pub(crate) fn marking(&mut self, header: &Header<'_>, bytes: &[u8]) -> Marking {
        if header.has_granular_markings || header.has_extensions {
            return self.read(bytes);
        }
        let plays = header.labels.iter().any(|label| label.eq_ignore_ascii_case(EXERCISE));
        let mut refs: Vec<String> = header.markings.iter().map(|id| id.clone().into_owned()).collect();
        refs.extend(plays.then(|| EXERCISE.to_owned()));
        if let Some(known) = self.known.get(&refs) {
            return known.clone();
        }
        let marking = if header.markings.is_empty() {
            self.base_marking(plays)
        } else {
            let labels: &[&str] = if plays { &[EXERCISE] } else { &[] };
            let stub = serde_json::json!({
                "type": header.kind, "id": header.id, "object_marking_refs": header.markings, "labels": labels,
            });
            self.read(stub.to_string().as_bytes())
        };
        self.known.insert(refs, marking.clone());
        marking
    }

    /// The marking of what says nothing of release.
    fn base_marking(&self, plays: bool) -> Marking {
        let mut marking = self.base.cloned().unwrap_or_else(|| nobody(self.country));
        let word = label::Caveat::Exercise.as_str();
        if plays && !marking.caveats.iter().any(|caveat| caveat == word) {
            marking.caveats.push(word.to_owned());
        }
        marking
    }

    fn read(&self, object: &[u8]) -> Marking {
        let context = FormatContext {
            codes: &self.rules.codes,
            originator: Some(self.country),
            organisations: &Organisations::default(),
        };
        let read = label::read_markings(object, Format::Stix, &context);
        if read.items.is_empty() {
            // Extensions or granular markings that say nothing of release; what is wrong with a marking is another fault.
            let unmarked = read.faults.iter().all(|fault| fault.code == "label::no_marking");
            return if unmarked { self.base_marking(false) } else { nobody(self.country) };
        }
        let names_who = contains(object, label::STIX_EXTENSION.as_bytes());
        // The bytes are never changed, so the whole carries what its narrowest part does.
        let mut all: Vec<Marking> = read.items.into_iter().map(|item| item.marking).collect();
        if let Some(base) = self.base {
            if !names_who {
                // TLP and statements name no country: who may have it says the collection.
                all.iter_mut().for_each(|own| own.rel_to.clone_from(&base.rel_to));
            }
            all.push(base.clone());
        }
        let all: Vec<&Marking> = all.iter().collect();
        label::join_markings(&all, &self.rules.codes).unwrap_or_else(|_| nobody(self.country))
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
