//! Lines of logs of every format as objects.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use threat::read_events;

/// Line, time, path and object of each event.
fn events(log: &str) -> Vec<(u64, Option<String>, Option<String>, Value)> {
    let mut events = Vec::new();
    let summary = read_events(&mut log.as_bytes(), "log", &mut |event| {
        let start = usize::try_from(event.offset).unwrap();
        assert_eq!(&log.as_bytes()[start..start + event.bytes.len()], event.bytes);
        let time = event.time.map(|time| time.to_string());
        events.push((event.line, time, event.zeek_path.map(str::to_owned), event.object.clone()));
    });
    assert_eq!(summary.unwrap().faults, []);
    events
}

fn time(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn tables_of_zeek_have_types() {
    let log = "#separator \\x09\n#unset_field\t-\n#empty_field\t(empty)\n#path\tdns\n\
        #fields\tts\tid.resp_p\tquery\tanswers\tAA\tnote\n\
        #types\ttime\tport\tstring\tvector[addr]\tbool\tstring\n\
        1773144000.5\t53\ta\\x2cb\t1.2.3.4,::1\tT\t-\n";
    let object = json!({"ts": 1_773_144_000.5, "id.resp_p": 53, "query": "a,b", "answers": ["1.2.3.4", "::1"], "AA": true});
    assert_eq!(events(log), [(7, time("2026-03-10T12:00:00.5Z"), Some("dns".to_owned()), object)]);
}

#[test]
fn objects_rows_and_lines_are_events() {
    let log = "{\"ts\": 1773144000, \"a\": 1}\n\n{\"a\": 2}\n";
    let want = [
        (1, time("2026-03-10T12:00:00Z"), None, json!({"ts": 1_773_144_000, "a": 1})),
        (3, None, None, json!({"a": 2})),
    ];
    assert_eq!(events(log), want);
    let want =
        (2, time("2026-03-10T12:00:00Z"), None, json!({"time": "2026-03-10 12:00:00", "user": "kim, lee"}));
    assert_eq!(events("time,user\n2026-03-10 12:00:00,\"kim, lee\"\n"), [want]);
    let line = "2026-03-10T12:00:00Z host sshd[7]: Failed password";
    assert_eq!(events(line), [(1, time("2026-03-10T12:00:00Z"), None, json!({"message": line}))]);
}

#[test]
fn what_is_broken_is_a_fault_and_no_event() {
    let mut count = 0;
    let summary = read_events(&mut &b"{\"a\": 1}\n{\"a\": \n[1]\n"[..], "log", &mut |_| count += 1).unwrap();
    assert_eq!(count, 1);
    assert_eq!((summary.faults[0].code.as_str(), summary.faults[0].line), ("log::bad_json", Some(2)));
}
