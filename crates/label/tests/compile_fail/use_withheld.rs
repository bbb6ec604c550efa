//! `release` takes the item; the released one cannot be had without asking whether it was withheld.

use base::{Finding, Timestamp};
use label::{Audience, Released, Rules, Standing, release};

fn hasty(item: Finding, audience: &Audience, rules: &Rules, standing: &Standing<'_>) -> Released<Finding> {
    release(item, audience, rules, standing, Timestamp::UNIX_EPOCH)
}

fn main() {}
