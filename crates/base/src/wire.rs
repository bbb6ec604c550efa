use serde::de::value::MapDeserializer;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A noun that travels: its JSON document carries `"schema": "bongsu.<noun>/<version>"`.
pub trait Noun: Serialize + DeserializeOwned {
    /// The schema name with its version.
    const SCHEMA: &'static str;
}

/// Why a JSON document is not the noun that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The document has another schema, or none.
    #[error("schema is `{found}`, expected `{expected}`")]
    OtherSchema {
        /// The schema that was asked for.
        expected: &'static str,
        /// The schema of the document, empty when it has none.
        found: String,
    },
    /// A field is missing, unknown or of the wrong kind.
    #[error("`{schema}` cannot be read: {reason}")]
    BadField {
        /// The schema.
        schema: &'static str,
        /// What serde found.
        reason: String,
    },
    /// The noun cannot be written as a JSON object.
    #[error("`{schema}` cannot be written: {reason}")]
    NotAnObject {
        /// The schema.
        schema: &'static str,
        /// Why.
        reason: String,
    },
}

/// The noun as a JSON object with its `schema`.
///
/// # Errors
/// When a value has no JSON form, such as a NaN measure.
pub fn to_document<T: Noun>(noun: &T) -> Result<Value, WireError> {
    let fail = |reason: String| WireError::NotAnObject { schema: T::SCHEMA, reason };
    match serde_json::to_value(noun).map_err(|e| fail(e.to_string()))? {
        Value::Object(mut map) => {
            map.insert("schema".to_owned(), Value::String(T::SCHEMA.to_owned()));
            Ok(Value::Object(map))
        }
        other => Err(fail(format!("it is no object but {other}"))),
    }
}

/// The `schema` of a document, empty when it has none.
pub fn schema_of(document: &Value) -> &str {
    document.get("schema").and_then(Value::as_str).unwrap_or_default()
}

/// The noun in a document.
///
/// # Errors
/// When the schema is another one or a field is missing, unknown or of the wrong kind.
pub fn from_document<T: Noun>(document: &Value) -> Result<T, WireError> {
    let found = schema_of(document);
    if found != T::SCHEMA {
        return Err(WireError::OtherSchema { expected: T::SCHEMA, found: found.chars().take(80).collect() });
    }
    let fields = document.as_object().into_iter().flatten().filter(|(name, _)| *name != "schema");
    // From the borrowed values: a clone of all of them would cost more than the reading.
    T::deserialize(MapDeserializer::new(fields.map(|(name, value)| (name.as_str(), value))))
        .map_err(|e| WireError::BadField { schema: T::SCHEMA, reason: e.to_string() })
}
