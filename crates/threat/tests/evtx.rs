//! Windows event logs, made byte by byte after [MS-EVEN6] and the description of the format by libevtx.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use threat::{
    IndicatorReader, IndicatorSet, LogFormat, MatchOptions, MatchSummary, Matcher, Origin, SetBuilder,
    match_log,
};

const CHUNK: usize = 64 << 10;

/// `<Event><Data>text</Data></Event>` as binary XML at `at` of a chunk.
fn event(at: usize, text: &str) -> Vec<u8> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut xml = vec![0x0F, 1, 1, 0];
    for name in ["Event", "Data"] {
        // Open start element without attributes: size, offset of the name, then the name itself.
        xml.push(0x01);
        xml.extend_from_slice(&0_u32.to_le_bytes());
        let name_at = (at + xml.len() + 4) as u32;
        xml.extend_from_slice(&name_at.to_le_bytes());
        xml.extend_from_slice(&0_u32.to_le_bytes());
        xml.extend_from_slice(&0_u16.to_le_bytes());
        xml.extend_from_slice(&(name.len() as u16).to_le_bytes());
        xml.extend_from_slice(&wide(name));
        xml.extend_from_slice(&[0, 0, 0x02]);
    }
    xml.extend_from_slice(&[0x05, 0x01]);
    xml.extend_from_slice(&(text.len() as u16).to_le_bytes());
    xml.extend_from_slice(&wide(text));
    xml.extend_from_slice(&[0x04, 0x04, 0x00]);
    xml
}

/// A chunk with an event for each text.
fn chunk(first_id: u64, texts: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    let mut last_at = 512;
    for (text, id) in texts.iter().zip(first_id..) {
        last_at = bytes.len();
        let xml = event(last_at + 24, text);
        let size = (24 + xml.len() + 4) as u32;
        bytes.extend_from_slice(b"\x2a\x2a\0\0");
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(&id.to_le_bytes());
        // 2026-03-10T12:00:00Z in 100 ns since 1601.
        bytes.extend_from_slice(&(116_444_736_000_000_000_u64 + 17_731_440_000_000_000).to_le_bytes());
        bytes.extend_from_slice(&xml);
        bytes.extend_from_slice(&size.to_le_bytes());
    }
    let free = bytes.len();
    let last_id = first_id + texts.len() as u64 - 1;
    let mut head = b"ElfChnk\0".to_vec();
    for id in [first_id, last_id, first_id, last_id] {
        head.extend_from_slice(&id.to_le_bytes());
    }
    for number in [128, last_at as u32, free as u32, crc32(&bytes[512..])] {
        head.extend_from_slice(&number.to_le_bytes());
    }
    bytes[..head.len()].copy_from_slice(&head);
    let sum = crc32(&[&bytes[..120], &bytes[128..512]].concat());
    bytes[124..128].copy_from_slice(&sum.to_le_bytes());
    bytes.resize(CHUNK, 0);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 },
        )
    })
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"ElfFile\0".to_vec();
    file.resize(4096, 0);
    chunks.iter().for_each(|chunk| file.extend_from_slice(chunk));
    file
}

fn set() -> IndicatorSet {
    let mut builder = SetBuilder::new([1; 32]);
    IndicatorReader::new(&mut builder)
        .read(&mut b"evil.example\n".as_slice(), &Origin::of_source("list"))
        .unwrap();
    builder.finish().unwrap()
}

/// Line, field and value of each hit.
fn run(log: &[u8]) -> (Vec<(u64, String, String)>, MatchSummary) {
    let (set, mut log) = (set(), log);
    let matcher = Matcher { set: &set, warninglists: None };
    let mut hits = Vec::new();
    let summary = match_log(&mut log, &matcher, &MatchOptions::default(), &mut |hit, _| {
        assert!(
            hit.time.is_some_and(|time| time.to_string().starts_with("2026-03-10T12:00:00")),
            "{:?}",
            hit.time
        );
        hits.push((hit.line, hit.field.clone(), hit.value.clone()));
    });
    (hits, summary.unwrap())
}

#[test]
fn events_are_read_chunk_by_chunk() {
    let log = file(&[
        chunk(1, &["nothing", "http://w.evil.example/"]),
        vec![0; CHUNK],
        chunk(3, &["evil.example"]),
    ]);
    let (hits, summary) = run(&log);
    assert_eq!(summary.faults, []);
    assert_eq!((summary.format, summary.lines), (LogFormat::Evtx, 3));
    let hits: Vec<(u64, &str, &str)> =
        hits.iter().map(|(line, field, value)| (*line, &**field, &**value)).collect();
    assert_eq!(hits, [(2, "Event.Data", "w.evil.example"), (3, "Event.Data", "evil.example")]);
}

#[test]
fn a_broken_chunk_costs_only_its_own_records() {
    let good = chunk(1, &["evil.example"]);
    let codes = |log: &[u8]| {
        let (hits, summary) = run(log);
        let places: Vec<(String, Option<u64>)> =
            summary.faults.into_iter().map(|f| (f.code, f.byte_start)).collect();
        (hits.len(), places)
    };
    let broken = |at: u64| ("log::broken_chunk".to_owned(), Some(at));
    // The magic is gone: the chunk is lost.
    let mut bad = good.clone();
    bad[0] = b'X';
    assert_eq!(codes(&file(&[bad, good.clone()])), (1, vec![broken(4096)]));
    // A bit has changed: told, and what can be read is.
    let mut bad = good.clone();
    bad[8] ^= 1;
    let (hits, faults) = codes(&file(&[bad, good.clone()]));
    assert_eq!((hits, faults[0].clone()), (2, broken(4096)));
    // Cut off within a chunk, and within the head of the file.
    let cut = file(&[good.clone(), good.clone()]);
    let (hits, faults) = codes(&cut[..4096 + CHUNK + 700]);
    assert_eq!((hits, faults), (2, vec![broken(4096 + CHUNK as u64)]));
    assert_eq!(codes(&cut[..100]), (0, vec![broken(0)]));
    // Any byte changed: never a panic, and the other chunk is read.
    // The time of a record is at its bytes 16 to 23: a wrong one is no damage that anybody can see.
    for at in (0..528).chain(536..900).chain([CHUNK - 1]) {
        let mut bad = good.clone();
        bad[at] ^= 0xFF;
        assert!(codes(&file(&[bad, good.clone()])).0 >= 1, "{at}");
    }
}
