//! `serve`: run a node until it is told to stop.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use node::{Config, Node, Origin, Overrides, Repeatable};

use crate::Common;
use crate::error::CliError;
use crate::out::{Format, say};

/// Settings that stand on the command line or in the environment.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// The data folder; made on the first start
    #[arg(long, value_name = "DIR", env = "BONGSU_DATA", hide_env_values = true)]
    pub(crate) data: PathBuf,
    /// The node's name among its peers: a-z, 0-9 and -
    #[arg(long, env = "BONGSU_NAME", hide_env_values = true)]
    name: Option<String>,
    /// The node's name for people
    #[arg(long, env = "BONGSU_TITLE", hide_env_values = true)]
    title: Option<String>,
    /// Whose node it is, say KOR; without it the node shares nothing
    #[arg(long, env = "BONGSU_COUNTRY", hide_env_values = true)]
    country: Option<String>,
    /// Where the console listens [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS", env = "BONGSU_LISTEN", hide_env_values = true)]
    listen: Option<String>,
    /// Where the link listens for peers [default: 127.0.0.1:8421]
    #[arg(long, value_name = "ADDRESS", env = "BONGSU_LINK_LISTEN", hide_env_values = true)]
    link_listen: Option<String>,
    /// Host and port that peers are told [default: where the link listens]
    #[arg(long, value_name = "ADDRESS", env = "BONGSU_LINK_ADDRESS", hide_env_values = true)]
    link_address: Option<String>,
    /// How browsers call the console; passkeys belong to this name [default: http://localhost:PORT on loopback]
    #[arg(long, value_name = "URL", env = "BONGSU_CONSOLE_URL", hide_env_values = true)]
    console_url: Option<String>,
    /// Whether the console speaks TLS: auto (beyond loopback), on, off
    #[arg(long, env = "BONGSU_TLS", hide_env_values = true)]
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
            ("console_url", "--console-url", "BONGSU_CONSOLE_URL", &self.console_url),
            ("tls", "--tls", "BONGSU_TLS", &self.tls),
        ];
        for (key, flag, variable, value) in values {
            // clap says nothing about where a value came from once it is parsed; a flag wins over the environment.
            let on_line = std::env::args_os().any(|arg| {
                // Arguments need not be UTF-8; ours are.
                arg.to_str()
                    .and_then(|arg| arg.strip_prefix(flag))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            });
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
#[command(
    after_help = "Example:\n  bongsu serve --data ./seoul --name seoul --country KOR\n\nOne document on standard output says where the console (`url`) and the link are,\nand, until the node has an administrator, the one-time address that lets the first\nofficer in (`enter`; a new one at each start, good for 15 minutes); later `enter` is\nnull and people come in at `login`. A first start keeps\nname, title and country in bongsu.toml in the data folder. With --now and --seed every\nentry bears that time and a salt of that seed, so that a trial can be repeated. SIGINT and SIGTERM stop the node in order."
)]
pub(crate) struct Serve {
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(args: Serve, common: &Common) -> Result<ExitCode, CliError> {
    let mut config = args.settings.load()?;
    config.program = Some(super::evidence::software());
    let first_settings = first_settings(&config)?;
    start_log();
    let format = common.out().format();
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        // Who reads the address below may send a signal at once.
        let stop = stop_signal();
        let data = config.data.clone();
        let fixed = Repeatable { now: common.now, seed: common.seed };
        if fixed != Repeatable::default() {
            say("warning: entries bear the time of --now and salts of --seed: for trials, not for service");
        }
        let node = Node::start_repeatable(config, fixed).await?;
        let unowned = node.country().as_str() == "ZZZ";
        if let Some(text) = first_settings {
            keep(&data.join(SETTINGS), &text)?;
        }
        // Once there is an administrator, people come in by their accounts.
        let enter = if node.awaits_administrator() { Some(node.entry_link()?) } else { None };
        if format == Format::Text {
            let way_in = match &enter {
                Some(link) => format!("open once {link}"),
                None => format!("log in    {}", node.login_url()),
            };
            say(&format!("console   {}\n{way_in}\nlink      {}", node.url(), node.link_address()));
        }
        if unowned {
            say("warning: no country is set (--country), so nothing will be shared");
        }
        let started = serde_json::json!({
            "schema": "bongsu.serve/1", "url": node.url(), "enter": enter, "login": node.login_url(),
            "link": node.link_address().to_string(),
        });
        if format != Format::Text {
            common.out().document("bongsu.serve/1", &started)?;
        }
        stop.await;
        node.stop().await;
        Ok(ExitCode::SUCCESS)
    });
    // The record is closed; what may still wait, such as for a name server, is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(500));
    served
}

/// The file of settings in the data folder.
const SETTINGS: &str = "bongsu.toml";

/// Who the node is stands on the line of its first start; the next one must find it. Gives the text to keep, when this
/// is the first start and there is no file of settings yet.
fn first_settings(config: &Config) -> Result<Option<String>, CliError> {
    let founded = config.data.join("record/checkpoints/home");
    if let Ok(note) = std::fs::read_to_string(&founded) {
        let owner = note.lines().next().and_then(|line| line.strip_prefix("bongsu/")?.strip_suffix("/home"));
        return match owner {
            Some(owner) if owner != config.name.as_str() => Err(CliError::Usage(format!(
                "`{data}` is the folder of node `{owner}`, not of `{}`; give --name {owner}, or set name in {data}/{SETTINGS}",
                config.name,
                data = config.data.display(),
            ))),
            _ => Ok(None),
        };
    }
    if config.data.join("record").exists() || config.data.join(SETTINGS).exists() {
        return Ok(None);
    }
    let mut text = "# From the first start. `bongsu config show` prints every setting.\n".to_owned();
    for (key, value, origin) in config.shown() {
        if ["name", "title", "country"].contains(&key) && origin != Origin::Default {
            // A JSON string is a TOML string, but for the character DEL.
            let value = value.to_string().replace('\u{7f}', "\\u007f");
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    Ok(Some(text))
}

/// Writes a file whole or not at all.
fn keep(path: &Path, text: &str) -> Result<(), CliError> {
    let draft = path.with_extension("toml.tmp");
    std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, path)).map_err(CliError::io(path))
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

/// Listens for SIGINT and SIGTERM from now on; the future waits for one. Call it inside the runtime.
pub(crate) fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        match (terminate, interrupt) {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            _ => {
                let _ = tokio::signal::ctrl_c().await;
            }
        }
    }
}
