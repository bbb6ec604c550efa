//! A pull without a node: objects of another server to whoever wants their bytes.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use base::Timestamp;
use rand_core::RngCore;
use serde::Serialize;
use sha2::{Digest, Sha256};
use threat::taxii::client::{Page, Pull, PullFault, PullPlace, RemoteCollection, wait_seconds};
use threat::taxii::format_micros;

use super::http::{Remote, TaxiiAccess};
use super::round::find;
use super::settings::filters;
use super::trouble::{Ended, TaxiiTrouble};
use super::walk::{Root, Sink, discover, walk};
use crate::NodeError;

/// What is fetched.
#[derive(Debug, Clone)]
pub struct TaxiiFetch {
    /// The collection, by id, alias or title; `None`: all that may be read.
    pub collection: Option<String>,
    /// Only what was added after this time.
    pub added_after: Option<Timestamp>,
    /// Filters by name, as `type` and `indicator,malware`. All versions are asked for unless `version` says otherwise.
    pub matching: BTreeMap<String, String>,
    /// How many objects are asked for at once.
    pub page_objects: u32,
    /// The most objects of all.
    pub most_objects: u64,
    /// How often in a row the server is asked again when it is busy or does not answer.
    pub tries: u32,
    /// The longest wait between two tries, whatever the server asks for, in seconds.
    pub most_wait_seconds: u64,
}

/// What was fetched from one collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaxiiFetched {
    /// Its address.
    pub collection: String,
    /// Objects of it.
    pub objects: u64,
    /// What was added there up to this time was given; null: the server tells no times, or the pull is not at its end.
    pub taken_up_to: Option<String>,
    /// Whether there is more: the limit of objects was reached.
    pub more: bool,
}

/// What to do with an object, or with something that was got over.
pub type FetchSink<'a> = dyn FnMut(Result<&[u8], TaxiiTrouble>) -> std::io::Result<()> + 'a;

/// Fetches objects, each once, as the bytes that the server sent. Blocks.
///
/// # Errors
/// When the server cannot be followed to the end, or the sink takes no more.
pub fn taxii_fetch(
    access: &TaxiiAccess,
    what: &TaxiiFetch,
    sink: &mut FetchSink<'_>,
) -> Result<Result<Vec<TaxiiFetched>, TaxiiTrouble>, NodeError> {
    match fetch(access, what, sink) {
        Ok(fetched) => Ok(Ok(fetched)),
        Err(Ended::Trouble(trouble)) => Ok(Err(trouble)),
        Err(Ended::Node(error)) => Err(error),
    }
}

fn fetch(
    access: &TaxiiAccess,
    what: &TaxiiFetch,
    sink: &mut FetchSink<'_>,
) -> Result<Vec<TaxiiFetched>, Ended> {
    let remote = Remote::new(access)?;
    let mut tries = Tries { what, failures: 0 };
    let (roots, troubles) = loop {
        match discover(&remote) {
            Ok(found) => break found,
            Err(trouble) => tries.after(trouble.into())?,
        }
    };
    for trouble in troubles {
        sink(Err(trouble)).map_err(output)?;
    }
    let may = |collection: &RemoteCollection| collection.can_read;
    let collections: Vec<(&Root, &RemoteCollection)> = match &what.collection {
        Some(name) => vec![find(&roots, name, may)?],
        None => roots
            .iter()
            .flat_map(|root| root.collections.iter().map(move |c| (root, c)))
            .filter(|(_, c)| may(c))
            .collect(),
    };
    let mut fetched = Vec::new();
    let mut left = what.most_objects;
    for (root, collection) in collections {
        let url = root.below(&["collections", &collection.id, "objects"]);
        let after = what.added_after.map(|time| time.unix_nanos().div_euclid(1000));
        let mut pull = Pull::new(PullPlace::after(after), what.page_objects);
        let mut printer = Printer { sink: &mut *sink, seen: HashSet::new(), given: 0, left, url: &url };
        let now = || crate::core::now().unix_nanos().div_euclid(1000);
        let ended = loop {
            let before = printer.given;
            match walk(&remote, &url, &filters(&what.matching), &mut pull, &now, &mut printer) {
                Ok(ended) => break ended,
                Err(ended) => {
                    if printer.given > before {
                        tries.failures = 0;
                    }
                    tries.after(ended)?;
                    pull.answer_lost();
                }
            }
        };
        left -= printer.given;
        fetched.push(TaxiiFetched {
            collection: url.to_string(),
            objects: printer.given,
            taken_up_to: pull.place().taken_up_to().filter(|_| ended).map(format_micros),
            more: !ended,
        });
        if left == 0 {
            break;
        }
    }
    Ok(fetched)
}

fn output(source: std::io::Error) -> Ended {
    Ended::Node(NodeError::Io { path: "standard output".into(), source })
}

/// Waits between tries.
struct Tries<'a> {
    what: &'a TaxiiFetch,
    failures: u32,
}

impl Tries<'_> {
    /// Waits for the next try, or gives up.
    fn after(&mut self, ended: Ended) -> Result<(), Ended> {
        let Ended::Trouble(trouble) = &ended else { return Err(ended) };
        self.failures += 1;
        let leads_nowhere =
            ["taxii::same_page", "taxii::no_way_on", "taxii::bad_page"].contains(&trouble.code);
        if !trouble.may_pass || leads_nowhere || self.failures > self.what.tries {
            return Err(ended);
        }
        let wait = wait_seconds(self.failures, trouble.retry_after_seconds, rand_core::OsRng.next_u64());
        std::thread::sleep(Duration::from_secs(wait.min(self.what.most_wait_seconds)));
        Ok(())
    }
}

/// Hands each object on once.
struct Printer<'a, 's> {
    sink: &'a mut FetchSink<'s>,
    seen: HashSet<[u8; 16]>,
    given: u64,
    left: u64,
    url: &'a url::Url,
}

impl Sink for Printer<'_, '_> {
    fn take(&mut self, page: &Page<'_>) -> Result<usize, Ended> {
        let mut fresh = 0;
        for arrived in &page.objects {
            if self.given == self.left {
                break;
            }
            if let Err((id, why)) = &arrived.header {
                let id = id.as_deref().unwrap_or("an object without id");
                let message = format!("{}: {id}: {why}", self.url);
                let hint = "it is given as it came; tell the server's operator";
                (self.sink)(Err(TaxiiTrouble::new("taxii::bad_object", message, hint))).map_err(output)?;
            }
            let mut digest = [0; 16];
            digest.copy_from_slice(&Sha256::digest(arrived.bytes)[..16]);
            if self.seen.insert(digest) {
                (self.sink)(Ok(arrived.bytes)).map_err(output)?;
                fresh += 1;
                self.given += 1;
            }
        }
        Ok(fresh)
    }

    fn keep(&mut self, _: &PullPlace, fault: Option<&PullFault>) -> Result<bool, Ended> {
        if let Some(fault) = fault {
            (self.sink)(Err(TaxiiTrouble::paging(fault, self.url))).map_err(output)?;
        }
        Ok(self.given < self.left)
    }
}
