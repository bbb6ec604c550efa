//! Windows XML Event Log: a head of 4 KiB and chunks of 64 KiB, each read by itself, so that a broken one costs only
//! its own records. `line` is the number of the record in the file, from 1.

use std::io;
use std::sync::Arc;

use base::{Fault, Timestamp};
use evtx::{EvtxChunkData, ParserSettings};
use serde::de::DeserializeSeed;

use super::LineShape;
use super::json::{HostAndPath, Walk};
use crate::lines::Lines;
use crate::matching::Scan;

const FILE_HEAD: usize = 4096;
const CHUNK: usize = 64 << 10;
const CHUNK_MAGIC: &[u8] = b"ElfChnk\0";

pub(super) fn read(lines: &mut Lines<'_>, scan: &mut Scan<'_, '_>) -> io::Result<()> {
    scan.shape(|| LineShape::Evtx);
    let settings = Arc::new(ParserSettings::new().separate_json_attributes(false));
    let mut bytes = Vec::new();
    lines.take(FILE_HEAD, &mut bytes)?;
    if bytes.len() < FILE_HEAD {
        broken(scan, 0, bytes.len(), "the head of the file is cut off; give the whole file");
        return Ok(());
    }
    let mut offset = FILE_HEAD as u64;
    let mut record = 0;
    loop {
        lines.take(CHUNK, &mut bytes)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let held = bytes.len();
        // Room that was never used is zero.
        if bytes.iter().any(|b| *b != 0) {
            chunk(&bytes, offset, &settings, &mut record, scan);
        }
        if held < CHUNK {
            return Ok(());
        }
        offset += CHUNK as u64;
    }
}

fn broken(scan: &mut Scan<'_, '_>, offset: u64, length: usize, message: &str) {
    let end = offset + length as u64;
    scan.fault(Fault::error("log::broken_chunk", message).in_field("chunk").at_bytes(offset, end));
}

fn chunk(
    bytes: &[u8],
    offset: u64,
    settings: &Arc<ParserSettings>,
    record: &mut u64,
    scan: &mut Scan<'_, '_>,
) {
    if !bytes.starts_with(CHUNK_MAGIC) {
        broken(scan, offset, bytes.len(), "no chunk begins here; its records are lost, the others are read");
        return;
    }
    let mut whole = bytes.to_vec();
    whole.resize(CHUNK, 0);
    if bytes.len() < CHUNK {
        broken(scan, offset, bytes.len(), "the chunk is cut off; what is there is read");
    }
    let mut data = match EvtxChunkData::new(whole, false) {
        Ok(data) => data,
        Err(error) => {
            broken(
                scan,
                offset,
                bytes.len(),
                &format!("the chunk cannot be read ({}); the others are", brief(&error)),
            );
            return;
        }
    };
    if bytes.len() == CHUNK && !data.validate_checksum() {
        broken(scan, offset, CHUNK, "the checksum of the chunk is wrong; what can be read of it is");
    }
    let mut parsed = match data.parse(Arc::clone(settings)) {
        Ok(parsed) => parsed,
        Err(error) => {
            broken(
                scan,
                offset,
                bytes.len(),
                &format!("the chunk cannot be read ({}); the others are", brief(&error)),
            );
            return;
        }
    };
    let mut faults = 0;
    for read in parsed.iter() {
        let read = read.and_then(|read| {
            let at = read.binxml_offset;
            read.into_json().map(|json| (at, json))
        });
        match read {
            Ok((at, json)) => {
                *record += 1;
                // The library builds what stands after a damaged link from wherever it leads: a bound on that.
                faults = 0;
                event(&json.data, *record, offset + at, time(json.timestamp), scan);
            }
            Err(error) => {
                *record += 1;
                faults += 1;
                let message = format!("the record cannot be read ({}); the others are", brief(&error));
                let fault = Fault::error("log::broken_record", message).at_line(*record);
                scan.fault(fault.at_bytes(offset, offset + bytes.len() as u64));
                if faults > 100 {
                    return;
                }
            }
        }
    }
}

/// Looks at one event, as JSON.
pub(super) fn event(json: &str, record: u64, offset: u64, time: Option<Timestamp>, scan: &mut Scan<'_, '_>) {
    scan.begin(record, offset);
    let (mut path, mut pair) = (String::new(), HostAndPath::default());
    let mut from = serde_json::Deserializer::from_str(json);
    if let Err(error) = (Walk { scan, path: &mut path, pair: &mut pair }).deserialize(&mut from) {
        let message = format!("the record is no event: {error}");
        scan.fault(Fault::error("log::broken_record", message).at_line(record));
    }
    if scan.wants_events()
        && let Ok(object) = serde_json::from_str(json)
    {
        scan.event(json.as_bytes(), &object, time, None);
    }
    scan.end(json.as_bytes(), || time);
}

fn time(time: impl ToString) -> Option<Timestamp> {
    time.to_string().parse().ok()
}

/// The innermost cause of an error in one line, cut short.
fn brief(error: &dyn std::error::Error) -> String {
    let innermost = std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error);
    innermost.to_string().lines().next().unwrap_or_default().chars().take(160).collect()
}
