//! Why a command could not do it, with what to do.

use std::path::PathBuf;

/// An error that ends a command with exit 2.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// A file.
    #[error("`{}`: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// An input that is over a limit, damaged or cut off.
    #[error("`{name}`: {source}")]
    Unpack { name: String, source: node::UnpackError },
    /// A value that means nothing, found after parsing.
    #[error("{0}")]
    Usage(String),
    /// With `--strict`: faults are errors.
    #[error("the input has faults ({0}), and --strict is set")]
    Strict(usize),
    /// Nothing in the input could be read.
    #[error("nothing could be read from {0}")]
    NothingRead(String),
    /// Files that were looked at are not in order.
    #[error("{refused} of {files} files refused")]
    Refused { refused: usize, files: usize },
    #[error("{0}")]
    Screen(#[from] orbit::ScreenError),
    #[error("{0}")]
    Coverage(#[from] orbit::CoverageError),
    #[error("{0}")]
    Region(#[from] orbit::RegionError),
    #[error("{0}")]
    Companions(#[from] orbit::CompanionError),
    #[error("{0}")]
    IndicatorSet(#[from] threat::SetError),
    #[error("{0}")]
    Hunt(#[from] hunt::HuntError),
    /// Segments of a store of logs; each has a fault.
    #[error("the store `{}` is damaged; what is whole was searched", .0.display())]
    DamagedStore(PathBuf),
    #[error("{0}")]
    Node(#[from] node::NodeError),
    #[error("{0}")]
    Config(#[from] node::ConfigError),
    #[error("{0}")]
    Store(#[from] record::StoreError),
    #[error("{0}")]
    Bundle(#[from] record::BundleError),
    #[error("{0}")]
    Fraud(#[from] record::FraudError),
    /// A witness refuses; the number is the answer of C2SP tlog-witness over HTTP.
    #[error("{0} (status {status} of tlog-witness)", status = .0.status())]
    Witness(#[from] record::WitnessError),
    /// Another TAXII server.
    #[error("{0}")]
    Taxii(#[from] Box<node::TaxiiTrouble>),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// The demo.
    #[error("{0}")]
    Demo(String),
    /// Whoever reads our output has enough; that is no error.
    #[error("output closed")]
    Pipe,
}

impl CliError {
    /// A stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "cli::io",
            Self::Unpack { .. } => "cli::unreadable",
            Self::Usage(_) => "cli::usage",
            Self::Strict(_) => "cli::strict",
            Self::NothingRead(_) => "cli::nothing_read",
            Self::Refused { .. } => "cli::refused",
            Self::Screen(_) => "orbit::screen",
            Self::Coverage(_) => "orbit::coverage",
            Self::Region(_) => "orbit::region",
            Self::Companions(_) => "orbit::companions",
            Self::IndicatorSet(_) => "threat::indicator_set",
            Self::Hunt(error) => error.code(),
            Self::DamagedStore(_) => "hunt::damaged",
            Self::Node(_) => "node::failed",
            Self::Config(_) => "node::config",
            Self::Store(_) => "record::failed",
            Self::Bundle(_) => "bundle::not_written",
            Self::Fraud(error) => error.code(),
            Self::Witness(_) => "witness::refused",
            Self::Taxii(trouble) => trouble.code,
            Self::Json(_) => "cli::json",
            Self::Demo(_) => "cli::demo",
            Self::Pipe => "cli::pipe",
        }
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
