//! What the regular expressions of rules may cost. They run in linear time; their size is bounded here, before
//! they are compiled for good.

use regex::RegexBuilder;
use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaRule, SigmaValue};

/// Expressions of one rule.
const MAX_OF_RULE: usize = 100;
/// Bytes of one expression.
const MAX_LENGTH: usize = 4096;
/// Compiled sizes that are tried, in bytes.
const SIZES: [usize; 4] = [64 << 10, 256 << 10, 1 << 20, 4 << 20];

/// What is left for the expressions of all rules, in bytes.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(512 << 20)
    }
}

impl Budget {
    /// Takes the expressions of a rule from the budget.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub(crate) fn take(&mut self, rule: &SigmaRule) -> Result<(), String> {
        let mut all = Vec::new();
        rule.detection.named.values().for_each(|detection| gather(detection, &mut all));
        if all.len() > MAX_OF_RULE {
            return Err(format!("more than {MAX_OF_RULE} regular expressions; split the rule"));
        }
        let mut left = self.0;
        for text in all {
            if text.len() > MAX_LENGTH {
                return Err(format!("a regular expression of more than {MAX_LENGTH} bytes; shorten it"));
            }
            let size = size(text)?;
            left = left.checked_sub(size).ok_or(
                "the regular expressions of all rules together are too large; load fewer rules at a time",
            )?;
        }
        self.0 = left;
        Ok(())
    }
}

/// The smallest limit within which an expression compiles.
fn size(text: &str) -> Result<usize, String> {
    let mut last = String::new();
    for size in SIZES {
        match RegexBuilder::new(text).size_limit(size).build() {
            Ok(_) => return Ok(size),
            Err(error @ regex::Error::CompiledTooBig(_)) => last = error.to_string(),
            Err(error) => {
                let short: String =
                    error.to_string().lines().last().unwrap_or_default().chars().take(200).collect();
                return Err(format!("a regular expression that cannot be read: {short}"));
            }
        }
    }
    Err(format!("a regular expression that grows too large ({last}); use smaller repetitions"))
}

fn gather<'r>(detection: &'r Detection, all: &mut Vec<&'r str>) {
    match detection {
        Detection::AllOf(items) => items.iter().for_each(|item| of_item(item, all)),
        Detection::AnyOf(inner) | Detection::And(inner) => inner.iter().for_each(|one| gather(one, all)),
        Detection::Keywords(_) => {}
        Detection::ArrayMatch { body, .. } => gather(body, all),
        Detection::Conditional { named, .. } => named.values().for_each(|one| gather(one, all)),
    }
}

fn of_item<'r>(item: &'r DetectionItem, all: &mut Vec<&'r str>) {
    if item.field.modifiers.contains(&Modifier::Re) {
        all.extend(item.values.iter().filter_map(|value| match value {
            SigmaValue::String(text) => Some(text.original.as_str()),
            _ => None,
        }));
    }
}
