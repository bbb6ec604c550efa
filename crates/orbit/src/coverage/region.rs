//! A region on the ground and the cells that stand for it.

use base::Place;

use crate::geodetic::{Geodetic, pef_position};

/// The most cells that a region is cut into.
pub const MAX_CELLS: usize = 50_000;

/// The smallest edge of a cell in degrees: a tenth of a kilometre.
const MIN_CELL_DEG: f64 = 0.001;

/// A part of the Earth's surface: a box of latitudes and longitudes, or polygons (see [`read_region`](crate::read_region)).
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    shape: Shape,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Box(Bounds),
    Polygons(Vec<Polygon>),
}

/// Degrees; the east is at least the west and may be above 180.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    south: f64,
    north: f64,
    west: f64,
    east: f64,
}

/// Rings of longitude and latitude in degrees. What an odd number of rings encloses is inside, so holes are rings too.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Polygon {
    pub(super) rings: Vec<Vec<[f64; 2]>>,
}

/// A cell of a region: what happens at its centre, on the WGS-84 ellipsoid, stands for the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    name: String,
    latitude_deg: f64,
    longitude_deg: f64,
    width_deg: f64,
    height_deg: f64,
}

impl Cell {
    /// Latitude and longitude of the centre, `37.5,127.5`, as short as they can be told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Degrees north of the centre.
    pub fn latitude_deg(&self) -> f64 {
        self.latitude_deg
    }

    /// Degrees east of the centre, -180 to 180.
    pub fn longitude_deg(&self) -> f64 {
        self.longitude_deg
    }

    /// From west to east in degrees.
    pub fn width_deg(&self) -> f64 {
        self.width_deg
    }

    /// From south to north in degrees.
    pub fn height_deg(&self) -> f64 {
        self.height_deg
    }

    /// What the cell weighs in the mean of a region: its area, but for a factor that all cells share.
    pub(super) fn weight(&self) -> f64 {
        // The centre of a cell is no pole unless the region is that point alone.
        self.latitude_deg.to_radians().cos().max(f64::MIN_POSITIVE)
    }

    pub(super) fn position_km(&self) -> [f64; 3] {
        pef_position(&Geodetic {
            latitude_deg: self.latitude_deg,
            longitude_deg: self.longitude_deg,
            altitude_km: 0.0,
        })
        .km()
    }

    fn new(latitude_deg: f64, longitude_deg: f64, width_deg: f64, height_deg: f64) -> Self {
        // A billionth of a degree is a tenth of a millimetre: what is behind it is rounding, and would be in the name.
        let short = |degrees: f64| (degrees * 1e9).round() / 1e9 + 0.0;
        let latitude_deg = short(latitude_deg).clamp(-90.0, 90.0);
        let longitude_deg = short((longitude_deg + 180.0).rem_euclid(360.0) - 180.0);
        Self {
            name: format!("{latitude_deg},{longitude_deg}"),
            latitude_deg,
            longitude_deg,
            width_deg,
            height_deg,
        }
    }
}

/// Why a region cannot be had or cut.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// A corner of a box is no place on the Earth.
    #[error("`{value}` is no {what}; latitudes are -90 to 90 degrees, longitudes -180 to 360")]
    OutOfRange {
        /// Latitude or longitude.
        what: &'static str,
        /// What was given.
        value: f64,
    },
    /// The edge of the cells.
    #[error("cells of `{cell_deg}` degrees cannot be had; allowed is {MIN_CELL_DEG} to 90")]
    CellSize {
        /// What was given.
        cell_deg: f64,
    },
    /// The cells are too small for the region.
    #[error(
        "the region has about {cells} cells of {cell_deg} degrees, at most {MAX_CELLS} are allowed; choose larger ones"
    )]
    TooManyCells {
        /// How many there would be, at most.
        cells: u64,
        /// What was given.
        cell_deg: f64,
    },
    /// The cells are too large for the region.
    #[error("no centre of a cell of {cell_deg} degrees lies in the region; choose smaller cells")]
    NoCell {
        /// What was given.
        cell_deg: f64,
    },
}

impl Region {
    /// A box between two latitudes (in either order) and from the first longitude eastwards to the second, also
    /// across the antimeridian: 170 to -170 is 20 degrees wide. Edges may be equal: that is a line or a point.
    ///
    /// # Errors
    /// When a latitude or longitude is out of range or not finite.
    pub fn of_box(
        latitude_a_deg: f64,
        west_deg: f64,
        latitude_b_deg: f64,
        east_deg: f64,
    ) -> Result<Self, RegionError> {
        for value in [latitude_a_deg, latitude_b_deg] {
            if !(-90.0..=90.0).contains(&value) {
                return Err(RegionError::OutOfRange { what: "latitude", value });
            }
        }
        for value in [west_deg, east_deg] {
            if !(-180.0..=360.0).contains(&value) {
                return Err(RegionError::OutOfRange { what: "longitude", value });
            }
        }
        let mut width = east_deg - west_deg;
        if !(0.0..=360.0).contains(&width) {
            width = width.rem_euclid(360.0);
        }
        Ok(Self {
            shape: Shape::Box(Bounds {
                south: latitude_a_deg.min(latitude_b_deg),
                north: latitude_a_deg.max(latitude_b_deg),
                west: west_deg,
                east: west_deg + width,
            }),
        })
    }

    pub(super) fn of_polygons(polygons: Vec<Polygon>) -> Self {
        Self { shape: Shape::Polygons(polygons) }
    }

    /// Whether a place lies in the region. Of the border, the south and west belong to polygons; boxes have it all.
    pub fn contains(&self, place: Place) -> bool {
        let (latitude, longitude) = (place.latitude_deg(), place.longitude_deg());
        let turns = [longitude, longitude + 360.0, longitude - 360.0];
        match &self.shape {
            Shape::Box(b) => {
                (b.south..=b.north).contains(&latitude)
                    && turns.iter().any(|longitude| (b.west..=b.east).contains(longitude))
            }
            Shape::Polygons(polygons) => {
                polygons.iter().any(|p| turns.iter().any(|longitude| p.contains(*longitude, latitude)))
            }
        }
    }

    /// Cuts the region into cells of at most `cell_deg` by `cell_deg` degrees, sorted from south to north and from
    /// west to east.
    ///
    /// A box is cut into equal cells that fill it. Polygons are laid on the grid whose lines are the multiples of
    /// `cell_deg`; they have the cells whose centre they contain.
    ///
    /// # Errors
    /// When the edge is not 0.001 to 90 degrees, and when there is no cell or more than [`MAX_CELLS`].
    pub fn cells(&self, cell_deg: f64) -> Result<Vec<Cell>, RegionError> {
        if !(MIN_CELL_DEG..=90.0).contains(&cell_deg) {
            return Err(RegionError::CellSize { cell_deg });
        }
        let cells = match &self.shape {
            Shape::Box(bounds) => box_cells(bounds, cell_deg)?,
            Shape::Polygons(polygons) => polygon_cells(polygons, cell_deg)?,
        };
        if cells.is_empty() { Err(RegionError::NoCell { cell_deg }) } else { Ok(cells) }
    }
}

fn box_cells(bounds: &Bounds, cell_deg: f64) -> Result<Vec<Cell>, RegionError> {
    // A whole number of cells must not become one more by rounding.
    let count = |extent: f64| (extent / cell_deg - 1e-9).ceil().max(1.0);
    let (tall, wide) = (bounds.north - bounds.south, bounds.east - bounds.west);
    let (rows, columns) = (count(tall), count(wide));
    let total = rows * columns;
    if total > MAX_CELLS as f64 {
        return Err(RegionError::TooManyCells { cells: total as u64, cell_deg });
    }
    let (height, width) = (tall / rows, wide / columns);
    let mut cells = Vec::with_capacity(total as usize);
    for row in 0..rows as u64 {
        for column in 0..columns as u64 {
            let latitude = bounds.south + (row as f64 + 0.5) * height;
            let longitude = bounds.west + (column as f64 + 0.5) * width;
            cells.push(Cell::new(latitude, longitude, width, height));
        }
    }
    Ok(cells)
}

fn polygon_cells(polygons: &[Polygon], cell_deg: f64) -> Result<Vec<Cell>, RegionError> {
    // Cells that are looked at: those of each polygon's box. A cell in two boxes is looked at twice and kept once.
    const MAX_LOOKED_AT: f64 = 4e6;
    let mut found = std::collections::BTreeSet::new();
    let mut looked_at = 0.0;
    // Lines of the grid meet at the antimeridian when the edge divides 360; else the last column overlaps the first.
    let columns = (360.0 / cell_deg).ceil() as i64;
    for polygon in polygons {
        let b = polygon.bounds();
        let index = |degrees: f64| (degrees / cell_deg).floor() as i64;
        let (rows, across) = (index(b.south)..=index(b.north), index(b.west)..=index(b.east));
        let size = |range: &std::ops::RangeInclusive<i64>| (range.end() - range.start() + 1) as f64;
        looked_at += size(&rows) * size(&across);
        if looked_at > MAX_LOOKED_AT {
            return Err(RegionError::TooManyCells { cells: looked_at as u64, cell_deg });
        }
        for row in rows {
            for column in across.clone() {
                let centre = |index: i64| (index as f64 + 0.5) * cell_deg;
                if polygon.contains(centre(column), centre(row)) && centre(row).abs() <= 90.0 {
                    // From -180 on, so that the cells of a polygon that reaches over it are the others' too.
                    let first = index(-180.0);
                    found.insert((row, (column - first).rem_euclid(columns) + first));
                }
            }
        }
        if found.len() > MAX_CELLS {
            return Err(RegionError::TooManyCells { cells: found.len() as u64, cell_deg });
        }
    }
    let centre = |index: i64| (index as f64 + 0.5) * cell_deg;
    Ok(found
        .into_iter()
        .map(|(row, column)| Cell::new(centre(row), centre(column), cell_deg, cell_deg))
        .collect())
}

impl Polygon {
    fn bounds(&self) -> Bounds {
        let mut bounds = Bounds {
            south: f64::INFINITY,
            north: f64::NEG_INFINITY,
            west: f64::INFINITY,
            east: f64::NEG_INFINITY,
        };
        for [longitude, latitude] in self.rings.iter().flatten() {
            bounds.south = bounds.south.min(*latitude);
            bounds.north = bounds.north.max(*latitude);
            bounds.west = bounds.west.min(*longitude);
            bounds.east = bounds.east.max(*longitude);
        }
        bounds
    }

    /// Even-odd rule in the plane of longitude and latitude, as RFC 7946 draws its lines (section 3.1.1).
    fn contains(&self, longitude: f64, latitude: f64) -> bool {
        let mut inside = false;
        for ring in &self.rings {
            let next = ring.iter().cycle().skip(1);
            for ([x1, y1], [x2, y2]) in ring.iter().zip(next) {
                let spans = (*y1 <= latitude) != (*y2 <= latitude);
                if spans && longitude < x1 + (latitude - y1) / (y2 - y1) * (x2 - x1) {
                    inside = !inside;
                }
            }
        }
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(cells: &[Cell]) -> Vec<&str> {
        cells.iter().map(Cell::name).collect()
    }

    #[test]
    fn boxes_are_filled() {
        let korea = Region::of_box(33.0, 124.0, 43.0, 131.0).unwrap().cells(1.0).unwrap();
        assert_eq!(korea.len(), 70);
        assert_eq!(names(&korea)[..2], ["33.5,124.5", "33.5,125.5"]);
        assert_eq!(korea.last().map(Cell::name), Some("42.5,130.5"));
        // 1.5 degrees in cells of at most 1: two of 0.75.
        let uneven = Region::of_box(1.5, 0.0, 0.0, 0.5).unwrap().cells(1.0).unwrap();
        assert_eq!(names(&uneven), ["0.375,0.25", "1.125,0.25"]);
        assert_eq!(
            names(&Region::of_box(37.5, 127.0, 37.5, 127.0).unwrap().cells(1.0).unwrap()),
            ["37.5,127"]
        );
        assert_eq!(Region::of_box(-90.0, -180.0, 90.0, 180.0).unwrap().cells(10.0).unwrap().len(), 18 * 36);
        let tenths = Region::of_box(33.0, 124.0, 33.3, 124.7).unwrap().cells(0.1).unwrap();
        assert_eq!((tenths.len(), tenths[0].name()), (21, "33.05,124.05"));
    }

    #[test]
    fn boxes_across_the_antimeridian() {
        let cells = Region::of_box(0.0, 179.0, 1.0, -179.0).unwrap().cells(1.0).unwrap();
        assert_eq!(names(&cells), ["0.5,179.5", "0.5,-179.5"]);
        assert_eq!(Region::of_box(0.0, 179.0, 1.0, 181.0).unwrap().cells(1.0).unwrap(), cells);
    }

    #[test]
    fn wrong_boxes_and_cells_are_refused() {
        let wrong = |a: f64, b: f64, c: f64, d: f64| Region::of_box(a, b, c, d).is_err();
        assert!(wrong(91.0, 0.0, 0.0, 1.0) && wrong(0.0, f64::NAN, 1.0, 1.0) && wrong(0.0, 0.0, 1.0, 361.0));
        let world = Region::of_box(-90.0, -180.0, 90.0, 180.0).unwrap();
        assert!(matches!(world.cells(0.1), Err(RegionError::TooManyCells { .. })));
        for size in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 91.0] {
            assert!(matches!(world.cells(size), Err(RegionError::CellSize { .. })), "{size}");
        }
    }

    #[test]
    fn polygons_have_holes_and_neighbours() {
        let square = |w: f64, s: f64, side: f64| {
            vec![[w, s], [w + side, s], [w + side, s + side], [w, s + side], [w, s]]
        };
        let ring = Polygon { rings: vec![square(0.0, 0.0, 3.0), square(1.0, 1.0, 1.0)] };
        let island = Polygon { rings: vec![square(179.0, 0.0, 2.0)] };
        let region = Region::of_polygons(vec![ring.clone(), island, ring]);
        let cells = region.cells(1.0).unwrap();
        assert_eq!(cells.len(), 8 + 4);
        assert!(names(&cells).contains(&"0.5,-179.5") && !names(&cells).contains(&"1.5,1.5"));
        let inside =
            |latitude: f64, longitude: f64| region.contains(Place::new(latitude, longitude).unwrap());
        assert!(inside(0.5, -179.5) && inside(0.5, 179.5) && !inside(0.5, 178.5));
        assert!(cells.iter().all(|cell| inside(cell.latitude_deg(), cell.longitude_deg())));
        let speck = Region::of_polygons(vec![Polygon { rings: vec![square(0.1, 0.1, 0.1)] }]);
        assert!(matches!(speck.cells(1.0), Err(RegionError::NoCell { .. })));
    }
}
