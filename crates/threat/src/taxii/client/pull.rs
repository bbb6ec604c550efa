//! The pull as a state machine: a place in, a question out; an answer in, the next place out.

use std::collections::HashSet;

use super::page::encode;
use super::place::PullPlace;
use crate::taxii::{Micros, format_micros};

/// A page that came before in the same walk, or has no objects and yet promises more, is borne with so often.
const STALLS: u8 = 3;
/// The most objects that are asked for at once, where a server has more of one time than a page holds.
const MAX_LIMIT: u32 = 1 << 16;
/// How far a walk reaches back where the server tells no times: its clock may be a little off.
const OVERLAP_MICROS: Micros = 300_000_000;
/// A time of addition so far ahead of the present is not believed.
const AHEAD_MICROS: Micros = 86_400_000_000;

/// What to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// What was added after this time.
    pub added_after: Option<Micros>,
    /// Where to go on.
    pub next: Option<&'a str>,
    /// At most so many objects.
    pub limit: u32,
}

impl Ask<'_> {
    /// The part of the address after `?`; `filters` as [`match_query`](super::match_query) gives them.
    pub fn query(&self, filters: &str) -> String {
        let mut query = format!("limit={}", self.limit);
        if let Some(time) = self.added_after {
            query += &format!("&added_after={}", format_micros(time));
        }
        if let Some(next) = self.next {
            query += &format!("&next={}", encode(next));
        }
        if !filters.is_empty() {
            query += &format!("&{filters}");
        }
        query
    }
}

/// What the machine must know of a page whose objects were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageFacts {
    /// Whether the server says that there is more.
    pub more: bool,
    /// Where it says to go on.
    pub next: Option<String>,
    /// Objects in the page.
    pub objects: usize,
    /// Of these such that were not there before.
    pub fresh: usize,
    /// A digest of the objects: the same page again has the same.
    pub digest: u64,
    /// `X-TAXII-Date-Added-Last`, where it could be read.
    pub last_added: Option<Micros>,
    /// The server's clock, or else ours.
    pub server_time: Micros,
}

/// What is wrong with a server's paging, and was got over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PullFault {
    /// The same page again and again, or pages without objects that promise more.
    #[error("the server gives the same page again and again; its `next` leads nowhere")]
    SamePage,
    /// The server refuses a `next` of its own.
    #[error("the server refuses the `next` that it gave; the walk begins anew")]
    NextRefused,
    /// More objects were added at one time than a page holds, and the server does not say where to go on.
    #[error(
        "more objects were added at {} than a page of this server holds, and it gives no `next`: some may be missing",
        format_micros(*.at)
    )]
    Crowded {
        /// When they were added.
        at: Micros,
    },
    /// There is more, and neither `next` nor a time says where.
    #[error("the server says that there is more, but neither `next` nor X-TAXII-Date-Added-Last says where")]
    NoWayOn,
}

impl PullFault {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SamePage => "taxii::same_page",
            Self::NextRefused => "taxii::next_refused",
            Self::Crowded { .. } => "taxii::crowded",
            Self::NoWayOn => "taxii::no_way_on",
        }
    }
}

/// What follows from an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask again. With a fault that was got over.
    GoOn(Option<PullFault>),
    /// The walk is at its end.
    Done,
    /// The server cannot be followed further now; a later walk begins where this one did.
    Stop(PullFault),
}

/// A pull under way. Only its [`place`](Self::place) need be kept; store it after the objects of the page, never before.
#[derive(Debug)]
pub struct Pull {
    place: PullPlace,
    /// What the settings want of a page.
    wanted: u32,
    limit: u32,
    /// Digests of the pages of this walk.
    pages: HashSet<u64>,
    stalls: u8,
}

impl Pull {
    /// Goes on at `place` where no answer got lost behind it, with pages of `limit` objects (at least 1).
    pub fn new(place: PullPlace, limit: u32) -> Self {
        let wanted = limit.clamp(1, MAX_LIMIT);
        Self { place, wanted, limit: wanted, pages: HashSet::new(), stalls: 0 }
    }

    /// Goes on at `place` after a crash, or whenever an answer may have got lost behind it.
    pub fn resume(place: PullPlace, limit: u32) -> Self {
        let mut pull = Self::new(place, limit);
        pull.answer_lost();
        pull
    }

    /// The answer to the last question did not come, or what it brought was not kept.
    pub fn answer_lost(&mut self) {
        if self.place.next.is_some() && !self.place.turns {
            // In the order of the standard (section 3.5) all before the newest was taken.
            self.place.next = None;
            self.place.after = self.place.after.max(self.place.newest.map(|newest| newest - 1));
            self.pages.clear();
        }
    }

    /// Where it stands.
    pub const fn place(&self) -> &PullPlace {
        &self.place
    }

    /// The next question.
    pub fn ask(&self) -> Ask<'_> {
        Ask { added_after: self.place.after, next: self.place.next.as_deref(), limit: self.limit }
    }

    /// Follows a page whose objects were taken.
    pub fn answered(&mut self, page: &PageFacts) -> Step {
        let before = self.place.newest;
        self.place.began.get_or_insert(page.server_time.saturating_sub(OVERLAP_MICROS));
        self.place.fresh |= page.fresh > 0;
        let believable = 0..=page.server_time.saturating_add(AHEAD_MICROS);
        let believed = page.last_added.filter(|time| believable.contains(time));
        self.place.newest = before.max(believed.filter(|_| page.objects > 0));
        if !page.more {
            self.end_walk();
            return Step::Done;
        }
        let repeated = page.objects == 0 || !self.pages.insert(page.digest);
        self.stalls = if repeated { self.stalls + 1 } else { 0 };
        match &page.next {
            Some(_) if self.stalls >= STALLS && !self.place.by_time => self.leave_next(),
            Some(next) if !self.place.by_time => {
                self.place.turns |= self.place.next.as_ref().is_some_and(|asked| asked != next);
                self.place.next = Some(next.clone());
                if !repeated {
                    self.grow();
                }
                Step::GoOn(None)
            }
            _ => self.by_time(page, before),
        }
    }

    /// The server refused the `next` of the last question.
    pub fn next_refused(&mut self) -> Step {
        self.place.next = None;
        self.pages.clear();
        self.place.refused = self.place.refused.saturating_add(1);
        if self.place.refused < 2 {
            // An old one may have run out: from the beginning of the walk nothing is lost.
            return Step::GoOn(Some(PullFault::NextRefused));
        }
        self.place.by_time = true;
        match self.place.newest {
            Some(newest) => {
                self.place.after = self.place.after.max(Some(newest - 1));
                Step::GoOn(Some(PullFault::NextRefused))
            }
            None => self.stop(PullFault::NextRefused),
        }
    }

    /// The page was too large to be read: asks for half as many. `false` when one object alone is too large.
    pub fn too_large(&mut self) -> bool {
        let halved = self.limit / 2;
        self.limit = halved.max(1);
        halved > 0
    }

    /// Its `next` goes round in a circle; times may still lead on.
    fn leave_next(&mut self) -> Step {
        self.stalls = 0;
        self.place.next = None;
        match self.place.newest {
            Some(newest) if self.place.after <= Some(newest) => {
                self.place.by_time = true;
                self.place.after = self.place.after.max(Some(newest - 1));
                Step::GoOn(Some(PullFault::SamePage))
            }
            _ => self.stop(PullFault::SamePage),
        }
    }

    /// There is more and no `next`: asks again from the last time on, that time included, for a page may end amid
    /// objects of one time.
    fn by_time(&mut self, page: &PageFacts, before: Option<Micros>) -> Step {
        self.place.next = None;
        let Some(newest) = self.place.newest else { return self.no_time() };
        let after = self.place.after.max(Some(newest - 1));
        if self.place.newest > before || after > self.place.after {
            if self.stalls >= STALLS {
                // The times go on, the objects do not.
                return self.stop(PullFault::SamePage);
            }
            self.place.after = after;
            self.limit = self.wanted;
            return Step::GoOn(None);
        }
        // All of the page has the last time. A larger one may reach beyond.
        if self.limit < MAX_LIMIT && (page.fresh > 0 || self.stalls < STALLS) {
            self.limit = self.limit.saturating_mul(2).min(MAX_LIMIT);
            return Step::GoOn(None);
        }
        self.stalls = 0;
        self.limit = self.wanted;
        if self.place.after > Some(newest) {
            return self.stop(PullFault::SamePage);
        }
        // Behind that time; and a microsecond later where that was asked for and taken to be included.
        self.place.after = Some(if self.place.after == Some(newest) { newest + 1 } else { newest });
        Step::GoOn(Some(PullFault::Crowded { at: newest }))
    }

    /// Neither `next` nor times: a larger page is all that is left.
    fn no_time(&mut self) -> Step {
        if self.limit < MAX_LIMIT && self.stalls < STALLS {
            self.limit = self.limit.saturating_mul(2).min(MAX_LIMIT);
            return Step::GoOn(None);
        }
        self.stop(PullFault::NoWayOn)
    }

    /// After a smaller page was needed: slowly back to what is wanted.
    fn grow(&mut self) {
        self.limit = self.limit.saturating_mul(2).min(self.wanted);
    }

    fn stop(&mut self, fault: PullFault) -> Step {
        self.place = PullPlace::after(self.place.after);
        Step::Stop(fault)
    }

    /// Where the next walk begins.
    fn end_walk(&mut self) {
        let place = &self.place;
        let after = match place.newest {
            // Nothing new in a whole walk that asked for the last time: from now on behind it. A server that gives the
            // very time behind which it was asked takes it to be included, and is asked a microsecond later.
            Some(newest) if !place.fresh && place.from >= Some(newest) => place.after.max(Some(newest + 1)),
            Some(newest) if !place.fresh && place.from >= Some(newest - 1) => Some(newest),
            // More may be added at the last time: once more from there, that time included.
            Some(newest) => place.after.max(Some(newest - 1)),
            None if place.fresh => place.after.max(place.began),
            None => place.after,
        };
        self.place = PullPlace::after(after);
        self.pages.clear();
        self.stalls = 0;
        self.limit = self.wanted;
    }
}

#[cfg(test)]
#[path = "pull_tests.rs"]
mod tests;
