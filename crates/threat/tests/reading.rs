//! Objects come back as they were received, and bad input is told of with its place.
#![expect(clippy::print_stdout, reason = "counts of what agrees are printed")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data must stop")]

use std::io::Read;

use base::Fault;
use proptest::prelude::*;
use threat::{BundleReader, Frame, Header, Inserted, ObjectVersion, Piece, ReadLimits, Versions};

const ICS: &[u8] = include_bytes!("data/attack/ics-attack-18.1.json.zst");
const MOBILE: &[u8] = include_bytes!("data/attack/mobile-attack-17.1.json.zst");

/// Everything that a text holds: objects with their places, faults, frames.
#[derive(Default)]
struct Read1 {
    objects: Vec<(u64, Vec<u8>)>,
    faults: Vec<Fault>,
    frames: Vec<Frame>,
}

fn read(input: impl Read) -> Read1 {
    let limits = ReadLimits { max_object_bytes: 4 << 20, ..ReadLimits::default() };
    let mut reader = BundleReader::new(input, limits);
    let mut all = Read1::default();
    while let Some(piece) = reader.next_piece() {
        match piece {
            Piece::Object(object) => all.objects.push((object.offset, object.bytes.to_vec())),
            Piece::Fault(fault) => all.faults.push(fault),
            Piece::Frame(frame) => all.frames.push(frame),
        }
    }
    all
}

fn codes(text: &[u8]) -> (usize, Vec<String>) {
    let all = read(text);
    (all.objects.len(), all.faults.into_iter().map(|fault| fault.code).collect())
}

/// A stream that gives a few bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let some = self.1.min(into.len());
        self.0.read(&mut into[..some])
    }
}

fn comes_back(name: &str, packed: &[u8], expected: usize) {
    let text = zstd::decode_all(packed).unwrap();
    let all = read(&text[..]);
    assert!(all.faults.is_empty(), "{:?}", all.faults);
    assert_eq!(all.objects.len(), expected);
    let parsed: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut versions = Versions::new();
    for ((offset, bytes), value) in all.objects.iter().zip(parsed["objects"].as_array().unwrap()) {
        let offset = usize::try_from(*offset).unwrap();
        assert_eq!(&text[offset..offset + bytes.len()], &bytes[..]);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(bytes).unwrap(), *value);
        let version = ObjectVersion::read(bytes, 0).unwrap();
        assert_eq!(version.id, value["id"].as_str().unwrap());
        assert_eq!(versions.insert(version.clone()), Inserted::New);
        assert_eq!(versions.insert(version), Inserted::Same);
    }
    let kept: Vec<&[u8]> = all.objects.iter().map(|(_, bytes)| &bytes[..]).collect();
    assert!(all.frames[0].to_bytes(&kept) == text, "{name}: the bundle is not the same bytes");
    assert_eq!(all.frames[0].with_header(|header| header.object_type.as_deref() == Some("bundle")), Ok(true));
    assert_eq!(versions.conflicts().count(), 0);
    println!("{name}: {} objects and the whole bundle come back byte for byte", versions.len());
}

#[test]
fn attack_comes_back_byte_for_byte() {
    comes_back("ATT&CK ICS 18.1", ICS, 1826);
    comes_back("ATT&CK Mobile 17.1", MOBILE, 2148);
}

#[test]
fn envelopes_lists_single_objects_and_lines_are_read() {
    assert_eq!(codes(br#"{"objects": [{"id": 1}, {"id": 2}], "more": false}"#), (2, vec![]));
    assert_eq!(codes(br#"[{"id": 1}, {"type": "bundle", "objects": [{"id": 2}]}]"#), (2, vec![]));
    assert_eq!(codes(b"{\"id\": 1}\n{\"id\": 2}\n"), (2, vec![]));
    assert_eq!(codes(b"\xef\xbb\xbf{\"id\": 1}"), (1, vec![]));
    assert_eq!(codes(b""), (0, vec![]));
    // `objects` of something that is no bundle is its own business.
    let observed = br#"{"type": "x-mine", "id": "x", "objects": [{"id": 1}, {"id": 2}]}"#;
    assert_eq!(codes(observed), (1, vec![]));
    assert_eq!(codes(br#"{"a": {"objects": [{}, {}]}, "b": "objects", "objects": {"0": [1]}}"#), (1, vec![]));
    assert_eq!(codes(br#"{"type": "bundle", "id": "b", "objects": []}"#), (0, vec![]));
}

#[test]
fn bad_input_is_told_of_and_the_rest_is_read() {
    let cut = |text: &[u8]| codes(text);
    assert_eq!(
        cut(br#"{"type": "bundle", "objects": [{"id": 1}, {"id": "#),
        (1, vec!["threat::cut_off".to_owned()])
    );
    assert_eq!(cut(br#"{"type": "bundle", "objects": [{"id": 1}"#), (1, vec!["threat::cut_off".to_owned()]));
    assert_eq!(cut(br#"{"type": "bundle", "obj"#), (0, vec!["threat::cut_off".to_owned()]));
    assert_eq!(cut(br#"{"objects": [{"a": 1}, 5, "x", [1], {"b": 2}]}"#).1, ["threat::not_an_object"; 3]);
    assert_eq!(cut(br#"{"objects": [{"a": 1} {"b": 2}]}"#), (2, vec!["threat::not_json".to_owned()]));
    assert_eq!(cut(br#"{"objects": [{"a": 1}; {"b": 2}]}"#), (1, vec!["threat::not_json".to_owned()]));
    assert_eq!(cut(br#"{"objects": [,]}"#), (0, vec!["threat::not_json".to_owned()]));
    assert_eq!(cut(b"hello"), (0, vec!["threat::not_json".to_owned()]));
    let faults = read(&b"{\n\"objects\": [\n{\"a\": 1},\n5]}"[..]).faults;
    assert_eq!((faults[0].line, faults[0].byte_start, faults[0].byte_end), (Some(4), Some(25), Some(26)));
}

#[test]
fn deep_objects_and_bytes_that_are_no_text_have_a_place() {
    let deep =
        [&br#"{"objects": [{"id": "#[..], &b"[".repeat(10_000), &b"]".repeat(10_000), b"}, {\"id\": 2}]}"]
            .concat();
    let all = read(&deep[..]);
    assert_eq!(all.objects.len(), 2);
    let (offset, bytes) = &all.objects[0];
    let fault = Header::read(bytes, *offset).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.byte_start), ("threat::too_deep", Some(13 + 7 + 127)));
    let fault = Header::read(b"{\"id\": \"a\xffb\"}", 100).unwrap_err();
    assert_eq!(
        (fault.code.as_str(), fault.byte_start, fault.byte_end),
        ("threat::not_utf8", Some(109), Some(110))
    );
    let verdict = threat::validate_object(bytes, *offset, &Default::default());
    assert_eq!((verdict.valid, verdict.violations[0].code), (false, "threat::too_deep"));
}

#[test]
fn duplicate_ids_and_circles_are_told_of() {
    let id = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
    let object = |extra: &str| {
        format!(
            r#"{{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--{id}",
            "created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{{"statement":"s"}}{extra}}}"#
        )
    };
    let own = format!(r#","object_marking_refs":["marking-definition--{id}"]"#);
    let verdict = threat::validate(object(&own).as_bytes(), &Default::default());
    assert_eq!(verdict.violations[0].code, "threat::circular_marking");
    let tool = format!(
        r#"{{"type":"tool","spec_version":"2.1","id":"tool--{id}","created":"2026-01-01T00:00:00.000Z",
        "modified":"2026-01-01T00:00:00.000Z","name":"n"}}"#
    );
    let bundle = format!(r#"{{"type":"bundle","id":"bundle--{id}","objects":[{tool},{tool}]}}"#);
    let verdict = threat::validate(bundle.as_bytes(), &Default::default());
    let codes: Vec<_> = verdict.violations.iter().map(|one| one.code).collect();
    assert_eq!((verdict.valid, codes), (true, vec!["threat::duplicate_ids"]));
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_stream_is_cut(step in 1usize..9, names in proptest::collection::vec("[a-z\\\\\"{}\\[\\],: ]{0,12}", 0..6)) {
        let objects: Vec<String> = names.iter().map(|name| serde_json::json!({"id": name, "x": [1, {"y": name}]}).to_string()).collect();
        let text = format!("{{\"type\": \"bundle\", \"objects\": [ {} ] , \"id\": \"]}}\"}}\n", objects.join(" ,\n"));
        let (one, other) = (read(text.as_bytes()), read(Slow(text.as_bytes(), step)));
        prop_assert!(one.faults.is_empty() && other.faults.is_empty());
        prop_assert_eq!(&one.objects, &other.objects);
        let kept: Vec<&[u8]> = one.objects.iter().map(|(_, bytes)| &bytes[..]).collect();
        prop_assert_eq!(kept.clone(), objects.iter().map(String::as_bytes).collect::<Vec<_>>());
        prop_assert_eq!(one.frames[0].to_bytes(&kept), text.into_bytes());
    }

    #[test]
    fn no_bytes_make_a_reader_fail(bytes in proptest::collection::vec(prop_oneof![Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b','), Just(b':'), any::<u8>()], 0..60)) {
        let all = read(&bytes[..]);
        for (offset, object) in &all.objects {
            let _ = threat::validate_object(object, *offset, &Default::default());
        }
        let _ = threat::validate(&bytes, &Default::default());
    }
}
