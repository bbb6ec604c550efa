//! Indicators of compromise: their canonical forms, the set that holds millions of them, the readers of the formats
//! in which they are passed around, and the lists of names that must not raise an alarm.

mod canonical;
mod filter;
mod fingerprint;
mod form;
mod network;
mod origin;
mod pattern_values;
mod read;
mod read_json;
mod read_table;
mod search;
mod set;
mod table;
mod text;
mod warninglist;

pub(crate) use canonical::{
    address, address_text, digest, domain, email, file_name, file_suffix, split_port, split_scheme, url,
};
pub(crate) use fingerprint::{Keys, Quick};
pub use form::{Indicator, IndicatorError, IndicatorKind};
pub use origin::{Origin, OriginId, Validity};
pub use pattern_values::indicators_in_pattern;
pub use read::{IndicatorFormat, IndicatorReader, IndicatorsRead};
pub use search::SearchKeys;
pub(crate) use search::{address_keys, exact_key, name_key, word_keys};
pub use set::{Change, IndicatorSet, SetBuilder, SetError, SetStatistics};
pub(crate) use warninglist::Suppression;
pub use warninglist::Warninglists;
