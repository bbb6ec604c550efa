//! Which program signs: an entry when another one takes over the record, so that evidence can say what each entry was made
//! with.

use std::path::Path;

use base::{EntryId, Marking};
use record::{Batch, Entry, Genesis, NodeKey, Program, RecordStore, Software, SqliteRecord, StoreError};

use crate::core::{Chance, Surroundings};
use crate::{Config, NodeError};

/// Holds the id of the newest entry that names a program. A file that is lost costs a second such entry, no more.
const NEWEST: &str = "program";

/// Names the program of the configuration, unless the record names it already.
pub(super) fn name(
    record: &mut SqliteRecord,
    config: &Config,
    key: &NodeKey,
    surroundings: &dyn Surroundings,
) -> Result<(), NodeError> {
    let Some(program) = &config.program else { return Ok(()) };
    let path = config.data.join(NEWEST);
    if named(record, &path)?.as_ref() == Some(program) {
        return Ok(());
    }
    let noun = Program {
        name: program.name.clone(),
        version: program.version.clone(),
        sha256: program.sha256.as_deref().and_then(|hash| hash.parse().ok()),
        marking: Marking::new("RESTRICTED", &[], config.country.as_str()),
    };
    let now = surroundings.now();
    let entry =
        Entry::sign(&noun, &config.country, key, now, &mut Chance(surroundings)).map_err(StoreError::from)?;
    let id = entry.id();
    record.commit(&Batch::of([entry]))?;
    std::fs::write(&path, format!("{id}\n")).map_err(|source| NodeError::Io { path, source })
}

/// The program that the record names last.
fn named(record: &SqliteRecord, path: &Path) -> Result<Option<Software>, NodeError> {
    let newest = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<EntryId>().ok());
    let stored = match newest {
        Some(id) => record.get(&id)?,
        None => record.at(0)?,
    };
    let entry = stored.and_then(|stored| stored.entry);
    let program = entry.as_ref().and_then(|entry| entry.noun::<Program>().ok()).map(|program| Software {
        name: program.name,
        version: program.version,
        sha256: program.sha256.map(|hash| hash.to_string()),
    });
    let founder = entry.as_ref().and_then(|entry| entry.noun::<Genesis>().ok()).map(|genesis| Software {
        name: "bongsu".to_owned(),
        version: genesis.version,
        sha256: None,
    });
    Ok(program.or(founder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Overrides;
    use crate::core::Machine;
    use record::SqliteOptions;

    #[test]
    fn a_program_is_named_once_and_again_when_another_takes_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::load(folder.path(), &Overrides::default()).unwrap();
        config.country = "KOR".parse().unwrap();
        let owner = config.name.clone();
        let key = || NodeKey::from_secret(owner.clone(), &[7; 32]);
        let now = Machine.now();
        let mut rng = Chance(&Machine);
        SqliteRecord::create(folder.path(), key(), &config.country, "T", "0.1.0", now, &mut rng).unwrap();
        let mut record = SqliteRecord::open(folder.path(), key(), SqliteOptions::default()).unwrap();
        let mut sizes = Vec::new();
        for (version, sha256) in [
            ("0.1.0", None),
            ("0.1.0", Some("ab")),
            ("0.1.0", Some("ab")),
            ("0.2.0", None),
            ("0.1.0", Some("ab")),
        ] {
            config.program = Some(Software {
                name: "bongsu".to_owned(),
                version: version.to_owned(),
                sha256: sha256.map(|byte: &str| byte.repeat(32)),
            });
            name(&mut record, &config, &key(), &Machine).unwrap();
            sizes.push(record.log_size());
        }
        assert_eq!(sizes, [1, 2, 2, 3, 4]);
    }
}
