use base::{Interval, Timestamp};

use super::axis::{Scale, TimeScale};
use super::counted;
use super::svg::{Anchor, Svg};

/// How many manoeuvres get a line in the key: the largest.
const NAMED: usize = 10;

const LEFT: f64 = 80.0;
const RIGHT: f64 = 930.0;

/// The history of one object, as plain data.
pub(crate) struct History<'a> {
    /// What the object is called.
    pub(crate) name: &'a str,
    /// One an element set, in order of time.
    pub(crate) points: &'a [HistoryPoint],
    /// In order of time.
    pub(crate) manoeuvres: &'a [ManoeuvreMark],
}

/// What an element set says of the orbit's size and plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HistoryPoint {
    /// Its epoch.
    pub(crate) time: Timestamp,
    /// Mean semi-major axis in km, where it has one.
    pub(crate) semi_major_axis_km: Option<f64>,
    /// Inclination in degrees.
    pub(crate) inclination_deg: f64,
}

/// A detected manoeuvre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ManoeuvreMark {
    /// When, most likely.
    pub(crate) time: Timestamp,
    /// Not before.
    pub(crate) window_start: Timestamp,
    /// Not after.
    pub(crate) window_end: Timestamp,
    /// Change of velocity in m/s, without sign.
    pub(crate) delta_v_m_s: f64,
    /// In-plane, cross-plane and so on, in words.
    pub(crate) kind: &'static str,
    /// From 0 to 1.
    pub(crate) confidence: f64,
    /// Too small to be claimed: drawn dashed and without a line in the key.
    pub(crate) below_floor: bool,
}

/// Semi-major axis and inclination over time, one above the other. A detected manoeuvre is a line in both, at its most
/// likely time, in a band that shows from when to when it may have been; the largest are numbered, and told below.
pub(crate) fn history(history: &History) -> String {
    let mut largest: Vec<&ManoeuvreMark> = history.manoeuvres.iter().filter(|m| !m.below_floor).collect();
    largest.sort_by(|a, b| b.delta_v_m_s.total_cmp(&a.delta_v_m_s));
    largest.truncate(NAMED);
    largest.sort_by_key(|m| m.time);
    let mut svg = Svg::new(960.0, 480.0 + 18.0 * largest.len() as f64);
    let (title, about) = words(history);
    svg.text("title", [LEFT, 34.0], Anchor::Start, &title);
    svg.text("soft", [LEFT, 56.0], Anchor::Start, &about);
    let time = TimeScale::new(span(history), LEFT, RIGHT);
    panel(&mut svg, history, &time, "semi-major axis in km", [76.0, 236.0], &|p| p.semi_major_axis_km);
    panel(&mut svg, history, &time, "inclination in degrees", [256.0, 416.0], &|p| Some(p.inclination_deg));
    for (at, text) in time.ticks(8) {
        svg.text("soft", [time.px(at), 434.0], Anchor::Middle, &text);
    }
    svg.text("soft", [RIGHT, 452.0], Anchor::End, "time, UTC");
    for (index, mark) in largest.iter().enumerate() {
        let number = (index + 1).to_string();
        svg.text("number", [time.px(mark.time), 72.0], Anchor::Middle, &number);
        let y = 470.0 + 18.0 * index as f64;
        svg.text("number", [LEFT, y], Anchor::End, &number);
        svg.text("", [LEFT + 10.0, y], Anchor::Start, &line(mark));
    }
    svg.finish(&title, &about)
}

/// One quantity over time between two heights.
fn panel(
    svg: &mut Svg,
    history: &History,
    time: &TimeScale,
    name: &str,
    [top, bottom]: [f64; 2],
    value: &dyn Fn(&HistoryPoint) -> Option<f64>,
) {
    let values = || history.points.iter().filter_map(value);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let room = if high > low { 0.05 * (high - low) } else { 0.0 };
    let scale = if low.is_finite() { (low - room, high + room) } else { (0.0, 1.0) };
    let scale = Scale::linear(scale.0, scale.1, bottom, top);
    for (value, text) in scale.ticks(4) {
        svg.line("grid", [LEFT, scale.px(value)], [RIGHT, scale.px(value)]);
        svg.text("soft", [LEFT - 8.0, scale.px(value) + 4.0], Anchor::End, &text);
    }
    for mark in history.manoeuvres {
        let (from, to) = (time.px(mark.window_start), time.px(mark.window_end));
        svg.rect("window", [from, top], [(to - from).max(1.0), bottom - top], None);
        let class = if mark.below_floor { "mark faint" } else { "mark" };
        svg.line(class, [time.px(mark.time), top], [time.px(mark.time), bottom]);
    }
    for (at, value) in history.points.iter().filter_map(|point| Some((point.time, value(point)?))) {
        let (x, y) = (time.px(at), scale.px(value));
        svg.raw(&format!("<circle class=\"a\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.6\"/>"));
    }
    svg.path("axis", [[LEFT, top], [LEFT, bottom], [RIGHT, bottom]].into_iter());
    let middle = (top + bottom) / 2.0;
    svg.raw(&format!(
        "<text class=\"soft\" transform=\"translate(18 {middle}) rotate(-90)\" text-anchor=\"middle\">{name}</text>"
    ));
}

/// From the first to the last of all times that are shown.
fn span(history: &History) -> Interval {
    let points = history.points.iter().map(|point| Interval::at(point.time));
    let windows =
        history.manoeuvres.iter().flat_map(|m| [Interval::at(m.window_start), Interval::at(m.window_end)]);
    points.chain(windows).reduce(|a, b| a.hull(&b)).unwrap_or(Interval::at(Timestamp::UNIX_EPOCH))
}

fn words(history: &History) -> (String, String) {
    let day = |time: Timestamp| time.to_string().chars().take(10).collect::<String>();
    let claimed = history.manoeuvres.iter().filter(|m| !m.below_floor).count();
    let faint = history.manoeuvres.len() - claimed;
    let span = span(history);
    let below =
        if faint > 0 { format!(" and {faint} below what can be claimed (dashed)") } else { String::new() };
    let about = format!(
        "{} from {} to {}: {}{below}. Bands: when each may have been.",
        counted(history.points.len(), "element set", "element sets"),
        day(span.start()),
        day(span.end()),
        counted(claimed, "manoeuvre", "manoeuvres"),
    );
    (format!("Manoeuvres of {}", history.name), about)
}

fn line(mark: &ManoeuvreMark) -> String {
    let minute = |time: Timestamp| time.to_string().chars().take(16).collect::<String>().replace('T', " ");
    format!(
        "{}  {:.3} m/s, {}, confidence {:.2}, between {} and {}",
        minute(mark.time),
        mark.delta_v_m_s,
        mark.kind.replace('_', " "),
        mark.confidence,
        minute(mark.window_start),
        minute(mark.window_end)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_dots_and_manoeuvres_lines_in_bands() {
        let at = |day: f64| "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap().plus_seconds(day * 86_400.0);
        let points: Vec<HistoryPoint> = (0..60)
            .map(|day| HistoryPoint {
                time: at(f64::from(day)),
                semi_major_axis_km: (day != 5)
                    .then(|| 6900.0 - 0.01 * f64::from(day) + if day >= 30 { 0.4 } else { 0.0 }),
                inclination_deg: 97.5,
            })
            .collect();
        let mark = |day: f64, below_floor| ManoeuvreMark {
            time: at(day),
            window_start: at(day - 0.5),
            window_end: at(day + 0.5),
            delta_v_m_s: 0.21,
            kind: "in_plane",
            confidence: 0.9,
            below_floor,
        };
        let manoeuvres = [mark(30.0, false), mark(45.0, true)];
        let svg = history(&History { name: "A & B", points: &points, manoeuvres: &manoeuvres });
        assert_eq!(svg.matches("<circle").count(), 60 + 59);
        assert_eq!((svg.matches("class=\"mark\"").count(), svg.matches("mark faint").count()), (2, 2));
        assert_eq!(svg.matches("class=\"window\"").count(), 4);
        assert!(svg.contains("60 element sets from 2026-01-01 to 2026-03-01: 1 manoeuvre and 1 below"));
        assert!(svg.contains("2026-01-31 00:00  0.210 m/s, in plane, confidence 0.90"));
        assert!(svg.contains("A &amp; B") && !svg.contains("NaN"));
        assert!(!history(&History { name: "none", points: &[], manoeuvres: &[] }).contains("NaN"));
    }
}
