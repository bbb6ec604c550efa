//! Times and intervals.

use base::{Interval, TimeError, Timestamp};
use proptest::prelude::*;
use testkit::nouns::{interval, timestamp};

/// An instant within a century, where differences in seconds are exact to a microsecond.
fn near() -> impl Strategy<Value = Timestamp> {
    (1_500_000_000_000_000_000..1_900_000_000_000_000_000_i64).prop_map(Timestamp::from_unix_nanos)
}

proptest! {
    #[test]
    fn text_is_the_same_instant_and_as_short_as_can_be(t in timestamp()) {
        let text = t.to_string();
        prop_assert_eq!(text.parse(), Ok(t));
        prop_assert!(text.ends_with('Z'));
        prop_assert!(!text.contains('.') || !text.ends_with("0Z"), "{} has idle digits", text);
    }

    #[test]
    fn the_order_of_times_is_the_order_of_their_nanoseconds(a in timestamp(), b in timestamp()) {
        prop_assert_eq!(a.cmp(&b), a.unix_nanos().cmp(&b.unix_nanos()));
        prop_assert_eq!(a.seconds_since(b), -b.seconds_since(a));
        prop_assert_eq!(a > b, a.seconds_since(b) > 0.0);
    }

    #[test]
    fn seconds_there_and_back(t in near(), nanos in -1_000_000_000_000_i64..1_000_000_000_000) {
        let moved = t.plus_nanos(nanos);
        prop_assert_eq!(t.plus_seconds(moved.seconds_since(t)), moved);
        prop_assert_eq!(moved.millis_since(t), nanos.div_euclid(1_000_000));
    }

    #[test]
    fn moving_never_leaves_the_range(t in timestamp(), seconds in any::<f64>(), nanos in any::<i64>()) {
        let by_seconds = t.plus_seconds(seconds);
        prop_assert!(seconds < 0.0 || seconds.is_nan() || by_seconds >= t);
        prop_assert!(seconds > 0.0 || seconds.is_nan() || by_seconds <= t);
        prop_assert_eq!(t.plus_nanos(nanos) >= t, nanos >= 0 || t.unix_nanos() == i64::MIN);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        let _ = text.parse::<Timestamp>();
    }

    #[test]
    fn ends_in_order_make_an_interval_and_no_others(a in timestamp(), b in timestamp()) {
        prop_assert_eq!(Interval::new(a, b).is_ok(), a <= b);
    }

    #[test]
    fn the_hull_contains_both_and_no_more(a in interval(), b in interval()) {
        let hull = a.hull(&b);
        prop_assert_eq!(hull, b.hull(&a));
        prop_assert_eq!(a.hull(&a), a);
        for part in [a, b] {
            prop_assert!(hull.start() <= part.start() && part.end() <= hull.end());
            prop_assert_eq!(hull.hull(&part), hull);
        }
        prop_assert!(hull.start() == a.start() || hull.start() == b.start());
        prop_assert!(hull.end() == a.end() || hull.end() == b.end());
    }

    #[test]
    fn the_gap_is_symmetric_and_is_what_the_hull_has_more(a in interval(), b in interval()) {
        let gap = a.gap_seconds(&b);
        prop_assert_eq!(gap, b.gap_seconds(&a));
        prop_assert!(gap >= 0.0);
        prop_assert_eq!(a.gap_seconds(&a), 0.0);
        prop_assert_eq!(gap > 0.0, a.end() < b.start() || b.end() < a.start());
        if gap > 0.0 {
            let more = a.hull(&b).seconds() - a.seconds() - b.seconds();
            prop_assert!((gap - more).abs() <= 1e-6 * a.hull(&b).seconds().max(1.0));
        }
    }

    #[test]
    fn an_interval_is_half_open(span in interval(), t in timestamp()) {
        prop_assert_eq!(span.contains(t), span.start() <= t && t < span.end());
        prop_assert_eq!(span.contains(span.start()), span.start() < span.end());
        prop_assert!(!span.contains(span.end()));
        // What it contains has no gap to it; its end does not either, as touching counts as meeting.
        prop_assert!(!span.contains(t) || span.gap_seconds(&Interval::at(t)) == 0.0);
    }
}

#[test]
fn offsets_are_read_and_kept_as_utc() {
    let utc: Timestamp = "2026-03-10T00:00:00Z".parse().unwrap();
    assert_eq!("2026-03-10T09:00:00+09:00".parse(), Ok(utc));
    assert_eq!(utc.to_string(), "2026-03-10T00:00:00Z");
}

#[test]
fn the_edges_of_the_range() {
    for nanos in [i64::MIN, i64::MAX] {
        let t = Timestamp::from_unix_nanos(nanos);
        assert_eq!(t.to_string().parse(), Ok(t));
    }
    for beyond in ["1677-09-21T00:12:43Z", "2262-04-11T23:47:17Z", "9999-01-01T00:00:00Z"] {
        assert_eq!(beyond.parse::<Timestamp>(), Err(TimeError::OutOfRange { text: beyond.to_owned() }));
    }
}

#[test]
fn what_is_not_rfc_3339_is_refused() {
    for text in ["2026-03-10t00:00:00z", "2026-03-10T00:00:00-00:00", "2026-03-10T00:00:00.000000000Z"] {
        assert_eq!(text.parse(), "2026-03-10T00:00:00Z".parse::<Timestamp>(), "{text}");
    }
    for text in [
        "",
        "now",
        "2026-03-10",
        "2026-03-10T00:00:00",
        "2026-03-10T00:00Z",
        "2026-03-10T00Z",
        "20260310T000000Z",
        "2026-03-10T00:00:00+0900",
        "2026-03-10T00:00:00+09",
        "2026-03-10T00:00:00Z[UTC]",
        "2026-03-10T00:00:00+09:00[Asia/Seoul]",
        "+002026-03-10T00:00:00Z",
        "2026-03-10T00:00:00,5Z",
        "2026-03-10T00:00:00.Z",
        "2026-03-10 00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-03-10T24:00:00Z",
        "2026-02-29T00:00:00Z",
        " 2026-03-10T00:00:00Z",
        "2026-03-10T00:00:00.1234567890Z",
    ] {
        assert_eq!(text.parse::<Timestamp>(), Err(TimeError::NotRfc3339 { text: text.to_owned() }), "{text}");
    }
}
