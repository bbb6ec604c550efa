//! The physical pass: each file by itself.

use std::fs;
use std::path::Path;

use base::BlobHash;

use super::super::damage::{Damage, DamageKind};
use super::super::schema::FORMAT;
use super::super::{StoreError, blobs, pages, wal};
use super::Check;

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
impl Check {
    pub(super) fn read(&mut self, root: &Path, name: &str, kind: DamageKind) -> Result<Vec<u8>, StoreError> {
        let path = root.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                if kind != DamageKind::Wal {
                    self.in_file(Damage::file(kind, name, 0, 0, "the file is missing"));
                }
                Ok(Vec::new())
            }
            Err(source) => Err(blobs::io_error(&path, source)),
        }
    }

    /// The physical pass.
    pub(super) fn files(&mut self, root: &Path) -> Result<(), StoreError> {
        let format = self.read(root, "format", DamageKind::Format)?;
        if format != FORMAT.as_bytes() && !format.is_empty() {
            self.in_file(Damage::file(DamageKind::Format, "format", 0, format.len(), "unknown format"));
        }
        for name in ["record.db", "record.pages"] {
            if !root.join(name).exists() {
                self.in_file(Damage::file(DamageKind::Database, name, 0, 0, "the file is missing"));
            }
        }
        let wal_bytes = self.read(root, "record.db-wal", DamageKind::Wal)?;
        let scan = wal::scan(&wal_bytes);
        for damage in pages::check(root, &scan).map_err(|e| blobs::io_error(&root.join("record.db"), e))? {
            self.in_file(damage);
        }
        if let Some(at) = scan.broken_at {
            let end = wal_bytes.len();
            self.in_file(Damage::file(DamageKind::Wal, "record.db-wal", at, end, "checksum fails"));
        } else if scan.tail_bytes > 0 {
            self.notes.push(format!(
                "{} bytes at the end of record.db-wal belong to a commit that never finished; nothing in them was acknowledged",
                scan.tail_bytes
            ));
        }
        each_file_below(&root.join("blobs"), &mut |blob| self.blob(root, blob))?;
        for entry in folder(root)? {
            let known = [
                "format",
                "record.db",
                "record.db-wal",
                "record.pages",
                "tiles",
                "checkpoints",
                "ids",
                "blobs",
            ];
            if !known.contains(&entry.as_str()) {
                self.in_file(Damage::file(DamageKind::Stray, &entry, 0, 0, "does not belong here"));
            }
        }
        for name in folder(&root.join("checkpoints"))? {
            if name != "home" {
                self.stray(&format!("checkpoints/{name}"));
            }
        }
        Ok(())
    }

    pub(super) fn stray(&mut self, name: &str) {
        if name.ends_with(".tmp") {
            self.notes.push(format!("{name} was left by a process that was killed; nothing refers to it"));
        } else {
            self.in_file(Damage::file(DamageKind::Stray, name, 0, 0, "does not belong here"));
        }
    }

    fn blob(&mut self, root: &Path, relative: &str) -> Result<(), StoreError> {
        let name = format!("blobs/{relative}");
        let hash = relative.split_once('/').and_then(|(_, hash)| hash.parse::<BlobHash>().ok());
        let Some(hash) = hash.filter(|h| format!("{}/{h}", &h.to_string()[..2]) == relative) else {
            self.stray(&name);
            return Ok(());
        };
        let path = root.join(&name);
        let bytes = fs::read(&path).map_err(|e| blobs::io_error(&path, e))?;
        if blobs::hash_of(&bytes) == hash {
            self.blobs += 1;
        } else {
            self.bad_blobs = true;
            self.in_file(Damage::file(
                DamageKind::Blob,
                &name,
                0,
                bytes.len(),
                "bytes do not have the hash that names the file",
            ));
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(super) fn folder(path: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(blobs::io_error(path, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| blobs::io_error(path, e))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Gives all files below a folder, as paths relative to it, in order; deeper than a record goes, a folder is given itself.
pub(super) fn each_file_below(
    root: &Path,
    give: &mut dyn FnMut(&str) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    below(root, "", give)
}

/// Folders of a record lie at most so deep: tiles of more entries than there can be.
const DEPTH: usize = 6;

fn below(
    root: &Path,
    relative: &str,
    give: &mut dyn FnMut(&str) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for name in folder(&root.join(relative))? {
        let path = if relative.is_empty() { name } else { format!("{relative}/{name}") };
        if root.join(&path).is_dir() && path.matches('/').count() < DEPTH {
            below(root, &path, give)?;
        } else {
            give(&path)?;
        }
    }
    Ok(())
}
