//! Patterns that only compare for equality: what other formats can say of a pattern.

use super::ast::{Comparison, Literal, Observation, PropertyTest, Relation, Step, Test};

/// Values at paths, `file:hashes.MD5`, the steps into lists left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Equalities {
    /// Each must hold, of one observation.
    All(Vec<(String, String)>),
    /// One of them must hold.
    Any(Vec<(String, String)>),
}

/// The equalities of a pattern that has nothing else. A network that holds an address counts as one.
pub(super) fn equalities(observation: &Observation) -> Option<Equalities> {
    match observation {
        Observation::Group(inner) => equalities(inner),
        Observation::Test(Comparison::Or(parts), _) => one_of(parts).map(Equalities::Any),
        Observation::Test(comparison, _) => {
            let mut all = Vec::new();
            each(comparison, &mut all)?;
            Some(Equalities::All(all))
        }
        Observation::Or(parts) => {
            let mut any = Vec::new();
            for part in parts {
                match equalities(part)? {
                    Equalities::All(mut one) if one.len() == 1 => any.append(&mut one),
                    Equalities::Any(mut more) => any.append(&mut more),
                    Equalities::All(_) => return None,
                }
            }
            Some(Equalities::Any(any))
        }
        _ => None,
    }
}

fn one_of(parts: &[Comparison]) -> Option<Vec<(String, String)>> {
    let mut any = Vec::new();
    for part in parts {
        match part {
            Comparison::Or(inner) => any.append(&mut one_of(inner)?),
            Comparison::Test(test) => any.push(equality(test)?),
            Comparison::And(_) => return None,
        }
    }
    Some(any)
}

fn each(comparison: &Comparison, all: &mut Vec<(String, String)>) -> Option<()> {
    match comparison {
        Comparison::And(parts) => parts.iter().try_for_each(|part| each(part, all)),
        Comparison::Test(test) => {
            all.push(equality(test)?);
            Some(())
        }
        Comparison::Or(_) => None,
    }
}

fn equality(test: &PropertyTest) -> Option<(String, String)> {
    if test.negated {
        return None;
    }
    let value = match &test.test {
        Test::Relation(Relation::Equal, literal) => match literal {
            Literal::Text(text) | Literal::Time(text) => text.to_string(),
            Literal::Integer(number) => number.to_string(),
            Literal::Float(number) => number.to_string(),
            Literal::Bool(flag) => flag.to_string(),
            Literal::Base64(_) | Literal::Hex(_) => return None,
        },
        Test::IsSubset(text) => text.to_string(),
        _ => return None,
    };
    let mut path = format!("{}:", test.path.object_type);
    for step in &test.path.steps {
        if let Step::Key(key) = step {
            if !path.ends_with(':') {
                path.push('.');
            }
            path.push_str(key);
        }
    }
    Some((path, value))
}
