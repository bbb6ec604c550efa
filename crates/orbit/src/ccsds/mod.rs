//! Messages of CCSDS: OPM, OMM, OEM (502.0-B-3), CDM (508.0-B-1), TDM (503.0-B-2), in KVN and XML (505.0-B).
//!
//! One table a kind (`opm.rs`, `omm.rs`, ..) names every keyword with its section, unit and obligation; it serves
//! reading, checking and writing in both forms. [`kvn`] and [`xml`] turn text into sections and fields, [`check`]
//! holds them against the table.

mod cdm;
mod check;
mod conjunction;
mod encoding;
mod faults;
mod kvn;
mod model;
mod oem;
mod omm;
mod opm;
mod read;
mod schema;
mod tdm;
mod typed;
mod units;
mod write;
mod write_json;
mod xml;

pub use conjunction::{CdmHeader, Conjunction, ConjunctionObject};
pub use model::{Entry, Field, Message, MessageForm, MessageKind, Place, Section, Segment};
pub use read::{
    Found, MAX_MESSAGE_BYTES, MAX_ONE_MESSAGE_BYTES, MessagesRead, Outcome, each_message, message_form,
    read_messages,
};
pub use typed::StateVector;
pub use write::to_xml_document;
