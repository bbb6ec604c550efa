//! What logs are searched for: the newest input of each title that holds indicators, the objects of own TAXII
//! collections, and warninglists. Kept in memory, because it is whole or nothing; made anew from the record at a start.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use base::{EntryId, Fault, Interval, Marking, Observation, Source};
use record::RecordStore;
use threat::{Change, Indicator, IndicatorReader, IndicatorSet, Origin, SetBuilder, SetError, Warninglists};

use super::{LIMITS, Taken, refused};
use crate::NodeError;
use crate::core::{Core, Draft, lock};
use crate::unpack::unpack;
use crate::view::View;

/// The kind of observations that keep indicators.
pub(super) const KIND: &str = "threat.indicators";
/// The kind of those that keep warninglists.
pub(super) const WARNINGLIST: &str = "threat.warninglist";
/// So many changes are made in the set that is in use; for more it is built anew, which takes less.
const CHANGES: usize = 200_000;
/// From so many on they are worked into the set for good.
const UNMERGED: usize = 500_000;

/// What is looked for at one moment.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) set: IndicatorSet,
    pub(crate) warninglists: Arc<Warninglists>,
    /// The entry that each source is, where it is one.
    pub(crate) entries: BTreeMap<String, EntryId>,
}

/// Takes one indicator with where it comes from.
pub(crate) type Give<'g> = dyn FnMut(Indicator, &Origin) + 'g;
/// Gives what another part of the node holds, all of it.
type Elsewhere = Box<dyn Fn(&mut Give<'_>) -> Result<(), NodeError> + Send + Sync>;

/// What is looked for, as it changes.
#[derive(Default)]
pub(crate) struct Indicators {
    now: RwLock<Option<Arc<Watched>>>,
    /// Held while it changes.
    turn: Mutex<()>,
    elsewhere: OnceLock<Elsewhere>,
}

impl Indicators {
    /// What is looked for; nothing before the first input.
    pub(crate) fn now(&self) -> Option<Arc<Watched>> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, watched: Watched) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(watched));
    }

    /// Names the part of the node that holds indicators too; to be followed by [`rebuild`].
    pub(crate) fn look_elsewhere(&self, elsewhere: Elsewhere) {
        let _ = self.elsewhere.set(elsewhere);
    }
}

fn too_many(error: &SetError) -> NodeError {
    NodeError::Conflict { message: error.to_string() }
}

/// Takes in indicators: STIX, MISP, tables or plain lists. They count from then on, in place of those of the same title.
pub(super) fn take_in(core: &Arc<Core>, title: &str, bytes: Vec<u8>) -> Result<Taken, NodeError> {
    let mut fresh = Vec::new();
    let mut count = 0;
    let read = read(core, title, &bytes, &mut |indicator, origin| {
        count += 1;
        if count <= CHANGES {
            fresh.push((indicator, origin.clone()));
        }
    })?;
    core.metrics.faults.inc_by(read.len() as u64);
    if count == 0 {
        let first = read.first().map_or_else(String::new, |fault| format!(": {fault}"));
        return Err(refused(title, format!("no indicator could be read from it{first}")));
    }
    let former = core.look(&View::Owner)?.owner()?.newest_observation(KIND, |o| o.title == title)?;
    let entry = keep(core, KIND, title, bytes, count as u64, &read)?;
    let _turn = lock(&core.indicators.turn);
    let gone = former.map(|(_, observation)| former_of(core, &observation)).transpose()?;
    match (core.indicators.now(), gone) {
        (Some(watched), gone) if count + gone.as_ref().map_or(0, Vec::len) <= CHANGES => {
            let mut watched = Watched::clone(&watched);
            watched.entries.insert(title.to_owned(), entry);
            change(core, watched, gone.unwrap_or_default(), fresh)?;
        }
        _ => build(core)?,
    }
    let said = format!("{count} indicators, {} faults", read.len());
    Ok(Taken { entry, faults: read, said })
}

/// Takes in warninglists, in place of those of the same title.
pub(super) fn take_in_warninglist(core: &Arc<Core>, title: &str, bytes: Vec<u8>) -> Result<Taken, NodeError> {
    let plain = unpack(&bytes[..], &LIMITS).map_err(|e| refused(title, e.to_string()))?;
    let mut lists = Warninglists::default();
    let faults = lists.read(&plain, title);
    if lists.is_empty() {
        let first = faults.first().map_or_else(String::new, |fault| format!(": {fault}"));
        return Err(refused(title, format!("no warninglist could be read from it{first}")));
    }
    let count = lists.len() as u64;
    let entry = keep(core, WARNINGLIST, title, bytes, count, &faults)?;
    let _turn = lock(&core.indicators.turn);
    match core.indicators.now() {
        Some(watched) => {
            let warninglists = Arc::new(warninglists(core)?);
            core.indicators.put(Watched { warninglists, ..Watched::clone(&watched) });
        }
        None => build(core)?,
    }
    let said = format!("{count} values, {} faults", faults.len());
    Ok(Taken { entry, faults, said })
}

/// Looks for all that the record says is looked for.
pub(super) fn reload(core: &Arc<Core>) -> Result<(), NodeError> {
    let _turn = lock(&core.indicators.turn);
    build(core)
}

/// Takes in a change that another part of the node recorded. Blocks for some milliseconds.
pub(crate) fn heed(
    core: &Core,
    gone: Vec<(Indicator, Origin)>,
    fresh: Vec<(Indicator, Origin)>,
) -> Result<(), NodeError> {
    let _turn = lock(&core.indicators.turn);
    match core.indicators.now() {
        Some(watched) if gone.len() + fresh.len() <= CHANGES => {
            change(core, Watched::clone(&watched), gone, fresh)
        }
        _ => build(core),
    }
}

/// Keeps the bytes and tells of them.
fn keep(
    core: &Core,
    kind: &str,
    title: &str,
    bytes: Vec<u8>,
    items: u64,
    faults: &[Fault],
) -> Result<EntryId, NodeError> {
    let received = core.surroundings.now();
    let size = bytes.len() as u64;
    let blob = core
        .with_record_blocking(move |record| record.put_blob(&bytes))?
        .map_err(|e| NodeError::NotStored { message: e.to_string() })?;
    let observation = Observation {
        kind: kind.to_owned(),
        title: title.to_owned(),
        source: Source::ungraded(title),
        received,
        interval: Interval::at(received),
        place: None,
        blob,
        bytes: size,
        items,
        faults: faults.len() as u64,
        marking: marking(core),
        evidence: Vec::new(),
    };
    let ids = core.append_blocking(vec![Draft::Observation(observation)])?;
    ids.first().copied().ok_or(NodeError::Stopping)
}

/// The marking of indicators as received.
fn marking(core: &Core) -> Marking {
    core.config.indicator_marking.marking(core.config.country.as_str())
}

/// Reads one input; each indicator carries the marking of its object as far as that of the input leaves it.
fn read(core: &Core, title: &str, bytes: &[u8], give: &mut Give<'_>) -> Result<Vec<Fault>, NodeError> {
    let plain = unpack(bytes, &LIMITS).map_err(|e| refused(title, e.to_string()))?;
    let (base, rules) = (marking(core), core.rules(core.surroundings.now()));
    let mut known: Option<(Origin, Origin)> = None;
    let read = IndicatorReader::each(&mut &plain[..], &Origin::of_source(title), &mut |indicator, origin| {
        if known.as_ref().is_none_or(|(said, _)| said != origin) {
            let marking = origin.marking.as_ref().map(|own| narrowed(own, &base, &rules.codes));
            known = Some((origin.clone(), Origin { marking, ..origin.clone() }));
        }
        if let Some((_, origin)) = &known {
            give(indicator, origin);
        }
    });
    Ok(read.map_err(|e| refused(title, e.to_string()))?.faults)
}

/// What an object says of itself narrows the marking of its input; one that names no country or level, as TLP does, has
/// those of the input.
fn narrowed(own: &Marking, base: &Marking, codes: &label::Codes) -> Marking {
    let mut own = own.clone();
    if own.rel_to.is_empty() {
        own.rel_to.clone_from(&base.rel_to);
    }
    if own.level.is_empty() {
        own.level.clone_from(&base.level);
    }
    if own.originator.is_empty() {
        own.originator.clone_from(&base.originator);
    }
    label::join_markings(&[&own, base], codes)
        .unwrap_or_else(|_| Marking { rel_to: Vec::new(), ..base.clone() })
}

/// The indicators of an input that another takes the place of.
fn former_of(core: &Core, observation: &Observation) -> Result<Vec<(Indicator, Origin)>, NodeError> {
    let blob = observation.blob;
    let Some(bytes) = core.with_record_blocking(move |record| record.blob(&blob))?? else {
        return Ok(Vec::new());
    };
    let mut gone = Vec::new();
    read(core, &observation.title, &bytes, &mut |indicator, origin| gone.push((indicator, origin.clone())))?;
    Ok(gone)
}

fn change(
    core: &Core,
    mut watched: Watched,
    gone: Vec<(Indicator, Origin)>,
    fresh: Vec<(Indicator, Origin)>,
) -> Result<(), NodeError> {
    let remove = |(indicator, origin): (Indicator, Origin)| Change::Remove {
        indicator,
        only_from: Some((origin.source, origin.object)),
    };
    let mut shared: Option<Arc<Origin>> = None;
    let mut changes: Vec<Change> = gone.into_iter().map(remove).collect();
    for (indicator, origin) in fresh {
        let origin = match &shared {
            Some(known) if **known == origin => Arc::clone(known),
            _ => Arc::new(origin),
        };
        shared = Some(Arc::clone(&origin));
        changes.push(Change::Add { indicator, origin });
    }
    watched.set.apply(&changes).map_err(|e| too_many(&e))?;
    if watched.set.unmerged() > UNMERGED {
        watched.set = watched.set.merged().map_err(|e| too_many(&e))?;
    }
    core.indicators.put(watched);
    Ok(())
}

/// Makes all of it anew.
fn build(core: &Core) -> Result<(), NodeError> {
    let mut seed = [0; 32];
    core.surroundings.fill(&mut seed);
    let mut builder = SetBuilder::new(seed);
    let mut last = None;
    let mut wrong = Ok(());
    let mut add = |indicator: Indicator, origin: &Origin| {
        let id = match &last {
            Some((known, id)) if known == origin => *id,
            _ => match builder.origin(origin.clone()) {
                Ok(id) => id,
                Err(e) => return wrong = Err(too_many(&e)),
            },
        };
        last = Some((origin.clone(), id));
        builder.add(&indicator, id);
    };
    let mut entries = BTreeMap::new();
    for (entry, observation) in newest(core, KIND)? {
        let blob = observation.blob;
        let Some(bytes) = core.with_record_blocking(move |record| record.blob(&blob))?? else {
            tracing::error!(%blob, title = %observation.title, "indicators are missing; nobody looks for them");
            continue;
        };
        if let Err(error) = read(core, &observation.title, &bytes, &mut add) {
            tracing::error!(%error, "indicators cannot be read again; nobody looks for them");
            continue;
        }
        entries.insert(observation.title, entry);
    }
    if let Some(elsewhere) = core.indicators.elsewhere.get() {
        elsewhere(&mut add)?;
    }
    wrong?;
    let set = builder.finish().map_err(|e| too_many(&e))?;
    let warninglists = Arc::new(warninglists(core)?);
    core.indicators.put(Watched { set, warninglists, entries });
    Ok(())
}

fn warninglists(core: &Core) -> Result<Warninglists, NodeError> {
    let mut lists = Warninglists::default();
    for (_, observation) in newest(core, WARNINGLIST)? {
        let blob = observation.blob;
        let Some(bytes) = core.with_record_blocking(move |record| record.blob(&blob))?? else { continue };
        let title = &observation.title;
        lists.read(&unpack(&bytes[..], &LIMITS).map_err(|e| refused(title, e.to_string()))?, title);
    }
    Ok(lists)
}

/// The newest own observation of that kind under each title, by title.
fn newest(core: &Core, kind: &str) -> Result<Vec<(EntryId, Observation)>, NodeError> {
    Ok(core.look(&View::Owner)?.owner()?.newest_of_each_title(kind)?.into_values().collect())
}
