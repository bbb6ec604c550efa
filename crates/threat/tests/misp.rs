//! Events of MISP: bad input, release that never widens, what comes back, feeds.

#![expect(clippy::disallowed_methods, reason = "tests read their data")]

use base::FaultLevel;
use proptest::prelude::*;
use threat::*;

const EVENT: &str = "a6ef17d6-91cb-4a05-b10b-2f045daf874f";

fn uuid(number: u32) -> String {
    format!("5e384ae7-672c-4250-9cda-3b4d{number:08x}")
}

fn event(members: &str) -> String {
    format!(r#"{{"Event": {{"uuid": "{EVENT}", "info": "x", "timestamp": "1700000000", {members}}}}}"#)
}

fn codes(read: &MispRead) -> Vec<&str> {
    read.faults.iter().map(|fault| fault.code.as_str()).collect()
}

fn attribute(number: u32, more: &str) -> String {
    format!(r#"{{"uuid": "{}", "type": "domain", "value": "a{number}.example"{more}}}"#, uuid(number))
}

#[test]
fn every_form_is_read() {
    let bare = format!(r#"{{"uuid": "{EVENT}", "info": "x", "threat_level_id": 2, "published": "1"}}"#);
    for text in [
        bare.clone(),
        format!(r#"{{"Event": {bare}}}"#),
        format!(r#"[{{"Event": {bare}}}]"#),
        format!(r#"{{"response": [{{"Event": {bare}}}]}}"#),
        format!(r#"{{"response": {{"Event": {bare}}}}}"#),
        format!("\u{feff}{{\"Event\": {bare}}}\n"),
    ] {
        let read = read_misp(text.as_bytes());
        assert_eq!(codes(&read), Vec::<&str>::new(), "{text}");
        assert_eq!(read.events.len(), 1, "{text}");
        let event = &read.events[0];
        assert_eq!((event.uuid.as_str(), event.threat_level, event.published), (EVENT, Some(2), true));
        assert!(event.complete && looks_like_misp(text.as_bytes()));
    }
}

#[test]
fn an_event_that_breaks_off_is_never_complete() {
    let all: Vec<String> = (0..40).map(|number| attribute(number, "")).collect();
    let text = event(&format!(r#""distribution": "0", "Attribute": [{}]"#, all.join(",\n")));
    assert!(read_misp(text.as_bytes()).events[0].complete);
    // The last two bytes are the brackets of the event and of what holds it.
    for end in 0..text.len() - 1 {
        let read = read_misp(&text.as_bytes()[..end]);
        assert!(read.events.iter().all(|event| !event.complete), "{end}");
        let fault = read.faults.iter().find(|fault| fault.level == FaultLevel::Error);
        assert!(
            fault.is_some_and(|fault| fault.byte_start.is_some() || end == 0),
            "{end}: {:?}",
            read.faults
        );
    }
    let half = text.find("a20.example").unwrap();
    assert_eq!(read_misp(&text.as_bytes()[..half]).events[0].attributes.len(), 20);
}

#[test]
fn bad_input_is_a_fault_with_a_place() {
    let check = |text: &[u8], want: &[&str], line: u64| {
        let read = read_misp(text);
        assert_eq!(codes(&read), want, "{}", String::from_utf8_lossy(&text[..text.len().min(300)]));
        assert!(read.faults.iter().any(|fault| fault.line == Some(line)), "{:?}", read.faults);
        assert!(read.events.iter().all(|event| !event.complete), "{:?}", read.faults);
    };
    let deep = event(&format!("\"x\":\n{}", "[".repeat(10_000)));
    check(deep.as_bytes(), &["threat::too_deep"], 2);
    let twice =
        event(&format!("\"distribution\": 0, \"Attribute\": [{},\n{}]", attribute(1, ""), attribute(1, "")));
    check(twice.as_bytes(), &["misp::duplicate_uuid"], 2);
    let no_value = event("\"distribution\": 0, \"Attribute\": [\n{\"type\": \"domain\"}]");
    check(no_value.as_bytes(), &["misp::bad_element"], 2);
    let mut bytes =
        event(&format!("\"distribution\": 0, \"Attribute\": [{}]", attribute(1, ", \"comment\": \"@\"")))
            .into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'@').unwrap();
    bytes[at] = 0xFF;
    check(&bytes, &["threat::not_utf8"], 1);
    check(&event("\"info\": \"y\"").into_bytes(), &["threat::duplicate_property"], 1);
    let list = event("\"distribution\": 0, \"Attribute\": {\"0\": 1}");
    check(list.as_bytes(), &["misp::bad_element"], 1);
    let large = event(&format!(
        "\"distribution\": 0, \"Attribute\": [{}]",
        attribute(1, &format!(", \"data\": \"{}\"", "A".repeat(65 << 20)))
    ));
    check(large.as_bytes(), &["misp::too_large"], 1);
    assert_eq!(codes(&read_misp(b"")), ["threat::cut_off"]);
    assert_eq!(codes(&read_misp(b"[]")), ["misp::no_event"]);
    assert_eq!(codes(&read_misp(b"{\"a\": 1}")), ["misp::no_event"]);
    assert_eq!(codes(&read_misp(b"5")), ["misp::no_event"]);
}

#[test]
fn ids_of_the_wrong_type_are_told_and_replaced() {
    let text = event(
        r#""distribution": 0, "Attribute": [{"uuid": 5, "type": "domain", "value": "a.example"},
        {"uuid": "no-uuid", "type": "port", "value": 80}]"#,
    );
    let read = read_misp(text.as_bytes());
    assert_eq!(codes(&read), ["misp::no_uuid", "misp::no_uuid"]);
    let again = read_misp(text.as_bytes());
    let uuids = |read: &MispRead| -> Vec<String> {
        read.events[0].attributes.iter().map(|a| a.uuid.clone()).collect()
    };
    assert_eq!(uuids(&read), uuids(&again));
    assert_eq!(read.events[0].attributes[1].value, "80");
}

#[test]
fn groups_reach_nobody_unless_their_members_are_named_by_uuid() {
    let reach = |members: &str| {
        let read = read_misp(event(members).as_bytes());
        (read.events[0].reach(), codes(&read).join(" "))
    };
    let member = r#"{"Organisation": {"uuid": "A0C22599-9E58-4DA4-96AC-7051603FA951"}}"#;
    let group = format!(r#""uuid": "{}", "SharingGroupOrg": [{member}]"#, uuid(1));
    let (open, faults) = reach(&format!(r#""distribution": "4", "SharingGroup": {{{group}}}"#));
    assert_eq!(
        open.organisations.unwrap().into_iter().collect::<Vec<_>>(),
        ["a0c22599-9e58-4da4-96ac-7051603fa951"]
    );
    assert_eq!(faults, "");
    for (members, code) in [
        (r#""distribution": "4", "sharing_group_id": "7""#.to_owned(), "misp::local_sharing_group"),
        (
            format!(r#""distribution": 4, "SharingGroup": {{"id": "7", "SharingGroupOrg": [{member}]}}"#),
            "misp::local_sharing_group",
        ),
        (
            format!(r#""distribution": 4, "SharingGroup": {{"uuid": "{}", "SharingGroupOrg": []}}"#, uuid(1)),
            "misp::empty_sharing_group",
        ),
        (
            format!(
                r#""distribution": 4, "SharingGroup": {{"uuid": "{}", "SharingGroupServer": [{{"all_orgs": true}}]}}"#,
                uuid(1)
            ),
            "misp::empty_sharing_group",
        ),
        (
            format!(r#""distribution": "4", "SharingGroup": {{{group}, "active": "0"}}"#),
            "misp::inactive_sharing_group",
        ),
        (r#""distribution": "7""#.to_owned(), "misp::bad_distribution"),
        (r#""distribution": 5"#.to_owned(), "misp::bad_distribution"),
        (r#""distribution": "all""#.to_owned(), "misp::bad_distribution"),
        (r#""date": "2026-01-01""#.to_owned(), ""),
    ] {
        let (reach, faults) = reach(&members);
        assert!(reach.is_own_only(), "{members}");
        assert_eq!(faults, code, "{members}");
    }
}

/// A distribution and its group, as an element says them.
fn release() -> impl Strategy<Value = String> {
    let members = proptest::collection::vec(0_u32..4, 0..4);
    prop_oneof![
        (0_u64..7).prop_map(|number| format!(r#""distribution": "{number}""#)),
        Just(r#""x": 1"#.to_owned()),
        (1_u32..3, members, any::<bool>()).prop_map(|(group, members, active)| {
            let members: Vec<String> =
                members.iter().map(|one| format!(r#"{{"Organisation": {{"uuid": "{}"}}}}"#, uuid(100 + one))).collect();
            let (group, members) = (uuid(200 + group), members.join(","));
            format!(r#""distribution": 4, "SharingGroup": {{"uuid": "{group}", "active": {active}, "SharingGroupOrg": [{members}]}}"#)
        }),
    ]
}

/// Who may have each value of an event, by value; of a value that stands twice both.
fn reaches(event: &MispEvent) -> Vec<(String, MispReach)> {
    let whole = event.reach();
    let mut all: Vec<_> = event.attributes.iter().map(|one| (one.value.clone(), one.reach(&whole))).collect();
    for object in &event.objects {
        let own = object.reach(&whole);
        all.extend(object.attributes.iter().map(|one| (one.value.clone(), one.reach(&own))));
    }
    all.extend(event.reports.iter().map(|one| (one.content.clone(), one.reach(&whole))));
    all
}

proptest! {
    /// Through STIX and back, through JSON and back, and into a feed, nothing reaches further than before.
    #[test]
    fn no_conversion_widens(whole in release(), first in release(), second in release(), object in release(),
        part in release(), report in release(), tlp in 0_usize..4, published in any::<bool>()) {
        let tag = ["tlp:red", "tlp:white", "tlp:unclear", "x"][tlp];
        let text = event(&format!(
            r#"{whole}, "published": {published}, "Tag": [{{"name": "{tag}"}}], "Attribute": [
            {{"uuid": "{}", "type": "domain", "value": "a.example", "to_ids": true, {first}}},
            {{"uuid": "{}", "type": "btc", "value": "b", {second}}}], "Object": [{{"uuid": "{}", "name": "file", {object},
            "Attribute": [{{"uuid": "{}", "type": "filename", "object_relation": "filename", "value": "c.exe", {part}}},
            {{"uuid": "{}", "type": "md5", "object_relation": "md5", "value": "d41d8cd98f00b204e9800998ecf8427e"}}]}}],
            "EventReport": [{{"uuid": "{}", "name": "r", "content": "d", {report}}}]"#,
            uuid(1), uuid(2), uuid(3), uuid(4), uuid(5), uuid(6)));
        let read = read_misp(text.as_bytes());
        let before = &read.events[0];
        let stix = misp_to_stix(before);
        for one in &stix.objects {
            let verdict = validate(one, &ValidateOptions::default());
            prop_assert!(verdict.valid, "{} {:?}", String::from_utf8_lossy(one), verdict.violations);
        }
        let back = stix_to_misp(&stix.to_bundle());
        let written = read_misp(write_misp_event(before).as_bytes());
        let files = write_misp_feed(&read.events).files;
        let feed: Vec<MispEvent> = files[1..].iter().flat_map(|(_, text)| read_misp(text.as_bytes()).events).collect();
        let limits = reaches(before);
        for (after, all) in [(&back.events, true), (&written.events, true), (&feed, false)] {
            for event in after {
                prop_assert!(event.reach().is_within(&before.reach()));
                for (value, reach) in reaches(event) {
                    let limit = limits.iter().find(|(known, _)| *known == value);
                    prop_assert!(limit.is_some_and(|(_, limit)| reach.is_within(limit)), "{value}: {reach:?}");
                }
            }
            prop_assert!(!all || after.iter().map(|event| reaches(event).len()).sum::<usize>() == limits.len());
        }
        // A narrowing tag comes along.
        if tag == "tlp:red" {
            prop_assert!(back.events[0].tags.iter().any(|tag| tag.name == "tlp:red"));
        }
    }

    /// Any value of any type makes valid STIX, and comes back with its type and value.
    #[test]
    fn any_value_makes_valid_stix(kind in 0_usize..14, value in "\\PC{0,40}|[0-9.:/|a-fA-F]{1,64}", to_ids in any::<bool>(), comment in "\\PC{0,10}") {
        let kind = ["domain", "ip-dst", "ip-src|port", "url", "uri", "md5", "filename|sha256", "email-src", "AS", "mac-address",
            "regkey|value", "vulnerability", "yara", "malware-sample"][kind];
        let value = if value.is_empty() { "x".to_owned() } else { value };
        let one = serde_json::json!({"uuid": uuid(1), "type": kind, "value": value, "to_ids": to_ids, "comment": comment,
            "timestamp": 1_700_000_000});
        let read = read_misp(event(&format!(r#""distribution": 3, "Attribute": [{one}]"#)).as_bytes());
        let stix = misp_to_stix(&read.events[0]);
        for one in &stix.objects {
            let verdict = validate(one, &ValidateOptions::default());
            prop_assert!(verdict.valid, "{} {:?}", String::from_utf8_lossy(one), verdict.violations);
        }
        let back = stix_to_misp(&stix.to_bundle());
        prop_assert_eq!(back.events[0].attributes.len(), 1, "{:?}", back.faults);
        let found = &back.events[0].attributes[0];
        prop_assert_eq!(&found.kind, kind);
        // STIX has one spelling of these.
        let spelled = |text: &str| match kind {
            "AS" => text.trim_start_matches(['A', 'S', 'a', 's']).trim().trim_start_matches('0').to_owned(),
            "mac-address" => text.to_lowercase().replace('-', ":"),
            "ip-src|port" => text.rsplit_once('|').map_or(text.to_owned(), |(ip, port)| format!("{ip}|{}", port.trim_start_matches('0'))),
            _ => text.to_owned(),
        };
        prop_assert_eq!(spelled(&found.value), spelled(&value));
    }
}

#[test]
fn a_feed_has_only_what_is_for_all() {
    let text = event(&format!(
        r#""distribution": "3", "Org": {{"name": "o"}}, "ShadowAttribute": [{{}}], "Attribute": [{}, {}, {}]"#,
        attribute(1, ""),
        attribute(2, ", \"distribution\": 0"),
        attribute(3, ", \"deleted\": true"),
    ));
    let narrow = text.replace(EVENT, &uuid(9)).replace(r#""distribution": "3""#, r#""distribution": "2""#);
    let mut events = read_misp(text.as_bytes()).events;
    let others = narrow.replace("3b4d0000000", "3b4d0000001");
    events.extend(read_misp(others.as_bytes()).events);
    let MispFeedFiles { files, left_out } = write_misp_feed(&events);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["manifest.json", &format!("{EVENT}.json")]);
    assert_eq!(left_out.iter().map(|(_, count)| count).sum::<usize>(), 4);
    let (feed, faults) = read_misp_manifest(files[0].1.as_bytes());
    assert_eq!((feed.events.len(), faults.len()), (1, 0));
    let read = read_misp(files[1].1.as_bytes());
    assert_eq!(read.events[0].attributes.len(), 1);
    assert!(!files[1].1.contains("a2.example") && !files[1].1.contains("a3.example"));
}

#[test]
fn stix_of_others_becomes_attributes_and_objects() {
    let objects = r#"{"type": "bundle", "id": "bundle--5e384ae7-672c-4250-9cda-3b4d00000000", "objects": [
      {"type": "indicator", "spec_version": "2.1", "id": "indicator--5e384ae7-672c-4250-9cda-3b4d00000001",
       "created": "2026-03-10T12:00:00Z", "modified": "2026-03-10T12:00:00Z", "valid_from": "2026-03-10T12:00:00Z",
       "pattern_type": "stix", "pattern": "[domain-name:value = 'a.example' OR ipv4-addr:value = '198.51.100.1']"},
      {"type": "indicator", "spec_version": "2.1", "id": "indicator--5e384ae7-672c-4250-9cda-3b4d00000002",
       "created": "2026-03-10T12:00:00Z", "modified": "2026-03-10T12:00:00Z", "valid_from": "2026-03-10T12:00:00Z",
       "pattern_type": "stix", "pattern": "[file:name LIKE 'a%']"},
      {"type": "malware", "spec_version": "2.1", "id": "malware--5e384ae7-672c-4250-9cda-3b4d00000003", "is_family": true,
       "created": "2026-03-10T12:00:00Z", "modified": "2026-03-10T12:00:00Z", "name": "M"},
      {"type": "relationship", "spec_version": "2.1", "id": "relationship--5e384ae7-672c-4250-9cda-3b4d00000004",
       "created": "2026-03-10T12:00:00Z", "modified": "2026-03-10T12:00:00Z", "relationship_type": "indicates",
       "source_ref": "indicator--5e384ae7-672c-4250-9cda-3b4d00000001", "target_ref": "malware--5e384ae7-672c-4250-9cda-3b4d00000003"},
      {"type": "file", "spec_version": "2.1", "id": "file--5e384ae7-672c-4250-9cda-3b4d00000005", "name": "f", "size": 5,
       "object_marking_refs": ["marking-definition--5e384ae7-672c-4250-9cda-3b4d00000009"]},
      {"type": "process", "spec_version": "2.1", "id": "process--5e384ae7-672c-4250-9cda-3b4d00000006", "pid": 1,
       "parent_ref": "process--5e384ae7-672c-4250-9cda-3b4d00000006"}]}"#;
    let read = stix_to_misp(objects.as_bytes());
    let event = &read.events[0];
    let found: Vec<_> = event.attributes.iter().map(|one| (one.kind.as_str(), one.value.as_str())).collect();
    assert_eq!(
        found,
        [("domain", "a.example"), ("ip-dst", "198.51.100.1"), ("stix2-pattern", "[file:name LIKE 'a%']")]
    );
    assert_eq!(event.attributes[0].galaxies[0].clusters[0].value, "M");
    assert_eq!(event.objects[0].name, "file");
    assert!(event.objects[0].reach(&event.reach()).is_own_only());
    assert!(event.reach().is_own_only());
    assert!(read.faults.iter().any(|fault| fault.code == "misp::lost"));
}

#[test]
fn clusters_of_galaxies_and_hashes_are_read() {
    let sparta = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sparta")).unwrap();
    let mut clusters = 0;
    for file in
        sparta.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "zst"))
    {
        let (galaxy, faults) =
            read_misp_galaxy(&zstd::decode_all(&std::fs::read(file).unwrap()[..]).unwrap());
        assert_eq!(faults, []);
        clusters += galaxy.clusters.len();
    }
    assert!(clusters > 200, "{clusters}");
    let (hashes, faults) = read_misp_hashes(format!("{},{EVENT}\n\nx\n", "A".repeat(32)).as_bytes());
    assert_eq!(hashes, [MispHash { md5: "a".repeat(32), event: EVENT.to_owned() }]);
    assert_eq!((faults.len(), faults[0].line), (1, Some(3)));
}
