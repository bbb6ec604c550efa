use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{Fault, FaultLevel};
use threat::{
    MispEvent, MispFeedFiles, looks_like_misp, misp_to_stix, read_misp, stix_to_misp, write_misp_event,
    write_misp_feed,
};

use super::feed;
use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::{Format, output, report, say, writer};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu threat convert samples/threat/event.misp.json --to stix
  bongsu threat convert samples/threat/indicators.stix.json --to misp
  bongsu threat convert samples/threat/event.misp.json --to feed --out ./feed

Read are STIX bundles and events of MISP (alone, in a list, in an answer of its API,
or a feed: its folder or manifest.json), told apart by content. Written is a STIX 2.1
bundle, one event or a list of events, or a feed. Ids are those that misp-stix gives.

Nothing reaches further than before: who an event is for goes along as a marking, a
marking that means nothing to MISP keeps an object at its own organisation, and a
feed gets only what is for all communities. What the other format cannot say is told
as a warning misp::lost. A file that breaks off is converted as far as it goes, and
the exit is 2.")]
pub(crate) struct Convert {
    /// The files; .zst and .gz too; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// What to write
    #[arg(long, value_name = "FORMAT", env = "BONGSU_CONVERT_TO", hide_env_values = true)]
    to: Target,
    /// What the files are, when their content is not to say it
    #[arg(long, value_name = "FORMAT", env = "BONGSU_CONVERT_FROM", hide_env_values = true)]
    from: Option<Source>,
    /// The folder of a feed
    #[arg(
        long,
        value_name = "DIR",
        required_if_eq("to", "feed"),
        env = "BONGSU_CONVERT_OUT",
        hide_env_values = true
    )]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    /// A STIX 2.1 bundle
    Stix,
    /// Events of MISP
    Misp,
    /// A feed of MISP: a folder with manifest.json and a file for each event
    Feed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Source {
    Stix,
    Misp,
}

pub(super) fn run(args: &Convert, common: &Common) -> Result<ExitCode, CliError> {
    let mut read = Read { events: Vec::new(), refused: 0, faults: 0, format: common.out().format() };
    let files = feed::files(&args.files, &mut |fault| read.tell(fault));
    for file in &files {
        match input::read(file) {
            Ok(bytes) => read.file(&bytes, &input::name(file), args.from),
            Err(error) => {
                let fault = Fault::error(error.code(), error.to_string()).in_source(input::name(file));
                read.tell(fault.in_field("file"));
            }
        }
    }
    if read.events.is_empty() {
        return Err(CliError::NothingRead("the files: they hold nothing to convert".to_owned()));
    }
    match args.to {
        Target::Stix => read.bundle()?,
        Target::Misp => read.misp()?,
        Target::Feed => read.feed(args.out.as_deref().unwrap_or(Path::new(".")))?,
    }
    if read.refused > 0 {
        return Err(CliError::Refused { refused: read.refused.min(files.len()), files: files.len() });
    }
    if common.strict && read.faults > 0 {
        return Err(CliError::Strict(read.faults));
    }
    Ok(ExitCode::SUCCESS)
}

struct Read {
    events: Vec<MispEvent>,
    /// Files with something that could not be read.
    refused: usize,
    faults: usize,
    format: Format,
}

impl Read {
    fn tell(&mut self, fault: Fault) {
        self.refused += usize::from(fault.level == FaultLevel::Error);
        self.faults += 1;
        report(&fault, self.format);
    }

    fn file(&mut self, bytes: &[u8], name: &str, from: Option<Source>) {
        let misp = from.map_or_else(|| looks_like_misp(bytes), |from| from == Source::Misp);
        let (events, faults) = if misp {
            let read = read_misp(bytes);
            (read.events, read.faults)
        } else {
            let read = stix_to_misp(bytes);
            (read.events, read.faults)
        };
        let refused = self.refused;
        for fault in faults {
            self.tell(fault.in_source(name));
        }
        // One file is refused once.
        self.refused = self.refused.min(refused + 1);
        self.events.extend(events);
    }

    /// All events as one bundle.
    fn bundle(&mut self) -> Result<(), CliError> {
        let mut all: Option<threat::MispToStix> = None;
        for event in std::mem::take(&mut self.events) {
            let made = misp_to_stix(&event);
            for fault in &made.losses {
                self.tell(fault.clone());
            }
            match &mut all {
                // A marking or organisation of two events stands once.
                Some(all) => all.extend(made),
                None => all = Some(made),
            }
        }
        let bytes = all.map(|all| all.to_bundle()).unwrap_or_default();
        let mut writer = writer();
        writer.write_all(&bytes).and_then(|()| writer.flush()).map_err(output)
    }

    fn misp(&self) -> Result<(), CliError> {
        let mut writer = writer();
        let mut write = |text: &str| writer.write_all(text.as_bytes()).map_err(output);
        match self.events.as_slice() {
            [one] => write(&write_misp_event(one))?,
            several => {
                write("{\"response\":[\n")?;
                for (number, event) in several.iter().enumerate() {
                    write(if number > 0 { ",\n" } else { "" })?;
                    write(&write_misp_event(event))?;
                }
                write("\n]}")?;
            }
        }
        write("\n")?;
        writer.flush().map_err(output)
    }

    fn feed(&mut self, folder: &Path) -> Result<(), CliError> {
        let MispFeedFiles { files, left_out } = write_misp_feed(&self.events);
        for (event, count) in left_out {
            let message =
                format!("{count} elements are not for all communities, or withdrawn; they are left out");
            self.tell(Fault::warning("misp::not_for_all", message).in_field(event));
        }
        fs::create_dir_all(folder).map_err(CliError::io(folder))?;
        // The manifest last: who reads meanwhile finds every event that it names.
        for (name, text) in files.iter().rev() {
            let path = folder.join(name);
            fs::write(&path, text).map_err(CliError::io(&path))?;
        }
        say(&format!("{} events in {}", files.len() - 1, folder.display()));
        Ok(())
    }
}
