//! What the fuzz target of MISP does with an input. The target and the replay of the corpus on stable share it.
//!
//! A failure is a panic: of a reader, or of a check here.

use threat::{
    ValidateOptions, looks_like_misp, misp_to_stix, read_misp, read_misp_galaxy, read_misp_hashes,
    read_misp_manifest, stix_to_misp, validate, write_misp_event, write_misp_feed,
};

/// Reads `data` in every form, converts it there and back; what is written is read again, and STIX is valid.
pub(crate) fn misp(data: &[u8]) {
    let _ = looks_like_misp(data);
    let read = read_misp(data);
    for fault in &read.faults {
        assert!(fault.code.starts_with("threat::") || fault.code.starts_with("misp::"), "{fault}");
        assert!(
            fault.byte_start <= fault.byte_end && fault.byte_end.unwrap_or(0) <= data.len() as u64,
            "{fault}"
        );
    }
    for event in &read.events {
        let again = read_misp(write_misp_event(event).as_bytes());
        assert_eq!(again.events.len(), 1, "{:?}", again.faults);
        assert_eq!(again.events[0].attributes.len(), event.attributes.len());
        assert!(again.events[0].reach().is_within(&event.reach()));
        let stix = misp_to_stix(event);
        for object in &stix.objects {
            let verdict = validate(object, &ValidateOptions::default());
            assert!(verdict.valid, "{}: {:?}", String::from_utf8_lossy(object), verdict.violations);
        }
        for back in stix_to_misp(&stix.to_bundle()).events {
            assert!(back.reach().is_within(&event.reach()));
        }
    }
    let _ = (write_misp_feed(&read.events), stix_to_misp(data));
    let _ = (read_misp_manifest(data), read_misp_galaxy(data), read_misp_hashes(data));
}
