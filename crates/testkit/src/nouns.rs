//! Proptest strategies for the nouns of `base`: any value that the types allow, so that a round trip or a reader that
//! only works for tidy values fails.

use std::collections::BTreeMap;

use base::{
    BlobHash, Confidence, Country, Credibility, EntryId, Fault, FaultLevel, Finding, Interval,
    KeyFingerprint, Likelihood, Marking, Method, NodeName, NoradId, ObjectRef, Observation, Place, Recall,
    Reliability, Severity, Source, Timestamp,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Countries of the built-in table of codes, for tests that must meet and miss.
pub const COUNTRIES: [&str; 6] = ["AUS", "DEU", "GBR", "JPN", "KOR", "USA"];

/// The levels of the label kernel, lowest first.
pub const LEVELS: [&str; 5] = ["UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET", "TOP SECRET"];

/// Integers that every JSON reader keeps (RFC 8785 section 3.2.2.3: up to 2^53).
pub fn json_count() -> impl Strategy<Value = u64> {
    0..=(1_u64 << 53)
}

/// Finite numbers of any size and sign, without the negative zero that canonical JSON drops.
pub fn json_number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO, -1e6..1e6].prop_map(|x: f64| x + 0.0)
}

/// Text with quotes, control characters, Hangul and whatever else a title may meet.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,40}", "\\PC{0,20}", "[가-힣 ]{0,20}", "(?s).{0,20}"]
}

/// A dotted kind such as `orbit.approach`.
pub fn kind() -> impl Strategy<Value = String> {
    "[a-z]{1,10}(\\.[a-z_]{1,10}){0,2}"
}

/// Any instant of the type's range.
pub fn timestamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 1_700_000_000_000_000_000..1_900_000_000_000_000_000_i64]
        .prop_map(Timestamp::from_unix_nanos)
}

/// Any interval, instants among them.
pub fn interval() -> impl Strategy<Value = Interval> {
    let ends = (timestamp(), timestamp())
        .prop_filter_map("ordered", |(a, b)| Interval::new(a.min(b), a.max(b)).ok());
    prop_oneof![4 => ends, 1 => timestamp().prop_map(Interval::at)]
}

/// Any place, with and without height and radius.
pub fn place() -> impl Strategy<Value = Place> {
    let height = option::of(prop_oneof![-6378.0..1e5, 0.0..f64::MAX]);
    let radius = option::of(prop_oneof![0.0..1e4, 0.0..f64::MAX]);
    (-90.0..=90.0, -180.0..=180.0, height, radius).prop_filter_map(
        "in range",
        |(north, east, height, radius)| {
            let mut place = Place::new(north + 0.0, east + 0.0).ok()?;
            if let Some(km) = height {
                place = place.with_altitude_km(km + 0.0).ok()?;
            }
            if let Some(km) = radius {
                place = place.with_radius_km(km + 0.0).ok()?;
            }
            Some(place)
        },
    )
}

/// Any entry id.
pub fn entry_id() -> impl Strategy<Value = EntryId> {
    any::<[u8; 32]>().prop_map(EntryId::from_bytes)
}

/// Any blob hash.
pub fn blob_hash() -> impl Strategy<Value = BlobHash> {
    any::<[u8; 32]>().prop_map(BlobHash::from_bytes)
}

/// Any key fingerprint.
pub fn key_fingerprint() -> impl Strategy<Value = KeyFingerprint> {
    any::<[u8; 32]>().prop_map(KeyFingerprint::from_bytes)
}

/// Any catalogue number.
pub fn norad_id() -> impl Strategy<Value = NoradId> {
    prop_oneof![any::<u32>(), 0..340_000_u32].prop_map(NoradId::new)
}

/// Three capital letters, known as a country or not.
pub fn country() -> impl Strategy<Value = Country> {
    prop_oneof![select(&COUNTRIES[..]).prop_map(str::to_owned), "[A-Z]{3}"]
        .prop_filter_map("a code", |code| code.parse().ok())
}

/// Any node name.
pub fn node_name() -> impl Strategy<Value = NodeName> {
    "[a-z][a-z0-9-]{0,62}".prop_filter_map("a name", |name| name.parse().ok())
}

/// A source with any grade.
pub fn source() -> impl Strategy<Value = Source> {
    use Reliability::{A, B, C, D, E, F};
    (text(), select(vec![A, B, C, D, E, F]), select(&Credibility::ALL[..]))
        .prop_map(|(name, reliability, credibility)| Source { name, reliability, credibility })
}

/// A marking of any words, most of them unknown to any table.
pub fn marking() -> impl Strategy<Value = Marking> {
    let words = (text(), vec(text(), 0..4), vec(text(), 0..3), text());
    (words, handling()).prop_map(|((level, rel_to, caveats, originator), handling)| Marking {
        level,
        rel_to,
        caveats,
        originator,
        ..handling
    })
}

/// The optional fields of a marking, of any words; in half of the cases none.
pub fn handling() -> impl Strategy<Value = Marking> {
    let word = || option::of(text());
    let words = (word(), vec(text(), 0..3), vec(text(), 0..3), any::<bool>(), word(), word());
    let times = (option::of(timestamp()), option::of(timestamp()), option::of(timestamp()));
    let some = (words, vec(entry_id(), 0..3), times).prop_map(
        |(
            (policy, categories, display_only, relido, tlp, pap),
            derived_from,
            (valid_from, review, expires),
        )| {
            Marking {
                policy,
                categories,
                display_only,
                relido,
                tlp,
                pap,
                derived_from,
                valid_from,
                review,
                expires,
                ..Marking::default()
            }
        },
    );
    prop_oneof![some, Just(Marking::default())]
}

/// A marking that the label kernel understands: known words, no contradiction, one originator.
pub fn known_marking() -> impl Strategy<Value = Marking> {
    let word = || prop_oneof![4 => select(&COUNTRIES[..]), 1 => select(&["FVEY", "CFCK"][..])];
    let words = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let releasable = (vec(word(), 0..4), vec(select(&["ORCON", "EXERCISE"][..]), 0..3));
    let held =
        vec(select(&["ORCON", "EXERCISE", "NOFORN"][..]), 0..3).prop_map(|caveats| (Vec::new(), caveats));
    (select(&LEVELS[..]), prop_oneof![4 => releasable, 1 => held], select(&COUNTRIES[..])).prop_map(
        move |(level, (rel_to, caveats), originator)| Marking {
            level: level.to_owned(),
            rel_to: words(rel_to),
            caveats: words(caveats),
            originator: originator.to_owned(),
            ..Marking::default()
        },
    )
}

/// An object with or without a name.
pub fn object() -> impl Strategy<Value = ObjectRef> {
    (prop_oneof!["norad:[0-9]{1,5}", text()], option::of(text()), any::<bool>())
        .prop_map(|(id, name, protected)| ObjectRef { id, name, protected })
}

/// One of the five beacons.
pub fn severity() -> impl Strategy<Value = Severity> {
    select(&Severity::ALL[..])
}

/// One of the seven bands.
pub fn likelihood() -> impl Strategy<Value = Likelihood> {
    select(&Likelihood::ALL[..])
}

/// One of the three grades.
pub fn confidence() -> impl Strategy<Value = Confidence> {
    select(&Confidence::ALL[..])
}

/// Measured values by name.
pub fn measures() -> impl Strategy<Value = BTreeMap<String, f64>> {
    btree_map("[a-z]{1,8}_km", json_number(), 0..4)
}

/// Any observation.
pub fn observation() -> impl Strategy<Value = Observation> {
    let what = (kind(), text(), source(), timestamp(), interval(), option::of(place()));
    let how_much = (blob_hash(), json_count(), json_count(), json_count());
    (what, how_much, marking(), vec(entry_id(), 0..3)).prop_map(
        |(
            (kind, title, source, received, interval, place),
            (blob, bytes, items, faults),
            marking,
            evidence,
        )| {
            Observation {
                kind,
                title,
                source,
                received,
                interval,
                place,
                blob,
                bytes,
                items,
                faults,
                marking,
                evidence,
            }
        },
    )
}

/// Any finding.
pub fn finding() -> impl Strategy<Value = Finding> {
    let what = (kind(), text(), option::of(text()), interval(), option::of(place()), vec(object(), 0..4));
    let how_bad = (severity(), option::of(likelihood()), confidence());
    let method = (text(), text()).prop_map(|(name, version)| Method { name, version });
    (what, how_bad, method, measures(), marking(), vec(entry_id(), 0..3)).prop_map(
        |(
            (kind, title, text, interval, place, objects),
            (severity, likelihood, confidence),
            method,
            measures,
            marking,
            evidence,
        )| Finding {
            kind,
            title,
            text,
            interval,
            place,
            objects,
            severity,
            likelihood,
            confidence,
            method,
            measures,
            marking,
            evidence,
        },
    )
}

/// Any recall.
pub fn recall() -> impl Strategy<Value = Recall> {
    (entry_id(), text(), marking()).prop_map(|(target, reason, marking)| Recall { target, reason, marking })
}

/// Any fault.
pub fn fault() -> impl Strategy<Value = Fault> {
    let words = ("[a-z]{1,8}::[a-z_]{1,12}", text(), any::<bool>());
    let place = (option::of(text()), option::of(json_count()), option::of(text()));
    let bytes = (option::of(json_count()), option::of(json_count()));
    (words, place, bytes).prop_map(
        |((code, message, warning), (source, line, field), (byte_start, byte_end))| Fault {
            code,
            level: if warning { FaultLevel::Warning } else { FaultLevel::Error },
            message,
            source,
            line,
            field,
            byte_start,
            byte_end,
        },
    )
}
