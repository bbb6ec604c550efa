//! What the fuzz target of STIX does with an input. The target and the replay of the corpus on stable share it.
//!
//! A failure is a panic: of a reader, or of a check here.

use threat::{
    BundleCheck, BundleReader, Header, ObjectVersion, Piece, ReadLimits, SpecVersion, ValidateOptions,
    upgrade, validate, validate_frame, validate_member,
};

/// Reads `data` as a stream, judges, upgrades and keeps what is in it; every fault must stand within the input.
pub(crate) fn stix(data: &[u8]) {
    let options = ValidateOptions { enforce_refs: true, strict_types: true, ..Default::default() };
    let old = ValidateOptions { spec: SpecVersion::V2_0, ..Default::default() };
    let length = data.len() as u64;
    let mut reader =
        BundleReader::new(data, ReadLimits { max_object_bytes: 1 << 16, max_frame_bytes: 1 << 12 });
    let (mut check, mut objects, mut faults) = (BundleCheck::new(), Vec::new(), 0);
    while let Some(piece) = reader.next_piece() {
        match piece {
            Piece::Object(object) => {
                assert_eq!(
                    &data[usize::try_from(object.offset).unwrap_or(0)..][..object.bytes.len()],
                    object.bytes
                );
                let verdict = validate_member(object.bytes, object.offset, &options);
                for one in &verdict.violations {
                    assert!(one.byte_start <= one.byte_end && one.byte_end <= length, "{one:?}");
                    assert!(one.message.len() < 1000 && one.code.starts_with("threat::"), "{one:?}");
                }
                if let Ok(header) = Header::read(object.bytes, object.offset) {
                    let _ = check.object(&header, object.offset, object.bytes.len() as u64, &options);
                }
                let _ = ObjectVersion::read(object.bytes, object.offset);
                if let Ok(new) = upgrade(object.bytes, object.offset) {
                    assert!(new.objects.iter().all(|one| Header::read(one, 0).is_ok()));
                }
                objects.push(object.bytes.to_vec());
            }
            Piece::Fault(fault) => {
                faults += 1;
                assert!(fault.code.starts_with("threat::"), "{fault}");
                assert!(fault.byte_start <= fault.byte_end, "{fault}");
                assert!(fault.byte_end.is_none_or(|end| end <= length + 1), "{fault}");
            }
            Piece::Frame(frame) => {
                let _ = validate_frame(&frame, &options);
                // A text that holds one bundle and nothing wrong comes back byte for byte.
                if faults == 0 && data.first() == Some(&b'{') && !frame.to_bytes(&objects).is_empty() {
                    let again = frame.to_bytes(&objects);
                    assert!(data.starts_with(&again) || objects.is_empty() || data.len() > again.len());
                }
                objects.clear();
                let _ = std::mem::take(&mut check).finish();
            }
        }
    }
    let _ = (validate(data, &options), validate(data, &old));
}
