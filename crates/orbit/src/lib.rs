//! Room `orbit`: what is in orbit, where it will be, and what comes near what.
//!
//! Element sets are read ([`read_catalogue`]), propagated by SGP4/SDP4 ([`Propagator`]) and screened against each
//! other ([`screen`]); an [`Approach`] becomes a [`base::Finding`] through [`finding`].
//!
//! **Invariant:** nothing here reads a clock, a file or a socket or starts a thread: bytes, times and a rayon pool
//! are handed in. Readers never fail: they give what they could read and a [`base::Fault`] for each thing that they
//! could not. A decayed or invalid state never yields a position.
//!
//! Sources: Vallado, Crawford, Hujsak, Kelso, "Revisiting Spacetrack Report #3" (AIAA 2006-6753); CCSDS 502.0-B-3
//! (Orbit Data Messages) for OMM; Vallado, "Fundamentals of Astrodynamics and Applications", for the frames.
//!
//! ```
//! let tle = b"ISS (ZARYA)\r\n\
//! 1 25544U 98067A   20194.88612269 -.00002218  00000-0 -31515-4 0  9992\r\n\
//! 2 25544  51.6461 221.2784 0001413  89.1723 280.4612 15.49507896236008\r\n";
//! let read = orbit::read_catalogue(tle, "stations.txt");
//! assert!(read.faults.is_empty());
//! let iss = read.catalogue.get(base::NoradId::new(25544)).unwrap();
//! let state = orbit::Propagator::new(iss).unwrap().state_at(iss.epoch()).unwrap();
//! let place = orbit::geodetic(&state.to_pef().position());
//! assert!((place.altitude_km - 420.0).abs() < 15.0);
//! ```

mod catalogue;
mod element_set;
mod finding;
mod frame;
mod geodetic;
mod json;
mod lines;
mod manoeuvre;
mod nutation;
mod omm;
mod propagate;
mod read;
mod screen;
mod tle;
mod tle_write;
mod utc;

pub use catalogue::{Catalogue, name_matches};
pub use element_set::{ElementError, ElementSet, Elements};
pub use finding::{FindingContext, METHOD_NAME, finding};
pub use frame::{Frame, Gcrf, Pef, Position, State, Teme, Velocity};
pub use geodetic::{Geodetic, geodetic, pef_position, sub_point};
pub use manoeuvre::{
    Alarm, ElementHistory, Manoeuvre, ManoeuvreKind, ManoeuvreSettings, detect_manoeuvres,
    detect_manoeuvres_causally, manoeuvre_alarms_of, manoeuvres_of,
};
pub use propagate::{Ephemeris, PropagationError, Propagator};
pub use read::{CatalogueRead, Format, HistoryRead, MAX_LINE_BYTES, read_catalogue, read_history};
pub use screen::{
    Approach, Event, LimitsError, MAX_WITHIN_KM, Proximity, SLOW_KM_S, ScreenError, ScreenLimits, Screening,
    screen,
};
pub use tle_write::TleWriteError;
