//! What the standard asks of a pattern beyond its grammar.

use base::Fault;

use super::ast::{Comparison, Literal, Observation, PropertyTest, Qualifier, Step, Test};
use super::error::{PatternFault, Span, short};
use crate::SpecVersion;

/// Faults of a pattern that reads well: hashes of the wrong length, and in version 2.1 two qualifiers of one kind on
/// one observation expression without parentheses between.
pub(super) fn check(pattern: &Observation, version: SpecVersion) -> Vec<Fault> {
    let mut faults = Vec::new();
    observation(pattern, version, &mut faults);
    faults
}

fn observation(pattern: &Observation, version: SpecVersion, faults: &mut Vec<Fault>) {
    match pattern {
        Observation::Test(test, _) => comparison(test, faults),
        Observation::And(parts) | Observation::Or(parts) | Observation::FollowedBy(parts) => {
            parts.iter().for_each(|part| observation(part, version, faults));
        }
        Observation::Group(inner) => observation(inner, version, faults),
        Observation::Qualified(inner, qualifiers) => {
            observation(inner, version, faults);
            if version == SpecVersion::V2_1 && matches!(**inner, Observation::Test(..)) {
                twice(qualifiers, faults);
            }
        }
    }
}

/// STIX 2.1 section 9.3: a qualifier of each kind at most once.
fn twice(qualifiers: &[(Qualifier, Span)], faults: &mut Vec<Fault>) {
    for (number, (qualifier, span)) in qualifiers.iter().enumerate() {
        let kind = std::mem::discriminant(qualifier);
        if qualifiers[..number].iter().any(|(earlier, _)| std::mem::discriminant(earlier) == kind) {
            let message = format!(
                "a second qualifier of one kind, `{qualifier}`: put parentheses around what it is for"
            );
            faults.push(PatternFault::new("pattern::second_qualifier", message, *span).to_fault());
        }
    }
}

fn comparison(test: &Comparison, faults: &mut Vec<Fault>) {
    match test {
        Comparison::And(parts) | Comparison::Or(parts) => {
            parts.iter().for_each(|part| comparison(part, faults))
        }
        Comparison::Test(test) => hashes(test, faults),
    }
}

fn hashes(test: &PropertyTest, faults: &mut Vec<Fault>) {
    let [steps @ .., Step::Key(algorithm)] = test.path.steps.as_slice() else { return };
    if !steps.iter().any(|step| matches!(step, Step::Key(key) if &**key == "hashes")) {
        return;
    }
    let mut wrong = |shown: &str| {
        let message = format!("`{}` is no {algorithm} hash: {}", short(shown), expected(algorithm));
        faults.push(PatternFault::new("pattern::bad_hash", message, test.span).to_fault());
    };
    let literals = match &test.test {
        Test::Relation(_, literal) => std::slice::from_ref(literal),
        Test::In(literals) => literals,
        _ => return,
    };
    for literal in literals {
        match literal {
            Literal::Text(text) if is_hash(algorithm, text) => (),
            Literal::Text(text) => wrong(text),
            // Of an algorithm that is not in the vocabulary nothing is known.
            other if !is_hash(algorithm, "") => wrong(&other.to_string()),
            _ => (),
        }
    }
}

/// Hex digits that a hash of this name may have; `None` for a name that is not in the vocabulary.
fn digits(algorithm: &str) -> Option<&'static [usize]> {
    let name: String = algorithm.chars().filter(|c| *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    Some(match name.as_str() {
        "MD5" => &[32],
        "MD6" => &[32, 40, 56, 64, 96, 128],
        "SHA1" | "RIPEMD160" => &[40],
        "SHA224" | "SHA3224" => &[56],
        "SHA256" | "SHA3256" => &[64],
        "SHA384" | "SHA3384" => &[96],
        "SHA512" | "SHA3512" | "WHIRLPOOL" => &[128],
        _ => return None,
    })
}

fn is_hash(algorithm: &str, text: &str) -> bool {
    if algorithm.eq_ignore_ascii_case("ssdeep") {
        return (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+' | b':' | b'.'));
    }
    digits(algorithm)
        .is_none_or(|lengths| lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn expected(algorithm: &str) -> String {
    let Some(lengths) = digits(algorithm) else {
        return "expected up to 128 characters of ssdeep".to_owned();
    };
    let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
    format!("expected {} hex digits", lengths.join(" or "))
}
