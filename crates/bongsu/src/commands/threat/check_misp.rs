//! `threat check` of events of MISP.

use base::{Fault, FaultLevel};
use serde::Serialize;
use threat::{MispDistance, MispEvent, MispReach, read_misp};

use crate::error::CliError;
use crate::out::{Format, List};

/// What an event is.
#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    /// Whether all of it was read without an error.
    valid: bool,
    kind: &'static str,
    info: &'a str,
    attributes: usize,
    objects: usize,
    reports: usize,
    /// How far the event goes.
    reach: &'static str,
    /// Attributes that go less far than the event.
    narrower: usize,
    errors: Vec<&'a Fault>,
    warnings: Vec<&'a Fault>,
}

/// An item for people; what is wrong stands on standard error.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    valid: bool,
    attributes: usize,
    objects: usize,
    reach: &'static str,
    narrower: usize,
    errors: usize,
    warnings: usize,
}

/// Prints an item for each event; how many are not valid, and at least one for a file that is not.
pub(super) fn tell(bytes: &[u8], name: &str, format: Format, list: &mut List) -> Result<usize, CliError> {
    let read = read_misp(bytes);
    let faults: Vec<Fault> = read.faults.into_iter().map(|fault| fault.in_source(name)).collect();
    let mut invalid = 0;
    for (number, event) in read.events.iter().enumerate() {
        let next = read.events.get(number + 1).map_or(u64::MAX, |next| next.line);
        // Several events on one line share what is said of it.
        let own = |fault: &&Fault| {
            let line = fault.line.unwrap_or(event.line);
            (line >= event.line || number == 0) && (line < next || next == event.line)
        };
        let of = |level: FaultLevel| faults.iter().filter(own).filter(move |fault| fault.level == level);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            (of(FaultLevel::Error).collect(), of(FaultLevel::Warning).collect());
        let valid = event.complete && errors.is_empty();
        invalid += usize::from(!valid);
        let (reach, narrower) = reach_of(event);
        let (attributes, objects) = (event.all_attributes().count(), event.objects.len());
        if format == Format::Text {
            let (errors, warnings) = (errors.len(), warnings.len());
            let row = Row { id: &event.uuid, valid, attributes, objects, reach, narrower, errors, warnings };
            list.item(&row)?;
            continue;
        }
        list.item(&Item {
            id: &event.uuid,
            valid,
            kind: "misp_event",
            info: &event.info,
            attributes,
            objects,
            reports: event.reports.len(),
            reach,
            narrower,
            errors,
            warnings,
        })?;
    }
    let refused = faults.iter().any(|fault| fault.level == FaultLevel::Error);
    for fault in faults {
        list.fault(fault);
    }
    Ok(invalid.max(usize::from(refused)))
}

/// How far an event goes, in a word, and how many of its attributes go less far.
fn reach_of(event: &MispEvent) -> (&'static str, usize) {
    let whole = event.reach();
    let narrower = |reach: &MispReach| usize::from(!whole.is_within(reach));
    let alone = event.attributes.iter().map(|one| narrower(&one.reach(&whole)));
    let within = event.objects.iter().flat_map(|object| {
        let own = object.reach(&whole);
        object.attributes.iter().map(move |one| one.reach(&own)).collect::<Vec<_>>()
    });
    let count = alone.sum::<usize>() + within.map(|reach| narrower(&reach)).sum::<usize>();
    let word = match (&whole.organisations, whole.distance) {
        (Some(all), _) if all.is_empty() => "nobody",
        (Some(_), _) => "sharing_group",
        (None, MispDistance::OwnOrganisation) => "own_organisation",
        (None, MispDistance::ThisCommunity) => "this_community",
        (None, MispDistance::ConnectedCommunities) => "connected_communities",
        (None, MispDistance::AllCommunities) => "all_communities",
    };
    (word, count)
}
