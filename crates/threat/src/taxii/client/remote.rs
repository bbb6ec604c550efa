//! The documents of a server, read with more patience than the standard asks: what is needed must be there, what is
//! not is not missed.

use serde::Deserialize;
use serde_json::Value;

/// What lies at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// The discovery resource (TAXII 2.1, section 4.1) with the addresses of its roots, the default first.
    Discovery(Vec<String>),
    /// An API root (section 4.2).
    Root(RemoteRoot),
}

/// An API root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRoot {
    /// The name for people.
    pub title: String,
    /// The largest body that it says it takes, in bytes; `None` when it does not say.
    pub max_content_length: Option<u64>,
}

/// A collection (section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RemoteCollection {
    /// Its id.
    pub id: String,
    /// The name for people.
    #[serde(default)]
    pub title: String,
    /// A name that may stand in the address in place of the id.
    #[serde(default)]
    pub alias: Option<String>,
    /// Whether we may get.
    #[serde(default)]
    pub can_read: bool,
    /// Whether we may add.
    #[serde(default)]
    pub can_write: bool,
}

impl RemoteCollection {
    /// Whether it goes by that name: its id, its alias or its title.
    pub fn is_called(&self, name: &str) -> bool {
        self.id == name || self.alias.as_deref() == Some(name) || self.title == name
    }
}

impl Served {
    /// Reads a discovery resource or an API root; `None` when the body is neither.
    pub fn read(body: &[u8]) -> Option<Self> {
        let document: Value = serde_json::from_slice(body).ok()?;
        let map = document.as_object()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if map.contains_key("versions") || map.contains_key("max_content_length") {
            return Some(Self::Root(RemoteRoot {
                title: map.get("title").and_then(text).unwrap_or_default(),
                max_content_length: map.get("max_content_length").and_then(Value::as_u64),
            }));
        }
        if !map.contains_key("api_roots") && !map.contains_key("default") {
            return None;
        }
        let mut roots: Vec<String> = map.get("default").and_then(text).into_iter().collect();
        for root in map.get("api_roots").and_then(Value::as_array).into_iter().flatten().filter_map(text) {
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        Some(Self::Discovery(roots))
    }
}

/// Reads the list of collections (section 5.1); `None` when the body is none. One that has no id is left out.
pub fn read_collections(body: &[u8]) -> Option<Vec<RemoteCollection>> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let list = match document.as_object()?.get("collections") {
        None => return Some(Vec::new()),
        Some(list) => list.as_array()?,
    };
    Some(list.iter().filter_map(|one| RemoteCollection::deserialize(one).ok()).collect())
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusItem {
    /// The object.
    pub id: String,
    /// Its version, when the server says it.
    pub version: Option<String>,
    /// What the server says of it.
    pub message: Option<String>,
}

/// What became of a request to add objects (section 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteStatus {
    /// Of which request.
    pub id: String,
    /// Whether all is decided.
    pub complete: bool,
    /// Kept objects, as far as the server names them.
    pub successes: Vec<StatusItem>,
    /// Refused objects.
    pub failures: Vec<StatusItem>,
    /// Objects not yet dealt with.
    pub pendings: Vec<StatusItem>,
    /// How many were refused, also where they are not named.
    pub failure_count: u64,
}

/// Reads a status resource; `None` when the body is none.
pub fn read_status(body: &[u8]) -> Option<RemoteStatus> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let map = document.as_object()?;
    let items = |name: &str| {
        let list = map.get(name).and_then(Value::as_array).into_iter().flatten();
        let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
        list.filter_map(|one| {
            let id = text(one, "id")?;
            Some(StatusItem { id, version: text(one, "version"), message: text(one, "message") })
        })
        .collect::<Vec<_>>()
    };
    let failures = items("failures");
    Some(RemoteStatus {
        id: map.get("id")?.as_str()?.to_owned(),
        complete: map.get("status")?.as_str()? == "complete",
        failure_count: map.get("failure_count").and_then(Value::as_u64).unwrap_or(failures.len() as u64),
        failures,
        successes: items("successes"),
        pendings: items("pendings"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Served, read_collections, read_status};

    #[test]
    fn documents_are_told_apart() {
        let roots = |text: &str| Served::read(text.as_bytes());
        let discovery = roots(r#"{"title":"x","default":"/b/","api_roots":["/a/","/b/"]}"#);
        assert_eq!(discovery, Some(Served::Discovery(vec!["/b/".to_owned(), "/a/".to_owned()])));
        assert!(matches!(
            roots(r#"{"title":"x","versions":["application/taxii+json;version=2.1"],"max_content_length":9}"#),
            Some(Served::Root(root)) if root.max_content_length == Some(9)
        ));
        for neither in ["", "[]", "{}", "<html></html>", r#"{"title":"x"}"#] {
            assert_eq!(roots(neither), None, "{neither}");
        }
    }

    #[test]
    fn lists_and_statuses_with_gaps() {
        assert_eq!(read_collections(b"{}").map(|c| c.len()), Some(0));
        assert_eq!(read_collections(br#"{"collections":{}}"#), None);
        let some =
            read_collections(br#"{"collections":[{"title":"no id"},{"id":"a","can_read":true}]}"#).unwrap();
        assert!(some.len() == 1 && some[0].can_read && !some[0].can_write && some[0].is_called("a"));
        let status =
            read_status(br#"{"id":"1","status":"pending","failures":[{"id":"x","message":"no"},{}]}"#)
                .unwrap();
        assert!(!status.complete && status.failure_count == 1 && status.failures[0].version.is_none());
        assert_eq!(read_status(b"{}"), None);
    }
}
