//! SGP4 and SDP4: our own, after Vallado's code of 2020.
//!
//! [`Sgp4`] holds what an element set yields once (`sgp4init`); [`Sgp4::state`] is the scalar reference in plain
//! double precision, whose bits are the same on every machine; [`kernel`] does many times of one object at once.
//! Constants are those of WGS-72, the mode is the improved one (`opsmode = 'i'`).
//!
//! Names follow the source (`cc1`, `argpdot`, `xlcof` ..), so that the two can be read side by side. Sources: Hoots,
//! Roehrich, "Spacetrack Report #3" (1980); Vallado, Crawford, Hujsak, Kelso, "Revisiting Spacetrack Report #3"
//! (AIAA 2006-6753) and its code as of 2020; here "STR#3" and "V2006".

mod deep;
mod init;
pub(crate) mod kernel;
mod math;
mod reference;

pub(crate) use deep::Resonance;

/// WGS-72 radius of the Earth in km, SGP4's unit of length.
pub(crate) const EARTH_RADIUS_KM: f64 = 6378.135;
/// WGS-72 gravity parameter in km^3/s^2.
const MU: f64 = 398_600.8;
/// Zonal harmonics of WGS-72.
pub(crate) const J2: f64 = 0.001_082_616;
const J3: f64 = -0.000_002_538_81;
const J4: f64 = -0.000_001_655_97;
const J3OJ2: f64 = J3 / J2;

/// Orbits of at least this many minutes get the terms of Sun, Moon and resonance (STR#3: "deep space").
const DEEP_PERIOD_MIN: f64 = 225.0;

/// An ellipse with a smaller semi-major axis, in Earth radii, lies wholly below the surface: the object has decayed. Near
/// a semi-major axis of zero the short-period terms, which grow as its inverse, would put it anywhere above. Later on the
/// axis, a square, grows again. V2006 gives states for both; here they are decayed.
const LEAST_AXIS: f64 = 0.5;

/// Square root of the gravity parameter in Earth radii^1.5 per minute (V2006 `xke`).
fn xke() -> f64 {
    60.0 / (EARTH_RADIUS_KM * EARTH_RADIUS_KM * EARTH_RADIUS_KM / MU).sqrt()
}

/// Vallado's error codes (V2006, appendix B, `satrec.error`); 5 is no longer raised there either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// 1: mean eccentricity at least 1 or below -0.001.
    MeanEccentricity,
    /// 2: mean motion not above zero.
    MeanMotion,
    /// 3: perturbed eccentricity outside 0 to 1.
    PerturbedEccentricity,
    /// 4: semi-latus rectum below zero.
    SemiLatusRectum,
    /// 6: below the Earth's surface.
    Decayed,
}

/// What `sgp4init` makes of mean elements: everything that does not depend on time. Radians, minutes, Earth radii.
#[derive(Debug, Clone)]
pub(crate) struct Sgp4 {
    bstar: f64,
    ecco: f64,
    inclo: f64,
    nodeo: f64,
    argpo: f64,
    mo: f64,
    /// Mean motion after Brouwer (`no_unkozai`).
    no: f64,
    /// Semi-major axis that belongs to `no`: (xke / no)^(2/3).
    ao: f64,
    xke: f64,
    mdot: f64,
    argpdot: f64,
    nodedot: f64,
    nodecf: f64,
    cc1: f64,
    cc4: f64,
    cc5: f64,
    d2: f64,
    d3: f64,
    d4: f64,
    t2cof: f64,
    t3cof: f64,
    t4cof: f64,
    t5cof: f64,
    omgcof: f64,
    xmcof: f64,
    eta: f64,
    delmo: f64,
    sinmao: f64,
    sinio: f64,
    cosio: f64,
    con41: f64,
    x1mth2: f64,
    x7thm1: f64,
    aycof: f64,
    xlcof: f64,
    /// The higher drag terms are left out: perigee below 220 km, or deep space.
    isimp: bool,
    deep: Option<Box<deep::Deep>>,
}

/// Mean elements for [`Sgp4::new`]: Kozai, radians and radians per minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mean {
    pub(crate) epoch_jd: f64,
    pub(crate) bstar: f64,
    pub(crate) ecco: f64,
    pub(crate) inclo: f64,
    pub(crate) nodeo: f64,
    pub(crate) argpo: f64,
    pub(crate) mo: f64,
    pub(crate) no_kozai: f64,
}

/// Position in km, velocity in km/s, TEME.
pub(crate) type PosVel = ([f64; 3], [f64; 3]);

impl Sgp4 {
    /// Whether Sun, Moon and resonance count: SDP4.
    pub(crate) fn is_deep(&self) -> bool {
        self.deep.is_some()
    }

    /// Whether there is surely no error state up to `furthest` minutes from the epoch: by [`Sgp4::radii_km`] it stays
    /// above the Earth and its eccentricity below 0.9, and nothing takes the eccentricity below zero.
    pub(crate) fn is_always_valid(&self, furthest: f64) -> bool {
        let t = furthest;
        let mut less = self.bstar.abs() * (self.cc4.abs() * t + 2.0 * self.cc5.abs());
        let mut floor = 1e-3;
        if let Some(deep) = &self.deep {
            // The periodic terms must not take it below zero at all.
            less += deep.bounds(t).0;
            floor = 0.0;
        }
        less < self.ecco + floor && self.radii_km(t).0 > EARTH_RADIUS_KM
    }

    /// Radii in km between which every valid state up to `furthest` minutes from the epoch lies: perigee and apogee of
    /// the mean elements with all that time, drag, Sun, Moon and resonance can make of them, and 60 km for the
    /// short-period terms, which are below 2 km + 0.0017 r / p^2.
    pub(crate) fn radii_km(&self, furthest: f64) -> (f64, f64) {
        let t = furthest;
        let lost = t * (self.cc1.abs() + t * (self.d2.abs() + t * (self.d3.abs() + t * self.d4.abs())));
        let mut e = self.ecco + self.bstar.abs() * (self.cc4.abs() * t + 2.0 * self.cc5.abs());
        let mut axis = (self.ao, self.ao);
        if let Some(deep) = &self.deep {
            let (more, faster) = deep.bounds(t);
            e += more;
            let by_third = |n: f64| (self.no / n).powf(2.0 / 3.0) * self.ao;
            let slowest = self.no - faster;
            axis =
                (by_third(self.no + faster), if slowest > 0.0 { by_third(slowest) } else { f64::INFINITY });
        }
        // long-period terms of J3
        e += 1.5e-3 / (1.0 - e * e).max(0.05);
        if !(e < 0.9 && lost < 0.5 && axis.1.is_finite()) {
            return (0.0, f64::INFINITY);
        }
        let low = axis.0 * (1.0 - lost).powi(2) * (1.0 - e);
        let high = axis.1 * (1.0 + lost).powi(2) * (1.0 + e);
        // below the Earth's surface there is no valid state
        let parameter = low.max(1.0);
        let short_km = 60.0 * (high / (parameter * parameter)).max(1.0);
        (low * EARTH_RADIUS_KM - short_km, high * EARTH_RADIUS_KM + short_km)
    }
}
