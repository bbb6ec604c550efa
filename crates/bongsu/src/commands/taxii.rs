//! `taxii`: who may come in to a node's TAXII server, what another server held, and what one holds now.

mod pull;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::NodeName;

use crate::Common;
use crate::commands::serve::Settings;
use crate::error::CliError;
use crate::input;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Taxii {
    /// Make the password of a client, and the file with its hash that bongsu.toml names
    #[command(
        after_help = "Without --password-file a password is drawn and printed once; it is kept nowhere.
The file is not overwritten. Name it in bongsu.toml:

  [[taxii.clients]]
  name = \"cert\"
  secret_file = \"taxii-cert.secret\"
  country = \"USA\"
  clearance = \"RESTRICTED\"

Example:
  bongsu taxii client cert --file ./seoul/taxii-cert.secret"
    )]
    Client {
        /// The client's name, as it logs in
        name: NodeName,
        /// Where to write the hash
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// A file with the password, in place of a drawn one
        #[arg(long, value_name = "FILE")]
        password_file: Option<String>,
    },
    /// Get the objects of another TAXII 2.1 server, byte for byte; needs no node
    Pull(pull::Pull),
    /// How it stands with the TAXII servers that a node pulls from and pushes to
    #[command(
        after_help = "The node may run or be stopped. A running one says the same at GET /api/taxii/peers.

Example:
  bongsu taxii peers --data ./seoul"
    )]
    Peers {
        #[command(flatten)]
        settings: Settings,
    },
    /// Take over what another TAXII server held, with the times at which it was added there
    #[command(
        after_help = "FILE is the data file of OASIS' reference server (medallion). Collections are known by their
ids: those that bongsu.toml does not name are left alone. Stop the node first.

Example:
  bongsu taxii take-over default_data.json --data ./seoul"
    )]
    TakeOver {
        /// The other server's data, or `-`
        file: String,
        #[command(flatten)]
        settings: Settings,
    },
}

pub(crate) fn run(command: Taxii, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Taxii::Client { name, file, password_file } => client(&name, &file, password_file.as_deref(), common),
        Taxii::Pull(options) => pull::run(&options, common),
        Taxii::Peers { settings } => peers(&settings, common),
        Taxii::TakeOver { file, settings } => take_over(&file, &settings, common),
    }
}

fn peers(settings: &Settings, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.taxii-peers/1");
    for peer in node::taxii_peers(&settings.load()?)? {
        list.item(&peer)?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn client(
    name: &NodeName,
    file: &Path,
    password_file: Option<&str>,
    common: &Common,
) -> Result<ExitCode, CliError> {
    let (password, drawn) = match password_file {
        Some(path) => {
            let text = String::from_utf8(input::read(path)?);
            let text = text.map_err(|_| CliError::Usage(format!("`{path}` is no text")))?;
            (text.trim_end_matches(['\r', '\n']).to_owned(), false)
        }
        None => (base::BlobHash::from_bytes(node::random_secret()).to_string(), true),
    };
    if password.is_empty() {
        return Err(CliError::Usage("the password is empty".to_owned()));
    }
    let hash = node::taxii_secret_hash(&password)?;
    let mut secret = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(file)
        .map_err(CliError::io(file))?;
    writeln!(secret, "{hash}").and_then(|()| secret.sync_all()).map_err(CliError::io(file))?;
    let password = drawn.then_some(password);
    let made = serde_json::json!({ "name": name, "file": file, "password": password });
    common.out().document("bongsu.taxii-client/1", &made)?;
    Ok(ExitCode::SUCCESS)
}

fn take_over(file: &str, settings: &Settings, common: &Common) -> Result<ExitCode, CliError> {
    let config = settings.load()?;
    let bytes = input::read(file)?;
    let mut list = common.out().list("bongsu.taxii-taken/1");
    for taken in node::taxii_take_over(&config, &bytes)? {
        list.item(&taken)?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}
