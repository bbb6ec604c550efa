//! Sigma rules for `threat match`.

use std::fs;
use std::path::Path;

use base::{Fault, Severity, Timestamp};
use serde::Serialize;
use sigma::{Event, Rule, RuleLoader, Rules};
use threat::{LogEvent, read_events};

use super::open;
use crate::error::CliError;
use crate::input;
use crate::out::List;
use crate::progress::Progress;

/// Folders within folders that are looked into.
const MAX_DEPTH: usize = 32;

#[derive(Serialize)]
struct Item<'a> {
    time: Option<Timestamp>,
    log: &'a str,
    line: u64,
    rule: &'a str,
    level: &'static str,
    title: &'a str,
    tags: &'a [String],
    techniques: &'a [String],
    computer: Option<String>,
}

/// The rules of files and folders, in the order of their names.
pub(super) fn load(paths: &[String], list: &mut List) -> Result<Rules, CliError> {
    let mut loader = RuleLoader::new();
    for path in paths {
        let mut files = Vec::new();
        gather(Path::new(path), 0, &mut files).map_err(CliError::io(path))?;
        for file in files {
            let bytes = input::read(&file)?;
            loader.read(&bytes, &file).into_iter().for_each(|fault| list.fault(fault));
        }
    }
    if loader.is_empty() {
        return Err(CliError::NothingRead("the files of --sigma: they hold no rule".to_owned()));
    }
    Ok(loader.finish())
}

fn gather(path: &Path, depth: usize, files: &mut Vec<String>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.display().to_string());
        return Ok(());
    }
    let mut inner =
        fs::read_dir(path)?.map(|one| one.map(|one| one.path())).collect::<Result<Vec<_>, _>>()?;
    inner.sort();
    for one in inner {
        let rule = one.extension().is_some_and(|end| end == "yml" || end == "yaml");
        // A link may lead in a circle.
        if depth < MAX_DEPTH && !one.is_symlink() && (one.is_dir() || rule) {
            gather(&one, depth + 1, files)?;
        }
    }
    Ok(())
}

/// Holds the rules against one log: the worst level that was hit. `Err(fault)` inside: it could not be read to its end.
pub(super) fn match_one(
    log: &str,
    rules: &Rules,
    list: &mut List,
) -> Result<Result<Option<Severity>, Fault>, CliError> {
    let name = input::name(log);
    let progress = Progress::new("matching rules");
    let (mut failed, mut worst) = (Ok(()), None);
    let outcome = open(log, &progress).and_then(|mut stream| {
        let mut each = |line: &LogEvent<'_>| {
            let event = Event::new(line.object, line.zeek_path);
            for rule in rules.hits(&event) {
                worst = worst.max(Some(rule.level.severity()));
                if failed.is_ok() {
                    failed = list.item(&item(rule, line, log, event.computer()));
                }
            }
        };
        read_events(&mut stream, &name, &mut each).map_err(CliError::io(log))
    });
    failed?;
    Ok(match outcome {
        Ok(summary) => {
            summary.faults.into_iter().for_each(|fault| list.fault(fault));
            Ok(worst)
        }
        Err(error) => Err(Fault::error(error.code(), error.to_string()).in_source(&name).in_field("file")),
    })
}

fn item<'a>(rule: &'a Rule, line: &LogEvent<'_>, log: &'a str, computer: Option<String>) -> Item<'a> {
    Item {
        time: line.time,
        log,
        line: line.line,
        rule: rule.id.as_ref().unwrap_or(&rule.title),
        level: rule.level.name(),
        title: &rule.title,
        tags: &rule.tags,
        techniques: &rule.techniques,
        computer,
    }
}
