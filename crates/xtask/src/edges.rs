use crate::{DependencyKind, Workspace};

/// Which crates of the workspace a crate may use. An edge that is not here is a decision: write it down under
/// docs/decisions/ and then add it.
const ALLOWED: &[(&str, &[&str])] = &[
    // Level 0: the shared nouns.
    ("base", &[]),
    // Level 1: the rooms. They never import one another.
    ("label", &["base"]),
    ("record", &["base"]),
    ("orbit", &["base"]),
    ("threat", &["base"]),
    ("sigma", &["base"]),
    // Level 2: what joins findings and carries entries.
    ("hunt", &["base", "threat"]),
    ("incident", &["base"]),
    ("link", &["base", "label", "record"]),
    // Level 3: the one crate with clock, files, network and threads.
    ("node", &["base", "label", "record", "orbit", "threat", "incident", "link"]),
    // Level 4: the binary.
    ("bongsu", &["base", "label", "record", "orbit", "threat", "sigma", "hunt", "incident", "link", "node"]),
    // Development only.
    ("bench", &["base", "label", "record", "orbit", "threat", "hunt", "link", "node"]),
    ("testkit", &["base"]),
    ("xtask", &[]),
];

/// Crates of levels 0 to 2: no clock, file, socket, thread or async runtime of their own.
const PURE: &[&str] = &["base", "label", "record", "orbit", "threat", "sigma", "hunt", "incident", "link"];

/// Libraries that bring a runtime, a network or a database, and the pure crates that may have one all the same.
const BANNED: &[(&str, &[&str])] = &[
    ("async-std", &[]),
    ("axum", &[]),
    ("hyper", &[]),
    ("hyper-util", &[]),
    ("mio", &[]),
    ("reqwest", &[]),
    // The record's store is the one place below `node` that touches a disk.
    ("rusqlite", &["record"]),
    ("rustls", &[]),
    ("smol", &[]),
    ("tokio", &[]),
    ("tokio-rustls", &[]),
    ("tower", &[]),
    ("tower-http", &[]),
    ("ureq", &[]),
];

/// The edges between crates of the workspace that the table does not allow, and the crates that it does not know.
///
/// Everybody's tests may use `testkit`; nothing else is free.
pub fn forbidden_edges(workspace: &Workspace) -> Vec<String> {
    let mut complaints = Vec::new();
    for one in &workspace.crates {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == one.name) else {
            complaints.push(format!(
                "crate `{}` is not in the table of crates/xtask/src/edges.rs: say there what it may use",
                one.name
            ));
            continue;
        };
        for dependency in one.dependencies.iter().filter(|d| d.local) {
            let for_tests = dependency.kind == DependencyKind::Dev && dependency.name == "testkit";
            if !for_tests && !allowed.contains(&dependency.name.as_str()) {
                complaints.push(format!(
                    "`{}` must not depend on `{}`: move the code, or write a decision and add the edge to \
                     crates/xtask/src/edges.rs",
                    one.name, dependency.name
                ));
            }
        }
    }
    for (name, _) in ALLOWED {
        if !workspace.crates.iter().any(|c| c.name == *name) {
            complaints.push(format!(
                "crate `{name}` is in the table of crates/xtask/src/edges.rs but does not exist"
            ));
        }
    }
    complaints
}

/// The crates of levels 0 to 2 that name a library with a runtime, a network or a database. Tests may have them.
pub fn banned_libraries(workspace: &Workspace) -> Vec<String> {
    let mut complaints = Vec::new();
    for one in workspace.crates.iter().filter(|c| PURE.contains(&c.name.as_str())) {
        for dependency in one.dependencies.iter().filter(|d| !d.local && d.kind != DependencyKind::Dev) {
            let banned = BANNED.iter().find(|(library, _)| *library == dependency.name);
            if banned.is_some_and(|(_, excepted)| !excepted.contains(&one.name.as_str())) {
                complaints.push(format!(
                    "`{}` must not depend on `{}`: only `node` and `bongsu` touch the outside",
                    one.name, dependency.name
                ));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{Crate, Dependency};

    /// The whole workspace without any edge, save that `name` has one dependency.
    fn with(name: &str, dependency: &str, kind: DependencyKind, local: bool) -> Workspace {
        let edge = Dependency { name: dependency.to_owned(), kind, local };
        let crates = ALLOWED.iter().map(|(each, _)| Crate {
            name: (*each).to_owned(),
            root_file: PathBuf::new(),
            dependencies: if *each == name { vec![edge.clone()] } else { Vec::new() },
        });
        Workspace { crates: crates.collect() }
    }

    #[test]
    fn only_edges_of_the_table_pass() {
        use DependencyKind::{Build, Dev, Normal};
        let check = |from: &str, to: &str, kind, allowed: bool| {
            let complaints = forbidden_edges(&with(from, to, kind, true));
            assert_eq!(complaints.is_empty(), allowed, "{from} -> {to}: {complaints:?}");
        };
        check("label", "base", Normal, true);
        check("link", "record", Normal, true);
        check("node", "orbit", Normal, true);
        check("bongsu", "node", Normal, true);
        check("orbit", "testkit", Dev, true);
        check("orbit", "base", Dev, true);

        check("base", "label", Normal, false);
        check("orbit", "record", Normal, false);
        check("orbit", "record", Dev, false);
        check("orbit", "label", Build, false);
        check("incident", "orbit", Normal, false);
        check("link", "incident", Normal, false);
        check("node", "bongsu", Normal, false);
        check("node", "testkit", Normal, false);
        check("testkit", "record", Normal, false);
    }

    #[test]
    fn an_unknown_and_a_missing_crate_are_named() {
        let mut workspace = with("base", "none", DependencyKind::Normal, false);
        workspace.crates.retain(|c| c.name != "link");
        workspace.crates.push(Crate {
            name: "weather".to_owned(),
            root_file: PathBuf::new(),
            dependencies: Vec::new(),
        });
        let complaints = forbidden_edges(&workspace);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("crate `weather` is not in the table"), "{complaints:?}");
        assert!(complaints[1].starts_with("crate `link` is in the table"), "{complaints:?}");
    }

    #[test]
    fn pure_crates_have_no_runtime_network_or_database() {
        use DependencyKind::{Dev, Normal};
        let check = |from: &str, library: &str, kind, allowed: bool| {
            let complaints = banned_libraries(&with(from, library, kind, false));
            assert_eq!(complaints.is_empty(), allowed, "{from} -> {library}: {complaints:?}");
        };
        check("link", "tokio", Normal, false);
        check("label", "rusqlite", Normal, false);
        check("base", "ureq", Normal, false);
        check("record", "rusqlite", Normal, true);
        check("link", "tokio", Dev, true);
        check("node", "tokio", Normal, true);
        check("orbit", "serde", Normal, true);
    }
}
