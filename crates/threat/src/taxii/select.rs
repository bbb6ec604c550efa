use super::{Endpoint, Filter, Micros, VersionMatch};

/// One version of an object, as far as choosing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version<'a> {
    /// When it was made by its own word, or added when it says nothing.
    pub version: Micros,
    /// `2.1`.
    pub spec_version: &'a str,
}

/// Which versions of one object answer, by their places in `versions`, in their order (TAXII 2.1, section 3.4.2):
/// first those of the asked specification (without one: of the newest that there is), then of these the asked versions
/// (without one: the last). `versions` are those that the reader may see.
///
/// A request for versions is for all of them; who deletes without saying what deletes all.
pub fn select(versions: &[Version<'_>], filter: &Filter, endpoint: Endpoint) -> Vec<usize> {
    let newest = versions.iter().map(|version| spec_order(version.spec_version)).max();
    let of_spec: Vec<usize> = (0..versions.len())
        .filter(|at| {
            let spec = versions[*at].spec_version;
            if !filter.spec_versions.is_empty() {
                return filter.spec_versions.iter().any(|wanted| wanted == spec);
            }
            endpoint == Endpoint::Delete || Some(spec_order(spec)) == newest
        })
        .collect();
    let default = match endpoint {
        Endpoint::Versions | Endpoint::Delete => VersionMatch::All,
        Endpoint::Objects | Endpoint::Object | Endpoint::Manifest => VersionMatch::Last,
    };
    let first = of_spec.iter().copied().min_by_key(|at| (versions[*at].version, *at));
    let last = of_spec.iter().copied().max_by_key(|at| (versions[*at].version, *at));
    let wanted = if filter.versions.is_empty() { &[default] } else { &filter.versions[..] };
    of_spec
        .into_iter()
        .filter(|at| {
            wanted.iter().any(|wanted| match wanted {
                VersionMatch::First => first == Some(*at),
                VersionMatch::Last => last == Some(*at),
                VersionMatch::All => true,
                VersionMatch::At(time) => versions[*at].version == *time,
            })
        })
        .collect()
}

/// `2.1` before `2.10`.
fn spec_order(text: &str) -> (u32, u32) {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{Version, select};
    use crate::taxii::{Endpoint, Filter, VersionMatch};

    const VERSIONS: [Version<'_>; 4] = [
        Version { version: 1, spec_version: "2.1" },
        Version { version: 3, spec_version: "2.1" },
        Version { version: 9, spec_version: "2.0" },
        Version { version: 2, spec_version: "2.1" },
    ];

    fn chosen(versions: &[VersionMatch], spec_versions: &[&str], endpoint: Endpoint) -> Vec<usize> {
        let spec_versions = spec_versions.iter().map(|s| (*s).to_owned()).collect();
        let filter = Filter { versions: versions.to_vec(), spec_versions, ..Filter::default() };
        select(&VERSIONS, &filter, endpoint)
    }

    #[test]
    fn the_specification_is_chosen_first() {
        assert_eq!(chosen(&[], &[], Endpoint::Objects), [1]);
        assert_eq!(chosen(&[], &["2.0", "2.1"], Endpoint::Objects), [2]);
        assert_eq!(chosen(&[], &["2.0"], Endpoint::Objects), [2]);
        assert_eq!(chosen(&[VersionMatch::First], &[], Endpoint::Manifest), [0]);
        assert_eq!(chosen(&[VersionMatch::First, VersionMatch::At(2)], &[], Endpoint::Object), [0, 3]);
        assert_eq!(chosen(&[VersionMatch::All], &[], Endpoint::Object), [0, 1, 3]);
        assert!(chosen(&[VersionMatch::At(9)], &[], Endpoint::Object).is_empty());
    }

    #[test]
    fn all_versions_unless_said() {
        assert_eq!(chosen(&[], &[], Endpoint::Versions), [0, 1, 3]);
        assert_eq!(chosen(&[], &["2.0", "2.1"], Endpoint::Versions), [0, 1, 2, 3]);
        assert_eq!(chosen(&[], &[], Endpoint::Delete), [0, 1, 2, 3]);
        assert_eq!(chosen(&[VersionMatch::Last], &[], Endpoint::Delete), [2]);
        assert!(select(&[], &Filter::default(), Endpoint::Objects).is_empty());
    }
}
