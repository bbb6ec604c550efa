//! Pictures of results, as SVG: a screening, a history with manoeuvres, a map of coverage.
//!
//! Plain SVG 1.1 without scripts and outside references, with title and description for screen readers. Colours follow
//! the reader's light or dark theme; whatever a colour says, a shape, a number or a word says too. The same result gives
//! the same bytes.

mod axis;
mod coverage;
mod history;
mod outlines;
mod screening;
mod svg;

pub(crate) use coverage::{CoverageMap, MapCell, coverage_map};
pub(crate) use history::{History, HistoryPoint, ManoeuvreMark, history};
pub(crate) use screening::{ScreeningPicture, screening};

use std::io::Write;
use std::path::Path;

use crate::error::CliError;

/// Writes a picture: the file appears whole or not at all. An older file of that name is replaced, because the name was
/// given for that.
///
/// # Errors
/// When the folder cannot be written to, or the name is that of a folder.
pub(crate) fn write(svg: &str, path: &Path) -> Result<(), CliError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Like any file that a program writes, not like a secret: the user's mask takes away what it should.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(CliError::io(path))?;
    file.write_all(svg.as_bytes()).map_err(CliError::io(path))?;
    file.persist(path).map_err(|error| CliError::io(path)(error.error))?;
    Ok(())
}

/// `1 pass`, `2 passes`.
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_appear_whole_and_replace_older_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.svg");
        write("<svg/>", &path).unwrap();
        write("<svg></svg>", &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "<svg></svg>");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write("<svg/>", &folder.path().join("none/x.svg")).is_err());
        assert!(write("<svg/>", folder.path()).is_err());
    }
}
