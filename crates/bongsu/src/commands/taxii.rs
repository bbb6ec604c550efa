//! `taxii`: who may come in to a node's TAXII server, what it offers, what is loaded into it, and what other servers hold.

mod pull;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{Country, KeyFingerprint, NodeName};
use label::Level;
use node::{MarkingRule, TaxiiAccount, TaxiiAct, TaxiiCollection, TaxiiLoad, TaxiiOrder};

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::say;

/// Whose TAXII side is meant. What the node is called is said at its first start.
#[derive(Debug, clap::Args)]
pub(crate) struct Folder {
    /// The node's data folder; made when there is none
    #[arg(long, value_name = "DIR", env = "BONGSU_DATA", hide_env_values = true)]
    data: PathBuf,
}

impl Folder {
    fn load(&self) -> Result<node::Config, CliError> {
        Ok(node::Config::load(&self.data, &node::Overrides::default())?)
    }
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Taxii {
    /// Who may come in
    #[command(subcommand)]
    Account(Account),
    /// What is offered
    #[command(subcommand)]
    Collection(Collection),
    /// Load a STIX bundle, a TAXII envelope or another server's data
    #[command(
        after_help = "Objects are kept byte for byte. Without --collection they go into the only collection; where there is\nnone, one is made with the title of the file, for this organisation's own accounts. With\n--fixture medallion, FILE is the data file of OASIS' reference server: its roots, collections and rights\nare made, and objects keep the times at which they were added there. Stop the node first.\n\nExample:\n  bongsu taxii load default_data.json --fixture medallion --data ./seoul\n  bongsu taxii load samples/threat/indicators.stix.json \\\n    --collection 'High Value Indicator Collection' --data ./seoul"
    )]
    Load(Load),
    /// Get the objects of another TAXII 2.1 server, byte for byte; needs no node
    Pull(pull::Pull),
    /// How it stands with the TAXII servers that a node pulls from and pushes to
    #[command(
        after_help = "The node may run or be stopped. A running one says the same at GET /api/taxii/peers.

Example:
  bongsu taxii peers --data ./seoul"
    )]
    Peers(Folder),
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Account {
    /// Let somebody in: by a password, by a TLS certificate, or by either
    #[command(
        after_help = "Without --country the account is this organisation's own and sees all of what it may read. With it,\nan object is seen only as far as its marking lets that country have it. Neither the password nor its\nhash is in the record. Stop the node first.\n\nExample:\n  bongsu taxii account add sensor --password-file sensor.password --data ./seoul\n  bongsu taxii account add us-cert --password-file sensor.password --country USA \\\n    --clearance RESTRICTED --data ./seoul"
    )]
    Add(AddAccount),
    /// List the accounts
    #[command(after_help = "Example:\n  bongsu taxii account list --data ./seoul")]
    List(Folder),
    /// Let somebody in no more
    #[command(
        after_help = "The name is taken out of every collection, too. Stop the node first.\n\nExample:\n  bongsu taxii account remove sensor --data ./seoul"
    )]
    Remove {
        /// The account's name
        account: NodeName,
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddAccount {
    /// The name, also for the log-in: a-z, 0-9 and -
    account: NodeName,
    /// A file with the password, or `-`; the end of its line is cut
    #[arg(long, value_name = "FILE", required_unless_present = "certificate")]
    password_file: Option<String>,
    /// A file with the TLS certificate (PEM) that lets it in without a password
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Whose it is, when it is not this organisation's own
    #[arg(long, value_name = "CODE")]
    country: Option<Country>,
    /// Up to which level another country's account sees [default: UNCLASSIFIED]
    #[arg(long, value_name = "LEVEL", requires = "country")]
    clearance: Option<Level>,
    /// It is this organisation's own; so is every account without --country
    #[arg(long, conflicts_with = "country")]
    own: bool,
    #[command(flatten)]
    folder: Folder,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Collection {
    /// Offer a collection
    #[command(
        after_help = "NAMES are accounts, separated by commas; `*` is every account and `@own` every one of this\norganisation. What an object says of itself narrows --level and --rel-to; without these, it reaches no\nother country unless its own marking names it. Stop the node first.\n\nExample:\n  bongsu taxii collection add 'Shared indicators' --read '*' --write sensor \\\n    --level RESTRICTED --rel-to USA \\\n    --data ./seoul"
    )]
    Add(AddCollection),
    /// List the collections
    #[command(after_help = "Example:\n  bongsu taxii collection list --data ./seoul")]
    List(Folder),
    /// Offer a collection no more
    #[command(
        after_help = "What it holds stays in the record; a collection with the same id serves it again. Stop the node\nfirst.\n\nExample:\n  bongsu taxii collection remove 'Shared indicators' --data ./seoul"
    )]
    Remove {
        /// Its id, alias or title
        collection: String,
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddCollection {
    /// The name for people
    title: String,
    /// The accounts that may read
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    read: Vec<String>,
    /// The accounts that may add and delete
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    write: Vec<String>,
    /// A UUID [default: drawn]
    #[arg(long, value_name = "UUID")]
    id: Option<String>,
    /// A name that may stand in the address in place of the id
    #[arg(long)]
    alias: Option<String>,
    /// What it holds
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The path of its API root, which is made when there is none [default: the server's first, else taxii2/default]
    #[arg(long, value_name = "PATH")]
    root: Option<String>,
    /// Accounts that may neither read nor write are told that it is there
    #[arg(long)]
    listed: bool,
    /// The level of its objects
    #[arg(long, value_name = "LEVEL", requires = "rel_to")]
    level: Option<Level>,
    /// Countries and groups that may have its objects
    #[arg(long, value_name = "CODES", value_delimiter = ',', requires = "level")]
    rel_to: Vec<String>,
    #[command(flatten)]
    folder: Folder,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    /// A bundle, an envelope or a data file; or `-`
    file: String,
    /// The id, alias or title of the collection
    #[arg(long, value_name = "COLLECTION", conflicts_with = "fixture")]
    collection: Option<String>,
    /// What FILE is, when it is another server's data
    #[arg(long, value_name = "SERVER")]
    fixture: Option<Fixture>,
    #[command(flatten)]
    folder: Folder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Fixture {
    /// The data file of OASIS' reference server, medallion 3
    Medallion,
}

pub(crate) fn run(command: Taxii, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Taxii::Account(Account::Add(args)) => add_account(args, common),
        Taxii::Account(Account::List(folder)) => list_accounts(&folder, common),
        Taxii::Account(Account::Remove { account, folder }) => {
            order(&folder, TaxiiOrder::RemoveAccount { name: account }, common)
        }
        Taxii::Collection(Collection::Add(args)) => add_collection(args, common),
        Taxii::Collection(Collection::List(folder)) => list_collections(&folder, common),
        Taxii::Collection(Collection::Remove { collection, folder }) => {
            order(&folder, TaxiiOrder::RemoveCollection { name: collection }, common)
        }
        Taxii::Load(args) => load(&args, common),
        Taxii::Pull(options) => pull::run(&options, common),
        Taxii::Peers(folder) => peers(&folder, common),
    }
}

fn peers(folder: &Folder, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.taxii-peers/1");
    for peer in node::taxii_peers(&folder.load()?)? {
        list.item(&peer)?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn add_account(args: AddAccount, common: &Common) -> Result<ExitCode, CliError> {
    let clearance = match (&args.country, args.clearance) {
        (Some(_), level) => Some(level.unwrap_or(Level::Unclassified).to_string()),
        (None, _) => None,
    };
    let account = TaxiiAccount {
        name: args.account,
        country: args.country,
        clearance,
        certificate: args.certificate.as_deref().map(fingerprint).transpose()?,
    };
    let password = args.password_file.as_deref().map(password).transpose()?;
    order(&args.folder, TaxiiOrder::AddAccount { account, password }, common)
}

fn password(path: &str) -> Result<String, CliError> {
    let text = String::from_utf8(input::read(path)?)
        .map_err(|_| CliError::Usage(format!("the password in `{}` is no UTF-8", input::name(path))))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// What a certificate is pinned by.
fn fingerprint(path: &Path) -> Result<KeyFingerprint, CliError> {
    let pem = std::fs::read(path).map_err(CliError::io(path))?;
    node::certificate_fingerprint(&pem).ok_or_else(|| {
        CliError::Usage(format!("`{}` holds no certificate in PEM (`BEGIN CERTIFICATE`)", path.display()))
    })
}

fn add_collection(args: AddCollection, common: &Common) -> Result<ExitCode, CliError> {
    let marking = args.level.map(|level| MarkingRule {
        names: Vec::new(),
        level: level.to_string(),
        rel_to: args.rel_to,
        caveats: Vec::new(),
    });
    let collection = TaxiiCollection {
        id: args.id.unwrap_or_default(),
        title: args.title,
        description: args.description,
        alias: args.alias,
        listed: args.listed,
        read: names(&args.read),
        write: names(&args.write),
        media_types: Vec::new(),
        marking,
    };
    order(&args.folder, TaxiiOrder::AddCollection { root: args.root, collection }, common)
}

fn names(listed: &[String]) -> Vec<String> {
    listed.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn order(folder: &Folder, order: TaxiiOrder, common: &Common) -> Result<ExitCode, CliError> {
    let config = folder.load()?;
    let act = node::order_taxii(&config, order, common.now)?;
    match &act {
        TaxiiAct::CollectionAdded { root, collection } => {
            let (_, accounts) = node::taxii_set_up(&config)?;
            let unknown = |name: &&String| {
                !name.starts_with(['*', '@']) && !accounts.iter().any(|known| known.name.as_str() == **name)
            };
            for name in collection.read.iter().filter(unknown) {
                say(&format!("warning: there is no account `{name}` yet; `bongsu taxii account add {name}`"));
            }
            common.out().document("bongsu.taxii-collection/1", &Offered { root, collection })?;
        }
        TaxiiAct::AccountAdded { account } => {
            common.out().document("bongsu.taxii-account/1", account)?;
        }
        other => common.out().document("bongsu.taxii-set-up/1", other)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A collection and where it stands.
#[derive(serde::Serialize)]
struct Offered<'a> {
    root: &'a str,
    #[serde(flatten)]
    collection: &'a TaxiiCollection,
}

fn list_accounts(folder: &Folder, common: &Common) -> Result<ExitCode, CliError> {
    let (_, accounts) = node::taxii_set_up(&folder.load()?)?;
    let mut list = common.out().list("bongsu.taxii-accounts/1");
    for account in &accounts {
        list.item(account)?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn list_collections(folder: &Folder, common: &Common) -> Result<ExitCode, CliError> {
    let (served, _) = node::taxii_set_up(&folder.load()?)?;
    let mut list = common.out().list("bongsu.taxii-collections/1");
    for root in &served.roots {
        for collection in &root.collections {
            list.item(&Offered { root: &root.path, collection })?;
        }
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn load(args: &Load, common: &Common) -> Result<ExitCode, CliError> {
    let config = args.folder.load()?;
    let bytes = input::read(&args.file)?;
    let loaded = match args.fixture {
        Some(Fixture::Medallion) => {
            let taken = node::taxii_take_over(&config, &bytes, common.now)?;
            add_test_users(&config, common)?;
            taken
        }
        None => {
            let title = Path::new(&args.file).file_stem().and_then(|stem| stem.to_str());
            let title = title.filter(|stem| *stem != "-").unwrap_or("Loaded").to_owned();
            let to = TaxiiLoad { collection: args.collection.clone(), title };
            vec![node::taxii_load(&config, &bytes, &to, common.now)?]
        }
    };
    let mut list = common.out().list("bongsu.taxii-loaded/1");
    for taken in &loaded {
        for fault in &taken.refused {
            list.fault(fault.clone().in_source(input::name(&args.file)));
        }
        list.item(taken)?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The accounts of the reference server's own configuration for tests.
const TEST_USERS: [(&str, &str); 3] =
    [("admin", "Password0"), ("user1", "Password1"), ("user2", "Password2")];

/// Lets the test users of the reference server in where nobody else may come in.
fn add_test_users(config: &node::Config, common: &Common) -> Result<(), CliError> {
    if !node::taxii_set_up(config)?.1.is_empty() {
        return Ok(());
    }
    for (name, password) in TEST_USERS {
        let name = name.parse().map_err(|_| CliError::Usage(name.to_owned()))?;
        let account = TaxiiAccount { name, country: None, clearance: None, certificate: None };
        let order = TaxiiOrder::AddAccount { account, password: Some(password.to_owned()) };
        node::order_taxii(config, order, common.now)?;
    }
    say(
        "warning: accounts admin, user1 and user2 have the passwords of the fixture, which everybody knows: for tests only",
    );
    Ok(())
}
