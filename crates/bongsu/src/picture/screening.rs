use base::{Interval, NoradId, Timestamp};
use orbit::Approach;

use super::axis::{Scale, TimeScale};
use super::counted;
use super::svg::{Anchor, Svg};

/// How many of the closest get a number and a line in the key.
const NAMED: usize = 8;

/// What a picture of a screening shows.
pub(crate) struct ScreeningPicture<'a> {
    /// The span that was screened.
    pub(crate) span: Interval,
    /// The limit.
    pub(crate) within_km: f64,
    /// All that was found.
    pub(crate) approaches: &'a [Approach],
    /// What an object is called.
    pub(crate) name: &'a dyn Fn(NoradId) -> String,
}

/// The classes of speed: what separates them, shape, word.
const CLASSES: [(f64, Shape, &str); 3] = [
    (1.0, Shape::Square, "below 1 km/s, or a pair that stays"),
    (8.0, Shape::Triangle, "1 to 8 km/s"),
    (f64::INFINITY, Shape::Circle, "8 km/s and above"),
];

#[derive(Clone, Copy)]
enum Shape {
    Circle,
    Triangle,
    Square,
}

/// Distance of closest approach over time. Each approach is a mark whose shape and colour tell the relative speed; pairs
/// that stay near have a bar for as long as they do. The closest are numbered, and named below.
pub(crate) fn screening(picture: &ScreeningPicture) -> String {
    const WIDTH: f64 = 960.0;
    const LEFT: f64 = 70.0;
    const RIGHT: f64 = 930.0;
    const TOP: f64 = 92.0;
    const BOTTOM: f64 = 400.0;
    let mut closest: Vec<&Approach> = picture.approaches.iter().collect();
    closest.sort_by(|a, b| a.closest_km().total_cmp(&b.closest_km()));
    let named = closest.len().min(NAMED);
    let mut svg = Svg::new(WIDTH, BOTTOM + 70.0 + 18.0 * named as f64);
    let (title, about) = words(picture, &closest);
    svg.text("title", [LEFT, 34.0], Anchor::Start, &title);
    svg.text("soft", [LEFT, 56.0], Anchor::Start, &about);
    legend(&mut svg, LEFT, 78.0);

    let time = TimeScale::new(picture.span, LEFT, RIGHT);
    let nearest = closest.first().map_or(picture.within_km / 10.0, |a| a.closest_km());
    // A centimetre is less than any element set can tell.
    let km = Scale::log((nearest * 0.8).max(1e-5), picture.within_km, BOTTOM, TOP);
    for (value, text) in km.ticks(6) {
        svg.line("grid", [LEFT, km.px(value)], [RIGHT, km.px(value)]);
        svg.text("soft", [LEFT - 8.0, km.px(value) + 4.0], Anchor::End, &text);
    }
    for (at, text) in time.ticks(9) {
        svg.line("grid", [time.px(at), TOP], [time.px(at), BOTTOM]);
        svg.text("soft", [time.px(at), BOTTOM + 18.0], Anchor::Middle, &text);
    }
    svg.path("axis", [[LEFT, TOP], [LEFT, BOTTOM], [RIGHT, BOTTOM]].into_iter());
    svg.raw(&format!(
        "<text class=\"soft\" transform=\"translate(20 {}) rotate(-90)\" text-anchor=\"middle\">closest distance in km</text>",
        (TOP + BOTTOM) / 2.0
    ));
    svg.text("soft", [RIGHT, BOTTOM + 36.0], Anchor::End, "time, UTC");
    for approach in &closest {
        let at = [time.px(approach.closest_time()), km.px(approach.closest_km())];
        let (class, shape) = class_of(speed_km_s(approach));
        if let Approach::Interval(stay) = approach {
            svg.line(class, [time.px(stay.start), at[1]], [time.px(stay.end), at[1]]);
        }
        mark(&mut svg, class, shape, at);
    }
    for (index, approach) in closest.iter().take(named).enumerate() {
        let at = [time.px(approach.closest_time()), km.px(approach.closest_km())];
        let number = (index + 1).to_string();
        svg.text("number", [at[0] + 8.0, at[1] + 4.0], Anchor::Start, &number);
        let y = BOTTOM + 60.0 + 18.0 * index as f64;
        svg.text("number", [LEFT, y], Anchor::End, &number);
        svg.text("", [LEFT + 10.0, y], Anchor::Start, &line(picture, approach));
    }
    svg.finish(&title, &about)
}

fn words(picture: &ScreeningPicture, closest: &[&Approach]) -> (String, String) {
    let stay = closest.iter().filter(|a| matches!(a, Approach::Interval(_))).count();
    let title = format!("Approaches within {} km", picture.within_km);
    let nearest = closest
        .first()
        .map_or("nothing came near".to_owned(), |a| format!("the closest {} km", distance(a.closest_km())));
    let about = format!(
        "{} to {}: {} and {}; {nearest}.",
        minute(picture.span.start()),
        minute(picture.span.end()),
        counted(closest.len() - stay, "pass", "passes"),
        counted(stay, "pair that stays near", "pairs that stay near"),
    );
    (title, about)
}

fn line(picture: &ScreeningPicture, approach: &Approach) -> String {
    let name = |id: NoradId| format!("{} ({id})", (picture.name)(id));
    let how = match approach {
        Approach::Event(event) => {
            format!("{} at {:.1} km/s", second(event.tca), event.relative_speed_km_s)
        }
        Approach::Interval(stay) => format!("{}, stays near", second(stay.min_time)),
    };
    format!(
        "{} km  {} and {}, {how}",
        distance(approach.closest_km()),
        name(approach.norad_a()),
        name(approach.norad_b())
    )
}

fn speed_km_s(approach: &Approach) -> f64 {
    match approach {
        Approach::Event(event) => event.relative_speed_km_s,
        Approach::Interval(_) => 0.0,
    }
}

fn class_of(speed_km_s: f64) -> (&'static str, Shape) {
    let index = CLASSES.iter().position(|(limit, _, _)| speed_km_s < *limit).unwrap_or(CLASSES.len() - 1);
    (["b", "c", "a"][index], CLASSES[index].1)
}

fn mark(svg: &mut Svg, class: &str, shape: Shape, [x, y]: [f64; 2]) {
    let path = match shape {
        Shape::Circle => format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>"),
        Shape::Square => {
            format!(
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"7\" height=\"7\"/>",
                x - 3.5,
                y - 3.5
            )
        }
        Shape::Triangle => {
            format!("<path class=\"{class}\" d=\"M{x:.1} {:.1}l4.5 8h-9z\"/>", y - 5.0)
        }
    };
    svg.raw(&path);
}

fn legend(svg: &mut Svg, left: f64, y: f64) {
    let mut x = left + 4.0;
    svg.text("soft", [x - 4.0, y], Anchor::Start, "Relative speed:");
    x += 100.0;
    for (limit, shape, word) in CLASSES.into_iter().rev() {
        let (class, _) = class_of(if limit.is_finite() { limit / 2.0 } else { 15.0 });
        mark(svg, class, shape, [x, y - 4.0]);
        svg.text("soft", [x + 10.0, y], Anchor::Start, word);
        x += 40.0 + 6.6 * word.len() as f64;
    }
}

fn distance(km: f64) -> String {
    if km < 10.0 { format!("{km:.3}") } else { format!("{km:.1}") }
}

fn minute(time: Timestamp) -> String {
    let text: String = time.to_string().chars().take(16).collect();
    text.replace('T', " ")
}

fn second(time: Timestamp) -> String {
    let text: String = time.to_string().chars().take(19).collect();
    text.replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(miss_km: f64, relative_speed_km_s: f64) -> Approach {
        Approach::Event(orbit::Event {
            norad_a: NoradId::new(1),
            norad_b: NoradId::new(2),
            tca: "2026-03-10T12:30:00.5Z".parse().unwrap(),
            miss_km,
            relative_speed_km_s,
            radial_km: 0.0,
            in_track_km: 0.0,
            cross_track_km: miss_km,
        })
    }

    fn picture(approaches: &[Approach]) -> String {
        let span = Interval::starting("2026-03-10T12:00:00Z".parse().unwrap(), 3600.0);
        screening(&ScreeningPicture { span, within_km: 10.0, approaches, name: &|id| format!("<{id}>") })
    }

    #[test]
    fn each_approach_is_a_mark_and_the_closest_are_named() {
        let many: Vec<Approach> = (1..=20).map(|i| event(f64::from(i) * 0.4, f64::from(i))).collect();
        let svg = picture(&many);
        let shapes = svg.matches("<circle").count()
            + svg.matches("l4.5 8h-9z").count()
            + svg.matches("width=\"7\"").count();
        assert_eq!(shapes, 20 + CLASSES.len());
        assert_eq!(svg.matches("&lt;1&gt; (1) and").count(), NAMED);
        assert!(svg.contains("20 passes and 0 pairs that stay near; the closest 0.400 km."));
        assert!(svg.contains("0.400 km  &lt;1&gt; (1) and &lt;2&gt; (2), 2026-03-10 12:30:00 at 1.0 km/s"));
    }

    #[test]
    fn nothing_found_is_a_picture_too() {
        assert!(picture(&[]).contains("nothing came near"));
        assert!(!picture(&[event(0.0, 0.2)]).contains("NaN"));
    }
}
