//! Content negotiation (TAXII 2.1, sections 1.6.8 and 3.1; RFC 9110, section 12.5.1).

/// The media type of all answers.
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";

/// Whether somebody who sends this `Accept` header takes [`MEDIA_TYPE`]. TAXII asks clients to send one; who sends none
/// takes anything.
///
/// ```
/// assert!(threat::taxii::accepts(Some("application/taxii+json; version=2.1")));
/// assert!(!threat::taxii::accepts(Some("application/taxii+json;version=2.0, text/html")));
/// ```
pub fn accepts(accept: Option<&str>) -> bool {
    let Some(accept) = accept else { return true };
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let known =
            ["*/*", "application/*"].contains(&kind) || kind.eq_ignore_ascii_case("application/taxii+json");
        // `q=0` says "not this one"; other parameters than the version say nothing here.
        known && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| fits(name, value))
    })
}

fn fits(name: &str, value: &str) -> bool {
    let value = value.trim().trim_matches('"');
    match name.trim().to_ascii_lowercase().as_str() {
        "version" => value == "2.1",
        "q" => value.parse::<f64>().is_ok_and(|q| q > 0.0),
        _ => true,
    }
}

/// Whether a body with this `Content-Type` is a TAXII 2.1 document.
pub fn is_taxii(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else { return false };
    let mut parts = content_type.split(';').map(str::trim);
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/taxii+json"))
        && parts.filter_map(|part| part.split_once('=')).all(|(name, value)| fits(name, value))
}

#[cfg(test)]
mod tests {
    use super::{accepts, is_taxii};

    #[test]
    fn what_is_taken() {
        for yes in [
            "application/taxii+json;version=2.1",
            "application/taxii+json",
            "application/taxii+json; version=\"2.1\"; q=0.5",
            "text/html, */*;q=0.1",
            "Application/TAXII+JSON;Version=2.1",
        ] {
            assert!(accepts(Some(yes)), "{yes}");
        }
        for no in [
            "application/taxii+json;version=2.0",
            "application/vnd.oasis.taxii+json; version=2.0",
            "text/html",
            "",
            "*/*;q=0",
            "application/stix+json;version=2.1",
        ] {
            assert!(!accepts(Some(no)), "{no}");
        }
        assert!(accepts(None));
    }

    #[test]
    fn what_a_body_is() {
        assert!(is_taxii(Some("application/taxii+json;version=2.1")));
        assert!(is_taxii(Some("application/taxii+json")));
        for no in [None, Some("application/json"), Some("application/taxii+json;version=2.0"), Some("")] {
            assert!(!is_taxii(no), "{no:?}");
        }
    }
}
