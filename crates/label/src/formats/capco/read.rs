//! Lines to markings.

use base::{Fault, Marking};

use super::{Controls, LEVELS, NATO_LEVELS, NATO_POLICY};
use crate::Caveat;
use crate::formats::{FormatContext, ReadMarkings, complain, cut, push_caveat};

/// The longest line that is read as a marking, in bytes.
const MAX_LINE_BYTES: usize = 16_384;

/// Whether a line begins like a banner or a portion.
pub(in crate::formats) fn is_marking(line: &str) -> bool {
    let line = line.trim();
    let inner = line.strip_prefix('(').and_then(|l| l.strip_suffix(')')).unwrap_or(line);
    let inner = inner.strip_prefix("EXERCISE//").unwrap_or(inner);
    let first = inner.split("//").next().unwrap_or_default().trim();
    let word = |all: &[(&str, &str, _)]| {
        all.iter().any(|(banner, portion, _)| *banner == first || *portion == first)
    };
    inner.starts_with("//") || word(&LEVELS) || word(&NATO_LEVELS)
}

/// One marking a line; empty lines count and say nothing.
pub(in crate::formats) fn read(text: &str, context: &FormatContext<'_>) -> ReadMarkings {
    let mut read = ReadMarkings::default();
    for (index, text) in text.lines().enumerate() {
        let number = index as u64 + 1;
        if text.trim().is_empty() {
            continue;
        }
        let (marking, faults) = line(text, context);
        faults.into_iter().for_each(|fault| complain(&mut read.faults, fault.at_line(number)));
        if let Some(marking) = marking {
            let name = if text.trim().starts_with('(') { "portion" } else { "banner" };
            read.push(name, number, marking);
        }
    }
    read
}

/// One banner or portion.
pub(in crate::formats) fn line(text: &str, context: &FormatContext<'_>) -> (Option<Marking>, Vec<Fault>) {
    let refuse = |code: &str, message: String| (None, vec![Fault::error(code, message)]);
    if text.len() > MAX_LINE_BYTES {
        return refuse("label::too_large", format!("a marking of more than {MAX_LINE_BYTES} bytes"));
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let opened = text.strip_prefix('(');
    let text = match (opened, text.strip_suffix(')')) {
        (Some(_), Some(_)) if text.len() >= 2 => text[1..text.len() - 1].trim(),
        (None, None) => text.as_str(),
        _ => {
            return refuse(
                "label::bad_portion",
                format!("`{}`: one bracket of a portion is missing", cut(&text)),
            );
        }
    };
    let (exercise, text) = match text.strip_prefix("EXERCISE//") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let Some((marking, rest)) = classification(text, context) else {
        let message = format!(
            "`{}` begins with no classification; wanted is one such as SECRET, TS or //KOR SECRET",
            cut(text)
        );
        return refuse("label::bad_classification", message);
    };
    let us = marking.originator.split(' ').any(|owner| owner == "USA");
    let mut controls = Controls::onto(marking);
    for group in rest.split("//") {
        // Within a group a slash parts controls.
        group.split('/').for_each(|control| controls.take(control.trim()));
    }
    if exercise {
        push_caveat(&mut controls.marking, Caveat::Exercise);
    }
    if us {
        order(&controls.marking, &mut controls.faults);
    }
    (Some(controls.marking), controls.faults)
}

/// The level and whose it is, and what follows it.
fn classification<'t>(text: &'t str, context: &FormatContext<'_>) -> Option<(Marking, &'t str)> {
    let foreign = text.strip_prefix("//");
    let (first, rest) = match foreign.unwrap_or(text).split_once("//") {
        Some((first, rest)) => (first.trim(), rest),
        None => (foreign.unwrap_or(text).trim(), ""),
    };
    let level = |word: &str| {
        LEVELS
            .iter()
            .find(|(banner, portion, _)| *banner == word || *portion == word)
            .map(|(.., level)| *level)
    };
    let nato = NATO_LEVELS.iter().find(|(banner, portion, _)| *banner == first || *portion == first);
    let marking = if let Some((.., level)) = nato {
        let originator = context.owner();
        Marking { policy: Some(NATO_POLICY.to_owned()), ..Marking::new(level.as_str(), &[], originator) }
    } else if foreign.is_none() {
        // The register is that of the United States: without a country in front the item is theirs.
        Marking::new(level(first)?.as_str(), &[], "USA")
    } else if let Some(joint) = first.strip_prefix("JOINT ") {
        let (word, owners) = LEVELS
            .iter()
            .flat_map(|(banner, portion, level)| [(banner, level), (portion, level)])
            .find_map(|(word, level)| Some((level, joint.strip_prefix(word)?.strip_prefix(' ')?)))?;
        Marking::new(word.as_str(), &[], owners)
    } else {
        let (owner, word) = first.split_once(' ')?;
        Marking::new(level(word)?.as_str(), &[], owner)
    };
    Some((marking, rest))
}

/// What the register asks of a list that names who may have an item of the United States.
fn order(marking: &Marking, faults: &mut Vec<Fault>) {
    let rel = &marking.rel_to;
    if rel.first().is_some_and(|first| first != "USA") {
        let message = "`REL TO` does not begin with USA, as the register has it; it is read all the same";
        faults.push(Fault::warning("label::rel_order", message).in_field("REL TO"));
    }
    if rel.len() == 1 {
        let message = "`REL TO` names one country; the register wants USA and at least one other";
        faults.push(Fault::warning("label::rel_single", message).in_field("REL TO"));
    }
}
