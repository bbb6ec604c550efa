use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// The root of the repository that this crate was built from.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The files that belong to the repository at `root`, relative to it and sorted: what git tracks or would offer
/// to add. Without git (an unpacked archive), everything but build outputs.
///
/// # Errors
/// When a folder cannot be read.
pub fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let listed = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output();
    let mut found = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split_terminator('\0')
            .map(PathBuf::from)
            // A deleted file stays in the index until the next commit.
            .filter(|path| root.join(path).is_file())
            .collect(),
        _ => walk(root, &|folder| !is_output(folder))?,
    };
    found.sort();
    Ok(found)
}

/// How the folder `found` differs from `expected`, one line a file; empty when they hold the same bytes.
///
/// # Errors
/// When one of the folders cannot be read.
pub fn differences(expected: &Path, found: &Path) -> io::Result<Vec<String>> {
    let every = |_: &Path| true;
    let old: BTreeSet<_> = walk(found, &every)?.into_iter().collect();
    let new: BTreeSet<_> = walk(expected, &every)?.into_iter().collect();
    let mut lines = Vec::new();
    for path in old.union(&new) {
        let shown = path.display();
        match (old.contains(path), new.contains(path)) {
            (true, false) => lines.push(format!("{shown}: should not be there")),
            (false, true) => lines.push(format!("{shown}: missing")),
            _ if fs::read(found.join(path))? != fs::read(expected.join(path))? => {
                lines.push(format!("{shown}: other bytes"));
            }
            _ => {}
        }
    }
    Ok(lines)
}

/// The files below `root` relative to it, in folders that `enter` lets us into.
fn walk(root: &Path, enter: &dyn Fn(&Path) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if enter(&path) {
                    folders.push(path);
                }
            } else if let Ok(relative) = path.strip_prefix(root) {
                files.push(relative.to_owned());
            }
        }
    }
    Ok(files)
}

fn is_output(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    // Cargo marks each of its target folders with this file, whatever the folder is called.
    name == ".git" || name == "node_modules" || name == "bongsu-demo" || folder.join("CACHEDIR.TAG").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, bytes: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn each_kind_of_difference_is_named() {
        let (expected, found) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for side in [&expected, &found] {
            put(side.path(), "same", "1");
            put(side.path(), "assets/changed", "1");
        }
        assert_eq!(differences(expected.path(), found.path()).unwrap(), Vec::<String>::new());

        put(found.path(), "assets/changed", "2");
        put(found.path(), "old", "1");
        put(expected.path(), "assets/new", "1");
        let lines = differences(expected.path(), found.path()).unwrap();
        assert_eq!(lines, ["assets/changed: other bytes", "assets/new: missing", "old: should not be there"]);
    }

    #[test]
    fn without_git_build_outputs_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "README.md", "");
        put(root.path(), "console/node_modules/x/README.md", "");
        put(root.path(), "elsewhere/CACHEDIR.TAG", "");
        put(root.path(), "elsewhere/debug/x", "");
        assert_eq!(walk(root.path(), &|f| !is_output(f)).unwrap(), [PathBuf::from("README.md")]);
    }
}
