use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base::{Fault, Timestamp};
use parquet::data_type::ByteArray;
use rayon::ThreadPool;
use rayon::prelude::*;
use threat::{Hit, HitLine, LineShape, MatchOptions, Matcher, SearchKeys, StoredLine, match_stored};

use crate::HuntError;
use crate::events::{Events, Lines};
use crate::keys::{BlockFacts, KeyTable};
use crate::manifest::{KeptLog, KeptSegment, Manifest};

/// Blocks that one thread searches before it gives its hits: the bound on hits that wait.
const BLOCKS_AT_ONCE: usize = 8;

/// Hears how many of how many blocks were searched.
pub type Progress<'p> = dyn Fn(u64, u64) + Sync + 'p;

/// What a hunt wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HuntOptions {
    /// Lines of this time and later.
    pub from: Option<Timestamp>,
    /// Lines before this time.
    pub to: Option<Timestamp>,
    /// With a time to begin or to end: lines without a time too.
    pub undated: bool,
    /// Give suppressed hits too; they say by which list.
    pub suppressed: bool,
}

impl HuntOptions {
    const fn has_window(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    fn holds(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to)
    }

    /// Whether times from `first` to `last` may hold one that is wanted.
    fn meets(&self, times: Option<(Timestamp, Timestamp)>) -> bool {
        times.is_some_and(|(first, last)| {
            self.from.is_none_or(|from| from <= last) && self.to.is_none_or(|to| first < to)
        })
    }
}

/// What a hunt did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HuntSummary {
    /// Lines of the store.
    pub lines: u64,
    /// Lines in the blocks that were opened.
    pub lines_searched: u64,
    /// Blocks of the store.
    pub blocks: u64,
    /// Blocks that were opened.
    pub blocks_searched: u64,
    /// Hits that count.
    pub hits: u64,
    /// Hits that a warninglist suppressed.
    pub suppressed: u64,
    /// Hits in lines without a time that were left out.
    pub undated: u64,
    /// Segments that are damaged; the others were searched.
    pub faults: Vec<Fault>,
}

/// Logs of the past, ready to be hunted in. It stays as it was when it was opened.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    manifest: Manifest,
}

impl Store {
    /// Opens the store in `folder`.
    ///
    /// # Errors
    /// When none is there or its manifest cannot be read.
    pub fn open(folder: &Path) -> Result<Self, HuntError> {
        let manifest =
            Manifest::read(folder)?.ok_or_else(|| HuntError::NoStore { path: folder.to_owned() })?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// The logs, in the order in which they were first indexed.
    pub fn logs(&self) -> &[KeptLog] {
        &self.manifest.logs
    }

    /// The segments, the oldest first.
    pub fn segments(&self) -> &[KeptSegment] {
        &self.manifest.segments
    }

    /// Gives each hit of `matcher` to `each`, in the order in which the lines were indexed. `keys` are those of the
    /// matcher's indicators: what has none of them is not opened.
    pub fn hunt(
        &self,
        keys: &SearchKeys,
        matcher: &Matcher<'_>,
        options: &HuntOptions,
        pool: Option<&ThreadPool>,
        progress: &Progress<'_>,
        each: &mut dyn FnMut(&Hit, &HitLine<'_>),
    ) -> HuntSummary {
        let segments = &self.manifest.segments;
        let mut summary = HuntSummary {
            lines: segments.iter().map(|segment| segment.lines).sum(),
            blocks: segments.iter().map(|segment| u64::from(segment.blocks)).sum(),
            ..HuntSummary::default()
        };
        let candidates = in_pool(pool, segments, |segment| self.candidates(segment, keys, options));
        let mut open: Vec<Candidates<'_>> = Vec::new();
        for found in candidates {
            match found {
                Ok(found) => open.push(found),
                Err(error) => summary.faults.push(fault(&error)),
            }
        }
        let parts: Vec<(&Candidates<'_>, &[u32])> = open
            .iter()
            .flat_map(|found| found.wanted.chunks(BLOCKS_AT_ONCE).map(move |part| (found, part)))
            .collect();
        let total = open.iter().map(|found| found.wanted.len() as u64).sum();
        let wave = pool.map_or(1, |pool| 2 * pool.current_num_threads());
        for parts in parts.chunks(wave) {
            let all = in_pool(pool, parts, |(of, blocks)| self.search(of, blocks, matcher, options));
            for found in all {
                summary.blocks_searched += found.blocks;
                summary.lines_searched += found.lines;
                summary.suppressed += found.suppressed;
                summary.undated += found.undated;
                summary.hits += found.counting;
                for fault in found.errors.iter().map(fault) {
                    if !summary.faults.contains(&fault) {
                        summary.faults.push(fault);
                    }
                }
                for (hit, offset, bytes) in &found.hits {
                    each(hit, &HitLine { bytes: bytes.data(), offset: *offset });
                }
            }
            progress(summary.blocks_searched, total);
        }
        summary
    }

    /// The blocks of a segment that may hold a hit.
    fn candidates<'s>(
        &self,
        segment: &'s KeptSegment,
        keys: &SearchKeys,
        options: &HuntOptions,
    ) -> Result<Candidates<'s>, HuntError> {
        let none = Candidates { segment, wanted: Vec::new(), blocks: Vec::new(), footer: (0, 0) };
        let meets = |times, undated: u64| !options.has_window() || undated > 0 || options.meets(times);
        if !meets(segment.from.zip(segment.to), segment.undated) {
            return Ok(none);
        }
        let mut table = KeyTable::open(&self.folder.join(segment.keys_name()), segment.keys_bytes)?;
        let wanted = if keys.anything {
            (0..segment.blocks).collect()
        } else {
            table.expect(keys.single.len())?;
            blocks_with(&mut table, keys)?
        };
        if wanted.is_empty() {
            return Ok(none);
        }
        let (blocks, footer) = table.blocks()?;
        let meets = |number: &u32| {
            blocks.get(*number as usize).is_some_and(|facts| meets(facts.times, u64::from(facts.undated)))
        };
        let wanted = wanted.into_iter().filter(meets).collect();
        Ok(Candidates { segment, wanted, blocks, footer })
    }

    /// Searches some blocks of one segment.
    fn search(
        &self,
        of: &Candidates<'_>,
        blocks: &[u32],
        matcher: &Matcher<'_>,
        options: &HuntOptions,
    ) -> Found {
        let mut found = Found::default();
        let path = self.folder.join(of.segment.events_name());
        let mut events = match Events::open(&path, of.segment.events_bytes, of.footer) {
            Ok(events) => events,
            Err(error) => {
                found.errors.push(error);
                return found;
            }
        };
        for number in blocks {
            let at = *number as usize;
            let Some(facts) = of.blocks.get(at) else { continue };
            let end = of.blocks.get(at + 1).map_or(of.footer.0, |next| next.start);
            let searched = events.block(*number, facts, end).and_then(|lines| {
                found.blocks += 1;
                found.lines += lines.len() as u64;
                self.search_lines(of.segment.number, &lines, matcher, options, &mut found)
                    .map_err(|reason| HuntError::damaged(&path, reason))
            });
            if let Err(error) = searched {
                found.errors.push(error);
            }
        }
        found
    }

    fn search_lines(
        &self,
        segment: u64,
        lines: &Lines,
        matcher: &Matcher<'_>,
        options: &HuntOptions,
        found: &mut Found,
    ) -> Result<(), String> {
        let (shapes, shape_of) = shapes(&lines.shapes)?;
        let counts = |at: usize| {
            let log = usize::try_from(lines.log_ids[at]).unwrap_or(usize::MAX);
            let in_window = lines.times[at].is_none_or(|time| options.holds(time));
            in_window && self.manifest.counts(log, segment, lines.numbers[at].cast_unsigned())
        };
        let current = Cell::new(0);
        let mut stored = (0..lines.len()).filter(|at| counts(*at)).map(|at| {
            current.set(at);
            StoredLine {
                line: lines.numbers[at].cast_unsigned(),
                offset: lines.offsets[at].cast_unsigned(),
                time: lines.times[at],
                bytes: lines.texts[at].data(),
                shape: &shapes[shape_of[at]],
            }
        });
        // What a list suppresses is counted as well.
        let all = MatchOptions { log: String::new(), suppressed: true };
        match_stored(&mut stored, matcher, &all, &mut |hit, line| {
            if hit.time.is_none() && options.has_window() && !options.undated {
                found.undated += 1;
                return;
            }
            let suppressed = hit.suppressed_by.is_some();
            found.suppressed += u64::from(suppressed);
            found.counting += u64::from(!suppressed);
            if suppressed && !options.suppressed {
                return;
            }
            let at = current.get();
            let log = String::from_utf8_lossy(lines.names[at].data()).into_owned();
            found.hits.push((Hit { log, ..hit.clone() }, line.offset, lines.texts[at].clone()));
        });
        Ok(())
    }
}

/// Blocks of a segment that may hold a hit, and what is needed to open them.
struct Candidates<'s> {
    segment: &'s KeptSegment,
    wanted: Vec<u32>,
    blocks: Vec<BlockFacts>,
    footer: (u64, u32),
}

/// What some blocks gave.
#[derive(Default)]
struct Found {
    hits: Vec<(Hit, u64, ByteArray)>,
    counting: u64,
    suppressed: u64,
    undated: u64,
    blocks: u64,
    lines: u64,
    errors: Vec<HuntError>,
}

fn fault(error: &HuntError) -> Fault {
    let fault = Fault::error(error.code(), error.to_string());
    match error {
        HuntError::Damaged { path, .. } => fault.in_source(path.display().to_string()),
        _ => fault,
    }
}

/// The blocks in which keys stand.
fn blocks_with(table: &mut KeyTable, keys: &SearchKeys) -> Result<Vec<u32>, HuntError> {
    let mut wanted = BTreeSet::new();
    for key in &keys.single {
        table.blocks_of(*key, |block| {
            wanted.insert(block);
        })?;
    }
    for together in &keys.together {
        let mut all: Option<BTreeSet<u32>> = None;
        for key in together {
            let mut own = BTreeSet::new();
            table.blocks_of(*key, |block| {
                if all.as_ref().is_none_or(|all| all.contains(&block)) {
                    own.insert(block);
                }
            })?;
            all = Some(own);
        }
        wanted.extend(all.into_iter().flatten());
    }
    Ok(wanted.into_iter().collect())
}

/// The different shapes of lines, and which one each has. Lines of one log stand together, so the last ones are tried first.
fn shapes(all: &[ByteArray]) -> Result<(Vec<LineShape>, Vec<usize>), String> {
    let mut different: Vec<(&ByteArray, LineShape)> = Vec::new();
    let mut of = Vec::with_capacity(all.len());
    for bytes in all {
        let at = different.iter().rposition(|(known, _)| known.data() == bytes.data());
        let at = match at {
            Some(at) => at,
            None => {
                let shape = serde_json::from_slice(bytes.data()).map_err(|error| error.to_string())?;
                different.push((bytes, shape));
                different.len() - 1
            }
        };
        of.push(at);
    }
    Ok((different.into_iter().map(|(_, shape)| shape).collect(), of))
}

fn in_pool<'t, T: Sync, R: Send>(
    pool: Option<&ThreadPool>,
    all: &'t [T],
    work: impl Fn(&'t T) -> R + Sync,
) -> Vec<R> {
    match pool {
        Some(pool) => pool.install(|| all.par_iter().map(&work).collect()),
        None => all.iter().map(work).collect(),
    }
}
