//! STIX 2.1 to events. What misp-stix and this program wrote comes back by its labels; of other STIX, patterns that
//! compare for equality and observables become attributes and objects, the rest of the domain objects clusters of galaxies.

mod cluster;
mod element;
mod event;
mod mark;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base::Fault;
use serde_json::Value;

use super::MispEvent;
use super::to_stix::Losses;
use crate::stix::{BundleReader, Piece, ReadLimits};

/// What became of STIX.
#[derive(Debug, Clone)]
pub struct MispFromStix {
    /// An event for each report and grouping, and one for what is in none.
    pub events: Vec<MispEvent>,
    /// What could not be read, and warnings `misp::lost` for what MISP cannot say.
    pub faults: Vec<Fault>,
}

/// Objects of STIX by id, the latest version of each.
struct Store {
    objects: BTreeMap<String, Value>,
    /// The ids in the order of the text.
    order: Vec<String>,
}

impl Store {
    fn get(&self, id: &str) -> Option<&Value> {
        self.objects.get(id)
    }

    fn take(&mut self, object: Value) {
        let Some(id) = object["id"].as_str().map(str::to_owned) else { return };
        let modified = |object: &Value| object["modified"].as_str().unwrap_or_default().to_owned();
        match self.objects.get(&id) {
            Some(known) if modified(known) >= modified(&object) => {}
            Some(_) => drop(self.objects.insert(id, object)),
            None => {
                self.order.push(id.clone());
                self.objects.insert(id, object);
            }
        }
    }
}

/// Events from STIX 2.1.
///
/// An event goes as far as its report says in the words of MISP; without them it is for its own organisation only.
/// No object gets further than its markings let it: one with a marking that means nothing to MISP is for its own
/// organisation only as well.
///
/// ```
/// let stix = br#"{"type": "bundle", "id": "bundle--5e384ae7-672c-4250-9cda-3b4d00000001", "objects": [{
///   "type": "indicator", "spec_version": "2.1", "id": "indicator--5e384ae7-672c-4250-9cda-3b4d00000002",
///   "created": "2026-03-10T12:00:00Z", "modified": "2026-03-10T12:00:00Z", "valid_from": "2026-03-10T12:00:00Z",
///   "pattern": "[file:name = 'a.exe' AND file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']",
///   "pattern_type": "stix"}]}"#;
/// let read = threat::stix_to_misp(stix);
/// let attribute = &read.events[0].attributes[0];
/// assert_eq!((attribute.kind.as_str(), attribute.to_ids), ("filename|md5", true));
/// ```
pub fn stix_to_misp(bytes: &[u8]) -> MispFromStix {
    let mut faults = Vec::new();
    let store = read(bytes, &mut faults);
    let complete = faults.is_empty();
    let mut losses = Losses::default();
    let mut events = Vec::new();
    for part in parts(&store) {
        let mut event = event::build(&store, &part, &mut losses);
        event.complete &= complete;
        events.push(event);
    }
    if events.is_empty() && faults.is_empty() {
        faults.push(Fault::error("misp::no_stix", "there is no object of STIX in it"));
    }
    faults.extend(losses.faults());
    MispFromStix { events, faults }
}

fn read(bytes: &[u8], faults: &mut Vec<Fault>) -> Store {
    let mut store = Store { objects: BTreeMap::new(), order: Vec::new() };
    let limits = ReadLimits { max_object_bytes: 64 << 20, ..ReadLimits::default() };
    let mut reader = BundleReader::new(bytes, limits);
    while let Some(piece) = reader.next_piece() {
        match piece {
            // The strict reader first: serde_json takes a property twice.
            Piece::Object(object) => match crate::stix::json::parse(object.bytes) {
                Ok(node) => {
                    let value = crate::stix::plain(&node);
                    if value["id"].is_string() && value["type"].is_string() {
                        store.take(value);
                    } else {
                        let message = "the object has no `type` or no `id`; it is left out";
                        let fault = Fault::error("misp::bad_element", message).at_line(object.line);
                        let end = object.offset + object.bytes.len() as u64;
                        faults.push(fault.at_bytes(object.offset, end));
                    }
                }
                Err(error) => faults.push(error.to_fault(object.offset).at_line(object.line)),
            },
            Piece::Fault(fault) => faults.push(fault),
            Piece::Frame(_) => {}
        }
    }
    store
}

/// What belongs to one event.
struct Part {
    /// The report or grouping.
    whole: Option<String>,
    /// The ids of its objects, in the order of the text.
    ids: Vec<String>,
}

/// An event for each report and grouping; what is in none goes to the only one, or to one of its own.
fn parts(store: &Store) -> Vec<Part> {
    let is_whole = |id: &&String| id.starts_with("report--") || id.starts_with("grouping--");
    let wholes: Vec<&String> = store.order.iter().filter(is_whole).collect();
    let mut owner: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for (number, whole) in wholes.iter().enumerate() {
        for id in refs(&store.objects[*whole], "object_refs") {
            owner.entry(id).or_default().insert(number);
        }
    }
    // What connects objects goes where its first end is.
    let mut parts: Vec<Part> =
        wholes.iter().map(|whole| Part { whole: Some((*whole).clone()), ids: Vec::new() }).collect();
    let mut rest = Part { whole: None, ids: Vec::new() };
    for id in store.order.iter().filter(|id| !is_whole(id)) {
        let object = &store.objects[id];
        let ends = ["source_ref", "sighting_of_ref"].iter().filter_map(|name| object[*name].as_str());
        let ends = ends.chain(refs(object, "object_refs"));
        let whole = ends.clone().find_map(|end| wholes.iter().position(|whole| *whole == end));
        let of = owner.get(id.as_str()).cloned();
        let of = of.or_else(|| whole.map(|number| BTreeSet::from([number])));
        let of = of.or_else(|| ends.clone().find_map(|end| owner.get(end).cloned()));
        match of {
            Some(numbers) => numbers.into_iter().for_each(|number| parts[number].ids.push(id.clone())),
            None if parts.len() == 1 => parts[0].ids.push(id.clone()),
            None => rest.ids.push(id.clone()),
        }
    }
    // Identities and markings alone are no event.
    let content = |id: &String| {
        !["identity--", "marking-definition--", "extension-definition--"].iter().any(|k| id.starts_with(k))
    };
    if rest.ids.iter().any(content) {
        parts.push(rest);
    }
    parts
}

/// The ids in a list of references.
fn refs<'v>(object: &'v Value, name: &str) -> impl Iterator<Item = &'v str> + Clone + use<'v> {
    object.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str)
}

/// The value of a label such as `misp:type="domain"`.
fn label<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    refs(object, "labels").find_map(|label| label.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
}

/// The UUID in an id.
fn uuid_of(id: &str) -> Option<String> {
    super::value::uuid(id.split_once("--")?.1)
}

fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A time of STIX as Unix time in seconds.
fn seconds(object: &Value, name: &str) -> Option<i64> {
    let time = super::to_stix::time(text(object, name))?;
    Some(time.unix_nanos().div_euclid(1_000_000_000)).filter(|at| *at >= 0)
}
