use base::{Fault, Interval, Timestamp};

use serde_json::Value;

use super::clean::{Clean, Known};
use super::gather::Gather;
use super::{Hit, HitLine, LogEvent, LogPosition, MatchOptions, MatchSummary, Matcher};
use crate::indicator::{
    self, Indicator, IndicatorKind, IndicatorSet, OriginId, Suppression, digest, email, file_name,
    file_suffix,
};
use crate::logs::{FieldType, LineShape, LogFormat};

/// Most faults that one log gives; the number of the others is told.
const MAX_FAULTS: usize = 10_000;
/// Longest domain name that is looked at; of a longer text the end.
const MAX_NAME: usize = 253;

/// Takes the fields of a log, line by line, and gathers what is found in them.
pub(crate) struct Scan<'s, 'w> {
    set: &'s IndicatorSet,
    matcher: Matcher<'s>,
    options: &'w MatchOptions,
    each: &'w mut dyn FnMut(&Hit, &HitLine<'_>),
    events: Option<&'w mut dyn FnMut(&LogEvent<'_>)>,
    line: u64,
    offset: u64,
    found: Vec<Found>,
    /// How often anything was found, also what the line has already.
    matched: u64,
    /// Canonical text in the making.
    scratch: Vec<u8>,
    /// Origins of the indicator that is being looked up.
    origins: Vec<OriginId>,
    depths: u32,
    kinds: Kinds,
    clean: Clean,
    summary: MatchSummary,
    more_faults: u64,
    /// When the lines are not looked up but gathered for a store.
    gather: Option<Gather<'w>>,
    /// The time of the line, when that is known beforehand.
    known_time: Option<Option<Timestamp>>,
}

/// Which kinds of indicators there are.
#[derive(Debug, Clone, Copy)]
struct Kinds {
    names: bool,
    subdomains: bool,
    addresses: bool,
    urls: bool,
    digests: bool,
    emails: bool,
    files: bool,
    texts: bool,
}

#[derive(Debug, PartialEq)]
struct Found {
    field: String,
    value: String,
    kind: IndicatorKind,
    indicator: String,
    origins: Vec<OriginId>,
}

impl<'s, 'w> Scan<'s, 'w> {
    pub(super) fn new(
        matcher: &Matcher<'s>,
        options: &'w MatchOptions,
        each: &'w mut dyn FnMut(&Hit, &HitLine<'_>),
    ) -> Self {
        use IndicatorKind::{Address, Digest, Domain, Email, FileName, Network, Subdomains, Text, Url};
        let set = matcher.set;
        let kinds = Kinds {
            names: set.has(Domain) || set.has(Subdomains),
            subdomains: set.has(Subdomains),
            addresses: set.has(Address) || set.has(Network),
            urls: set.has(Url),
            digests: set.has(Digest),
            emails: set.has(Email),
            files: set.has(FileName),
            texts: set.has(Text),
        };
        let summary = MatchSummary {
            format: LogFormat::Empty,
            lines: 0,
            bytes: 0,
            hits: 0,
            suppressed: 0,
            faults: Vec::new(),
        };
        Self {
            set,
            matcher: *matcher,
            options,
            each,
            events: None,
            line: 0,
            offset: 0,
            found: Vec::new(),
            matched: 0,
            scratch: Vec::new(),
            origins: Vec::new(),
            depths: set.depths(),
            kinds,
            clean: Clean::new(),
            summary,
            more_faults: 0,
            gather: None,
            known_time: None,
        }
    }

    /// Gives every line as an event too.
    pub(super) fn with_events(mut self, each: &'w mut dyn FnMut(&LogEvent<'_>)) -> Self {
        self.events = Some(each);
        self
    }

    /// Whether lines are asked for as events.
    #[inline]
    pub(crate) const fn wants_events(&self) -> bool {
        self.events.is_some()
    }

    /// Gives the line that was begun as an event.
    pub(crate) fn event(
        &mut self,
        bytes: &[u8],
        object: &Value,
        time: Option<Timestamp>,
        zeek_path: Option<&str>,
    ) {
        if let Some(each) = &mut self.events {
            each(&LogEvent { line: self.line, offset: self.offset, bytes, object, time, zeek_path });
        }
    }

    /// Gives the keys of everything to `gather` from now on, in place of a look-up.
    pub(super) fn gather(&mut self, gather: Gather<'w>) {
        self.kinds = Kinds {
            names: true,
            subdomains: true,
            addresses: true,
            urls: true,
            digests: true,
            emails: true,
            files: true,
            texts: true,
        };
        self.gather = Some(gather);
    }

    /// The time of the next line, which its bytes need not say.
    pub(super) const fn known_time(&mut self, time: Option<Timestamp>) {
        self.known_time = Some(time);
    }

    /// What the head of the log says from here on, for a store.
    pub(crate) fn shape(&mut self, shape: impl FnOnce() -> LineShape) {
        if let Some(gather) = &mut self.gather {
            gather.shape(shape());
        }
    }

    /// The record that was begun last may go on when the log grows.
    pub(crate) const fn unfinished(&mut self) {
        if let Some(gather) = &mut self.gather {
            gather.unfinished();
        }
    }

    /// Where the reading of the log goes on; `next` is the line after the last one when that is whole.
    pub(super) fn next_position(&self, next: Option<(u64, u64)>) -> Option<LogPosition> {
        self.gather.as_ref().and_then(|gather| gather.position((self.line, self.offset), next))
    }

    /// Begins a line.
    #[inline]
    pub(crate) fn begin(&mut self, line: u64, offset: u64) {
        (self.line, self.offset) = (line, offset);
        if let Some(gather) = &mut self.gather {
            gather.begin();
        }
        if !self.found.is_empty() {
            self.found.clear();
        }
    }

    /// The line that was begun.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    /// Ends a line; its time is only asked for when something was found.
    #[inline]
    pub(crate) fn end(&mut self, bytes: &[u8], time: impl FnOnce() -> Option<Timestamp>) {
        self.summary.lines += 1;
        self.summary.bytes += bytes.len() as u64;
        if !self.found.is_empty() {
            let found = std::mem::take(&mut self.found);
            let time = self.known_time.unwrap_or_else(time);
            self.tell(found, bytes, time);
        } else if let Some(gather) = &mut self.gather
            && gather.end((self.line, self.offset), bytes, time())
        {
            self.clean = Clean::new();
        }
    }

    fn tell(&mut self, found: Vec<Found>, bytes: &[u8], time: Option<Timestamp>) {
        for one in found {
            let holds = |id: &OriginId| {
                self.set.origin(*id).is_none_or(|origin| origin.validity.holds(time.map(Interval::at)))
            };
            let outside_validity = !one.origins.iter().any(holds);
            let suppressed_by = self.matcher.warninglists.and_then(|lists| {
                lists
                    .suppressing(one.kind, [&one.indicator, &one.value])
                    .map(|Suppression(name)| name.to_owned())
            });
            let suppressed = suppressed_by.is_some();
            self.summary.suppressed += u64::from(suppressed);
            self.summary.hits += u64::from(!suppressed);
            if suppressed && !self.options.suppressed {
                continue;
            }
            let hit = Hit {
                time,
                log: self.options.log.clone(),
                line: self.line,
                field: one.field,
                value: one.value,
                kind: one.kind,
                indicator: one.indicator,
                origins: one.origins,
                outside_validity,
                suppressed_by,
            };
            (self.each)(&hit, &HitLine { bytes, offset: self.offset });
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.summary.faults.len() < MAX_FAULTS {
            self.summary.faults.push(fault.in_source(&self.options.log));
        } else {
            self.more_faults += 1;
        }
    }

    pub(super) fn summary(mut self, format: LogFormat) -> MatchSummary {
        if self.more_faults > 0 {
            let message = format!("{} more faults are not listed; correct these first", self.more_faults);
            let fault = Fault::error("log::too_many_faults", message).in_source(&self.options.log);
            self.summary.faults.push(fault);
        }
        self.summary.format = format;
        self.summary
    }

    /// Whether anything can be found in fields of a type.
    pub(crate) const fn wants(&self, sort: FieldType) -> bool {
        let Kinds { names, addresses, urls, digests, emails, files, .. } = self.kinds;
        match sort {
            FieldType::Skip => false,
            FieldType::Host | FieldType::Url => names || addresses || urls,
            FieldType::Path => urls,
            FieldType::Digest => digests,
            FieldType::Email => emails || names || addresses,
            FieldType::File => files,
            FieldType::Text => names || addresses || urls || digests || emails || files,
        }
    }

    /// Whether free texts are searched for.
    pub(crate) const fn wants_texts(&self) -> bool {
        self.kinds.texts
    }

    pub(super) const fn wants_files(&self) -> bool {
        self.kinds.files
    }

    pub(super) const fn wants_urls(&self) -> bool {
        self.kinds.urls
    }

    /// Looks up a value by `look`, unless nothing was found in the same value before. `sort`, above zero, tells
    /// apart values that are looked up in different ways.
    #[inline]
    pub(crate) fn unless_clean(&mut self, sort: u8, value: &[u8], look: impl FnOnce(&mut Self)) {
        let Known::No(place) = self.clean.look(self.set.keys(), sort, value) else { return };
        let before = self.matched;
        look(self);
        if let Some(place) = place
            && self.matched == before
        {
            self.clean.keep(place, sort, value);
        }
    }

    /// Looks up the value of a field.
    #[inline]
    pub(crate) fn value(&mut self, sort: FieldType, name: &str, bytes: &[u8]) {
        match sort {
            FieldType::Skip => {}
            FieldType::Host => self.host(name, bytes),
            FieldType::Url => self.url(name, bytes),
            FieldType::Path => {
                // A proxy writes whole URLs there.
                if memchr::memmem::find(bytes, b"://").is_some() {
                    self.url(name, bytes);
                }
            }
            FieldType::Digest => self.digest(name, bytes),
            FieldType::Email => self.emails(name, bytes),
            FieldType::File => self.file(name, bytes),
            FieldType::Text => self.text(name, bytes),
        }
    }

    /// Looks up a host: an address or a name, perhaps with a port.
    #[inline]
    pub(crate) fn host(&mut self, name: &str, bytes: &[u8]) {
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return };
        // IPv6 has a colon, IPv4 ends in a digit.
        let colon = memchr::memchr(b':', bytes).is_some();
        if colon || (last.is_ascii_digit() && first.is_ascii_digit()) {
            if let Some(number) = indicator::address(bytes) {
                self.address_number(name, number, bytes);
                return;
            }
            if let Ok(text) = std::str::from_utf8(bytes)
                && let (host, Some(_)) = indicator::split_port(text)
            {
                self.host(name, host.as_bytes());
                return;
            }
        }
        self.domain(name, bytes);
    }

    /// Looks up an address.
    #[inline]
    pub(crate) fn address(&mut self, name: &str, bytes: &[u8]) {
        // Zeek writes subnets with their length.
        let bytes = memchr::memchr(b'/', bytes).map_or(bytes, |slash| &bytes[..slash]);
        if let Some(number) = indicator::address(bytes) {
            self.address_number(name, number, bytes);
        }
    }

    #[inline]
    fn address_number(&mut self, name: &str, number: u128, bytes: &[u8]) {
        if !self.kinds.addresses {
            return;
        }
        if let Some(gather) = &mut self.gather {
            gather.address(number);
            return;
        }
        let quick = self.set.keys().address(number);
        if self.set.may_contain(quick) {
            self.origins.clear();
            self.set.find(IndicatorKind::Address, quick, &number.to_be_bytes(), &mut self.origins);
            if !self.origins.is_empty() {
                self.keep(name, bytes, IndicatorKind::Address, indicator::address_text(number));
            }
        }
        let (set, mut networks) = (self.set, Vec::new());
        set.networks_holding(number, |base, length, origins| networks.push((base, length, origins.to_vec())));
        for (base, length, origins) in networks {
            self.origins = origins;
            let text = Indicator::of_network(base, length).text().into_owned();
            self.keep(name, bytes, IndicatorKind::Network, text);
        }
    }

    /// Looks up a domain name and all names above it, from the last label on. A label that is none stops nothing: what
    /// stands before the dot may be anything that somebody asked a resolver for.
    #[inline]
    pub(crate) fn domain(&mut self, name: &str, bytes: &[u8]) {
        if !self.kinds.names {
            return;
        }
        if !bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            let mut ascii = Vec::new();
            if indicator::domain(text, &mut ascii) {
                self.ascii_domain(name, &ascii, bytes);
                return;
            }
        }
        self.ascii_domain(name, bytes, bytes);
    }

    #[inline]
    fn ascii_domain(&mut self, name: &str, domain: &[u8], bytes: &[u8]) {
        let domain = domain.strip_suffix(b".").unwrap_or(domain);
        let domain = &domain[domain.len().saturating_sub(MAX_NAME)..];
        let mut lower = [0_u8; MAX_NAME];
        let lower = &mut lower[..domain.len()];
        lower.copy_from_slice(domain);
        lower.make_ascii_lowercase();
        if let Some(gather) = &mut self.gather {
            gather.name(lower);
            return;
        }
        let keys = self.set.keys();
        let mut state = keys.start(IndicatorKind::Domain);
        let mut below = keys.start(IndicatorKind::Subdomains);
        let (mut end, mut depth) = (lower.len(), 0_u32);
        loop {
            let dot = memchr::memrchr(b'.', &lower[..end]);
            let start = dot.map_or(0, |dot| dot + 1);
            let label = &lower[start..end];
            if label.is_empty() {
                return;
            }
            state = keys.add(state, label);
            depth = (depth + 1).min(31);
            let known = self.depths >> depth & 1 == 1;
            if known && self.set.may_contain(state) {
                self.found_name(name, IndicatorKind::Domain, state, &lower[start..], bytes);
            }
            if self.kinds.subdomains {
                below = keys.add(below, label);
                if known && dot.is_some_and(|dot| dot > 0) && self.set.may_contain(below) {
                    self.found_name(name, IndicatorKind::Subdomains, below, &lower[start..], bytes);
                }
            }
            match dot {
                Some(dot) => end = dot,
                None => return,
            }
        }
    }

    /// The filter says perhaps; the table decides.
    #[cold]
    fn found_name(
        &mut self,
        name: &str,
        kind: IndicatorKind,
        quick: crate::indicator::Quick,
        key: &[u8],
        bytes: &[u8],
    ) {
        self.origins.clear();
        self.set.find(kind, quick, key, &mut self.origins);
        if !self.origins.is_empty() {
            let star = if kind == IndicatorKind::Subdomains { "*." } else { "" };
            let text = format!("{star}{}", String::from_utf8_lossy(key));
            self.keep(name, bytes, kind, text);
        }
    }

    /// Looks up the canonical bytes in `scratch`.
    fn exact(&mut self, name: &str, kind: IndicatorKind, bytes: &[u8]) {
        let key = std::mem::take(&mut self.scratch);
        self.exact_key(name, kind, &key, bytes);
        self.scratch = key;
    }

    fn exact_key(&mut self, name: &str, kind: IndicatorKind, key: &[u8], bytes: &[u8]) {
        if let Some(gather) = &mut self.gather {
            gather.exact(kind, key);
            return;
        }
        let quick = self.set.keys().quick(kind, key);
        if !self.set.may_contain(quick) {
            return;
        }
        self.origins.clear();
        self.set.find(kind, quick, key, &mut self.origins);
        if !self.origins.is_empty() {
            let text = match kind {
                IndicatorKind::Digest => hex::encode(key),
                _ => String::from_utf8_lossy(key).into_owned(),
            };
            self.keep(name, bytes, kind, text);
        }
    }

    /// Looks up a URL and its host.
    pub(crate) fn url(&mut self, name: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.exact_url(name, &text, bytes);
        let rest = indicator::split_scheme(text.trim()).1;
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        self.host(name, authority.as_bytes());
    }

    fn exact_url(&mut self, name: &str, text: &str, bytes: &[u8]) {
        if self.kinds.urls {
            self.scratch.clear();
            if indicator::url(text, &mut self.scratch) {
                self.exact(name, IndicatorKind::Url, bytes);
            }
        }
    }

    /// Looks up the URL of a request whose host and path are two fields.
    pub(crate) fn host_and_path(&mut self, name: &str, host: &[u8], path: &[u8]) {
        if self.kinds.urls && path.starts_with(b"/") {
            let whole = [host, path].concat();
            let text = String::from_utf8_lossy(&whole).into_owned();
            self.exact_url(name, &text, &whole);
        }
    }

    pub(super) fn digest(&mut self, name: &str, bytes: &[u8]) {
        if self.kinds.digests
            && let Some(key) = digest(bytes)
        {
            self.exact_key(name, IndicatorKind::Digest, &key, bytes);
        }
    }

    /// Looks up the mail addresses in a field, and their hosts.
    fn emails(&mut self, name: &str, bytes: &[u8]) {
        let between = |b: &u8| b.is_ascii_whitespace() || b"<>,;\"()[]:'".contains(b);
        for word in bytes.split(between) {
            if memchr::memchr(b'@', word).is_some() {
                self.email(name, word);
            }
        }
    }

    pub(super) fn email(&mut self, name: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if self.kinds.emails {
            self.scratch.clear();
            if email(&text, &mut self.scratch) {
                self.exact(name, IndicatorKind::Email, bytes);
            }
        }
        if let Some((_, host)) = text.rsplit_once('@') {
            self.host(name, host.as_bytes());
        }
    }

    /// Looks up a file by its path and by its name.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) {
        if !self.kinds.files {
            return;
        }
        self.scratch.clear();
        if !file_name(&String::from_utf8_lossy(bytes), &mut self.scratch) {
            return;
        }
        let path = std::mem::take(&mut self.scratch);
        self.exact_key(name, IndicatorKind::FileName, &path, bytes);
        let last = file_suffix(&path);
        if last.len() < path.len() {
            self.exact_key(name, IndicatorKind::FileName, last, bytes);
        }
        self.scratch = path;
    }

    /// Searches a value of a field for free texts.
    #[inline]
    pub(crate) fn texts(&mut self, name: &str, bytes: &[u8]) {
        if self.kinds.texts {
            self.texts_of_line(bytes, |_| name);
        }
    }

    /// Searches a whole line for free texts; `name_at` gives the field that holds a byte.
    pub(crate) fn texts_of_line<'n>(&mut self, line: &[u8], name_at: impl Fn(usize) -> &'n str) {
        if !self.kinds.texts {
            return;
        }
        if let Some(gather) = &mut self.gather {
            gather.words(line);
            return;
        }
        let mut all = Vec::new();
        self.set.texts_in(line, |start, text, origins| all.push((start, text.to_owned(), origins.to_vec())));
        for (start, text, origins) in all {
            self.origins = origins;
            let value = &line[start..start + text.len()];
            self.keep(name_at(start), value, IndicatorKind::Text, text);
        }
    }

    /// Keeps what was found, once for a line, field, value and indicator.
    fn keep(&mut self, field: &str, value: &[u8], kind: IndicatorKind, indicator: String) {
        self.matched += 1;
        let mut origins = self.origins.clone();
        origins.sort_unstable();
        origins.dedup();
        let value = String::from_utf8_lossy(value).into_owned();
        let found = Found { field: field.to_owned(), value, kind, indicator, origins };
        if !self.found.contains(&found) {
            self.found.push(found);
        }
    }
}
