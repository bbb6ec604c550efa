//! Room `orbit`: what is in orbit, where it will be, what comes near what, and who sees what.
//!
//! Element sets are read ([`read_catalogue`], many of each object by [`read_history`]) and propagated by our own SGP4
//! and SDP4 ([`Propagator`]). On these rest the analyses:
//!
//! - [`screen`] finds every approach within a distance; an [`Approach`] becomes a [`base::Finding`] through [`finding`];
//! - [`companions`] finds objects that stay near another, since when, and who came to whom;
//! - [`detect_manoeuvres`] finds burns in the history of an object's element sets;
//! - [`coverage`] tells when satellites see a region, and what it costs to lose one.
//!
//! Messages of CCSDS are read, checked and written ([`read_messages`]); a CDM gives a probability of collision
//! ([`Encounter`]).
//!
//! **Invariant:** nothing here reads a clock, a file or a socket or starts a thread: bytes, times and a rayon pool
//! are handed in. Readers never fail: they give what they could read and a [`base::Fault`] for each thing that they
//! could not. A decayed or invalid state never yields a position.
//!
//! Sources: Vallado, Crawford, Hujsak, Kelso, "Revisiting Spacetrack Report #3" (AIAA 2006-6753); CCSDS 502.0-B-3
//! (orbit data messages), 503.0-B-2 (tracking), 505.0-B (XML), 508.0-B-1 (conjunctions); Alfano (2005) for the
//! probability of collision; Vallado, "Fundamentals of Astrodynamics and Applications", for the frames.
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
mod ccsds;
mod companion;
mod coverage;
mod element_set;
mod finding;
mod frame;
mod geodetic;
mod json;
mod json_plain;
mod lines;
mod manoeuvre;
mod nutation;
mod omm;
mod probability;
mod propagate;
mod read;
mod samples;
mod screen;
mod sgp4;
mod simd;
mod tle;
mod tle_write;
mod utc;

pub use catalogue::{Catalogue, name_matches};
pub use ccsds::{
    CdmHeader, Conjunction, ConjunctionObject, Entry, Field, Found, MAX_MESSAGE_BYTES, MAX_ONE_MESSAGE_BYTES,
    Message, MessageForm, MessageKind, MessagesRead, Outcome, Place, Section, Segment, StateVector,
    each_message, message_form, read_messages, to_xml_document,
};
pub use companion::{
    Companion, CompanionError, Companions, Direction, MAX_PASSING_OBJECTS, MIN_DWELL, SLOW_NEIGHBOUR_KM_S,
    companions,
};
pub use coverage::{
    Access, AccessLimits, Cell, Coverage, CoverageError, EndGaps, Loss, MAX_ACCESSES, MAX_CELLS, Merit,
    Nadir, Outage, Region, RegionError, RegionRead, Requirement, View, coverage, merit_of_accesses,
    read_region,
};
pub use element_set::{ElementError, ElementSet, Elements};
pub use finding::{FindingContext, METHOD_NAME, finding};
pub use frame::{Frame, Gcrf, Pef, Position, State, Teme, Velocity};
pub use geodetic::{Geodetic, geodetic, pef_position, sub_point};
pub use manoeuvre::{
    Alarm, ElementHistory, Manoeuvre, ManoeuvreKind, ManoeuvreSettings, detect_manoeuvres,
    detect_manoeuvres_causally, manoeuvre_alarms_of, manoeuvres_of,
};
pub use probability::{CollisionProbability, Encounter, ProbabilityError};
pub use propagate::{Ephemeris, PropagationError, Propagator, StateBatch};
pub use read::{CatalogueRead, Format, HistoryRead, MAX_LINE_BYTES, read_catalogue, read_history};
pub use screen::{
    Approach, Event, LimitsError, MAX_WITHIN_KM, Proximity, SLOW_KM_S, ScreenError, ScreenLimits, Screening,
    rescreen, screen,
};
pub use simd::Kernel;
pub use tle_write::TleWriteError;
