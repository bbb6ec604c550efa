//! Which objects answer a question, page by page. All that is counted, ordered and pointed to is of what the reader
//! may see.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use threat::taxii::{Cursor, Endpoint, Micros, Query, Version, VersionMatch, select};

use super::store::{Depth, Held, Reader};
use crate::NodeError;
use crate::core::lock;

/// Cursors whose places are remembered, so that a page in the middle of a large envelope is found at once.
const REMEMBERED: usize = 256;

/// Objects of one page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) held: Vec<Held>,
    /// Where the next one begins, when there is more.
    pub(crate) next: Option<Cursor>,
}

/// The cursors behind each object of a page, which began behind `before`.
pub(crate) fn cursors(page: &Page, before: Option<Cursor>, question: u32) -> Vec<Cursor> {
    let mut last = before.map(|cursor| (cursor.added, cursor.given));
    let step = |held: &Held| {
        let given = last.filter(|(added, _)| *added == held.added).map_or(0, |(_, given)| given) + 1;
        last = Some((held.added, given));
        Cursor { added: held.added, given, question }
    };
    page.held.iter().map(step).collect()
}

/// The place of a cursor: of which reader and question, and where in the log.
type Mark = ((String, i64, Cursor), (Micros, u64));

/// Places of cursors that were given out lately. A hint: what is not here is found by counting.
#[derive(Default)]
pub(crate) struct Marks(Mutex<VecDeque<Mark>>);

impl Marks {
    fn put(&self, key: (String, i64, Cursor), place: (Micros, u64)) {
        let mut marks = lock(&self.0);
        if marks.len() >= REMEMBERED {
            marks.pop_front();
        }
        marks.push_back((key, place));
    }

    fn get(&self, key: &(String, i64, Cursor)) -> Option<(Micros, u64)> {
        lock(&self.0).iter().rev().find(|(known, _)| known == key).map(|(_, place)| *place)
    }
}

/// A question on one collection, by one reader.
pub(crate) struct Asked<'a> {
    pub(crate) reader: &'a Reader<'a>,
    pub(crate) collection: i64,
    /// Which markings the reader may see, with the kinds of objects that carry them.
    pub(crate) seen: &'a HashMap<i64, String>,
    pub(crate) query: &'a Query,
    pub(crate) endpoint: Endpoint,
    /// For `objects/{id}/` and below.
    pub(crate) object: Option<&'a str>,
    pub(crate) limit: usize,
    /// Who asks, for remembered places.
    pub(crate) who: &'a str,
    pub(crate) marks: &'a Marks,
}

impl Asked<'_> {
    /// The page; `None` when the question is of one object, of which the reader may see no version.
    pub(crate) fn page(&self) -> Result<Option<Page>, NodeError> {
        match self.object {
            Some(id) => {
                let versions = self.visible(id)?;
                if versions.is_empty() {
                    return Ok(None);
                }
                self.cut(self.chosen(versions)?).map(Some)
            }
            None if !self.query.filter.ids.is_empty() => self.of_ids().map(Some),
            None => self.of_all().map(Some),
        }
    }

    /// The versions of an object that the reader may see, each content of a version but the first left out.
    fn visible(&self, id: &str) -> Result<Vec<Held>, NodeError> {
        let mut held = self.reader.group(self.collection, id)?;
        held.retain(|held| self.seen.contains_key(&held.class));
        let mut first: Vec<Held> = Vec::with_capacity(held.len());
        for one in held {
            // When the first content is not for this reader, the second is the first that it knows of.
            if !first.iter().any(|other| other.version == one.version && other.spec == one.spec) {
                first.push(one);
            }
        }
        Ok(first)
    }

    fn chosen(&self, held: Vec<Held>) -> Result<Vec<Held>, NodeError> {
        let versions: Vec<Version<'_>> =
            held.iter().map(|held| Version { version: held.version, spec_version: &held.spec }).collect();
        let places = select(&versions, &self.query.filter, self.endpoint);
        let mut chosen = Vec::with_capacity(places.len());
        for (at, held) in held.into_iter().enumerate() {
            if places.contains(&at) && self.content(&held)? {
                chosen.push(held);
            }
        }
        Ok(chosen)
    }

    fn content(&self, held: &Held) -> Result<bool, NodeError> {
        let filters = &self.query.filter.content;
        if filters.is_empty() {
            return Ok(true);
        }
        let object = serde_json::from_slice(&self.reader.bytes(held)?).unwrap_or_default();
        Ok(filters.iter().all(|filter| filter.meets(&object)))
    }

    fn of_kind(&self, held: &Held) -> bool {
        let types = &self.query.filter.types;
        types.is_empty() || self.seen.get(&held.class).is_some_and(|kind| types.contains(kind))
    }

    fn of_ids(&self) -> Result<Page, NodeError> {
        let mut ids = self.query.filter.ids.clone();
        ids.sort();
        ids.dedup();
        let mut all = Vec::new();
        for id in &ids {
            let visible = self.visible(id)?;
            all.extend(self.chosen(visible)?.into_iter().filter(|held| self.of_kind(held)));
        }
        self.cut(all)
    }

    /// A page of what is all in memory.
    fn cut(&self, mut all: Vec<Held>) -> Result<Page, NodeError> {
        all.sort_by_key(|held| (held.added, held.seq));
        let mut page = Taken::new(self);
        for held in all {
            if self.query.added_after.is_none_or(|after| held.added > after) && !page.take(held) {
                break;
            }
        }
        Ok(page.done())
    }

    /// A page of the whole collection.
    fn of_all(&self) -> Result<Page, NodeError> {
        let class = self.only_class();
        if class == Some(None) {
            return Ok(Page::default());
        }
        let mut page = Taken::new(self);
        let mut from = (self.query.added_after.map_or(Micros::MIN, |after| after.saturating_add(1)), 0);
        if let Some(cursor) = self.query.next {
            match self.marks.get(&self.key(cursor)) {
                Some(place) => {
                    from = place;
                    page.skip = 0;
                    page.given = cursor.given;
                }
                None => from = from.max((cursor.added, 0)),
            }
        }
        // Of objects with several versions, which ones answer.
        let mut groups: HashMap<String, Vec<u64>> = HashMap::new();
        let places = self.endpoint == Endpoint::Objects && self.query.filter.spec_versions.is_empty();
        let depth = if places { Depth::Place } else { Depth::Whole };
        self.reader.scan(self.collection, from, class.flatten(), depth, |held| {
            if !self.seen.contains_key(&held.class) || !self.of_kind(&held) {
                return Ok(true);
            }
            let answers = if held.alone {
                self.alone_answers(&held) && self.content(&held)?
            } else {
                if !groups.contains_key(&held.id) {
                    let visible = self.visible(&held.id)?;
                    let chosen = self.chosen(visible)?.iter().map(|held| held.seq).collect();
                    groups.insert(held.id.clone(), chosen);
                }
                groups.get(&held.id).is_some_and(|chosen| chosen.contains(&held.seq))
            };
            Ok(!answers || page.take(held))
        })?;
        Ok(page.done())
    }

    /// What is the only version of its object answers for any version but another one's time.
    fn alone_answers(&self, held: &Held) -> bool {
        let filter = &self.query.filter;
        let spec = filter.spec_versions.is_empty() || filter.spec_versions.contains(&held.spec);
        let version = filter.versions.is_empty()
            || filter.versions.iter().any(|wanted| match wanted {
                VersionMatch::First | VersionMatch::Last | VersionMatch::All => true,
                VersionMatch::At(time) => held.version == *time,
            });
        spec && version
    }

    /// The one marking and kind that can answer, if there is only one; `Some(None)` when there is none.
    fn only_class(&self) -> Option<Option<i64>> {
        if self.query.filter.types.is_empty() {
            return None;
        }
        let mut of = self.seen.iter().filter(|(_, kind)| self.query.filter.types.contains(kind));
        match (of.next(), of.next()) {
            (None, _) => Some(None),
            (Some((class, _)), None) => Some(Some(*class)),
            (Some(_), Some(_)) => None,
        }
    }

    fn key(&self, cursor: Cursor) -> (String, i64, Cursor) {
        (self.who.to_owned(), self.collection, cursor)
    }
}

/// A page as it fills.
struct Taken<'a> {
    asked: &'a Asked<'a>,
    held: Vec<Held>,
    /// Answers at the cursor's time that were given before.
    skip: u64,
    /// Answers with the time of the last one, given before and now.
    given: u64,
    more: Option<(Micros, u64)>,
}

impl<'a> Taken<'a> {
    fn new(asked: &'a Asked<'a>) -> Self {
        let skip = asked.query.next.map_or(0, |cursor| cursor.given);
        Self { asked, held: Vec::new(), skip, given: 0, more: None }
    }

    /// Takes one more; `false` when the page is full.
    fn take(&mut self, held: Held) -> bool {
        let cursor = self.asked.query.next;
        if let Some(cursor) = cursor {
            if held.added < cursor.added {
                return true;
            }
            if held.added == cursor.added && self.skip > 0 {
                self.skip -= 1;
                self.given += 1;
                return true;
            }
        }
        if self.held.len() == self.asked.limit {
            self.more = Some((held.added, held.seq));
            return false;
        }
        let before = self.held.last().map(|last| last.added).or(cursor.map(|cursor| cursor.added));
        self.given = if before == Some(held.added) { self.given + 1 } else { 1 };
        self.held.push(held);
        true
    }

    fn done(self) -> Page {
        let next = self.more.and_then(|place| {
            let added = self.held.last()?.added;
            let cursor = Cursor { added, given: self.given, question: self.asked.query.question };
            self.asked.marks.put(self.asked.key(cursor), place);
            Some(cursor)
        });
        Page { held: self.held, next }
    }
}
