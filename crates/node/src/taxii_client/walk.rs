//! From an address to collections, and through one collection page by page.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use threat::taxii::Micros;
use threat::taxii::client::{
    Page, PageFacts, Pull, PullFault, PullPlace, RemoteCollection, Served, Step, match_query,
    read_collections, read_page,
};
use url::Url;

use super::http::{Answer, Remote, TOO_LARGE};
use super::trouble::{Ended, TaxiiTrouble};

/// The most API roots of one server that are looked at.
const MOST_ROOTS: usize = 100;

/// An API root with what it holds.
pub(super) struct Root {
    pub(super) url: Url,
    pub(super) max_content_length: Option<u64>,
    pub(super) collections: Vec<RemoteCollection>,
}

impl Root {
    /// The address of a resource below, each part as one name whatever it holds.
    pub(super) fn below(&self, parts: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts).push("");
        }
        url
    }
}

fn no_document(url: &Url, what: &str) -> TaxiiTrouble {
    let hint = "set url to the discovery resource or an API root of a TAXII 2.1 server";
    TaxiiTrouble::new("taxii::no_document", format!("{url} answers with no {what}"), hint)
}

/// The roots that lie at an address. One that cannot be read does not hold up the others, as long as there is one.
pub(super) fn discover(remote: &Remote) -> Result<(Vec<Root>, Vec<TaxiiTrouble>), TaxiiTrouble> {
    let mut start = remote.url.clone();
    if !start.path().ends_with('/') {
        start.set_path(&format!("{}/", remote.url.path()));
    }
    let answer = remote.get(&start)?;
    let addresses =
        match Served::read(&answer.body).ok_or_else(|| no_document(&start, "discovery or API root"))? {
            Served::Root(root) => {
                return Ok((vec![open(remote, start, root.max_content_length)?], Vec::new()));
            }
            Served::Discovery(addresses) => addresses,
        };
    let (mut roots, mut troubles) = (Vec::new(), Vec::new());
    for address in addresses.iter().take(MOST_ROOTS) {
        match remote.join(&start, address).and_then(|url| root(remote, url)) {
            Ok(root) => roots.push(root),
            Err(trouble) if trouble.of_server => return Err(trouble),
            Err(trouble) => troubles.push(trouble),
        }
    }
    match (roots.is_empty(), troubles.is_empty()) {
        (true, false) => Err(troubles.swap_remove(0)),
        (true, true) => Err(no_document(&start, "address of an API root")),
        _ => Ok((roots, troubles)),
    }
}

fn root(remote: &Remote, mut url: Url) -> Result<Root, TaxiiTrouble> {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    match Served::read(&remote.get(&url)?.body) {
        Some(Served::Root(root)) => open(remote, url, root.max_content_length),
        _ => Err(no_document(&url, "API root")),
    }
}

fn open(remote: &Remote, url: Url, max_content_length: Option<u64>) -> Result<Root, TaxiiTrouble> {
    let mut root = Root { url, max_content_length, collections: Vec::new() };
    let list = root.below(&["collections"]);
    root.collections = read_collections(&remote.get(&list)?.body)
        .ok_or_else(|| no_document(&list, "list of collections"))?;
    Ok(root)
}

/// Takes what a walk brings.
pub(super) trait Sink {
    /// Takes the objects of a page; gives how many were not there before.
    fn take(&mut self, page: &Page<'_>) -> Result<usize, Ended>;
    /// Keeps the place behind what was taken; `false` ends the walk for now.
    fn keep(&mut self, place: &PullPlace, fault: Option<&PullFault>) -> Result<bool, Ended>;
}

/// Goes on with a walk until it is at its end, the sink has enough, or the server cannot be followed. `true`: at its
/// end.
pub(super) fn walk(
    remote: &Remote,
    objects: &Url,
    filters: &BTreeMap<String, String>,
    pull: &mut Pull,
    now: &dyn Fn() -> Micros,
    sink: &mut dyn Sink,
) -> Result<bool, Ended> {
    let filters = match_query(filters);
    loop {
        let mut url = objects.clone();
        url.set_query(Some(&pull.ask().query(&filters)));
        let step = match remote.get(&url) {
            Ok(answer) => {
                let page = read_page(&answer.body).map_err(|fault| {
                    let hint = "tell the server's operator: TAXII 2.1, section 3.7, says what a page is";
                    TaxiiTrouble::new("taxii::bad_page", format!("{url}: {fault}"), hint).passing()
                })?;
                let fresh = sink.take(&page)?;
                pull.answered(&facts(&answer, &page, fresh, now))
            }
            Err(trouble) if trouble.code == TOO_LARGE && pull.too_large() => continue,
            Err(trouble) if refuses_next(&trouble) && pull.ask().next.is_some() => pull.next_refused(),
            Err(trouble) => return Err(trouble.into()),
        };
        let (fault, ends) = match &step {
            Step::GoOn(fault) => (fault.as_ref(), false),
            Step::Done => (None, true),
            Step::Stop(fault) => (Some(fault), true),
        };
        let goes_on = sink.keep(pull.place(), fault)?;
        match step {
            Step::Stop(fault) => return Err(TaxiiTrouble::paging(&fault, objects).into()),
            _ if ends => return Ok(true),
            _ if !goes_on => return Ok(false),
            _ => {}
        }
    }
}

fn refuses_next(trouble: &TaxiiTrouble) -> bool {
    ["taxii::request_refused", "taxii::not_there", "taxii::content_refused"].contains(&trouble.code)
}

fn facts(answer: &Answer, page: &Page<'_>, fresh: usize, now: &dyn Fn() -> Micros) -> PageFacts {
    let mut hash = Sha256::new();
    for object in &page.objects {
        hash.update((object.bytes.len() as u64).to_le_bytes());
        hash.update(object.bytes);
    }
    let digest = hash.finalize();
    PageFacts {
        more: page.more,
        next: page.next.clone(),
        objects: page.objects.len(),
        fresh,
        digest: digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)),
        last_added: answer.last_added(),
        server_time: answer.server_time().unwrap_or_else(now),
    }
}
