use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DependencyKind {
    /// By the crate itself.
    Normal,
    /// By its build script.
    Build,
    /// By its tests, benches and examples.
    Dev,
}

/// One line of a `[dependencies]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The short name for a crate of the workspace (`base`), the registry's name for any other (`serde`).
    pub name: String,
    /// When it is needed.
    pub kind: DependencyKind,
    /// Whether it is a crate of this workspace.
    pub local: bool,
}

/// One crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crate {
    /// The short name: `base` for the package `bongsu-base`.
    pub name: String,
    /// `src/lib.rs`, or `src/main.rs` of a crate without a library.
    pub root_file: PathBuf,
    /// Everything it names in its manifest.
    pub dependencies: Vec<Dependency>,
}

impl Crate {
    /// The folder with its manifest: that above `src/`.
    pub fn folder(&self) -> PathBuf {
        self.root_file.ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
    }
}

/// The crates of the workspace, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The crates.
    pub crates: Vec<Crate>,
}

/// The part of `cargo metadata` that is missing or of the wrong kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceError(String);

impl fmt::Display for WorkspaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo metadata: {}", self.0)
    }
}

impl std::error::Error for WorkspaceError {}

impl Workspace {
    /// From what `cargo metadata --format-version 1 --no-deps` printed.
    ///
    /// # Errors
    /// When the document lacks a field that format version 1 has.
    pub fn from_metadata(metadata: &Value) -> Result<Self, WorkspaceError> {
        let mut crates = list(metadata, "packages")?.iter().map(read_crate).collect::<Result<Vec<_>, _>>()?;
        crates.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { crates })
    }
}

fn read_crate(package: &Value) -> Result<Crate, WorkspaceError> {
    let name = short_name(text(package, "name")?);
    let targets = list(package, "targets")?;
    let is = |target: &&Value, kind: &str| {
        target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind))
    };
    let root = targets
        .iter()
        .find(|t| is(t, "lib"))
        .or_else(|| targets.iter().find(|t| is(t, "bin")))
        .ok_or_else(|| WorkspaceError(format!("`{name}` has neither a library nor a binary")))?;
    let dependencies =
        list(package, "dependencies")?.iter().map(read_dependency).collect::<Result<Vec<_>, _>>()?;
    Ok(Crate { name, root_file: PathBuf::from(text(root, "src_path")?), dependencies })
}

fn read_dependency(dependency: &Value) -> Result<Dependency, WorkspaceError> {
    let name = text(dependency, "name")?;
    let local = dependency["path"].is_string();
    let kind = match dependency["kind"].as_str() {
        None => DependencyKind::Normal,
        Some("build") => DependencyKind::Build,
        Some("dev") => DependencyKind::Dev,
        Some(other) => {
            return Err(WorkspaceError(format!("`{name}` is a dependency of the unknown kind `{other}`")));
        }
    };
    Ok(Dependency { name: if local { short_name(name) } else { name.to_owned() }, kind, local })
}

fn short_name(package: &str) -> String {
    package.strip_prefix("bongsu-").unwrap_or(package).to_owned()
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, WorkspaceError> {
    value[field].as_str().ok_or_else(|| WorkspaceError(format!("`{field}` is not a text")))
}

fn list<'a>(value: &'a Value, field: &str) -> Result<&'a Vec<Value>, WorkspaceError> {
    value[field].as_array().ok_or_else(|| WorkspaceError(format!("`{field}` is not a list")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_crate_goes_by_its_folder_name_and_its_library_comes_before_its_binary() {
        let metadata = json!({"packages": [{
            "name": "bongsu-link",
            "targets": [
                {"kind": ["bin"], "src_path": "/w/crates/link/src/main.rs"},
                {"kind": ["lib"], "src_path": "/w/crates/link/src/lib.rs"},
            ],
            "dependencies": [
                {"name": "bongsu-base", "kind": null, "path": "/w/crates/base"},
                {"name": "serde", "kind": "dev"},
            ],
        }]});
        let expected = Crate {
            name: "link".to_owned(),
            root_file: PathBuf::from("/w/crates/link/src/lib.rs"),
            dependencies: vec![
                Dependency { name: "base".to_owned(), kind: DependencyKind::Normal, local: true },
                Dependency { name: "serde".to_owned(), kind: DependencyKind::Dev, local: false },
            ],
        };
        assert_eq!(Workspace::from_metadata(&metadata), Ok(Workspace { crates: vec![expected] }));
    }

    #[test]
    fn a_document_of_another_form_is_refused() {
        let got = Workspace::from_metadata(&json!({"version": 1}));
        assert_eq!(got, Err(WorkspaceError("`packages` is not a list".to_owned())));
    }
}
