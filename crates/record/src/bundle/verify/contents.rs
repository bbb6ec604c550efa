//! The manifest's rows, and the files that they call for.

use std::collections::{BTreeMap, BTreeSet};

use base::{EntryId, Fault};

use super::super::archive::Member;
use super::super::manifest::{
    CUSTODY, FileRow, KEYS, LABELS, MANIFEST, Manifest, POLICY, PROVENANCE, SUMMARY, checkpoint_path,
    item_path, proof_path, sha256_hex,
};
use super::{MAX_FAULTS, Step, none_or, wrong};

/// The rows of the manifest by themselves.
pub(super) fn check_rows(manifest: &Manifest) -> Result<(), String> {
    let hash = |text: &str| text.parse::<EntryId>().is_ok();
    if manifest.software.sha256.as_ref().is_some_and(|text| !hash(text)) {
        return Err("`software.sha256` is not 64 hexadecimal digits".to_owned());
    }
    if manifest.logs.is_empty() {
        return Err("it names no log".to_owned());
    }
    let origins: BTreeSet<&str> = manifest.logs.iter().map(|log| log.origin.as_str()).collect();
    if origins.len() != manifest.logs.len() {
        return Err("a log stands twice".to_owned());
    }
    let mut ids = BTreeSet::new();
    let mut last = None;
    for item in &manifest.items {
        let Some(log) = manifest.logs.get(item.log) else {
            return Err(format!("item {} is of a log that is not listed", item.id));
        };
        if item.index >= log.size {
            return Err(format!("item {} lies beyond the size of its log", item.id));
        }
        if last >= Some((item.log, item.index)) {
            return Err(format!("item {} does not stand in the order of logs and places", item.id));
        }
        last = Some((item.log, item.index));
        if !ids.insert(item.id) {
            return Err(format!("item {} stands twice", item.id));
        }
    }
    Ok(())
}

/// Each file has the size and hash that the manifest states, and none is more or less.
pub(super) fn check_files(members: &[Member<'_>], rows: &[FileRow]) -> Step<()> {
    let mut faults = Vec::new();
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].path >= pair[1].path) {
        let message = format!("`{}` does not stand in the order of paths", pair[1].path);
        return Err(wrong("bundle::bad_manifest", MANIFEST, message));
    }
    let listed: BTreeSet<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    let there: BTreeSet<&str> = members.iter().map(|member| member.name).collect();
    for extra in there.difference(&listed).take(MAX_FAULTS) {
        faults.extend(wrong("bundle::unknown_file", extra, "the manifest does not list this file"));
    }
    for missing in listed.difference(&there).take(MAX_FAULTS) {
        faults.extend(wrong(
            "bundle::missing_file",
            missing,
            "the manifest lists this file, it is not there",
        ));
    }
    none_or(std::mem::take(&mut faults))?;
    if let Some((member, row)) = members.iter().zip(rows).find(|(member, row)| member.name != row.path) {
        let message = format!("`{}` stands here, `{}` is next in the manifest", member.name, row.path);
        return Err(wrong("bundle::bad_archive", member.name, message));
    }
    for (member, row) in members.iter().zip(rows) {
        if member.bytes.len() as u64 != row.bytes || sha256_hex(member.bytes) != row.sha256 {
            let end = member.bytes.len() as u64;
            let fault = Fault::error("bundle::bad_hash", "its bytes do not have the hash of the manifest");
            faults.push(fault.in_source(member.name).at_bytes(0, end));
        }
    }
    faults.truncate(MAX_FAULTS);
    none_or(faults)
}

/// The files are those that the items call for. Blobs are matched when the entries are read.
pub(super) fn check_names(manifest: &Manifest, files: &BTreeMap<&str, &[u8]>) -> Step<()> {
    let mut wanted: BTreeSet<String> = [KEYS, LABELS, CUSTODY, PROVENANCE, SUMMARY].map(str::to_owned).into();
    wanted.extend((0..manifest.logs.len()).map(checkpoint_path));
    wanted.extend(manifest.items.iter().map(|item| proof_path(&item.id)));
    wanted.extend(manifest.items.iter().filter(|item| !item.withdrawn).map(|item| item_path(&item.id)));
    let mut faults = Vec::new();
    for missing in wanted.iter().filter(|path| !files.contains_key(path.as_str())).take(MAX_FAULTS) {
        faults.extend(wrong("bundle::missing_file", missing, "this file belongs into the bundle"));
    }
    let known = |path: &str| wanted.contains(path) || path == POLICY || path.starts_with("blobs/");
    for extra in files.keys().filter(|path| !known(path)).take(MAX_FAULTS) {
        faults.extend(wrong("bundle::unknown_file", extra, "no file of this name belongs into a bundle"));
    }
    none_or(faults)
}
