//! The wire form of each noun, byte for byte. A change here is a change of the format: it needs a new version in the
//! schema name, because entries that are signed already have these bytes.

use base::{Fault, Finding, Interval, Marking, Observation, Place, Recall, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;
use testkit::noun_golden as noun;

fn part<T: Serialize + DeserializeOwned>(golden: &str) -> Result<(), Box<dyn std::error::Error>> {
    let read: T = serde_json::from_str(golden)?;
    assert_eq!(serde_json::to_string_pretty(&read)? + "\n", golden);
    Ok(())
}

macro_rules! golden {
    ($($(#[$doc:meta])* $name:ident: $check:ident::<$type:ty>),+ $(,)?) => {
        $(
            $(#[$doc])*
            #[test]
            fn $name() -> Result<(), Box<dyn std::error::Error>> {
                $check::<$type>(include_str!(concat!("data/golden/", stringify!($name), ".json")))
            }
        )+
    };
}

golden! {
    observation: noun::<Observation>,
    finding: noun::<Finding>,
    /// With all that may be left out left out.
    finding_bare: noun::<Finding>,
    recall: noun::<Recall>,
    marking: part::<Marking>,
    /// With every optional field.
    marking_full: part::<Marking>,
    fault: part::<Fault>,
    interval: part::<Interval>,
    place: part::<Place>,
    source: part::<Source>,
}
