use std::collections::{BTreeMap, BTreeSet};

use base::{Fault, Severity};
use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::{Level, SigmaRule, Status, parse_sigma_yaml};

use crate::conditions;
use crate::event::Event;
use crate::expressions::Budget;
use crate::source::LogSource;

/// Bytes of one file of rules. The largest of the public set has some 60 KiB.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Faults that one file gives.
const MAX_FAULTS: usize = 1000;

/// How grave its maker calls what a rule describes, rising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleLevel {
    /// No alarm: a mark on the event.
    Informational,
    /// Notable.
    Low,
    /// To be looked at; also what a rule without a level has.
    Medium,
    /// To be looked at promptly.
    High,
    /// To be acted on.
    Critical,
}

impl RuleLevel {
    /// The name as rules write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The beacons of a finding.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Informational => Severity::Calm,
            Self::Low | Self::Medium => Severity::Seen,
            Self::High => Severity::Approaching,
            Self::Critical => Severity::AtTheBorder,
        }
    }
}

/// What a rule says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its UUID.
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// How grave.
    pub level: RuleLevel,
    /// Whether its status is `stable` or `test`.
    pub tried: bool,
    /// Its tags, as written.
    pub tags: Vec<String>,
    /// ATT&CK techniques among the tags, sorted: `T1059.001`.
    pub techniques: Vec<String>,
    /// What it is about.
    pub source: LogSource,
    /// The file that it was read from.
    pub file: String,
}

/// Reads rules, file by file.
#[derive(Debug, Default)]
pub struct RuleLoader {
    rules: Vec<(Rule, SigmaRule)>,
    keys: BTreeSet<String>,
    budget: Budget,
}

impl RuleLoader {
    /// Without any rule yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rules were read.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether none was read.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Reads a file of one or several rules (YAML documents). A rule that cannot be read or would cost too much is
    /// a fault, and the others count.
    pub fn read(&mut self, yaml: &[u8], file: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.read_into(yaml, file, &mut faults);
        let more = faults.len().saturating_sub(MAX_FAULTS);
        faults.truncate(MAX_FAULTS);
        if more > 0 {
            let message = format!("{more} more faults are not listed; correct these first");
            faults.push(Fault::error("sigma::too_many_faults", message).at_line(1));
        }
        faults.into_iter().map(|fault| fault.in_source(file)).collect()
    }

    fn read_into(&mut self, yaml: &[u8], file: &str, faults: &mut Vec<Fault>) {
        if yaml.len() > MAX_FILE_BYTES {
            let message = format!("the file has more than {MAX_FILE_BYTES} bytes; is it a rule? Split it");
            faults.push(Fault::error("sigma::large_file", message).at_bytes(0, yaml.len() as u64));
            return;
        }
        let text = match std::str::from_utf8(yaml) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to() as u64;
                let line = 1 + yaml[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() as u64;
                let message = "the file is no UTF-8; save it as UTF-8";
                let fault = Fault::error("sigma::bad_utf8", message);
                faults.push(fault.at_line(line).at_bytes(at, at + 1));
                return;
            }
        };
        if let Err(error) = conditions::check(text) {
            let line =
                1 + text.lines().position(|line| line.trim_start().starts_with("condition:")).unwrap_or(0);
            let fault = Fault::error("sigma::bad_rule", error).in_field("condition");
            faults.push(fault.at_line(line as u64));
            return;
        }
        let read = match parse_sigma_yaml(text) {
            Ok(read) => read,
            Err(error) => {
                faults.push(unreadable(&error.to_string()));
                return;
            }
        };
        faults.extend(read.errors.iter().map(|error| unreadable(error)));
        let places: Vec<(&str, &str)> = read
            .correlations
            .iter()
            .map(|one| ("correlation", one.title.as_str()))
            .chain(read.filters.iter().map(|one| ("filter", one.title.as_str())))
            .collect();
        for (field, title) in places {
            let message = format!("`{}` is no rule about one event; it is passed over", short(title));
            let fault = Fault::warning("sigma::not_a_detection", message);
            faults.push(fault.in_field(field).at_line(line_of(text, title)));
        }
        for rule in read.rules {
            let line = line_of(text, &rule.title);
            if let Err(fault) = self.add(rule, file) {
                faults.push(fault.at_line(line));
            }
        }
    }

    fn add(&mut self, mut rule: SigmaRule, file: &str) -> Result<(), Box<Fault>> {
        let title = short(&rule.title);
        let refuse = |code: &str, field: &str, why: String| {
            Box::new(Fault::error(code, format!("`{title}`: {why}")).in_field(field))
        };
        let key = rule.id.clone().unwrap_or_else(|| rule.title.clone());
        if self.keys.contains(&key) {
            let why = "another rule has this id (or, without one, this title): the first stays".to_owned();
            return Err(refuse("sigma::duplicate_rule", "id", why));
        }
        self.budget.take(&rule).map_err(|why| refuse("sigma::bad_expression", "detection", why))?;
        rsigma_eval::compile_rule(&rule)
            .map_err(|error| refuse("sigma::bad_rule", "detection", short(&error.to_string())))?;
        let about = described(&rule, file);
        self.keys.insert(key);
        // The engine gives a rule back by its id: here its place among all.
        rule.id = Some(self.rules.len().to_string());
        self.rules.push((about, rule));
        Ok(())
    }

    /// The rules, ready to be held against events.
    pub fn finish(self) -> Rules {
        let mut groups: BTreeMap<LogSource, Vec<SigmaRule>> = BTreeMap::new();
        let mut rules = Vec::with_capacity(self.rules.len());
        for (about, rule) in self.rules {
            groups.entry(about.source.clone()).or_default().push(rule);
            rules.push(about);
        }
        let groups = groups.into_iter().map(|(source, members)| {
            let mut engine = Engine::new();
            // Each compiled when it was read.
            let refused = engine.add_rules(&members);
            debug_assert!(refused.is_empty(), "{refused:?}");
            (source, engine)
        });
        Rules { groups: groups.collect(), rules }
    }
}

/// Rules by what they are about.
pub struct Rules {
    groups: Vec<(LogSource, Engine)>,
    rules: Vec<Rule>,
}

impl Rules {
    /// The rules that an event satisfies, in the order in which they were read.
    pub fn hits(&self, event: &Event) -> Vec<&Rule> {
        let object = JsonEvent::borrow(&event.fields);
        let mut found: Vec<usize> = self
            .groups
            .iter()
            .filter(|(source, _)| event.source.fits(source))
            .flat_map(|(_, engine)| engine.evaluate(&object))
            .filter_map(|result| result.header.rule_id?.parse().ok())
            .collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|index| self.rules.get(index)).collect()
    }

    /// All rules, in the order in which they were read.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

fn described(rule: &SigmaRule, file: &str) -> Rule {
    let part = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    let techniques: BTreeSet<String> = rule.tags.iter().filter_map(|tag| technique(tag)).collect();
    Rule {
        id: rule.id.clone(),
        title: rule.title.clone(),
        description: rule.description.clone(),
        level: match rule.level {
            Some(Level::Informational) => RuleLevel::Informational,
            Some(Level::Low) => RuleLevel::Low,
            Some(Level::Medium) | None => RuleLevel::Medium,
            Some(Level::High) => RuleLevel::High,
            Some(Level::Critical) => RuleLevel::Critical,
        },
        tried: matches!(rule.status, Some(Status::Stable | Status::Test)),
        tags: rule.tags.clone(),
        techniques: techniques.into_iter().collect(),
        source: LogSource {
            product: part(&rule.logsource.product),
            service: part(&rule.logsource.service),
            category: part(&rule.logsource.category),
        },
        file: file.to_owned(),
    }
}

/// `attack.t1059.001` is `T1059.001`; tactics, groups and software are none.
fn technique(tag: &str) -> Option<String> {
    let id = tag.to_ascii_lowercase().strip_prefix("attack.")?.to_ascii_uppercase();
    let digits = id.strip_prefix('T')?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "000"));
    let numbers = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    (numbers(whole, 4) && numbers(part, 3)).then_some(id)
}

/// Something that is no rule, with the line that the library names in words.
fn unreadable(error: &str) -> Fault {
    let number = |name: &str| -> Option<u64> {
        let rest = &error[error.find(name)? + name.len()..];
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let fault = Fault::error("sigma::bad_rule", short(error));
    fault.at_line(number("at line ").or_else(|| number("line ")).unwrap_or(1).max(1))
}

/// The line on which the title of a rule stands; 1 when it is written in a form that is not looked for.
fn line_of(text: &str, title: &str) -> u64 {
    let first = title.lines().next().unwrap_or_default();
    let place = text.lines().position(|line| line.trim_start().starts_with("title:") && line.contains(first));
    place.map_or(1, |place| place as u64 + 1)
}

/// A text of one line, cut short.
fn short(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::technique;

    #[test]
    fn techniques_are_told_from_other_tags() {
        assert_eq!(technique("attack.t1059.001").as_deref(), Some("T1059.001"));
        assert_eq!(technique("ATTACK.T1033").as_deref(), Some("T1033"));
        for no in [
            "attack.execution",
            "attack.g0010",
            "attack.s0002",
            "cve.2021-1",
            "attack.t10590",
            "attack.t1059.1",
        ] {
            assert_eq!(technique(no), None, "{no}");
        }
    }
}
