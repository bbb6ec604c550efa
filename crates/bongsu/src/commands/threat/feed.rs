//! Feeds of MISP among the inputs: a folder with a manifest, or the manifest itself.

use std::path::Path;

use base::Fault;
use threat::read_misp_manifest;

use crate::input;

/// The inputs, with the events of a feed in the place of its folder or manifest. What a manifest names and is not there
/// is a fault, and so is a folder without a manifest.
pub(super) fn files(given: &[String], tell: &mut dyn FnMut(Fault)) -> Vec<String> {
    let mut all = Vec::with_capacity(given.len());
    for file in given {
        let path = Path::new(file);
        let manifest = if path.is_dir() {
            path.join("manifest.json")
        } else if path.file_name().is_some_and(|name| name == "manifest.json") {
            path.to_owned()
        } else {
            all.push(file.clone());
            continue;
        };
        let name = manifest.display().to_string();
        let bytes = match input::read(&name) {
            Ok(bytes) => bytes,
            Err(error) => {
                tell(Fault::error(error.code(), error.to_string()).in_source(&name).in_field("file"));
                continue;
            }
        };
        let (feed, faults) = read_misp_manifest(&bytes);
        for fault in faults {
            tell(fault.in_source(&name));
        }
        let folder = manifest.parent().unwrap_or(Path::new("."));
        all.extend(
            feed.events.iter().map(|event| folder.join(format!("{}.json", event.uuid)).display().to_string()),
        );
    }
    all
}
