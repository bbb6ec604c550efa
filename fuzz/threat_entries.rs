//! What the fuzz targets of room `threat` do with an input. The targets and the replay of the corpus on stable share it.
//!
//! A failure is a panic: of a reader, or of a check here.

use threat::{MatchError, Observations, Pattern, PatternLimits, PatternMatcher, SpecVersion, Unreadable};

/// Little work, so that a target tries many inputs.
const LIMITS: PatternLimits = PatternLimits { max_steps: 200_000, unreadable: Unreadable::NoMatch };

/// What patterns are held against.
const OBSERVED: &str = include_str!("corpus/observed/small.json");

/// What observations are held against.
const PATTERN: &str = "[EXISTS file:name OR file:x_refs[*].x_ref.name[0] != 1 OR ipv4-addr:value ISSUBSET '10.0.0.0/8'] \
    FOLLOWEDBY [a:b LIKE '%a_' OR a:b_bin > h'00'] REPEATS 2 TIMES OR [a:t >= t'2026-01-01T00:00:00Z']";

/// Reads `data` as a pattern of both versions; what was read must survive being printed, and have an answer.
#[allow(dead_code, reason = "each target uses one of the two")]
pub(crate) fn pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for version in [SpecVersion::V2_0, SpecVersion::V2_1] {
        match Pattern::parse(text, version) {
            Ok(pattern) => {
                let printed = pattern.to_string();
                let again = Pattern::parse(&printed, version);
                assert_eq!(again.map(|again| again.to_string()), Ok(printed));
                for fault in pattern.check() {
                    assert!(
                        fault.byte_start <= fault.byte_end && fault.byte_end <= Some(text.len() as u64),
                        "{fault}"
                    );
                }
                answered(&pattern, &Observations::from_json(OBSERVED.as_bytes()).observations);
            }
            Err(fault) => {
                assert!(fault.message.len() < 1000 && fault.code.starts_with("pattern::"), "{fault}");
                assert!(text.get(fault.span.start..fault.span.end).is_some(), "{fault}");
            }
        }
    }
}

/// Reads `data` as observed data and holds a pattern against it.
#[allow(dead_code, reason = "each target uses one of the two")]
pub(crate) fn observed(data: &[u8]) {
    let read = Observations::from_json(data);
    assert!(read.faults.len() <= 1001);
    for fault in &read.faults {
        assert!(fault.message.len() < 1000 && fault.code.starts_with("observations::"), "{fault}");
        assert!(
            fault.byte_start <= fault.byte_end && fault.byte_end.unwrap_or(0) <= data.len() as u64,
            "{fault}"
        );
    }
    for version in [SpecVersion::V2_0, SpecVersion::V2_1] {
        // 2.0 has no EXISTS: there it is no pattern.
        if let Ok(pattern) = Pattern::parse(PATTERN, version) {
            answered(&pattern, &read.observations);
        }
    }
}

fn answered(pattern: &Pattern, observations: &Observations) {
    let Ok(matcher) = PatternMatcher::new(pattern) else { return };
    match matcher.matches(observations, &LIMITS) {
        Ok(found) => {
            for index in found.iter().flat_map(|found| found.observations()) {
                assert!(index.get() < observations.len());
            }
        }
        Err(error) => assert!(!matches!(error, MatchError::Value(_) | MatchError::Pattern(_)), "{error}"),
    }
}
