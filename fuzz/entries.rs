//! What a fuzz target does with an input. The targets and the replay of the corpus on stable share it.
//!
//! A failure is a panic: of a reader, or of a check here.

use orbit::{read_catalogue, read_messages};

/// Faults that one input may give, so that no input fills a log.
const MAX_FAULTS: usize = 10_001;

/// Reads `data` as a catalogue, in whatever format it seems to have.
#[allow(dead_code, reason = "each target uses one of the two")]
pub(crate) fn catalogue(data: &[u8]) {
    let read = read_catalogue(data, "fuzz");
    check_faults(data, &read.faults);
    assert!(read.faults.len() <= MAX_FAULTS);
}

/// Reads `data` as messages of CCSDS; what was read must survive being written in both forms.
#[allow(dead_code, reason = "each target uses one of the two")]
pub(crate) fn messages(data: &[u8]) {
    let read = read_messages(data, "fuzz");
    check_faults(data, &read.faults);
    assert!(read.is_ok() || !read.faults.is_empty());
    for message in &read.messages {
        let (kvn, xml) = (message.to_kvn(), message.to_xml());
        // A generous bound: 12 spaces, a tag and its end, and 1 % of entities for each value.
        assert!(kvn.len() + xml.len() <= 200 * data.len() + 10_000);
        for written in [&kvn, &xml] {
            let again = read_messages(written.as_bytes(), "written");
            assert!(again.is_ok(), "{:?}\n{written}", again.faults);
            assert_eq!(again.messages[0].to_kvn(), kvn);
        }
        let _ = (message.to_json(), message.states(), message.element_set());
        if let Ok(conjunction) = orbit::Conjunction::from_cdm(message)
            && let Ok(encounter) = orbit::Encounter::new(&conjunction, 10.0)
        {
            let all = encounter.assess();
            assert!((0.0..=1.0).contains(&all.probability) && all.maximum >= all.probability);
        }
    }
}

/// Every fault has a line, or a field when it is about the whole, and stands within the input.
fn check_faults(data: &[u8], faults: &[base::Fault]) {
    for fault in faults {
        assert!(fault.message.len() < 1000, "{fault}");
        assert!(fault.code.starts_with("orbit::"), "{fault}");
        assert!(fault.line.is_none_or(|line| line >= 1), "{fault}");
        if let (Some(start), Some(end)) = (fault.byte_start, fault.byte_end) {
            assert!(start <= end && end <= data.len() as u64, "{fault}");
        }
        let placed = fault.line.is_some() || fault.field.is_some() || fault.byte_start.is_some();
        assert!(placed || fault.code == "orbit::too_many_faults", "{fault}");
    }
}
