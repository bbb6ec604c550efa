//! `account`: the people of a node and their roles, on a running or a stopped node. Each change is an entry.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::Country;
use label::{Clearance, Level};
use node::{AccountAnswer, AccountName, AccountOrder, Config, NewAccount, Role};

use crate::Common;
use crate::commands::serve::Settings;
use crate::error::CliError;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Account {
    /// Add an account and make the link by which its person registers a passkey
    #[command(
        after_help = "The link is good for a day and works once. With --oidc the person comes in by the organisation's\nidentity provider, and the link is not needed.\n\nExample:\n  bongsu account add kim --roles analyst,release-officer --full-name 'Kim' --data ./seoul"
    )]
    Add(Add),
    /// List accounts
    #[command(after_help = "Example:\n  bongsu account list --data ./seoul")]
    List(Settings),
    /// Give an account other roles; its sessions end
    #[command(after_help = "Example:\n  bongsu account role kim --roles observer --data ./seoul")]
    Role(Roles),
    /// Say what an account may read at the node; its sessions end
    #[command(
        after_help = "Without --level the account reads everything that its roles allow. --countries is for nationals of\nothers: they read only what one of these countries may have.\n\nExample:\n  bongsu account clearance kim --level SECRET --categories SCI:SI --data ./seoul"
    )]
    Clearance(Cleared),
    /// Make a new link for an account, say when its passkeys are lost
    #[command(after_help = "Example:\n  bongsu account link kim --data ./seoul --link-file kim.link")]
    Link(Linked),
    /// Remove an account; its sessions end
    #[command(after_help = "Example:\n  bongsu account remove kim --data ./seoul")]
    Remove(Named),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// 1 to 64 of a-z, 0-9, . _ - and @
    account: AccountName,
    /// observer, analyst, release-officer, key-holder, administrator
    #[arg(long, value_name = "ROLE", value_delimiter = ',', required = true)]
    roles: Vec<Role>,
    /// What the person is called
    #[arg(long, value_name = "NAME")]
    full_name: Option<String>,
    /// The person's `sub` at the organisation's identity provider
    #[arg(long, value_name = "SUBJECT")]
    oidc: Option<String>,
    /// Write the link to this new file, for its owner only, in place of the output
    #[arg(long, value_name = "FILE")]
    link_file: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The account's name
    account: AccountName,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Roles {
    /// The account's name
    account: AccountName,
    /// All roles that it has from now on
    #[arg(long, value_name = "ROLE", value_delimiter = ',', required = true)]
    roles: Vec<Role>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Cleared {
    /// The account's name
    account: AccountName,
    /// The highest level: UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET or "TOP SECRET"
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
    /// Restrictive categories that the person is read in to
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',', requires = "level")]
    categories: Vec<String>,
    /// Of which countries the person is a national
    #[arg(long, value_name = "CODE", value_delimiter = ',', requires = "level")]
    countries: Vec<Country>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Linked {
    /// The account's name
    account: AccountName,
    /// Write the link to this new file, for its owner only, in place of the output
    #[arg(long, value_name = "FILE")]
    link_file: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(command: Account, common: &Common) -> Result<ExitCode, CliError> {
    let (settings, order, link_file) = match command {
        Account::Add(Add { account, roles, full_name, oidc, link_file, settings }) => {
            let roles = roles.into_iter().collect();
            let new =
                NewAccount { name: account, title: full_name, roles, clearance: None, oidc_subject: oidc };
            (settings, AccountOrder::Add(new), link_file)
        }
        Account::List(settings) => return list(&settings, common),
        Account::Remove(Named { account, settings }) => {
            (settings, AccountOrder::Remove { name: account }, None)
        }
        Account::Role(Roles { account, roles, settings }) => {
            let roles = roles.into_iter().collect();
            (settings, AccountOrder::Roles { name: account, roles }, None)
        }
        Account::Clearance(Cleared { account, level, categories, countries, settings }) => {
            let clearance = level.map(|level| Clearance {
                level,
                categories: categories.into_iter().collect(),
                countries: countries.into_iter().collect(),
            });
            (settings, AccountOrder::Clearance { name: account, clearance }, None)
        }
        Account::Link(Linked { account, link_file, settings }) => {
            (settings, AccountOrder::Link { name: account }, link_file)
        }
    };
    let config = settings.load()?;
    // Before anything is changed: the link is shown once.
    let file = link_file.as_deref().map(new_secret_file).transpose()?;
    let answer = node::order_accounts(&config, order)?;
    let link = link(&config, &answer);
    let mut document = serde_json::to_value(answer.accounts.first())?;
    match (link, file, link_file) {
        (Some(link), Some(mut file), Some(path)) => {
            writeln!(file, "{link}").and_then(|()| file.sync_all()).map_err(CliError::io(&path))?;
        }
        (link, _, _) => document["enter"] = serde_json::json!(link),
    }
    common.out().document("bongsu.account/1", &document)?;
    Ok(ExitCode::SUCCESS)
}

fn list(settings: &Settings, common: &Common) -> Result<ExitCode, CliError> {
    let answer = node::order_accounts(&settings.load()?, AccountOrder::List)?;
    let mut list = common.out().list("bongsu.accounts/1");
    for account in &answer.accounts {
        list.item(account)?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The address that goes with the answer's token, under the name to which passkeys belong.
fn link(config: &Config, answer: &AccountAnswer) -> Option<String> {
    let token = answer.token.as_ref()?;
    // A node that was started with other flags, say on any free port, answers elsewhere than the settings say.
    let origin =
        node::last_origin(&config.data).unwrap_or_else(|| config.console_origin(config.listen.port()));
    Some(format!("{origin}/enter?token={token}"))
}

fn new_secret_file(path: &Path) -> Result<std::fs::File, CliError> {
    std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(CliError::io(path))
}
