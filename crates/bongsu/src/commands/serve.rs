//! `serve`: run a node until it is told to stop.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use node::{Config, Node, Origin, Overrides};

use crate::Common;
use crate::error::CliError;
use crate::out::{Format, say};

/// Settings that stand on the command line or in the environment.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// The data folder; made on the first start
    #[arg(long, value_name = "DIR", env = "BONGSU_DATA")]
    pub(crate) data: PathBuf,
    /// The node's name among its peers: a-z, 0-9 and -
    #[arg(long, env = "BONGSU_NAME")]
    name: Option<String>,
    /// The node's name for people
    #[arg(long, env = "BONGSU_TITLE")]
    title: Option<String>,
    /// Whose node it is, say KOR; without it the node shares nothing
    #[arg(long, env = "BONGSU_COUNTRY")]
    country: Option<String>,
    /// Where the console listens [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS", env = "BONGSU_LISTEN")]
    listen: Option<String>,
    /// Where the link listens for peers [default: 127.0.0.1:8421]
    #[arg(long, value_name = "ADDRESS", env = "BONGSU_LINK_LISTEN")]
    link_listen: Option<String>,
    /// Host and port that peers are told [default: where the link listens]
    #[arg(long, value_name = "ADDRESS", env = "BONGSU_LINK_ADDRESS")]
    link_address: Option<String>,
    /// Whether the console speaks TLS: auto (beyond loopback), on, off
    #[arg(long, env = "BONGSU_TLS")]
    tls: Option<String>,
}

impl Settings {
    pub(crate) fn load(&self) -> Result<Config, CliError> {
        let mut overrides = Overrides::default();
        let values = [
            ("name", "--name", "BONGSU_NAME", &self.name),
            ("title", "--title", "BONGSU_TITLE", &self.title),
            ("country", "--country", "BONGSU_COUNTRY", &self.country),
            ("listen", "--listen", "BONGSU_LISTEN", &self.listen),
            ("link_listen", "--link-listen", "BONGSU_LINK_LISTEN", &self.link_listen),
            ("link_address", "--link-address", "BONGSU_LINK_ADDRESS", &self.link_address),
            ("tls", "--tls", "BONGSU_TLS", &self.tls),
        ];
        for (key, flag, variable, value) in values {
            // clap says nothing about where a value came from once it is parsed; a flag wins over the environment.
            let on_line = std::env::args().any(|arg| arg == flag || arg.starts_with(&format!("{flag}=")));
            let origin = if on_line {
                Origin::Flag(flag.to_owned())
            } else {
                Origin::Environment(variable.to_owned())
            };
            overrides = overrides.with(key, value.clone(), origin);
        }
        Ok(Config::load(&self.data, &overrides)?)
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  bongsu serve --data ./seoul --name seoul --country KOR\n\nOne document on standard output says where the console (`url`) and the link are,\nand the one-time address that lets the local officer in (`enter`; a new one at\neach start, good for 15 minutes). SIGINT and SIGTERM stop the node in order.")]
pub(crate) struct Serve {
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(args: Serve, common: &Common) -> Result<ExitCode, CliError> {
    let config = args.settings.load()?;
    start_log();
    let unowned = config.country.as_str() == "ZZZ";
    let format = common.out().format();
    runtime()?.block_on(async {
        let node = Node::start(config).await?;
        let link = node.entry_link()?;
        if format == Format::Text {
            say(&format!("console   {}\nopen once {link}\nlink      {}", node.url(), node.link_address()));
        }
        if unowned {
            say("warning: no country is set (--country), so nothing will be shared");
        }
        let started = serde_json::json!({
            "schema": "bongsu.serve/1", "url": node.url(), "enter": link, "link": node.link_address().to_string(),
        });
        if format != Format::Text {
            common.out().document("bongsu.serve/1", &started)?;
        }
        stop_signal().await;
        node.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Logs go to stderr: lines for people on a terminal, JSON elsewhere. `BONGSU_LOG` says how much.
pub(crate) fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("BONGSU_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, as the demo's, finds the log already set; that is as it should be.
    let _ = if std::io::stderr().is_terminal() { log.compact().try_init() } else { log.json().try_init() };
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CliError::io(Path::new("runtime")))
}

/// Waits for SIGINT or SIGTERM.
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
