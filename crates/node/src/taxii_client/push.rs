//! Pushing: what the rules of release let go, in envelopes that the server takes, each followed to its end.
//!
//! Before an envelope leaves, its objects stand in the database as on their way and in an entry of the record as sent.
//! After a crash the server is asked which of them it has; only the others go again.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use threat::taxii::client::{RemoteCollection, RemoteStatus, StatusItem, match_query, read_status};
use threat::taxii::parse_micros;
use url::Url;

use super::http::Remote;
use super::noun::{SentObject, TaxiiSent};
use super::round::{Left, Round, envelope, find};
use super::state::{Sent, SentKey, Task};
use super::trouble::{Ended, TaxiiFault, TaxiiTrouble};
use super::walk::Root;
use crate::NodeError;
use crate::core::{Draft, nobody};
use crate::taxii::{Outgoing, Wanted};

/// Bytes of an envelope beside its objects.
const ENVELOPE_BYTES: u64 = 14;
/// How often a status is asked for in one round, and how long between.
const LOOKS: u32 = 5;
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Objects that the server is asked for at once.
const ASKED_AT_ONCE: usize = 20;
/// Requests of one push in one round.
const REQUESTS: usize = 200;

/// Where a push goes.
struct Target<'a> {
    remote: &'a Remote,
    root: &'a Root,
    collection: &'a RemoteCollection,
    objects: Url,
    task: String,
    /// Bytes of objects that one envelope holds.
    most_bytes: u64,
}

fn key(object: &Outgoing) -> SentKey {
    SentKey { id: object.id.clone(), version: object.version.clone(), spec: object.spec.clone() }
}

impl Round {
    /// Pushes what is due of one push of the settings.
    pub(super) fn push(&mut self, remote: &Remote, roots: &[Root], at: usize) -> Result<Left, Ended> {
        let Some(push) = self.peer.push.get(at).cloned() else { return Ok(Left::Nothing) };
        let (root, collection) = find(roots, &push.collection, |collection| collection.can_write)?;
        let objects = root.below(&["collections", &collection.id, "objects"]);
        let most_bytes = push.batch_bytes.min(root.max_content_length.unwrap_or(u64::MAX));
        let target = Target {
            remote,
            root,
            collection,
            task: format!("{} {objects}", push.from),
            objects,
            most_bytes: most_bytes.saturating_sub(ENVELOPE_BYTES),
        };
        self.clear_up(&target)?;
        for _ in 0..REQUESTS {
            let due = self.due(&target, at)?;
            if due.objects.is_empty() {
                return self.left(&target, due.ended);
            }
            self.send(&target, at, due.objects)?;
        }
        Ok(Left::More)
    }

    fn left(&self, target: &Target<'_>, ended: bool) -> Result<Left, Ended> {
        let pending = !self.store.standing(self.task(target), Sent::Pending)?.is_empty();
        Ok(match (ended, pending) {
            (false, _) => Left::More,
            (true, true) => Left::Pending,
            (true, false) => Left::Nothing,
        })
    }

    fn task<'t>(&'t self, target: &'t Target<'_>) -> Task<'t> {
        Task { peer: self.peer.name.as_str(), task: &target.task }
    }

    /// What may go and was not sent yet. What became free to go since the last look is found as well: then the
    /// collection is looked through anew.
    fn due(&mut self, target: &Target<'_>, at: usize) -> Result<crate::taxii::Outbound, Ended> {
        if *self.stop.borrow() {
            return Err(NodeError::Stopping.into());
        }
        let (Some(push), Some(audience)) = (self.peer.push.get(at), self.audiences.get(at)) else {
            return Err(NodeError::Stopping.into());
        };
        let classes = self.taxii.classes_for(audience)?;
        let (mut from, before) = self.looked.get(at).cloned().unwrap_or_default();
        if !classes.is_subset(&before) {
            from = Default::default();
        }
        let wanted = Wanted {
            collection: &push.from,
            audience,
            types: &push.types,
            from,
            most: push.batch_objects,
            most_bytes: target.most_bytes,
        };
        let of = self.task(target);
        let due = self.taxii.outbound(&wanted, |held, version| {
            let key = SentKey { id: held.id.clone(), version: version.to_owned(), spec: held.spec.clone() };
            Ok(!self.store.was_sent(of, &key)?)
        })?;
        if let Some(looked) = self.looked.get_mut(at) {
            *looked = (due.next, classes);
        }
        Ok(due)
    }

    /// Sends objects and notes what became of each.
    fn send(&mut self, target: &Target<'_>, at: usize, objects: Vec<Outgoing>) -> Result<(), Ended> {
        let (small, large): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|object| object.bytes.len() as u64 <= target.most_bytes);
        for object in &large {
            let message = format!("it has more than the {} bytes that the server takes", target.most_bytes);
            self.not_taken(target, object, &message)?;
        }
        if small.is_empty() {
            return Ok(());
        }
        let keys: Vec<SentKey> = small.iter().map(key).collect();
        self.store.mark(self.task(target), keys.iter().map(|key| (key, Sent::Sending, None, None)))?;
        self.record(target, at, &small)?;
        self.post(target, &small)
    }

    fn record(&self, target: &Target<'_>, at: usize, objects: &[Outgoing]) -> Result<(), Ended> {
        let Some(push) = self.peer.push.get(at) else { return Ok(()) };
        let sent = TaxiiSent {
            peer: self.peer.name.clone(),
            country: push.country.clone(),
            clearance: push.clearance.clone(),
            url: target.objects.to_string(),
            from: push.from.clone(),
            objects: objects
                .iter()
                .map(|object| SentObject {
                    id: object.id.clone(),
                    version: object.version.clone(),
                    sha256: hex::encode(Sha256::digest(&object.bytes)),
                })
                .collect(),
            at: self.core.surroundings.now(),
            marking: nobody(&self.core.config.country),
        };
        self.core.append_blocking(vec![Draft::TaxiiSent(Box::new(sent))])?;
        Ok(())
    }

    /// Posts an envelope; where the server refuses it as a whole for what is in it, by halves.
    fn post(&mut self, target: &Target<'_>, objects: &[Outgoing]) -> Result<(), Ended> {
        let body = envelope(objects.iter().map(|object| object.bytes.as_slice()));
        match target.remote.post(&target.objects, &body) {
            Ok(answer) => match read_status(&answer.body) {
                Some(status) => self.follow(target, status, objects.iter().map(key).collect()),
                None => {
                    let message = format!("{} took objects without a status resource", target.objects);
                    let hint = "ask the server's operator; the objects count as taken";
                    let trouble = TaxiiTrouble::new("taxii::no_status", message, hint);
                    self.state.note(TaxiiFault::of(&trouble, self.core.surroundings.now()));
                    let keys: Vec<SentKey> = objects.iter().map(key).collect();
                    Ok(self
                        .store
                        .mark(self.task(target), keys.iter().map(|key| (key, Sent::Done, None, None)))?)
                }
            },
            Err(trouble) if ["taxii::body_refused", "taxii::content_refused"].contains(&trouble.code) => {
                match objects {
                    [one] => self.not_taken(target, one, &trouble.message),
                    _ => {
                        let (left, right) = objects.split_at(objects.len() / 2);
                        self.post(target, left)?;
                        self.post(target, right)
                    }
                }
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    fn not_taken(&mut self, target: &Target<'_>, object: &Outgoing, message: &str) -> Result<(), Ended> {
        let key = key(object);
        self.store.mark(self.task(target), [(&key, Sent::Failed, None, Some(message))].into_iter())?;
        self.tell(target, &key, message);
        Ok(())
    }

    fn tell(&mut self, target: &Target<'_>, key: &SentKey, message: &str) {
        let message = format!("{}: {} ({}) was not taken: {message}", target.objects, key.id, key.version);
        let hint = "see what the server says; a newer version of the object is sent again";
        let trouble = TaxiiTrouble::new("taxii::not_taken", message, hint);
        self.state.note(TaxiiFault::of(&trouble, self.core.surroundings.now()));
    }

    /// Follows a status for a while; what is not decided then is looked at in the next rounds.
    fn follow(
        &mut self,
        target: &Target<'_>,
        mut status: RemoteStatus,
        keys: Vec<SentKey>,
    ) -> Result<(), Ended> {
        let url = target.root.below(&["status", &status.id]);
        for _ in 0..LOOKS {
            if status.complete || *self.stop.borrow() {
                break;
            }
            std::thread::sleep(LOOK_EVERY);
            match target.remote.get(&url).ok().and_then(|answer| read_status(&answer.body)) {
                Some(next) => status = RemoteStatus { id: status.id, ..next },
                None => break,
            }
        }
        self.judge(target, &status, &keys)
    }

    /// Notes what a status says of each object.
    fn judge(&mut self, target: &Target<'_>, status: &RemoteStatus, keys: &[SentKey]) -> Result<(), Ended> {
        let names = |list: &[StatusItem], key: &SentKey| -> Option<StatusItem> {
            list.iter().find(|item| item.id == key.id && same_version(item.version.as_deref(), key)).cloned()
        };
        // Refused ones that are counted and not named.
        let unnamed = status.failure_count > status.failures.len() as u64;
        let mut marks = Vec::with_capacity(keys.len());
        for key in keys {
            let (state, message) = if let Some(failed) = names(&status.failures, key) {
                let silent = || "the server does not say why".to_owned();
                (Sent::Failed, Some(failed.message.unwrap_or_else(silent)))
            } else if names(&status.successes, key).is_some() {
                (Sent::Done, None)
            } else if !status.complete || names(&status.pendings, key).is_some() {
                (Sent::Pending, None)
            } else if unnamed {
                (Sent::Failed, Some("the server counts refused objects without naming them".to_owned()))
            } else {
                (Sent::Done, None)
            };
            marks.push((key, state, message));
        }
        let rows = marks.iter().map(|(key, state, message)| {
            let status = (*state == Sent::Pending).then_some(status.id.as_str());
            (*key, *state, status, message.as_deref())
        });
        self.store.mark(self.task(target), rows)?;
        for (key, state, message) in &marks {
            if *state == Sent::Failed {
                self.tell(target, key, message.as_deref().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// What earlier rounds left: envelopes whose answer did not come, and statuses that were not at their end.
    fn clear_up(&mut self, target: &Target<'_>) -> Result<(), Ended> {
        let sending: Vec<SentKey> =
            self.store.standing(self.task(target), Sent::Sending)?.into_iter().map(|(key, _)| key).collect();
        let there = if target.collection.can_read { self.there(target, &sending)? } else { HashSet::new() };
        let (done, again): (Vec<SentKey>, Vec<SentKey>) = sending.into_iter().partition(|key| {
            there.iter().any(|(id, version)| *id == key.id && same_version(Some(version), key))
        });
        self.store.mark(self.task(target), done.iter().map(|key| (key, Sent::Done, None, None)))?;
        // A server keeps one version of an object once, so that sending it again doubles nothing.
        self.again(target, &again)?;
        let mut statuses: BTreeMap<String, Vec<SentKey>> = BTreeMap::new();
        for (key, status) in self.store.standing(self.task(target), Sent::Pending)? {
            statuses.entry(status.unwrap_or_default()).or_default().push(key);
        }
        for (id, keys) in statuses {
            let url = target.root.below(&["status", &id]);
            match target.remote.get(&url) {
                Ok(answer) => match read_status(&answer.body) {
                    Some(status) => self.judge(target, &RemoteStatus { id, ..status }, &keys)?,
                    None => self.again(target, &keys)?,
                },
                // The server has forgotten it.
                Err(trouble) if trouble.code == "taxii::not_there" => self.again(target, &keys)?,
                Err(trouble) => return Err(trouble.into()),
            }
        }
        Ok(())
    }

    /// Lets objects go again: they are due, and the collection is looked through from its beginning.
    fn again(&mut self, target: &Target<'_>, keys: &[SentKey]) -> Result<(), Ended> {
        if keys.is_empty() {
            return Ok(());
        }
        self.store.forget(self.task(target), keys)?;
        self.looked.iter_mut().for_each(|looked| *looked = Default::default());
        Ok(())
    }

    /// Which of these objects the server holds, by id and version.
    fn there(&self, target: &Target<'_>, keys: &[SentKey]) -> Result<HashSet<(String, String)>, Ended> {
        let mut there = HashSet::new();
        for keys in keys.chunks(ASKED_AT_ONCE) {
            let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
            let filters = [
                ("id", ids.join(",")),
                ("version", "all".to_owned()),
                ("spec_version", "2.0,2.1".to_owned()),
            ];
            let filters = filters.map(|(name, values)| (name.to_owned(), values)).into();
            let mut url = target.root.below(&["collections", &target.collection.id, "manifest"]);
            url.set_query(Some(&match_query(&filters)));
            let answer = match target.remote.get(&url) {
                Ok(answer) => answer,
                // Not known: it goes again.
                Err(trouble) if !trouble.of_server => continue,
                Err(trouble) => return Err(trouble.into()),
            };
            let manifest: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            for record in manifest.get("objects").and_then(Value::as_array).into_iter().flatten() {
                let text = |field: &str| record.get(field).and_then(Value::as_str).map(str::to_owned);
                there.extend(text("id").zip(text("version")));
            }
        }
        Ok(there)
    }
}

/// Whether a server means the version of `key`, however it spells it; without one it means any.
fn same_version(version: Option<&str>, key: &SentKey) -> bool {
    version.is_none_or(|version| {
        version == key.version
            || parse_micros(version).is_some_and(|time| parse_micros(&key.version) == Some(time))
    })
}
