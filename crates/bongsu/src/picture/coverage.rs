use super::axis::Scale;
use super::outlines::outlines;
use super::svg::{Anchor, Svg};

/// From good (pale) to bad (dark), each darker than the one before, so that they can be told apart in grey; black text
/// has a contrast of at least 4.5:1 on all of them.
const SHADES: [&str; 7] = ["#fff8e1", "#feeab5", "#fdd683", "#f9bd5c", "#f09e41", "#de7f33", "#cb6527"];

/// The longer side of the map in pixels.
const SIDE_PX: f64 = 620.0;

/// Cells that are smaller than this have no number in them.
const NUMBERED_PX: [f64; 2] = [34.0, 18.0];

/// A cell on a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MapCell {
    /// Degrees north of the centre.
    pub(crate) latitude_deg: f64,
    /// Degrees east of the centre.
    pub(crate) longitude_deg: f64,
    /// From west to east.
    pub(crate) width_deg: f64,
    /// From south to north.
    pub(crate) height_deg: f64,
    /// The longest gap in hours; `None` is drawn empty.
    pub(crate) value: Option<f64>,
    /// Whether it crosses the requirement: drawn with a thick border.
    pub(crate) crossing: bool,
}

/// What a map of coverage shows.
pub(crate) struct CoverageMap<'a> {
    pub(crate) cells: &'a [MapCell],
    /// What the cells are covered by, in words.
    pub(crate) about: &'a str,
}

/// Cells over coastlines in equal degrees of longitude, shortened by the cosine of the middle latitude. The shade of a
/// cell tells its longest gap, and where there is room so does a number.
pub(crate) fn coverage_map(map: &CoverageMap) -> String {
    let frame = Frame::around(map.cells);
    let (top, bottom) = (80.0, 80.0 + frame.height_px);
    let mut svg = Svg::new(frame.width_px + 210.0, bottom + 50.0);
    let values: Vec<f64> = map.cells.iter().filter_map(|cell| cell.value).filter(|v| v.is_finite()).collect();
    let shades = Shades::of(&values);
    let (title, unit) = ("Longest gap between accesses", "hours");
    svg.text("title", [50.0, 34.0], Anchor::Start, title);
    for (index, line) in wrapped(map.about, (frame.width_px + 150.0) / 6.4).iter().take(2).enumerate() {
        svg.text("soft", [50.0, 52.0 + 16.0 * index as f64], Anchor::Start, line);
    }
    svg.begin_clip([50.0, top], [frame.width_px, frame.height_px]);
    svg.rect("sea", [50.0, top], [frame.width_px, frame.height_px], None);
    for cell in map.cells {
        frame.cell(&mut svg, cell, &shades, top);
    }
    frame.coasts(&mut svg, top);
    for cell in map.cells {
        frame.number(&mut svg, cell, top);
    }
    for cell in map.cells.iter().filter(|cell| cell.crossing) {
        let (at, size) = frame.place(cell, top);
        svg.rect("cross", [at[0] + 1.0, at[1] + 1.0], [size[0] - 2.0, size[1] - 2.0], None);
    }
    svg.end_clip();
    frame.degrees(&mut svg, top);
    shades.legend(&mut svg, [frame.width_px + 75.0, top], unit, map.cells.iter().any(|cell| cell.crossing));
    let range = values.iter().copied().reduce(f64::min).zip(values.iter().copied().reduce(f64::max));
    let range = range.map_or(String::new(), |(low, high)| format!(" From {low:.1} to {high:.1} {unit}."));
    svg.finish(title, &format!("{}{range} {} cells.", map.about, map.cells.len()))
}

/// The part of the Earth that is shown.
struct Frame {
    west: f64,
    south: f64,
    north: f64,
    east: f64,
    width_px: f64,
    height_px: f64,
}

impl Frame {
    fn around(cells: &[MapCell]) -> Self {
        let fold = |value: &dyn Fn(&MapCell) -> f64, start: f64, pick: fn(f64, f64) -> f64| {
            cells.iter().map(value).fold(start, pick)
        };
        let east_of = |turn: bool| {
            move |cell: &MapCell| {
                if turn && cell.longitude_deg < 0.0 { cell.longitude_deg + 360.0 } else { cell.longitude_deg }
            }
        };
        let width = |turn: bool| {
            let centre = east_of(turn);
            fold(&centre, f64::NEG_INFINITY, f64::max) - fold(&centre, f64::INFINITY, f64::min)
        };
        // Across the antimeridian the other half of the turn is the narrower one.
        let turn = width(true) < width(false);
        let centre = east_of(turn);
        let west = fold(&|c| centre(c) - 0.5 * c.width_deg, f64::INFINITY, f64::min);
        let east = fold(&|c| centre(c) + 0.5 * c.width_deg, f64::NEG_INFINITY, f64::max);
        let south = fold(&|c| c.latitude_deg - 0.5 * c.height_deg, f64::INFINITY, f64::min);
        let north = fold(&|c| c.latitude_deg + 0.5 * c.height_deg, f64::NEG_INFINITY, f64::max);
        let (west, east, south, north) =
            if west.is_finite() { (west, east, south, north) } else { (-180.0, 180.0, -90.0, 90.0) };
        // A little room, and something to see around a point.
        let room = (0.03 * (east - west).max(north - south)).max(0.5);
        let (west, east) = (west - room, east + room);
        let (south, north) = ((south - room).max(-90.0), (north + room).min(90.0));
        let shorten = ((south + north) / 2.0).to_radians().cos().max(0.2);
        let (wide, tall) = ((east - west) * shorten, north - south);
        let scale = SIDE_PX / wide.max(tall);
        Self {
            west,
            south,
            north,
            east,
            width_px: (wide * scale).max(160.0),
            height_px: (tall * scale).max(160.0),
        }
    }

    fn px(&self, longitude: f64, latitude: f64, top: f64) -> [f64; 2] {
        [
            50.0 + (longitude - self.west) / (self.east - self.west) * self.width_px,
            top + (self.north - latitude) / (self.north - self.south) * self.height_px,
        ]
    }

    /// Upper left corner and size of a cell.
    fn place(&self, cell: &MapCell, top: f64) -> ([f64; 2], [f64; 2]) {
        let turn = if cell.longitude_deg < self.west { 360.0 } else { 0.0 };
        let (x, y) = (cell.longitude_deg + turn, cell.latitude_deg);
        // A region that is a point has cells without size.
        let (w, h) = (cell.width_deg.max(0.2), cell.height_deg.max(0.2));
        let a = self.px(x - 0.5 * w, y + 0.5 * h, top);
        let b = self.px(x + 0.5 * w, y - 0.5 * h, top);
        (a, [b[0] - a[0], b[1] - a[1]])
    }

    fn cell(&self, svg: &mut Svg, cell: &MapCell, shades: &Shades, top: f64) {
        let (at, size) = self.place(cell, top);
        let shade = cell.value.filter(|value| value.is_finite()).map(|value| SHADES[shades.index(value)]);
        svg.rect("cell", at, size, Some(shade.unwrap_or("none")));
    }

    fn number(&self, svg: &mut Svg, cell: &MapCell, top: f64) {
        let (at, size) = self.place(cell, top);
        if let Some(value) = cell.value.filter(|value| value.is_finite())
            && size[0] >= NUMBERED_PX[0]
            && size[1] >= NUMBERED_PX[1]
        {
            let middle = [at[0] + 0.5 * size[0], at[1] + 0.5 * size[1] + 4.0];
            svg.text("in", middle, Anchor::Middle, &format!("{value:.1}"));
        }
    }

    /// The parts of coastlines and borders that can be seen.
    fn coasts(&self, svg: &mut Svg, top: f64) {
        for ring in outlines() {
            for turn in [-360.0, 0.0, 360.0] {
                let near = |[x, y]: &[f64; 2]| {
                    (self.west - 2.0..=self.east + 2.0).contains(&(x + turn))
                        && (self.south - 2.0..=self.north + 2.0).contains(y)
                };
                for part in ring.split(|corner| !near(corner)).filter(|part| part.len() > 1) {
                    svg.path("land", part.iter().map(|[x, y]| self.px(x + turn, *y, top)));
                }
            }
        }
    }

    fn degrees(&self, svg: &mut Svg, top: f64) {
        let bottom = top + self.height_px;
        let right = 50.0 + self.width_px;
        for (value, _) in Scale::linear(self.west, self.east, 0.0, 1.0).ticks(6) {
            let [x, _] = self.px(value, self.south, top);
            let value = if value > 180.0 { value - 360.0 } else { value };
            let half = if value < 0.0 { "W" } else { "E" };
            let text = format!("{}°{half}", text_of(value.abs()));
            svg.line("axis", [x, bottom], [x, bottom + 4.0]);
            svg.text("soft", [x, bottom + 18.0], Anchor::Middle, &text);
        }
        for (value, _) in Scale::linear(self.south, self.north, 0.0, 1.0).ticks(6) {
            let [_, y] = self.px(self.west, value, top);
            let half = if value < 0.0 { "S" } else { "N" };
            svg.line("axis", [46.0, y], [50.0, y]);
            svg.text("soft", [43.0, y + 4.0], Anchor::End, &format!("{}°{half}", text_of(value.abs())));
        }
        svg.path(
            "axis",
            [[50.0, top], [50.0, bottom], [right, bottom], [right, top], [50.0, top]].into_iter(),
        );
        svg.text("soft", [50.0, bottom + 38.0], Anchor::Start, "Coastlines and borders: Natural Earth.");
    }
}

/// Degrees as short as they are.
fn text_of(degrees: f64) -> String {
    format!("{}", (degrees * 1e6).round() / 1e6)
}

/// Equal steps between the least and the greatest value.
struct Shades {
    low: f64,
    high: f64,
}

impl Shades {
    fn of(values: &[f64]) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if low.is_finite() { Self { low, high } } else { Self { low: 0.0, high: 0.0 } }
    }

    fn index(&self, value: f64) -> usize {
        let share = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        ((share * SHADES.len() as f64) as usize).min(SHADES.len() - 1)
    }

    fn legend(&self, svg: &mut Svg, [x, y]: [f64; 2], unit: &str, crossing: bool) {
        svg.text("soft", [x, y + 10.0], Anchor::Start, unit);
        let step = (self.high - self.low) / SHADES.len() as f64;
        let used = if self.high > self.low { SHADES.len() } else { 1 };
        for (index, shade) in SHADES.iter().take(used).enumerate() {
            let at = y + 22.0 + 24.0 * index as f64;
            svg.rect("cell", [x, at], [24.0, 22.0], Some(shade));
            let from = self.low + step * index as f64;
            let text =
                if used == 1 { format!("{from:.1}") } else { format!("{from:.1} to {:.1}", from + step) };
            svg.text("", [x + 32.0, at + 16.0], Anchor::Start, &text);
        }
        if crossing {
            let at = y + 34.0 + 24.0 * used as f64;
            svg.rect("cross key", [x + 1.0, at], [22.0, 20.0], None);
            svg.text("", [x + 32.0, at + 8.0], Anchor::Start, "no longer as");
            svg.text("", [x + 32.0, at + 22.0], Anchor::Start, "required");
        }
    }
}

/// A text in lines of at most about `width` characters.
fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if (line.chars().count() + word.chars().count()) as f64 + 1.0 <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(latitude_deg: f64, longitude_deg: f64, value: Option<f64>) -> MapCell {
        MapCell { latitude_deg, longitude_deg, width_deg: 1.0, height_deg: 1.0, value, crossing: false }
    }

    #[test]
    fn cells_coasts_and_numbers_are_drawn() {
        let mut cells: Vec<MapCell> = (0..70)
            .map(|i| cell(33.5 + f64::from(i / 7), 124.5 + f64::from(i % 7), Some(f64::from(i))))
            .collect();
        cells[3].crossing = true;
        cells[4].value = None;
        let map = CoverageMap { cells: &cells, about: "four <satellites>" };
        let svg = coverage_map(&map);
        assert_eq!(svg.matches("class=\"cell\"").count(), 70 + SHADES.len());
        assert_eq!(svg.matches("fill=\"none\"").count(), 1);
        assert!(svg.matches("class=\"land\"").count() > 20);
        assert_eq!(svg.matches("class=\"cross").count(), 2);
        assert!(
            svg.contains(">69.0</text>") && svg.contains(">126°E</text>") && svg.contains(">34°N</text>")
        );
        assert!(svg.contains("four &lt;satellites&gt; From 0.0 to 69.0 hours. 70 cells."));
    }

    #[test]
    fn odd_regions_have_a_map() {
        let across = [cell(0.0, 179.5, Some(1.0)), cell(0.0, -179.5, Some(1.0))];
        assert!(Frame::around(&across).width_px > 100.0);
        let frame = Frame::around(&across);
        assert!(frame.east - frame.west < 5.0);
        for cells in
            [&across[..], &[], &[MapCell { width_deg: 0.0, height_deg: 0.0, ..cell(90.0, 0.0, None) }]]
        {
            let svg = coverage_map(&CoverageMap { cells, about: "" });
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
    }
}
