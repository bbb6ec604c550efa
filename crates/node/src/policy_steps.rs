//! What a step toward the rules of release is checked for, on a running node by request or by order.

use base::Noun;
use label::{CodeTable, MappingTable, Policy, PolicyDocument};
use serde_json::Value;

use crate::NodeError;
use crate::core::RuleDraft;
use crate::policy_change::RulesOnRecord;

/// The document with the version that follows all others of its name, when it has none (0) of its own.
///
/// # Errors
/// When its version does not follow the others.
pub(crate) fn next_document(
    mut document: PolicyDocument,
    rules: &RulesOnRecord,
) -> Result<PolicyDocument, NodeError> {
    if document.version == 0 {
        document.version = rules.newest_version(&document.name).map_or(1, |newest| newest.saturating_add(1));
    }
    rules.may_propose(&document)?;
    Ok(document)
}

/// The policy, read and checked against the schema.
///
/// # Errors
/// With what is wrong with it.
pub(crate) fn compiled(document: PolicyDocument) -> Result<Policy, NodeError> {
    let name = document.path();
    Policy::compile(document).map_err(|faults| {
        let message = faults.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("; ");
        NodeError::BadInput { name, message }
    })
}

/// The table in a document, ready to be recorded, and what recording it does, in words.
///
/// # Errors
/// When it is none.
pub(crate) fn table_draft(document: &Value) -> Result<(RuleDraft, String), NodeError> {
    let wrong =
        |e: &dyn std::fmt::Display| NodeError::BadInput { name: "table".to_owned(), message: e.to_string() };
    match base::schema_of(document) {
        CodeTable::SCHEMA => {
            let table: CodeTable = base::from_document(document).map_err(|e| wrong(&e))?;
            table.codes().map_err(|e| wrong(&e))?;
            let what = format!("proposed codes/{}", table.version);
            Ok((RuleDraft::Codes(table), what))
        }
        MappingTable::SCHEMA => {
            let table: MappingTable = base::from_document(document).map_err(|e| wrong(&e))?;
            table.check().map_err(|e| wrong(&e))?;
            let what = format!("loaded {} {} {}", MappingTable::SCHEMA, table.authority, table.version);
            Ok((RuleDraft::Words(table), what))
        }
        _ => Err(wrong(&format!("`schema` is neither {} nor {}", CodeTable::SCHEMA, MappingTable::SCHEMA))),
    }
}
