//! One round with one server: everything that is to be pulled, then everything that is to be pushed.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Timestamp;
use label::Audience;
use threat::taxii::client::{
    CREDENTIALS_WAIT_SECONDS, Page, Pull, PullFault, PullPlace, RemoteCollection, match_query, wait_seconds,
};
use threat::taxii::{Header, Micros};
use url::Url;

use super::http::{Remote, TaxiiAccess};
use super::settings::{TaxiiPeer, TaxiiPull};
use super::state::{PeerStore, Task, TaxiiPeerState};
use super::trouble::{Ended, TaxiiFault, TaxiiTrouble};
use super::walk::{Root, Sink, discover, walk};
use crate::NodeError;
use crate::core::Core;
use crate::serve::Stop;
use crate::taxii::{Place, Taxii};

/// What a server said of itself is asked anew after so long.
const KNOWN_FOR: Duration = Duration::from_secs(3600);
/// When there is more to do.
const SOON_SECONDS: u64 = 1;
/// When the server still works on what it was given.
const PENDING_SECONDS: u64 = 10;

/// One server and all that is needed to speak with it.
pub(super) struct Round {
    pub(super) core: Arc<Core>,
    pub(super) taxii: Arc<Taxii>,
    pub(super) store: Arc<PeerStore>,
    pub(super) peer: TaxiiPeer,
    /// For each push: who gets it.
    pub(super) audiences: Vec<Audience>,
    pub(super) stop: Stop,
    pub(super) state: TaxiiPeerState,
    known: Option<Known>,
    /// Pulls that were stopped between two pages for their size: behind their places no answer got lost.
    unbroken: HashSet<String>,
    /// For each push: how far its collection was looked through, and what could go then.
    pub(super) looked: Vec<(Place, BTreeSet<i64>)>,
}

/// A server as it was last seen.
struct Known {
    since: Instant,
    remote: Arc<Remote>,
    roots: Arc<Vec<Root>>,
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Left {
    /// All is done.
    Nothing,
    /// The server works on something.
    Pending,
    /// There is more to do at once.
    More,
}

impl Round {
    pub(super) fn new(
        core: Arc<Core>,
        taxii: Arc<Taxii>,
        store: Arc<PeerStore>,
        peer: TaxiiPeer,
        audiences: Vec<Audience>,
        stop: Stop,
    ) -> Result<Self, NodeError> {
        let state = store.peer(peer.name.as_str())?;
        let looked = vec![Default::default(); peer.push.len()];
        Ok(Self {
            core,
            taxii,
            store,
            peer,
            audiences,
            stop,
            state,
            known: None,
            unbroken: HashSet::new(),
            looked,
        })
    }

    /// How long to wait before the next round.
    pub(super) fn wait(&self) -> Duration {
        let Some(next) = self.state.next_try else { return Duration::ZERO };
        let nanos = next.unix_nanos().saturating_sub(self.core.surroundings.now().unix_nanos());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    /// After a start: at once, unless the server was in trouble and is to be left alone for a while.
    pub(super) fn first_wait(&self) -> Duration {
        if self.state.failures > 0 { self.wait() } else { Duration::ZERO }
    }

    /// Does a round and keeps how it ended. Blocks. An error means that the node stops.
    pub(super) fn run(&mut self) -> Result<(), NodeError> {
        let ended = self.exchange();
        let now = self.core.surroundings.now();
        let wait = match ended {
            Err(Ended::Node(NodeError::Stopping)) => return Err(NodeError::Stopping),
            Ok(left) => {
                self.state.last_success = Some(now);
                self.state.last_error = None;
                self.state.failures = 0;
                match left {
                    Left::Nothing => self.peer.every_seconds,
                    Left::Pending => self.peer.every_seconds.min(PENDING_SECONDS),
                    Left::More => SOON_SECONDS,
                }
            }
            Err(Ended::Trouble(trouble)) => self.failed(&trouble, now),
            Err(Ended::Node(error)) => {
                let hint = "see the node's log; the objects stay where they are until it can take them";
                self.failed(&TaxiiTrouble::new("node::failed", error.to_string(), hint).passing(), now)
            }
        };
        self.state.next_try = Some(now.plus_seconds(wait as f64));
        self.store.keep(self.peer.name.as_str(), &self.state)
    }

    /// Notes what went wrong; gives the seconds to wait.
    fn failed(&mut self, trouble: &TaxiiTrouble, now: Timestamp) -> u64 {
        tracing::warn!(peer = %self.peer.name, code = trouble.code, error = %trouble, "TAXII server");
        self.known = None;
        self.state.failures = self.state.failures.saturating_add(1);
        self.state.last_error = Some(TaxiiFault::of(trouble, now));
        let mut random = [0; 8];
        self.core.surroundings.fill(&mut random);
        let backed_off =
            wait_seconds(self.state.failures, trouble.retry_after_seconds, u64::from_le_bytes(random));
        match (trouble.may_pass, trouble.of_server) {
            (true, _) => backed_off,
            (false, true) => backed_off.max(CREDENTIALS_WAIT_SECONDS),
            (false, false) => backed_off.max(self.peer.every_seconds),
        }
    }

    fn exchange(&mut self) -> Result<Left, Ended> {
        let (remote, roots) = self.known()?;
        let mut left = Left::Nothing;
        let mut first: Option<TaxiiTrouble> = None;
        for pull in self.peer.pull.clone() {
            for (root, collection) in self.readable(&roots, &pull, &mut first) {
                match self.pull(&remote, root, collection, &pull) {
                    Ok(of_this) => left = left.max(of_this),
                    Err(ended) => keep_first(ended, &mut first)?,
                }
            }
        }
        for at in 0..self.peer.push.len() {
            match self.push(&remote, &roots, at) {
                Ok(of_this) => left = left.max(of_this),
                Err(ended) => keep_first(ended, &mut first)?,
            }
        }
        first.map_or(Ok(left), |trouble| Err(trouble.into()))
    }

    fn known(&mut self) -> Result<(Arc<Remote>, Arc<Vec<Root>>), Ended> {
        if let Some(known) = self.known.as_ref().filter(|known| known.since.elapsed() < KNOWN_FOR) {
            return Ok((Arc::clone(&known.remote), Arc::clone(&known.roots)));
        }
        let access = TaxiiAccess::of(&self.peer, &self.core.config.data)?;
        let remote = Arc::new(Remote::new(&access)?);
        let (roots, troubles) = discover(&remote).map_err(TaxiiTrouble::of_server)?;
        let now = self.core.surroundings.now();
        for trouble in &troubles {
            self.state.note(TaxiiFault::of(trouble, now));
        }
        let roots = Arc::new(roots);
        self.known =
            Some(Known { since: Instant::now(), remote: Arc::clone(&remote), roots: Arc::clone(&roots) });
        Ok((remote, roots))
    }

    /// The collections that a pull is of.
    fn readable<'r>(
        &self,
        roots: &'r [Root],
        pull: &TaxiiPull,
        first: &mut Option<TaxiiTrouble>,
    ) -> Vec<(&'r Root, &'r RemoteCollection)> {
        if pull.collection == "*" {
            return all(roots).filter(|(_, collection)| collection.can_read).collect();
        }
        match find(roots, &pull.collection, |collection| collection.can_read) {
            Ok(found) => vec![found],
            Err(trouble) => {
                first.get_or_insert(trouble);
                Vec::new()
            }
        }
    }

    fn pull(
        &mut self,
        remote: &Remote,
        root: &Root,
        collection: &RemoteCollection,
        pull: &TaxiiPull,
    ) -> Result<Left, Ended> {
        let url = root.below(&["collections", &collection.id, "objects"]);
        let filters = pull.filters();
        // Another question has another place.
        let task = format!("{url} {} {}", match_query(&filters), pull.into);
        let added_after = pull.added_after.map(|time| time.unix_nanos().div_euclid(1000));
        let of = Task { peer: self.peer.name.as_str(), task: &task };
        let place = self.store.place(of)?.unwrap_or_else(|| PullPlace::after(added_after));
        let mut machine = if self.unbroken.remove(&task) {
            Pull::new(place, pull.page_objects)
        } else {
            Pull::resume(place, pull.page_objects)
        };
        let core = Arc::clone(&self.core);
        let now = move || -> Micros { core.surroundings.now().unix_nanos().div_euclid(1000) };
        let mut mirror = Mirror { round: self, url: &url, task: &task, into: &pull.into, taken: 0 };
        let ended = walk(remote, &url, &filters, &mut machine, &now, &mut mirror)?;
        if ended {
            return Ok(Left::Nothing);
        }
        self.unbroken.insert(task);
        Ok(Left::More)
    }
}

/// All collections of a server.
fn all(roots: &[Root]) -> impl Iterator<Item = (&Root, &RemoteCollection)> {
    roots.iter().flat_map(|root| root.collections.iter().map(move |collection| (root, collection)))
}

/// The collection of that name with which `may` can be done.
pub(super) fn find<'r>(
    roots: &'r [Root],
    name: &str,
    may: impl Fn(&RemoteCollection) -> bool,
) -> Result<(&'r Root, &'r RemoteCollection), TaxiiTrouble> {
    all(roots).find(|(_, collection)| collection.is_called(name) && may(collection)).ok_or_else(|| {
        let there: Vec<&str> = all(roots).map(|(_, collection)| collection.id.as_str()).take(20).collect();
        let message =
            format!("there is no collection `{name}` with that right; there are: {}", there.join(", "));
        let hint = "name one that this account may use, or ask the server's operator for the right";
        TaxiiTrouble::new("taxii::no_collection", message, hint)
    })
}

/// What concerns one collection does not hold up the others.
fn keep_first(ended: Ended, first: &mut Option<TaxiiTrouble>) -> Result<(), Ended> {
    match ended {
        Ended::Trouble(trouble) if !trouble.of_server => {
            first.get_or_insert(trouble);
            Ok(())
        }
        ended => Err(ended),
    }
}

/// Takes what a walk brings into a collection of ours.
struct Mirror<'a> {
    round: &'a mut Round,
    url: &'a Url,
    task: &'a str,
    into: &'a str,
    taken: u64,
}

impl Sink for Mirror<'_> {
    fn take(&mut self, page: &Page<'_>) -> Result<usize, Ended> {
        let round = &mut *self.round;
        if *round.stop.borrow() {
            return Err(NodeError::Stopping.into());
        }
        let mut objects: Vec<(&Header<'_>, &[u8])> = Vec::with_capacity(page.objects.len());
        for arrived in &page.objects {
            match &arrived.header {
                Ok(header) => objects.push((header, arrived.bytes)),
                Err((id, why)) => {
                    let id = id.as_deref().unwrap_or("an object without id");
                    let message = format!("{}: {id}: {why}", self.url);
                    let hint = "tell the server's operator; the other objects were taken";
                    let trouble = TaxiiTrouble::new("taxii::bad_object", message, hint);
                    round.state.refused += 1;
                    round.state.note(TaxiiFault::of(&trouble, round.core.surroundings.now()));
                }
            }
        }
        let known = round.taxii.known(self.into, &objects)?;
        let fresh: Vec<&[u8]> =
            objects.iter().zip(&known).filter(|(_, known)| !**known).map(|((_, bytes), _)| *bytes).collect();
        self.taken += objects.len() as u64;
        round.state.repeats += (objects.len() - fresh.len()) as u64;
        if !fresh.is_empty() {
            let client = format!("pull:{}", round.peer.name);
            let mirrored = round.taxii.mirror(self.into, &client, envelope(fresh.iter().copied()))?;
            round.state.pulled += mirrored.added;
            if mirrored.conflicts > 0 {
                round.state.conflicts += mirrored.conflicts;
                let message =
                    format!("{}: {} versions were here with another content", self.url, mirrored.conflicts);
                let hint = "both are kept and the first is served; ask the server's operator which is right";
                let trouble = TaxiiTrouble::new("taxii::conflict", message, hint);
                round.state.note(TaxiiFault::of(&trouble, round.core.surroundings.now()));
            }
        }
        Ok(fresh.len())
    }

    fn keep(&mut self, place: &PullPlace, fault: Option<&PullFault>) -> Result<bool, Ended> {
        let round = &mut *self.round;
        if let Some(fault) = fault {
            let trouble = TaxiiTrouble::paging(fault, self.url);
            round.state.note(TaxiiFault::of(&trouble, round.core.surroundings.now()));
        }
        let of = Task { peer: round.peer.name.as_str(), task: self.task };
        round.store.keep_place(of, place, &round.state)?;
        Ok(self.taken < round.peer.max_pull_objects)
    }
}

/// An envelope of objects as they are (TAXII 2.1, section 3.7).
pub(super) fn envelope<'o>(objects: impl Iterator<Item = &'o [u8]>) -> Vec<u8> {
    let mut body = b"{\"objects\":[".to_vec();
    for (at, object) in objects.enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(object);
    }
    body.extend_from_slice(b"]}");
    body
}
