use std::collections::HashMap;
use std::fmt;

use base::{Fault, FaultLevel, NoradId};

use crate::ccsds::{MessageForm, each_message, message_form};
use crate::lines::{lines, skip_bom};
use crate::{Catalogue, ElementHistory, ElementSet, json, omm, tle};

/// The longest line, and the longest JSON object, that is read: 64 KiB. Longer ones are refused without a copy.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Faults beyond this many are counted, not kept.
const MAX_FAULTS: usize = 10_000;

/// How many lines are looked at to tell the format.
const SNIFF_LINES: usize = 200;

/// The formats of a catalogue, told apart by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Two-line element sets.
    Tle,
    /// Two-line element sets with a name line before each.
    ThreeLine,
    /// OMM as a JSON object, an array of them, or one after the other.
    OmmJson,
    /// OMM as CSV with a header line.
    OmmCsv,
    /// OMM in KVN, one or several one after the other.
    OmmKvn,
    /// OMM in XML, one or an `<ndm>` of any number.
    OmmXml,
    /// None of these.
    Unknown,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tle => "TLE",
            Self::ThreeLine => "3LE",
            Self::OmmJson => "OMM JSON",
            Self::OmmCsv => "OMM CSV",
            Self::OmmKvn => "OMM KVN",
            Self::OmmXml => "OMM XML",
            Self::Unknown => "unknown",
        })
    }
}

/// What [`read_catalogue`] gives: everything that could be read, and what could not.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogueRead {
    /// The element sets, one an object.
    pub catalogue: Catalogue,
    /// What was wrong, in the order of the input; `source` is filled in.
    pub faults: Vec<Fault>,
    /// The format that was recognised.
    pub format: Format,
}

/// Reads a catalogue: TLE or 3LE (with or without `0 ` before names, Alpha-5 ids, `#` comment lines), OMM as JSON
/// (numbers as numbers or as text), as CSV (columns in any order, by header), in KVN or in XML (see
/// [`read_messages`](crate::read_messages), also for the codes of what is wrong in those). `source` names the input in
/// faults.
///
/// Lines end in LF or CRLF; a byte order mark and blank lines are stepped over. One bad item never costs another:
/// it gives a fault with its physical line (from 1), its byte span, its field, and one of these codes:
///
/// | code | meaning |
/// |---|---|
/// | `orbit::empty` | there is nothing in the input |
/// | `orbit::unknown_format` | no format was recognised; nothing was read |
/// | `orbit::bad_checksum` | the sum of a TLE line is not its last digit; the pair is dropped |
/// | `orbit::bad_field` | a value cannot be read or is out of range; the item is dropped |
/// | `orbit::missing_field` | a required OMM field or CSV column is absent |
/// | `orbit::truncated` | a line, row or object is cut off |
/// | `orbit::orphan_line` | a TLE line without its partner, or a line that belongs to nothing |
/// | `orbit::invalid_utf8` | a line or object is not UTF-8; reading goes on after it |
/// | `orbit::line_too_long` | longer than [`MAX_LINE_BYTES`]; stepped over |
/// | `orbit::duplicate` | (warning) an object again: the newest epoch is kept, of equal epochs the later item |
/// | `orbit::too_many_faults` | more than 10,000 faults; the rest are only counted |
///
/// Memory is bounded by the element sets and faults kept; the input is never copied as a whole.
pub fn read_catalogue(bytes: &[u8], source: &str) -> CatalogueRead {
    let mut sink = Sink::new(source, Kept::Newest { sets: Vec::new(), places: HashMap::new() });
    let format = read_into(bytes, &mut sink);
    let (sets, faults) = sink.finish();
    CatalogueRead { catalogue: Catalogue::new(sets), faults, format }
}

/// What [`read_history`] gives: every element set that could be read, and what could not.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRead {
    /// All element sets of all objects.
    pub history: ElementHistory,
    /// What was wrong, in the order of the input; `source` is filled in.
    pub faults: Vec<Fault>,
    /// The format that was recognised.
    pub format: Format,
}

/// Reads the same formats as [`read_catalogue`] with the same faults, but keeps every set of an object, so that
/// `orbit::duplicate` does not occur: sets of one epoch are one set in an [`ElementHistory`].
pub fn read_history(bytes: &[u8], source: &str) -> HistoryRead {
    let mut sink = Sink::new(source, Kept::All(Vec::new()));
    let format = read_into(bytes, &mut sink);
    let (sets, faults) = sink.finish();
    HistoryRead { history: ElementHistory::new(sets), faults, format }
}

fn read_into(bytes: &[u8], sink: &mut Sink) -> Format {
    let format = sniff(bytes);
    match format {
        Format::Tle | Format::ThreeLine => tle::read(bytes, sink),
        Format::OmmJson => json::read(bytes, sink),
        Format::OmmCsv => omm::read_csv(bytes, sink),
        Format::OmmKvn | Format::OmmXml => read_omm_messages(bytes, sink),
        Format::Unknown => sink.fault(unknown(bytes)),
    }
    if format == Format::Tle && sink.named { Format::ThreeLine } else { format }
}

fn unknown(bytes: &[u8]) -> Fault {
    let end = bytes.len() as u64;
    let mut all = lines(bytes).take(SNIFF_LINES);
    if let Some(line) = all.find(|l| !l.blank()) {
        let long = lines(bytes).take(SNIFF_LINES).find(|l| l.too_long());
        if let Some(long) = long {
            return too_long(long.number, long.start, long.end());
        }
        return Fault::error(
            "orbit::unknown_format",
            "neither TLE, 3LE nor OMM as JSON, CSV, KVN or XML; give a file in one of these formats",
        )
        .at_line(line.number)
        .at_bytes(line.start as u64, line.end() as u64);
    }
    Fault::error(
        "orbit::empty",
        "there is nothing in the input; check that the download or the pipe gave data",
    )
    .at_bytes(0, end)
}

/// Takes the element sets of all OMMs; each message is dropped before the next is read.
fn read_omm_messages(bytes: &[u8], sink: &mut Sink) {
    let source = sink.source.clone();
    each_message(bytes, &source, &mut |outcome| {
        for fault in outcome.faults {
            sink.fault(fault);
        }
        match outcome.message.map(|message| message.element_set()) {
            Some(Ok(set)) => sink.set(set, outcome.found.place.line),
            Some(Err(fault)) => sink.fault(*fault),
            None => {}
        }
    });
}

fn sniff(bytes: &[u8]) -> Format {
    match message_form(bytes) {
        Some(MessageForm::Kvn) => return Format::OmmKvn,
        Some(MessageForm::Xml) => return Format::OmmXml,
        None => {}
    }
    let mut first = true;
    for line in lines(bytes).filter(|l| !l.blank()).take(SNIFF_LINES) {
        if first {
            let start = line.bytes.iter().find(|b| !b.is_ascii_whitespace());
            if matches!(start, Some(b'{' | b'[')) {
                return Format::OmmJson;
            }
            if !line.too_long() && omm::is_header(line.bytes) {
                return Format::OmmCsv;
            }
            first = false;
        }
        if tle::looks_like_line(line.bytes) {
            return Format::Tle;
        }
    }
    Format::Unknown
}

pub(crate) fn too_long(line: u64, start: usize, end: usize) -> Fault {
    Fault::error(
        "orbit::line_too_long",
        format!(
            "{} bytes, more than the {MAX_LINE_BYTES} that are read; check that the file has its line ends",
            end - start
        ),
    )
    .at_line(line)
    .at_bytes(start as u64, end as u64)
}

/// The fault for bytes that are not UTF-8; `start` is where the checked bytes begin in the input.
pub(crate) fn invalid_utf8(line: u64, start: usize, error: std::str::Utf8Error) -> Fault {
    let from = (start + error.valid_up_to()) as u64;
    let length = error.error_len().unwrap_or(1) as u64;
    Fault::error("orbit::invalid_utf8", "not UTF-8; re-encode the file, this item was stepped over")
        .at_line(line)
        .at_bytes(from, from + length)
}

/// The element sets that a [`Sink`] holds.
enum Kept {
    /// The newest of each object with the line that it was read from, and where in `sets` an object is.
    Newest { sets: Vec<(ElementSet, u64)>, places: HashMap<NoradId, usize> },
    /// Every set.
    All(Vec<ElementSet>),
}

/// Where readers put what they find.
pub(crate) struct Sink {
    source: String,
    kept: Kept,
    faults: Vec<Fault>,
    dropped: u64,
    pub(crate) named: bool,
}

impl Sink {
    fn new(source: &str, kept: Kept) -> Self {
        Self { source: source.to_owned(), kept, faults: Vec::new(), dropped: 0, named: false }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault.in_source(self.source.clone()));
        } else {
            self.dropped += 1;
        }
    }

    /// Takes `set`, read from `line`. Where only the newest is kept, of two sets of one object the newest epoch
    /// stays, of equal epochs the later.
    pub(crate) fn set(&mut self, set: ElementSet, line: u64) {
        let (sets, places) = match &mut self.kept {
            Kept::Newest { sets, places } => (sets, places),
            Kept::All(sets) => return sets.push(set),
        };
        let id = set.norad_id();
        let Some((old, old_line)) = places.get(&id).and_then(|place| sets.get_mut(*place)) else {
            places.insert(id, sets.len());
            sets.push((set, line));
            return;
        };
        let (kept, dropped) = if set.epoch() >= old.epoch() { (line, *old_line) } else { (*old_line, line) };
        let fault = Fault::warning(
            "orbit::duplicate",
            format!("object {id} is here twice; the set of line {kept} is kept because it is newest, that of line {dropped} is dropped"),
        )
        .at_line(line)
        .in_field("NORAD_CAT_ID");
        if kept == line {
            (*old, *old_line) = (set, line);
        }
        self.fault(fault);
    }

    fn finish(mut self) -> (Vec<ElementSet>, Vec<Fault>) {
        if self.dropped > 0 {
            let more = self.dropped;
            self.faults.push(
                Fault {
                    level: FaultLevel::Error,
                    ..Fault::error(
                        "orbit::too_many_faults",
                        format!("{more} more faults are not listed; is this the right file?"),
                    )
                }
                .in_source(self.source),
            );
        }
        let sets = match self.kept {
            Kept::Newest { sets, .. } => sets.into_iter().map(|(set, _)| set).collect(),
            Kept::All(sets) => sets,
        };
        (sets, self.faults)
    }
}

/// The first byte after a byte order mark.
pub(crate) fn content_start(bytes: &[u8]) -> usize {
    skip_bom(bytes)
}
