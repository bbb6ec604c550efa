//! Sigma rules held against the events of logs (Sigma specification 2.1.0, github.com/SigmaHQ/sigma-specification).
//!
//! Rules are read from YAML, each file by itself; `rsigma` evaluates them ([decision 0026](../../../docs/decisions/0026-sigma.md)).
//! Which rules an event is asked about is decided by its log source: the Windows channel and event number, the path of
//! a Zeek log, or what the event says of itself. A hit becomes a [`base::Finding`] that names the techniques of the rule.
//!
//! **Invariant:** nothing here reads a clock, a file or a socket, and no rule can take memory or time without bound: a file,
//! its regular expressions and the expressions of all rules together have limits, and expressions run in linear time.
//!
//! ```
//! let rule = b"title: Whoami\nlogsource: {product: windows, category: process_creation}\n\
//!     detection:\n  one: {CommandLine|contains: whoami}\n  condition: one\nlevel: medium\ntags: [attack.t1033]\n";
//! let mut loader = sigma::RuleLoader::new();
//! assert!(loader.read(rule, "whoami.yml").is_empty());
//! let rules = loader.finish();
//! let event = serde_json::json!({"Event": {"System": {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1},
//!     "EventData": {"CommandLine": "cmd /c whoami"}}});
//! let hits = rules.hits(&sigma::Event::new(&event, None));
//! assert_eq!(hits[0].techniques, ["T1033"]);
//! ```

mod conditions;
mod event;
mod expressions;
mod finding;
mod rules;
mod source;

pub use event::Event;
pub use finding::{RuleHit, finding_of_rule};
pub use rules::{MAX_FILE_BYTES, Rule, RuleLevel, RuleLoader, Rules};
pub use source::LogSource;
