//! Banner and portion lines after the CAPCO register (Authorized Classification and Control Markings Register), as in
//! `SECRET//REL TO USA, KOR` and `(S//NF)`.
//!
//! Order of a banner: classification, SCI, SAR, AEA, FGI, dissemination controls, other controls, with `//` between and
//! `/` within. We add words of our own at the end (`TLP:AMBER`, `PAP:RED`, `FROM ..`, `UNTIL ..`), which a person reads as
//! they stand and a reader that does not know them must refuse.

mod controls;
mod read;
mod write;

pub(super) use controls::Controls;
pub(super) use read::{is_marking, line, read};
pub(super) use write::{caveat, level_for, write};

use crate::Level;

/// The classifications with their portion marks.
const LEVELS: [(&str, &str, Level); 5] = [
    ("TOP SECRET", "TS", Level::TopSecret),
    ("SECRET", "S", Level::Secret),
    ("CONFIDENTIAL", "C", Level::Confidential),
    ("RESTRICTED", "R", Level::Restricted),
    ("UNCLASSIFIED", "U", Level::Unclassified),
];

/// NATO's classifications with their portion marks.
pub(super) const NATO_LEVELS: [(&str, &str, Level); 5] = [
    ("COSMIC TOP SECRET", "CTS", Level::TopSecret),
    ("NATO SECRET", "NS", Level::Secret),
    ("NATO CONFIDENTIAL", "NC", Level::Confidential),
    ("NATO RESTRICTED", "NR", Level::Restricted),
    ("NATO UNCLASSIFIED", "NU", Level::Unclassified),
];

pub(super) const NATO_POLICY: &str = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0:policy:NATO";

/// Controls that are restrictive categories here: banner word, portion mark, category.
const CATEGORIES: &[(&str, &str, &str)] = &[
    ("FOR OFFICIAL USE ONLY", "FOUO", "DISSEM:FOUO"),
    ("IMCON", "IMC", "DISSEM:IMC"),
    ("PROPIN", "PR", "DISSEM:PR"),
    ("DEA SENSITIVE", "DSEN", "DISSEM:DSEN"),
    ("FISA", "FISA", "DISSEM:FISA"),
    ("RSEN", "RS", "DISSEM:RS"),
    ("LIMITED DISTRIBUTION", "DS", "NONIC:DS"),
    ("LIMDIS", "DS", "NONIC:DS"),
    ("EXDIS", "XD", "NONIC:XD"),
    ("NODIS", "ND", "NONIC:ND"),
    ("SBU", "SBU", "NONIC:SBU"),
    ("SBU NOFORN", "SBU-NF", "NONIC:SBU-NF"),
    ("LES", "LES", "NONIC:LES"),
    ("LES NOFORN", "LES-NF", "NONIC:LES-NF"),
    ("SSI", "SSI", "NONIC:SSI"),
    ("RESTRICTED DATA", "RD", "AEA:RD"),
    ("FORMERLY RESTRICTED DATA", "FRD", "AEA:FRD"),
    ("DOD UCNI", "DCNI", "AEA:DCNI"),
    ("DOE UCNI", "UCNI", "AEA:UCNI"),
    ("TFNI", "TFNI", "AEA:TFNI"),
];
