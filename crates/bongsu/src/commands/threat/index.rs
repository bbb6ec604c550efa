use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::ExitCode;

use base::Fault;
use hunt::{IndexLimits, Indexed, Indexer};
use serde::Serialize;

use super::open;
use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::List;
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu threat index samples/threat/dns.log samples/threat/mail.log --store ./logs
  bongsu threat index samples/threat/dns.log --store ./logs --format text

Logs are those that `threat match` reads. What is indexed is kept as plain Parquet
in the store, which other programs can read too, beside tables of what stands in it.
A log is known by its content: the same one is not taken twice, whatever its name,
and of one that has grown only the new lines are read. EVTX and documents of JSON
that have grown are read again as a whole.
`taken` is new, continued, again or known; `lines` and `bytes` are what was added.")]
pub(crate) struct Index {
    /// The logs; .zst and .gz too; - is standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<String>,
    /// The folder of the store; it is made when it is not there
    #[arg(long, value_name = "DIR", env = "BONGSU_HUNT_STORE", hide_env_values = true)]
    store: PathBuf,
}

#[derive(Serialize)]
struct Item<'a> {
    log: &'a str,
    taken: &'static str,
    format: &'static str,
    lines: u64,
    bytes: u64,
    faults: usize,
}

pub(super) fn run(args: &Index, common: &Common) -> Result<ExitCode, CliError> {
    if args.logs.iter().filter(|log| *log == "-").count() > 1 {
        return Err(CliError::Usage("only one input can be standard input".to_owned()));
    }
    let mut list = common.out().list("bongsu.threat-index/1");
    let mut indexer = Indexer::open(&args.store, IndexLimits::default())?;
    let mut unreadable = 0;
    for log in &args.logs {
        if !index_one(log, &mut indexer, &mut list)? {
            unreadable += 1;
        }
    }
    indexer.finish()?;
    if unreadable > 0 {
        return list.fail(CliError::Refused { refused: unreadable, files: args.logs.len() });
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Indexes one log; whether it could be read to its end.
fn index_one(log: &str, indexer: &mut Indexer, list: &mut List) -> Result<bool, CliError> {
    let name = input::name(log);
    let progress = Progress::new("indexing");
    // Why the log cannot be opened, with its code.
    let refused = RefCell::new(None);
    let spooled = if log == "-" { Some(spool()?) } else { None };
    let mut source = || -> io::Result<Box<dyn Read + '_>> {
        if let Some(spooled) = &spooled {
            let mut file = spooled.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            return node::unpacked(file);
        }
        open(log, &progress).map_err(|error| {
            let told = io::Error::other(error.to_string());
            *refused.borrow_mut() = Some(error);
            told
        })
    };
    let Indexed { taken, format, lines, bytes, faults, failed } = indexer.add(&name, &mut source)?;
    let item = Item {
        log,
        taken: taken.name(),
        format: format.name(),
        lines,
        bytes,
        faults: faults.len() + usize::from(failed.is_some()),
    };
    let readable = failed.is_none();
    match failed {
        Some(source) => {
            let error = refused.take().unwrap_or_else(|| CliError::io(log)(source));
            list.fault(Fault::error(error.code(), error.to_string()).in_source(&name).in_field("file"));
        }
        None => list.item(&item)?,
    }
    for fault in faults {
        list.fault(fault);
    }
    Ok(readable)
}

/// Standard input in a file that is gone when this process ends: a log is read twice when it may be known.
fn spool() -> Result<std::fs::File, CliError> {
    let keep = || {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok(file)
    };
    keep().map_err(CliError::io("-"))
}
