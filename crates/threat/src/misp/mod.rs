//! MISP: events with their attributes, objects, sightings, galaxies and reports, read and written; feeds; who an event
//! is for; and the way to STIX 2.1 and back (MISP core format, draft-dulaunoy-misp-core-format; conversion by the rules
//! of misp-stix where it has one).

mod feed;
mod from_stix;
mod galaxy;
mod model;
mod reach;
mod read;
mod table;
mod to_stix;
mod value;
mod write;

pub use feed::{MispFeed, MispFeedEntry, MispHash, read_misp_hashes, read_misp_manifest};
pub use from_stix::{MispFromStix, stix_to_misp};
pub use galaxy::{MispGalaxyFile, read_misp_galaxy};
pub use model::{
    MispAttribute, MispCluster, MispDistribution, MispEvent, MispGalaxy, MispMember, MispObject,
    MispOrganisation, MispReference, MispReport, MispSharingGroup, MispSighting, MispTag,
};
pub use reach::{MispDistance, MispReach};
pub use read::{MispRead, looks_like_misp, read_misp};
pub use to_stix::{MispToStix, misp_to_stix};
pub use write::{MispFeedFiles, write_misp_event, write_misp_feed};
