use std::collections::BTreeMap;
use std::fmt;

use base::{BlobHash, Fault};
use sha2::{Digest, Sha256};

use super::Header;
use super::json::{self, Node, Value};
use super::validate::{comparable, is_identifier};

/// Which version of an object: two texts with the same id and version claim to be the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `modified`, or `created` of an object that has no versions. Written without zeros at the end of the second, so
    /// that the order is the order of time, and 12:00:00.000 is 12:00:00.
    At(String),
    /// The content itself, for objects without a time: cyber-observables.
    Content(BlobHash),
}

/// `2026-03-10T12:00:00Z`, or the hash of the content.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => write!(f, "{time}Z"),
            Self::Content(hash) => write!(f, "{hash}"),
        }
    }
}

/// One version of an object, with its bytes as they were received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion {
    /// `id`.
    pub id: String,
    /// Which version.
    pub version: Version,
    /// SHA-256 of the bytes.
    pub hash: BlobHash,
    /// From `{` to `}`.
    pub bytes: Vec<u8>,
}

impl ObjectVersion {
    /// Takes the object in `bytes`, whose first byte is byte `offset` of the input.
    ///
    /// # Errors
    /// `threat::not_json` and the like when it cannot be read, `threat::bad_id` without an identifier (STIX 2.1 clause
    /// 2.9), `threat::bad_time` when the time of its version is none.
    pub fn read(bytes: &[u8], offset: u64) -> Result<Self, Box<Fault>> {
        let header = Header::read(bytes, offset)?;
        let end = offset + bytes.len() as u64;
        let fault = |code, message: &str, field: &str| {
            Err(Box::new(Fault::error(code, message).in_field(field).at_bytes(offset, end)))
        };
        let Some(id) = header.id.as_deref().filter(|id| is_identifier(id)) else {
            return fault("threat::bad_id", "the object has no `id` that is a type, `--` and a UUID", "id");
        };
        if header.object_type.as_deref() != id.split("--").next() {
            return fault("threat::bad_id", "the `id` does not begin with the `type` of the object", "id");
        }
        let hash = BlobHash::from_bytes(Sha256::digest(bytes).into());
        let version = match header.modified.as_deref().or(header.created.as_deref()) {
            None => Version::Content(hash),
            Some(time) => match comparable(time) {
                Some(time) => Version::At(time.to_owned()),
                None => return fault("threat::bad_time", "the time of the version is none", "modified"),
            },
        };
        Ok(Self { id: id.to_owned(), version, hash, bytes: bytes.to_vec() })
    }
}

/// What became of a version that was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is new.
    New,
    /// These very bytes were there.
    Same,
    /// The same content was there in other bytes: other blanks or another order. Those that came first stay.
    Respelled,
    /// Other content was there under the same id and version. Both are kept, and [`Versions::conflicts`] shows them.
    Conflict,
}

/// Objects with all their versions side by side. Nothing is ever overwritten.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    objects: BTreeMap<String, Vec<ObjectVersion>>,
}

impl Versions {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a version beside the others of its id.
    pub fn insert(&mut self, new: ObjectVersion) -> Inserted {
        let all = self.objects.entry(new.id.clone()).or_default();
        let first = all.partition_point(|one| one.version < new.version);
        let equal = all[first..].iter().take_while(|one| one.version == new.version);
        let mut outcome = Inserted::New;
        let mut after = first;
        for one in equal {
            if one.hash == new.hash {
                return Inserted::Same;
            }
            if same_content(&one.bytes, &new.bytes) {
                return Inserted::Respelled;
            }
            outcome = Inserted::Conflict;
            after += 1;
        }
        all.insert(after, new);
        outcome
    }

    /// The versions of `id`, from the oldest to the newest; those in conflict in the order in which they came.
    pub fn get(&self, id: &str) -> &[ObjectVersion] {
        self.objects.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// The newest version of `id`; of several in conflict the first that came.
    pub fn latest(&self, id: &str) -> Option<&ObjectVersion> {
        let all = self.get(id);
        let newest = &all.last()?.version;
        all.iter().find(|one| one.version == *newest)
    }

    /// Versions that claim to be the same and are not: each group has at least two. By id and version.
    pub fn conflicts(&self) -> impl Iterator<Item = &[ObjectVersion]> {
        self.objects
            .values()
            .flat_map(|all| all.chunk_by(|a, b| a.version == b.version))
            .filter(|group| group.len() > 1)
    }

    /// Every version, by id and then by version.
    pub fn iter(&self) -> impl Iterator<Item = &ObjectVersion> {
        self.objects.values().flatten()
    }

    /// How many versions there are.
    pub fn len(&self) -> usize {
        self.objects.values().map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}

/// Whether two texts say the same: the order of properties and blanks do not count, the spelling of numbers does.
fn same_content(one: &[u8], other: &[u8]) -> bool {
    match (json::parse(one), json::parse(other)) {
        (Ok(one), Ok(other)) => same(&one, &other),
        _ => false,
    }
}

fn same(one: &Node<'_>, other: &Node<'_>) -> bool {
    match (&one.value, &other.value) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|member| other.get(&member.key).is_some_and(|value| same(&member.value, value)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(modified: &str, name: &str) -> ObjectVersion {
        let text = format!(
            r#"{{"type":"tool","id":"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","modified":"{modified}","name":"{name}"}}"#
        );
        ObjectVersion::read(text.as_bytes(), 0).unwrap()
    }

    #[test]
    fn equal_versions_with_other_content_are_kept_and_shown() {
        let mut versions = Versions::new();
        assert_eq!(versions.insert(tool("2026-01-02T00:00:00.000Z", "b")), Inserted::New);
        assert_eq!(versions.insert(tool("2026-01-01T00:00:00.000Z", "a")), Inserted::New);
        assert_eq!(versions.insert(tool("2026-01-02T00:00:00.000Z", "b")), Inserted::Same);
        assert_eq!(versions.insert(tool("2026-01-02T00:00:00Z", "other")), Inserted::Conflict);
        let mut spaced = tool("2026-01-02T00:00:00.000Z", "b");
        spaced.bytes.insert(1, b' ');
        spaced.hash = BlobHash::from_bytes([0; 32]);
        assert_eq!(versions.insert(spaced), Inserted::Respelled);
        let names: Vec<_> = versions.iter().map(|one| one.version.to_string()).collect();
        assert_eq!(names, ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"]);
        assert_eq!(versions.conflicts().map(<[_]>::len).collect::<Vec<_>>(), [2]);
        let latest = versions.latest("tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f").unwrap();
        assert!(latest.bytes.ends_with(br#""name":"b"}"#));
    }

    #[test]
    fn ids_and_times_of_the_wrong_kind_are_told_of() {
        let code = |text: &str| ObjectVersion::read(text.as_bytes(), 0).unwrap_err().code;
        assert_eq!(code(r#"{"type":"tool","id":5}"#), "threat::bad_id");
        let id = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
        assert_eq!(code(&format!(r#"{{"type":"file","id":"tool--{id}"}}"#)), "threat::bad_id");
        let time = format!(r#"{{"type":"tool","id":"tool--{id}","modified":"yesterday"}}"#);
        assert_eq!(code(&time), "threat::bad_time");
    }
}
