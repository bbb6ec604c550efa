//! `taxii pull`: objects of another server, without a node.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use base::{Fault, Timestamp};
use serde_json::value::RawValue;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::say;

/// Each object is printed on one line with the bytes that the server sent; line breaks between its parts become spaces.
/// An object that the server gives twice is printed once. Where it stopped stands on standard error at the end: give
/// that time as --added-after the next time.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A server that is busy or does not answer is asked again, as it says in Retry-After. Times are
kept to at most --patience; what cannot be mended by waiting ends the command with exit 2.

Examples:
  bongsu taxii pull --url http://127.0.0.1:5000/taxii2/ --user admin --password-file password
  bongsu taxii pull --url http://127.0.0.1:5000/trustgroup1/ --user admin \\
    --password-file password \\
    --collection 'High Value Indicators' --match type=indicator --added-after 2026-01-01T00:00:00Z"
)]
pub(crate) struct Pull {
    /// The discovery resource or an API root
    #[arg(long, value_name = "URL", env = "BONGSU_TAXII_URL", hide_env_values = true)]
    url: String,
    /// The name to log in with
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// A file with the password, or `-`
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<String>,
    /// A file with a bearer token, or `-`, in place of a name
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    token_file: Option<String>,
    /// A file with the certificates to show (PEM), the own one first
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// A file with the key of the own certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// A file with the authorities that the server stands under (PEM), instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Speak without TLS beyond this machine: everybody on the way reads along
    #[arg(long)]
    plain_http: bool,
    /// One collection by id, alias or title; all that may be read when left out
    #[arg(long, value_name = "ID")]
    collection: Option<String>,
    /// Only what was added there after this time
    #[arg(long, value_name = "TIME")]
    added_after: Option<Timestamp>,
    /// A filter, as type=indicator,malware; all versions are asked for unless version=last or the like is given
    #[arg(long = "match", value_name = "NAME=VALUES", value_parser = filter)]
    matching: Vec<(String, String)>,
    /// How many objects are asked for at once
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    page_objects: u32,
    /// The most bytes of one answer, packed or not
    #[arg(long, value_name = "BYTES", default_value_t = 32 << 20)]
    max_page_bytes: u64,
    /// The most objects of all
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    max_objects: u64,
    /// How often in a row a server in trouble is asked again
    #[arg(long, value_name = "N", default_value_t = 5)]
    tries: u32,
    /// The longest wait between two tries, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
}

fn filter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, values)) if !name.is_empty() && !values.is_empty() => {
            Ok((name.to_owned(), values.to_owned()))
        }
        _ => Err("a filter is NAME=VALUES, as type=indicator".to_owned()),
    }
}

pub(crate) fn run(options: &Pull, common: &Common) -> Result<ExitCode, CliError> {
    let secret = |file: &Option<String>| {
        let text = |path: &String| {
            let text = String::from_utf8(input::read(path)?);
            text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|_| CliError::Usage(format!("`{path}` is no text")))
        };
        file.as_ref().map(text).transpose()
    };
    let file = |path: &Option<PathBuf>| {
        path.as_ref().map(|path| std::fs::read(path).map_err(CliError::io(path))).transpose()
    };
    let access = node::TaxiiAccess {
        url: options.url.clone(),
        basic: options.user.clone().zip(secret(&options.password_file)?),
        token: secret(&options.token_file)?,
        identity: file(&options.certificate)?.zip(file(&options.key)?),
        authorities: file(&options.ca)?,
        plain_http: options.plain_http,
        max_page_bytes: options.max_page_bytes,
    };
    let what = node::TaxiiFetch {
        collection: options.collection.clone(),
        added_after: options.added_after,
        matching: options.matching.iter().cloned().collect::<BTreeMap<_, _>>(),
        page_objects: options.page_objects,
        most_objects: options.max_objects,
        tries: options.tries,
        most_wait_seconds: options.patience,
    };
    let mut list = common.out().list("stix-objects");
    let mut failed = None;
    let fetched = node::taxii_fetch(&access, &what, &mut |given| {
        match given {
            Err(trouble) => list.fault(Fault::warning(trouble.code, trouble.to_string())),
            Ok(bytes) => {
                if let Err(error) = one_line(bytes).and_then(|object| list.item(&object)) {
                    failed = Some(error);
                    return Err(std::io::ErrorKind::BrokenPipe.into());
                }
            }
        }
        Ok(())
    });
    if let Some(error) = failed {
        return Err(error);
    }
    match fetched? {
        Ok(fetched) => {
            list.finish()?;
            for one in fetched {
                let upto = one.taken_up_to.map_or_else(String::new, |time| format!(", added up to {time}"));
                let more = if one.more { ", and there is more" } else { "" };
                say(&format!("{}: {} objects{upto}{more}", one.collection, one.objects));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(trouble) => list.fail(CliError::Taxii(Box::new(trouble))),
    }
}

/// An object on one line. Raw line breaks stand between the parts of JSON only, never within a text (RFC 8259).
fn one_line(object: &[u8]) -> Result<Box<RawValue>, CliError> {
    let text = String::from_utf8_lossy(object).replace(['\r', '\n'], " ");
    Ok(RawValue::from_string(text)?)
}
