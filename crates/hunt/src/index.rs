use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base::Fault;
use sha2::{Digest, Sha256};
use threat::{AfterLine, LogFormat, LogLine, log_lines};

use crate::disk::{self, Lock};
use crate::manifest::{KeptLog, Manifest, Next, Part};
use crate::recognise::{HEAD, Known, head, recognise};
use crate::segment::SegmentWriter;
use crate::tap::Tap;
use crate::{HuntError, IndexLimits};

/// Opens a log from its beginning, unpacked; it may be asked for twice.
pub type OpenLog<'a> = dyn FnMut() -> io::Result<Box<dyn Read + 'a>> + 'a;

/// How a log was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was not known.
    New,
    /// It was known and has grown; only what is new was read.
    Continued,
    /// It was known and has grown, and is of a kind that is read as a whole; what was kept of it no longer counts.
    Again,
    /// All of it was indexed before.
    Known,
}

impl Taken {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Continued => "continued",
            Self::Again => "again",
            Self::Known => "known",
        }
    }
}

/// What a log gave.
#[derive(Debug)]
pub struct Indexed {
    /// How it was taken.
    pub taken: Taken,
    /// What it was read as.
    pub format: LogFormat,
    /// Lines (records in EVTX) that were added.
    pub lines: u64,
    /// Bytes of the unpacked log that were added.
    pub bytes: u64,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// Why it could not be read to its end. What stands before is kept, and is read again next time.
    pub failed: Option<io::Error>,
}

/// Takes logs into a store. What it took is there for hunts when a segment is full, and after [`Indexer::finish`]; when
/// it is cut off between, the last segment is as if it had never been begun, and the same logs can be indexed again.
pub struct Indexer {
    folder: PathBuf,
    limits: IndexLimits,
    manifest: Manifest,
    segment: Option<SegmentWriter>,
    /// Logs with lines in that segment.
    touched: BTreeSet<usize>,
    /// A block has just ended in a segment that is full.
    border: bool,
    _lock: Lock,
}

impl Indexer {
    /// Opens the store in `folder`, or makes one.
    ///
    /// # Errors
    /// When another process indexes into it, its manifest cannot be read, or the disk says no.
    pub fn open(folder: &Path, limits: IndexLimits) -> Result<Self, HuntError> {
        disk::make_folder(folder)?;
        let lock = Lock::take(folder)?;
        let manifest = Manifest::read(folder)?.unwrap_or_else(Manifest::new);
        let known: BTreeSet<String> = manifest
            .segments
            .iter()
            .flat_map(|segment| [segment.events_name(), segment.keys_name()])
            .collect();
        disk::remove_leftovers(folder, |name| known.contains(name))?;
        let folder = folder.to_owned();
        let touched = BTreeSet::new();
        Ok(Self { folder, limits, manifest, segment: None, touched, border: false, _lock: lock })
    }

    /// Takes a log, or what of it is new. It is known by its content: the same bytes under another name are not taken
    /// twice, and a log that begins with all that was indexed before has grown.
    ///
    /// # Errors
    /// When the store cannot be written. A log that cannot be read is told in [`Indexed::failed`].
    pub fn add(&mut self, name: &str, open: &mut OpenLog<'_>) -> Result<Indexed, HuntError> {
        let known = (|| {
            let mut from = open()?;
            let head = head(&mut from)?;
            let known = recognise(&self.manifest.logs, name, &head, &mut from)?;
            io::Result::Ok((head, known))
        })();
        let (head, known) = match known {
            Ok(known) => known,
            Err(error) => return Ok(nothing(Taken::New, LogFormat::Empty, Some(error))),
        };
        if let Known::Same(index) = known {
            self.manifest.logs[index].name = name.to_owned();
            return Ok(nothing(Taken::Known, self.format_of(index), None));
        }
        if head.is_empty() {
            return Ok(nothing(Taken::New, LogFormat::Empty, None));
        }
        let (index, next) = self.begin(name, &head, known)?;
        let taken = match (known, &next) {
            (Known::New | Known::Same(_), _) => Taken::New,
            (_, Some(_)) => Taken::Continued,
            (_, None) => Taken::Again,
        };
        self.read(index, name, open, taken, next)
    }

    fn format_of(&self, index: usize) -> LogFormat {
        self.manifest.logs[index].next.as_ref().map_or(LogFormat::Empty, |next| next.shape.format())
    }

    /// Notes that a log is being read: its number, and where reading begins if not at its first byte.
    fn begin(&mut self, name: &str, head: &[u8], known: Known) -> Result<(usize, Option<Next>), HuntError> {
        if let Known::Longer(index) | Known::Instead(index) = known
            && self.touched.contains(&index)
        {
            // What no longer counts and what does are told apart by their segments.
            self.commit()?;
        }
        let segment = self.manifest.next_segment - u64::from(self.segment.is_some());
        let head_bytes = head.len().min(HEAD) as u64;
        let head_sha256 = hex::encode(Sha256::digest(head));
        let logs = &mut self.manifest.logs;
        let (index, next) = match known {
            Known::Longer(index) => (index, logs[index].next.clone()),
            Known::Instead(index) => (index, None),
            Known::New | Known::Same(_) => {
                logs.push(KeptLog {
                    name: String::new(),
                    bytes: 0,
                    sha256: String::new(),
                    head_bytes,
                    head_sha256: head_sha256.clone(),
                    complete: false,
                    next: None,
                    parts: Vec::new(),
                });
                (logs.len() - 1, None)
            }
        };
        let log = &mut logs[index];
        log.name = name.to_owned();
        (log.head_bytes, log.head_sha256) = (head_bytes, head_sha256);
        log.complete = false;
        let part = Part { segment, line: next.as_ref().map_or(0, |next| next.line) };
        if log.parts.last() != Some(&part) {
            log.parts.push(part);
        }
        Ok((index, next))
    }

    fn read(
        &mut self,
        index: usize,
        name: &str,
        open: &mut OpenLog<'_>,
        taken: Taken,
        next: Option<Next>,
    ) -> Result<Indexed, HuntError> {
        let tap = Tap::new();
        let position = next.map(|next| next.position());
        let skipped = position.as_ref().map_or(0, |position| position.offset);
        let mut stopped = None;
        let outcome = open().and_then(|from| {
            let mut from = tap.on(from);
            skip(&mut from, &tap, skipped)?;
            log_lines(&mut from, name, position.as_ref(), &mut |line| {
                if stopped.is_some() {
                    return AfterLine::Same;
                }
                self.take(index, name, line, &tap).unwrap_or_else(|error| {
                    stopped = Some(error);
                    tap.stop();
                    AfterLine::Same
                })
            })
        });
        if let Some(error) = stopped {
            return Err(error);
        }
        let log = &mut self.manifest.logs[index];
        let total = tap.total();
        let lines = match outcome {
            Ok(lines) => lines,
            Err(error) => {
                (log.bytes, log.next) = (0, None);
                log.sha256.clear();
                return Ok(nothing(taken, LogFormat::Empty, Some(error)));
            }
        };
        log.bytes = total;
        log.sha256 = tap.hash_to(total).unwrap_or_default();
        log.next = lines.next.as_ref().map(Next::of);
        log.complete = true;
        Ok(Indexed {
            taken,
            format: lines.format,
            lines: lines.lines,
            bytes: total - skipped,
            faults: lines.faults,
            failed: None,
        })
    }

    /// Keeps one line.
    fn take(
        &mut self,
        index: usize,
        name: &str,
        line: &LogLine<'_>,
        tap: &Tap,
    ) -> Result<AfterLine, HuntError> {
        if self.border {
            self.cut(index, line, tap)?;
        }
        let segment = match &mut self.segment {
            Some(segment) => segment,
            none => {
                let writer = SegmentWriter::create(&self.folder, self.manifest.next_segment, self.limits)?;
                self.manifest.next_segment += 1;
                none.insert(writer)
            }
        };
        self.touched.insert(index);
        if !segment.add(index as u32, name, line)? {
            return Ok(AfterLine::Same);
        }
        tap.pass(line.offset);
        self.border = segment.is_full();
        Ok(AfterLine::NewBlock)
    }

    /// Ends the segment before a line in the middle of a log, from where reading can go on after a crash.
    fn cut(&mut self, index: usize, line: &LogLine<'_>, tap: &Tap) -> Result<(), HuntError> {
        let log = &mut self.manifest.logs[index];
        let hash = tap.hash_to(line.offset).filter(|_| line.shape.goes_on());
        log.next = hash.is_some().then(|| Next {
            line: line.line,
            offset: line.offset,
            shape: line.shape.as_ref().clone(),
        });
        log.bytes = if hash.is_some() { line.offset } else { 0 };
        log.sha256 = hash.unwrap_or_default();
        self.commit()
    }

    fn commit(&mut self) -> Result<(), HuntError> {
        if let Some(segment) = self.segment.take() {
            self.manifest.segments.push(segment.finish()?);
        }
        self.touched.clear();
        self.border = false;
        self.manifest.write(&self.folder)
    }

    /// Ends the segment that is being written.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn finish(mut self) -> Result<(), HuntError> {
        self.commit()
    }
}

fn nothing(taken: Taken, format: LogFormat, failed: Option<io::Error>) -> Indexed {
    Indexed { taken, format, lines: 0, bytes: 0, faults: Vec::new(), failed }
}

fn skip(from: &mut dyn Read, tap: &Tap, end: u64) -> io::Result<()> {
    let mut block = vec![0; 256 << 10];
    let mut done = 0;
    while done < end {
        let wanted = usize::try_from(end - done).unwrap_or(usize::MAX).min(block.len());
        let count = from.read(&mut block[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        done += count as u64;
        tap.pass(done);
    }
    Ok(())
}
