//! What keeps the repository true to its own rules: the checks behind `cargo test -p xtask` and the commands of
//! `cargo run -p xtask`.
//!
//! **Invariant:** no other crate depends on this one, and it depends on no other crate of the workspace: it
//! reads `cargo metadata` and files, so that it can judge a workspace that does not compile.
//!
//! Each check is a function from what was read to a list of complaints, one line each, empty when all is well.

mod console;
mod documents;
mod edges;
mod licence;
mod manoeuvre_score;
mod tree;
mod workspace;

pub use console::{ConsoleError, console_check};
pub use documents::{
    absolute_paths, foreign_lock_sources, glossary_faults, invariant, links, section_invariants,
};
pub use edges::{banned_libraries, forbidden_edges};
pub use licence::is_permissive;
pub use manoeuvre_score::{ScoreError, Tally, episodes, manoeuvre_score, pairs};
pub use tree::{differences, files, repository};
pub use workspace::{Crate, Dependency, DependencyKind, Workspace, WorkspaceError};
