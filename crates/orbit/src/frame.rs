//! Frames and the turns between them.
//!
//! | from | to | how | left out, and how much that is |
//! |---|---|---|---|
//! | TEME | PEF | turn by GMST-82 (Vallado 2006, appendix C) | dUT1: 0.5 m at the equator's surface for each ms, so at most 420 m at 0.9 s and below 50 m while it stays under 0.1 s |
//! | PEF | ITRF | taken as equal | polar motion, below 0.6": 20 m at the surface |
//! | TEME | GCRF | equation of the equinoxes, IAU-80 nutation (106 terms), IAU-76 precession (Vallado, FK5 reduction) | corrections dpsi, deps and the frame bias, about 0.1": 4 m in low orbit, 20 m in GEO |
//!
//! SGP4 itself is kilometres off within days, so these are small beside it.

use std::fmt;
use std::marker::PhantomData;

use base::Timestamp;

use crate::nutation::{kinematic_terms_rad, mean_obliquity_rad, nutation_rad, precession_angles_rad};
use crate::propagate::J2000_UNIX_NANOS;

/// A frame in which a vector can stand.
pub trait Frame: Copy + fmt::Debug + PartialEq + sealed::Sealed + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Teme {}
    impl Sealed for super::Pef {}
    impl Sealed for super::Gcrf {}
}

/// True equator, mean equinox of date: the frame of SGP4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Teme;

/// Pseudo-Earth-fixed: turns with the Earth; stands for the ITRF with polar motion and dUT1 taken as zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pef;

/// The celestial frame, by IAU-76 precession and IAU-80 nutation (so strictly the FK5 equator and equinox of J2000).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gcrf;

impl Frame for Teme {
    const NAME: &'static str = "TEME";
}
impl Frame for Pef {
    const NAME: &'static str = "PEF";
}
impl Frame for Gcrf {
    const NAME: &'static str = "GCRF";
}

/// A position in frame `F`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position<F: Frame> {
    km: [f64; 3],
    frame: PhantomData<F>,
}

/// A velocity in frame `F` (in [`Pef`]: relative to the turning Earth).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Velocity<F: Frame> {
    km_s: [f64; 3],
    frame: PhantomData<F>,
}

/// Position and velocity in frame `F` at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State<F: Frame> {
    time: Timestamp,
    position: Position<F>,
    velocity: Velocity<F>,
}

impl<F: Frame> Position<F> {
    pub(crate) const fn new(km: [f64; 3]) -> Self {
        Self { km, frame: PhantomData }
    }

    /// The components in km.
    pub const fn km(&self) -> [f64; 3] {
        self.km
    }

    /// Distance from the Earth's centre in km.
    pub fn radius_km(&self) -> f64 {
        norm(self.km)
    }
}

impl<F: Frame> Velocity<F> {
    pub(crate) const fn new(km_s: [f64; 3]) -> Self {
        Self { km_s, frame: PhantomData }
    }

    /// The components in km/s.
    pub const fn km_s(&self) -> [f64; 3] {
        self.km_s
    }

    /// Speed in km/s.
    pub fn speed_km_s(&self) -> f64 {
        norm(self.km_s)
    }
}

impl<F: Frame> State<F> {
    pub(crate) const fn new(time: Timestamp, position: Position<F>, velocity: Velocity<F>) -> Self {
        Self { time, position, velocity }
    }

    /// When (UTC).
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Where.
    pub const fn position(&self) -> Position<F> {
        self.position
    }

    /// How fast and whither.
    pub const fn velocity(&self) -> Velocity<F> {
        self.velocity
    }
}

/// Angular speed of the Earth in rad/s (Vallado 2006, appendix C; length of day taken as 86,400 s).
const EARTH_RATE_RAD_S: f64 = 7.292_115_146_706_98e-5;

impl State<Teme> {
    /// The same state in the turning Earth's frame.
    pub fn to_pef(&self) -> State<Pef> {
        self.to_pef_at(gmst_rad(self.time))
    }

    pub(crate) fn to_pef_at(self, gmst_rad: f64) -> State<Pef> {
        let r = turn_z(self.position.km, gmst_rad);
        let v = turn_z(self.velocity.km_s, gmst_rad);
        // minus the cross product of (0, 0, rate) and r
        let v = [v[0] + EARTH_RATE_RAD_S * r[1], v[1] - EARTH_RATE_RAD_S * r[0], v[2]];
        State::new(self.time, Position::new(r), Velocity::new(v))
    }

    /// The same state in the celestial frame.
    pub fn to_gcrf(&self) -> State<Gcrf> {
        let matrix = teme_to_gcrf(centuries_tt(self.time));
        State::new(
            self.time,
            Position::new(apply(&matrix, self.position.km)),
            Velocity::new(apply(&matrix, self.velocity.km_s)),
        )
    }
}

impl State<Pef> {
    /// The same state in SGP4's frame: the inverse of [`State::to_pef`].
    pub fn to_teme(&self) -> State<Teme> {
        let gmst = gmst_rad(self.time);
        let r = self.position.km;
        let v = self.velocity.km_s;
        let inertial = [v[0] - EARTH_RATE_RAD_S * r[1], v[1] + EARTH_RATE_RAD_S * r[0], v[2]];
        State::new(self.time, Position::new(turn_z(r, -gmst)), Velocity::new(turn_z(inertial, -gmst)))
    }
}

/// Greenwich mean sidereal time 1982 in radians, 0 to 2 pi, with UT1 taken as UTC (Vallado 2006, `gstime`).
pub(crate) fn gmst_rad(time: Timestamp) -> f64 {
    gmst_of_nanos(i128::from(time.unix_nanos()))
}

fn gmst_of_nanos(ut1_unix_nanos: i128) -> f64 {
    let nanos = ut1_unix_nanos - J2000_UNIX_NANOS;
    let t = nanos as f64 / (36_525.0 * 86_400.0 * 1e9);
    // The whole turns (876600 h a century) are taken out in integers, so that nothing is lost to rounding.
    let day_fraction = nanos.rem_euclid(86_400_000_000_000) as f64 / 86_400e9;
    let seconds = 67_310.548_41 + t * (8_640_184.812_866 + t * (0.093_104 - t * 6.2e-6));
    ((seconds / 86_400.0 + day_fraction) * std::f64::consts::TAU).rem_euclid(std::f64::consts::TAU)
}

/// Julian centuries of TT since J2000. TT - UTC is taken as 69.184 s, its value since 2017; a leap second more or
/// less moves precession and nutation by less than 0.1 mm in low orbit.
fn centuries_tt(time: Timestamp) -> f64 {
    (i128::from(time.unix_nanos()) - J2000_UNIX_NANOS + 69_184_000_000) as f64 / (36_525.0 * 86_400.0 * 1e9)
}

type Matrix = [[f64; 3]; 3];

/// Rows of the matrix that takes TEME to J2000 (Vallado, `teme2eci`).
fn teme_to_gcrf(t: f64) -> Matrix {
    let (dpsi, deps) = nutation_rad(t);
    let mean = mean_obliquity_rad(t);
    let equinoxes = dpsi * mean.cos() + kinematic_terms_rad(t);
    let tod = turn_z_matrix(-equinoxes);
    let nutation =
        product(&turn_x_matrix(-mean), &product(&turn_z_matrix(dpsi), &turn_x_matrix(mean + deps)));
    let [zeta, theta, z] = precession_angles_rad(t);
    let precession = product(&turn_z_matrix(zeta), &product(&turn_y_matrix(-theta), &turn_z_matrix(z)));
    product(&precession, &product(&nutation, &tod))
}

fn turn_x_matrix(angle: f64) -> Matrix {
    let (s, c) = angle.sin_cos();
    [[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]]
}

fn turn_y_matrix(angle: f64) -> Matrix {
    let (s, c) = angle.sin_cos();
    [[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]]
}

fn turn_z_matrix(angle: f64) -> Matrix {
    let (s, c) = angle.sin_cos();
    [[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]
}

fn turn_z(v: [f64; 3], angle: f64) -> [f64; 3] {
    let (s, c) = angle.sin_cos();
    [c * v[0] + s * v[1], c * v[1] - s * v[0], v[2]]
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let mut out = [[0.0; 3]; 3];
    for (row, line) in out.iter_mut().zip(a) {
        for (j, cell) in row.iter_mut().enumerate() {
            *cell = line[0] * b[0][j] + line[1] * b[1][j] + line[2] * b[2][j];
        }
    }
    out
}

fn apply(m: &Matrix, v: [f64; 3]) -> [f64; 3] {
    [dot(m[0], v), dot(m[1], v), dot(m[2], v)]
}

pub(crate) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(crate) fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(crate) fn norm(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: [f64; 3], want: [f64; 3], tolerance: f64) {
        let off = norm(minus(got, want));
        assert!(off <= tolerance, "{got:?} is {off} from {want:?}");
    }

    /// Vallado, "Fundamentals", example 3-15, and AIAA 2006-6753, appendix C: 2004-04-06T07:51:28.386009Z.
    fn example() -> State<Teme> {
        State::new(
            "2004-04-06T07:51:28.386009Z".parse().unwrap(),
            Position::new([5094.18016210, 6127.64465950, 6380.34453270]),
            Velocity::new([-4.746131487, 0.785818041, 5.531931288]),
        )
    }

    #[test]
    fn teme_to_pef_matches_the_published_example() {
        let state = example();
        // The example has dUT1 = -0.4399619 s.
        let ut1 = i128::from(state.time.unix_nanos()) - 439_961_900;
        let pef = state.to_pef_at(gmst_of_nanos(ut1));
        // Its Julian date holds 4e-5 s, which is 2e-5 km here; its length of day adds 1e-8 km/s.
        close(pef.position.km, [-1033.4750313, 7901.3055856, 6380.3445327], 2e-5);
        close(pef.velocity.km_s, [-3.225632747, -2.872442511, 5.531931288], 2e-8);
    }

    #[test]
    fn teme_to_j2000_matches_the_published_example() {
        let state = example().to_gcrf();
        // Without the corrections dpsi and deps, as here.
        close(state.position.km, [5102.5096, 6123.01152, 6378.1363], 1e-5);
        close(state.velocity.km_s, [-4.7432196, 0.7905366, 5.5337561], 2e-7);
        // With them (GCRF proper) the example is 0.9 m off: the bound that the table above gives.
        close(state.position.km, [5102.5089579, 6123.0114007, 6378.1369282], 1.2e-3);
    }

    #[test]
    fn pef_goes_back_to_teme() {
        let state = example();
        let back = state.to_pef().to_teme();
        close(back.position.km, state.position.km, 1e-10);
        close(back.velocity.km_s, state.velocity.km_s, 1e-12);
    }

    #[test]
    fn sidereal_time_of_a_known_day() {
        // Vallado, example 3-5: 1992-08-20T12:14:00 UT1 has a GMST of 152.578 787 810 degrees.
        let t: Timestamp = "1992-08-20T12:14:00Z".parse().unwrap();
        assert!((gmst_rad(t).to_degrees() - 152.578_787_810).abs() < 2e-7);
    }
}
