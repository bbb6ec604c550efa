//! `label table show|check|load`: the dated tables by which markings are read.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{EntryId, Marking, Noun, Timestamp};
use label::{CodeTable, Codes, MappingTable};
use node::{Desk, NodeError, RulesOnRecord, RulesOrder};
use record::{ReadRecord, StoreError};
use serde::Serialize;
use serde_json::Value;

use crate::Common;
use crate::error::CliError;
use crate::{input, now};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Table {
    /// The tables that hold at a time: codes of countries and groups, and nations' words for levels
    #[command(after_help = "Examples:
  bongsu label table show --json
  bongsu label table show --store ./seoul --at 2026-03-10T00:00:00Z --json")]
    Show {
        /// The node's data folder; without it the table that ships with this version
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: Option<PathBuf>,
        /// The time; now when left out
        #[arg(long, value_name = "TIME", env = "BONGSU_AT", hide_env_values = true)]
        at: Option<Timestamp>,
    },
    /// Whether a file is a table
    #[command(after_help = "Example:
  bongsu label table check samples/label/kor-grades.json")]
    Check {
        /// A bongsu.code-table/1 or bongsu.mapping-table/1; - is standard input
        file: String,
    },
    /// Sign a table into a node's record
    #[command(after_help = "Example:
  bongsu label table load samples/label/kor-grades.json --store ./seoul

The node may run. A table takes the place of the whole table before it. One of words
holds from its `valid_from` on; one of country and group codes only once two officers
have signed it (`bongsu label policy sign`) and it was applied (`.. policy apply`).")]
    Load {
        /// A bongsu.code-table/1 or bongsu.mapping-table/1; - is standard input
        file: String,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
}

pub(super) fn run(command: Table, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Table::Show { store, at } => show(store.as_deref(), at, common),
        Table::Check { file } => check(&file, common),
        Table::Load { file, store } => load(&file, &store, common),
    }
}

fn show(store: Option<&Path>, at: Option<Timestamp>, common: &Common) -> Result<ExitCode, CliError> {
    let at = at.unwrap_or_else(|| now(common));
    let nobody = Marking::new("UNCLASSIFIED", &[], "ZZZ");
    let mut list = common.out().list("bongsu.label-tables/1");
    match store {
        None => list.item(&document(&CodeTable::of(Codes::builtin(), nobody))?)?,
        Some(store) => {
            let Some(record) = super::stopped(ReadRecord::open(store))? else {
                for table in super::running(store, RulesOrder::Tables { at: Some(at) })?.tables {
                    list.item(&table)?;
                }
                list.finish()?;
                return Ok(ExitCode::SUCCESS);
            };
            let rules = RulesOnRecord::read(&record)?;
            for fault in rules.faults() {
                list.fault(fault.clone());
            }
            let rules = rules.at(at);
            list.item(&document(&CodeTable::of(rules.codes.clone(), nobody))?)?;
            for table in rules.words.tables() {
                list.item(&document(table)?)?;
            }
        }
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn document<T: Noun>(noun: &T) -> Result<Value, CliError> {
    base::to_document(noun).map_err(|e| CliError::Usage(e.to_string()))
}

/// A table of either sort.
enum Read {
    Codes(CodeTable),
    Words(MappingTable),
}

#[derive(Serialize)]
struct Checked {
    kind: &'static str,
    version: String,
    valid_from: Timestamp,
    countries: usize,
    groups: usize,
    rows: usize,
}

impl Read {
    fn from(file: &str) -> Result<Self, CliError> {
        let name = input::name(file);
        let wrong = |e: &dyn std::fmt::Display| CliError::Usage(format!("`{name}`: {e}"));
        let document: Value = serde_json::from_slice(&input::read(file)?).map_err(|e| wrong(&e))?;
        match base::schema_of(&document) {
            CodeTable::SCHEMA => {
                let table: CodeTable = base::from_document(&document).map_err(|e| wrong(&e))?;
                table.codes().map_err(|e| wrong(&e))?;
                Ok(Self::Codes(table))
            }
            MappingTable::SCHEMA => {
                let table: MappingTable = base::from_document(&document).map_err(|e| wrong(&e))?;
                table.check().map_err(|e| wrong(&e))?;
                Ok(Self::Words(table))
            }
            other => Err(wrong(&format!(
                "`schema` is `{}`, expected {} or {}",
                other.chars().take(80).collect::<String>(),
                CodeTable::SCHEMA,
                MappingTable::SCHEMA
            ))),
        }
    }

    fn checked(&self) -> Checked {
        match self {
            Self::Codes(table) => Checked {
                kind: CodeTable::SCHEMA,
                version: table.version.clone(),
                valid_from: table.valid_from,
                countries: table.countries.len(),
                groups: table.groups.len(),
                rows: 0,
            },
            Self::Words(table) => Checked {
                kind: MappingTable::SCHEMA,
                version: table.version.clone(),
                valid_from: table.valid_from,
                countries: 0,
                groups: 0,
                rows: table.rows.len(),
            },
        }
    }
}

fn check(file: &str, common: &Common) -> Result<ExitCode, CliError> {
    common.out().document("bongsu.label-table-check/1", &Read::from(file)?.checked())?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Loaded {
    entry: EntryId,
    #[serde(flatten)]
    table: Checked,
}

/// The desk, or nothing when a node runs.
fn opened(desk: Result<Desk, NodeError>) -> Result<Option<Desk>, CliError> {
    match desk {
        Err(NodeError::Store(StoreError::InUse { .. })) => Ok(None),
        desk => Ok(Some(desk?)),
    }
}

fn load(file: &str, store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let table = Read::from(file)?;
    let Some(mut desk) = opened(Desk::open(&super::settings(store)?))? else {
        let table_document = match &table {
            Read::Codes(table) => document(table)?,
            Read::Words(table) => document(table)?,
        };
        let answer = super::running(store, RulesOrder::LoadTable { table: table_document })?;
        let entry =
            answer.step.ok_or_else(|| CliError::Usage("the node did not say which entry".to_owned()))?;
        common.out().document("bongsu.label-table-load/1", &Loaded { entry, table: table.checked() })?;
        return Ok(ExitCode::SUCCESS);
    };
    let signed = match &table {
        Read::Codes(table) => desk.sign(table, common.now)?,
        Read::Words(table) => desk.sign(table, common.now)?,
    };
    let loaded = Loaded { entry: desk.record(signed)?, table: table.checked() };
    common.out().document("bongsu.label-table-load/1", &loaded)?;
    Ok(ExitCode::SUCCESS)
}
