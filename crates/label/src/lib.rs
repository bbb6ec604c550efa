//! The label kernel: who may have an item.
//!
//! A [`Marking`](base::Marking) is words. [`Label::parse`] judges them against a dated table of [`Codes`]; what it
//! does not know it refuses, and what it refuses is withheld. [`release`] decides for one [`Audience`] and gives
//! either [`Released`] or [`Withheld`] with the rule that held it back. [`join`] says what an item derived from
//! several others must carry. A [`Rulebook`] keeps the dated tables and national policies ([`CodeTable`],
//! [`MappingTable`], [`Policy`]) and gives the [`Rules`] of a day. A [`Tearline`] is a sanitised version of a
//! [`Whole`] that proves to come from it and hides the rest.
//!
//! **Invariant:** nothing here reads a clock, a file or a socket, and nothing here can be switched off: there is no
//! way to make a [`Released`] outside this crate other than by [`release`], no way to change what one holds, and
//! no default that widens. A word that this version does not know reaches nobody.
//!
//! ```
//! use base::{EntryId, Marked, Marking, Timestamp};
//! use label::{Audience, Evidence, Level, Rules, Standing, release};
//!
//! #[derive(Debug)]
//! struct Note(Marking);
//! impl Marked for Note {
//!     fn marking(&self) -> Option<&Marking> {
//!         Some(&self.0)
//!     }
//!     fn evidence(&self) -> &[EntryId] {
//!         &[]
//!     }
//! }
//!
//! let washington = Audience {
//!     node: "washington".parse().unwrap(),
//!     country: "USA".parse().unwrap(),
//!     clearance: Level::Secret,
//!     organisation: None,
//! };
//! let rules = Rules::new("KOR".parse().unwrap());
//! let standing = Standing { recalled: false, evidence: &|_| Evidence::Unknown };
//! let decide = |marking| release(Note(marking), &washington, &rules, &standing, Timestamp::UNIX_EPOCH);
//!
//! assert!(decide(Marking::new("RESTRICTED", &["USA"], "KOR")).is_ok());
//! let withheld = decide(Marking::new("RESTRICTED", &["JPN"], "KOR")).unwrap_err();
//! assert_eq!((withheld.rule.as_str(), withheld.path.as_str()), ("rel.not_listed", "marking.rel_to"));
//! ```

mod banner;
mod clearance;
mod codes;
mod formats;
mod join;
mod judge;
mod label;
mod level;
mod policy;
mod relay;
mod release;
mod rule;
mod rulebook;
mod tables;
mod tearline;
mod walk;

pub use banner::banner;
pub use clearance::{Clearance, MAX_CLEARANCE_WORDS};
pub use codes::{Codes, CodesError};
pub use formats::{
    Format, FormatContext, Loss, MAX_DOCUMENT_BYTES, Organisations, ReadMarking, ReadMarkings, Redacted,
    STIX_EXTENSION, UNKNOWN_ORIGINATOR, WrittenMarking, check_ism, read_markings, redact_stix, write_marking,
};
pub use join::{join, join_markings};
pub use label::{Label, LabelError, MAX_WORD_BYTES, MAX_WORDS};
pub use level::{Caveat, Level, Pap, Tlp, UnknownWord};
pub use policy::{
    MAX_POLICIES, MAX_POLICY_BYTES, National, POLICY_SCHEMA, POLICY_SCHEMA_TEXT, Policy, PolicyDocument,
};
pub use relay::{Relayed, relay};
pub use release::{Audience, Evidence, MAX_EVIDENCE, Released, Rules, Standing, release};
pub use rule::{Rule, UnknownRule, Withheld};
pub use rulebook::Rulebook;
pub use tables::{CodeTable, MAX_ROWS, MappingError, MappingRow, MappingTable, Words};
pub use tearline::{
    Disclosed, MAX_DISCLOSED, MAX_FIELDS, SLOTS, Tearline, TearlineError, TearlineRoot, TearlineWhole, Whole,
    verify as verify_tearline,
};
