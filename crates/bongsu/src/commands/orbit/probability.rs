use std::process::ExitCode;

use base::{Fault, Timestamp};
use orbit::{Conjunction, Encounter, Message};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::input;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu orbit probability samples/ccsds/conjunction.cdm
  bongsu orbit probability samples/ccsds/conjunction.cdm --radius-m 5 --format text
  bongsu orbit probability samples/ccsds/conjunction.cdm --terms 100

The encounter is taken as short: both objects move straight, and the combined
covariance is integrated over the disc of both bodies in the plane across their
relative velocity (Alfano 2005). `pc` is the converged value, or with --terms the
paper's sum; `method` says which. `pc_max` is the largest probability over all
covariances of the same shape. When `dilution` is true the covariance is larger
than that one: a small `pc` then comes from not knowing, and is no comfort.")]
pub(crate) struct Probability {
    /// The conjunction data message, KVN or XML; .zst and .gz too; - is standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// The radius of both bodies together [default: that of a line COMMENT HBR = R in the message]
    #[arg(long, value_name = "R", env = "BONGSU_RADIUS_M", hide_env_values = true)]
    radius_m: Option<f64>,
    /// Sum so many terms as in the paper instead of integrating until it converges
    #[arg(long, value_name = "N", env = "BONGSU_TERMS", hide_env_values = true, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    terms: Option<u32>,
}

#[derive(Serialize)]
struct Item {
    tca: Timestamp,
    object_1: String,
    object_2: String,
    pc: f64,
    pc_max: f64,
    method: String,
    miss_km: f64,
    mahalanobis: f64,
    dilution: bool,
    radius_m: f64,
}

pub(super) fn run(args: &Probability, common: &Common) -> Result<ExitCode, CliError> {
    let name = input::name(&args.file);
    let bytes = input::read(&args.file)?;
    let mut list = common.out().list("bongsu.collision-probability/1");
    let read = orbit::read_messages(&bytes, &name);
    for fault in read.faults {
        list.fault(fault);
    }
    let mut count = 0;
    for message in &read.messages {
        match item(message, args) {
            Ok(item) => {
                list.item(&item)?;
                count += 1;
            }
            Err(fault) => list.fault(fault.in_source(&name)),
        }
    }
    if count == 0 {
        return list.fail(CliError::NothingRead(name));
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn item(message: &Message, args: &Probability) -> Result<Item, Box<Fault>> {
    let conjunction = Conjunction::from_cdm(message)?;
    let radius_m = args.radius_m.or(conjunction.hard_body_radius_m).ok_or_else(|| {
        let text = "the message has no line COMMENT HBR = R; give the radius of both bodies with --radius-m";
        Box::new(Fault::error("orbit::missing_radius", text).at_line(1).in_field("HBR"))
    })?;
    let encounter = Encounter::new(&conjunction, radius_m).map_err(|error| {
        Box::new(Fault::error("orbit::probability", error.to_string()).in_field(error.field()))
    })?;
    let all = encounter.assess();
    let (pc, method) = match args.terms {
        Some(terms) => {
            let terms = terms.next_multiple_of(2);
            (encounter.simpson_sum(terms), format!("Alfano 2005, {terms}-term sum"))
        }
        None => (all.probability, "Alfano 2005, converged".to_owned()),
    };
    let [x, y, z] = conjunction.relative_position_m();
    let [first, second] = conjunction.objects;
    Ok(Item {
        tca: conjunction.tca,
        object_1: first.designator,
        object_2: second.designator,
        pc,
        pc_max: all.maximum,
        method,
        miss_km: (x * x + y * y + z * z).sqrt() / 1e3,
        mahalanobis: all.mahalanobis,
        dilution: all.dilution,
        radius_m,
    })
}
