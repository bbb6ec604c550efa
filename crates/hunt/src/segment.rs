use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Timestamp;
use parquet::data_type::ByteArray;
use sha2::{Digest, Sha256};
use threat::{LineShape, LogLine};

use crate::disk::{self, NewFile};
use crate::events::{EventsWriter, Lines};
use crate::keys::{self, BlockFacts};
use crate::manifest::{KeptSegment, events_name, keys_name};
use crate::{HuntError, IndexLimits};

/// A segment in the making.
pub(crate) struct SegmentWriter {
    folder: PathBuf,
    number: u64,
    limits: IndexLimits,
    events: EventsWriter,
    block: Lines,
    block_keys: Vec<u64>,
    blocks: Vec<BlockFacts>,
    /// [`keys::entry`] of each key of each block.
    entries: Vec<u64>,
    lines: u64,
    bytes: u64,
    last_shape: Option<(Arc<LineShape>, ByteArray)>,
    last_name: Option<(u32, ByteArray)>,
}

impl SegmentWriter {
    pub(crate) fn create(folder: &Path, number: u64, limits: IndexLimits) -> Result<Self, HuntError> {
        let events = EventsWriter::create(&folder.join(events_name(number)))?;
        Ok(Self {
            folder: folder.to_owned(),
            number,
            limits,
            events,
            block: Lines::default(),
            block_keys: Vec::new(),
            blocks: Vec::new(),
            entries: Vec::new(),
            lines: 0,
            bytes: 0,
            last_shape: None,
            last_name: None,
        })
    }

    /// Adds a line; whether a block ended with it.
    pub(crate) fn add(&mut self, log: u32, name: &str, line: &LogLine<'_>) -> Result<bool, HuntError> {
        let shape = match &self.last_shape {
            Some((known, bytes)) if Arc::ptr_eq(known, line.shape) => bytes.clone(),
            _ => {
                let json = serde_json::to_vec(line.shape.as_ref()).unwrap_or_default();
                let bytes = ByteArray::from(json);
                self.last_shape = Some((Arc::clone(line.shape), bytes.clone()));
                bytes
            }
        };
        let name = match &self.last_name {
            Some((known, bytes)) if *known == log => bytes.clone(),
            _ => {
                let bytes = ByteArray::from(name.as_bytes().to_vec());
                self.last_name = Some((log, bytes.clone()));
                bytes
            }
        };
        let block = &mut self.block;
        block.times.push(line.time);
        block.log_ids.push(i64::from(log));
        block.names.push(name);
        block.numbers.push(line.line.cast_signed());
        block.offsets.push(line.offset.cast_signed());
        block.shapes.push(shape);
        block.texts.push(ByteArray::from(line.bytes.to_vec()));
        block.bytes += line.bytes.len();
        self.block_keys.extend_from_slice(line.keys);
        self.lines += 1;
        self.bytes += line.bytes.len() as u64;
        let full = block.len() >= self.limits.block_lines || block.bytes >= self.limits.block_bytes;
        if full {
            self.end_block()?;
        }
        Ok(full)
    }

    fn end_block(&mut self) -> Result<(), HuntError> {
        let lines = std::mem::take(&mut self.block);
        if lines.len() == 0 {
            return Ok(());
        }
        self.events.block(&lines)?;
        let number = self.blocks.len() as u32;
        self.block_keys.sort_unstable();
        self.block_keys.dedup();
        self.entries.extend(self.block_keys.drain(..).map(|key| keys::entry(key, number)));
        let dated = lines.times.iter().flatten();
        let times = dated.clone().min().zip(dated.clone().max()).map(|(from, to)| (*from, *to));
        let undated = lines.times.iter().filter(|time| time.is_none()).count();
        // Places and checksums are known when the file is whole.
        let (lines, undated) = (lines.len() as u32, undated as u32);
        self.blocks.push(BlockFacts { lines, undated, times, start: 0, crc: 0 });
        Ok(())
    }

    /// Whether it is time for the next segment.
    pub(crate) fn is_full(&self) -> bool {
        self.lines >= self.limits.segment_lines
            || self.bytes >= self.limits.segment_bytes
            || self.entries.len() + self.block_keys.len() >= self.limits.segment_keys
    }

    /// Writes all that is left; both files have their names when this returns.
    pub(crate) fn finish(mut self) -> Result<KeptSegment, HuntError> {
        self.end_block()?;
        let Self { folder, number, events, mut blocks, mut entries, lines, .. } = self;
        let (file, starts) = events.finish()?;
        for (block, start) in blocks.iter_mut().zip(starts) {
            block.start = start;
        }
        let path = file.path().to_owned();
        let (events_bytes, events_sha256, footer) =
            check(&file, &mut blocks).map_err(HuntError::io(&path))?;
        entries.sort_unstable();
        entries.dedup();
        let mut table = Vec::new();
        let path = folder.join(keys_name(number));
        keys::write(&mut table, &blocks, footer, &entries).map_err(HuntError::io(&path))?;
        let mut keys_file = NewFile::create(&path)?;
        keys_file.write_all(&table).map_err(HuntError::io(&path))?;
        file.keep()?;
        keys_file.keep()?;
        disk::sync_folder(&folder)?;
        let times: Vec<(Timestamp, Timestamp)> = blocks.iter().filter_map(|block| block.times).collect();
        Ok(KeptSegment {
            number,
            lines,
            blocks: blocks.len() as u32,
            from: times.iter().map(|(from, _)| *from).min(),
            to: times.iter().map(|(_, to)| *to).max(),
            undated: blocks.iter().map(|block| u64::from(block.undated)).sum(),
            events_bytes,
            events_sha256,
            keys_bytes: table.len() as u64,
            keys_sha256: hex::encode(Sha256::digest(&table)),
        })
    }
}

/// Reads the file of lines once more: its length and hash, the checksum of each block, and the place and checksum of
/// what follows the last one.
fn check(file: &NewFile, blocks: &mut [BlockFacts]) -> std::io::Result<(u64, String, (u64, u32))> {
    let mut from = file.written()?;
    let mut hash = Sha256::new();
    let mut part = Vec::new();
    let mut take = |from: &mut dyn Read, count: u64| {
        part.clear();
        from.take(count).read_to_end(&mut part)?;
        hash.update(&part);
        std::io::Result::Ok(crc32fast::hash(&part))
    };
    take(&mut from, blocks.first().map_or(0, |block| block.start))?;
    for number in 1..blocks.len() {
        let length = blocks[number].start - blocks[number - 1].start;
        blocks[number - 1].crc = take(&mut from, length)?;
    }
    // The last block and the footer end where the file says.
    let mut rest = Vec::new();
    from.read_to_end(&mut rest)?;
    let size = rest.len().checked_sub(8).and_then(|at| rest.get(at..at + 4));
    let size = size.map_or(0, |four| u32::from_le_bytes(std::array::from_fn(|i| four[i])) as usize);
    let border = rest.len().saturating_sub(size + 8);
    let mut last = 0;
    if let Some(block) = blocks.last_mut() {
        block.crc = crc32fast::hash(&rest[..border]);
        last = block.start;
    }
    hash.update(&rest);
    let footer = (last + border as u64, crc32fast::hash(&rest[border..]));
    Ok((last + rest.len() as u64, hex::encode(hash.finalize()), footer))
}
