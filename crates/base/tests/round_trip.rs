//! Every noun, whatever its values, is the same after it was written and read.

use base::{Noun, from_document, schema_of, to_document};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use testkit::nouns;

/// As a document with its schema, through text as a wire would carry it.
fn document_round_trip<T: Noun + PartialEq + Debug>(noun: &T) -> Result<(), TestCaseError> {
    let fail = |e: &dyn std::fmt::Display| TestCaseError::fail(e.to_string());
    let document = to_document(noun).map_err(|e| fail(&e))?;
    prop_assert_eq!(schema_of(&document), T::SCHEMA);
    let text = serde_json::to_string(&document).map_err(|e| fail(&e))?;
    let read: T = serde_json::from_str(&text)
        .map_err(|e| fail(&e))
        .and_then(|d| from_document(&d).map_err(|e| fail(&e)))?;
    prop_assert_eq!(&read, noun);
    let again = serde_json::to_string(&to_document(&read).map_err(|e| fail(&e))?).map_err(|e| fail(&e))?;
    prop_assert_eq!(again, text);
    Ok(())
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Result<(), TestCaseError> {
    let fail = |e: serde_json::Error| TestCaseError::fail(e.to_string());
    let text = serde_json::to_string(value).map_err(fail)?;
    let read: T = serde_json::from_str(&text).map_err(fail)?;
    prop_assert_eq!(&read, value);
    prop_assert_eq!(serde_json::to_string(&read).map_err(fail)?, text);
    Ok(())
}

proptest! {
    #[test]
    fn observation(noun in nouns::observation()) {
        document_round_trip(&noun)?;
    }

    #[test]
    fn finding(noun in nouns::finding()) {
        document_round_trip(&noun)?;
    }

    #[test]
    fn recall(noun in nouns::recall()) {
        document_round_trip(&noun)?;
    }

    #[test]
    fn marking(value in prop_oneof![nouns::marking(), nouns::known_marking()]) {
        round_trip(&value)?;
    }

    #[test]
    fn fault(value in nouns::fault()) {
        round_trip(&value)?;
    }

    #[test]
    fn interval(value in nouns::interval()) {
        round_trip(&value)?;
    }

    #[test]
    fn place(value in nouns::place()) {
        round_trip(&value)?;
    }

    #[test]
    fn source(value in nouns::source()) {
        round_trip(&value)?;
    }

    #[test]
    fn ids(entry in nouns::entry_id(), blob in nouns::blob_hash(), key in nouns::key_fingerprint(),
           norad in nouns::norad_id(), country in nouns::country(), node in nouns::node_name()) {
        round_trip(&entry)?;
        round_trip(&blob)?;
        round_trip(&key)?;
        round_trip(&norad)?;
        round_trip(&country)?;
        round_trip(&node)?;
    }

    #[test]
    fn scales(severity in nouns::severity(), likelihood in nouns::likelihood(), confidence in nouns::confidence()) {
        round_trip(&severity)?;
        round_trip(&likelihood)?;
        round_trip(&confidence)?;
    }

    /// A field that no noun has is refused wherever it is put: what is dropped in silence was signed by somebody.
    #[test]
    fn an_unknown_field_is_refused(noun in nouns::finding(), name in "x_[a-z]{1,8}") {
        let document = to_document(&noun).map_err(|e| TestCaseError::fail(e.to_string()))?;
        for at in ["", "/interval", "/place", "/method", "/marking", "/objects/0"] {
            let mut changed = document.clone();
            let Some(serde_json::Value::Object(map)) = changed.pointer_mut(at) else { continue };
            map.insert(name.clone(), serde_json::Value::Null);
            prop_assert!(from_document::<base::Finding>(&changed).is_err(), "accepted {} at `{}`", name, at);
        }
    }

    #[test]
    fn another_schema_is_refused(noun in nouns::recall()) {
        let document = to_document(&noun).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert!(from_document::<base::Finding>(&document).is_err());
    }

    /// JSON has no NaN and no infinity; a `null` in their place could not be read again.
    #[test]
    fn a_measure_without_a_json_form_is_refused(
        mut noun in nouns::finding(),
        value in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
    ) {
        noun.measures.insert("miss_km".to_owned(), value);
        prop_assert!(to_document(&noun).is_err());
    }
}
