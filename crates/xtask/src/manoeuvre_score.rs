//! How well `bongsu orbit manoeuvres` finds the burns that operators published: the table of
//! docs/guide/manoeuvres.md, made from the program's output as any user sees it.
//!
//! A folder holds `NAME.tle` or `NAME.tle.zst` and `manoeuvres_NAME.yaml`, as in the benchmark of Shorten, Yang,
//! Maclean and Roughan ("Wide-scale Monitoring of Satellite Lifetimes: Pitfalls and a Benchmark Dataset", 2023).
//! Published burns less than a day after the one before are one episode. A claim and an episode match when they are
//! within the tolerance; each counts once.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why there is no table.
#[derive(Debug)]
pub struct ScoreError(String);

impl std::fmt::Display for ScoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ScoreError {}

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
const YEAR: f64 = 365.25 * DAY;

/// Tolerances of the table.
const TOLERANCES_H: [f64; 3] = [12.0, 24.0, 48.0];

/// Objects named so are geosynchronous; the others are in low orbit.
const GEOSYNCHRONOUS: &str = "Fengyun";

/// Claims, episodes and matches of one satellite or of several together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Items that make a claim.
    pub claims: usize,
    /// Published episodes.
    pub episodes: usize,
    /// Pairs within each tolerance.
    pub matched: [usize; 3],
    /// Time between the first and the last published burn, years.
    pub years: f64,
}

impl Tally {
    /// 2 matched / (claims + episodes); 0 where there is neither.
    pub fn f1(&self, tolerance: usize) -> f64 {
        let all = self.claims + self.episodes;
        if all == 0 { 0.0 } else { 2.0 * self.matched[tolerance] as f64 / all as f64 }
    }

    /// Claims without an episode within the widest tolerance, a year.
    pub fn false_alarms_a_year(&self) -> f64 {
        (self.claims - self.matched[2]) as f64 / self.years.max(1.0 / 365.25)
    }

    fn add(&mut self, other: &Self) {
        self.claims += other.claims;
        self.episodes += other.episodes;
        self.years += other.years;
        for (sum, one) in self.matched.iter_mut().zip(other.matched) {
            *sum += one;
        }
    }
}

/// The first burn of each episode: a burn less than a day after the one before belongs to the same.
pub fn episodes(burns_s: &[f64]) -> Vec<f64> {
    let mut sorted = burns_s.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut starts = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for burn in sorted {
        if burn - last > DAY {
            starts.push(burn);
        }
        last = burn;
    }
    starts
}

/// The most pairs (claim, episode) within `tolerance_s` in which each is used once; both sorted. With one tolerance
/// for all, taking them in order gives the most.
pub fn pairs(claims_s: &[f64], episodes_s: &[f64], tolerance_s: f64) -> Vec<(f64, f64)> {
    let (mut claim, mut episode) = (0, 0);
    let mut found = Vec::new();
    while let (Some(at), Some(truth)) = (claims_s.get(claim), episodes_s.get(episode)) {
        if (at - truth).abs() <= tolerance_s {
            found.push((*at, *truth));
            claim += 1;
            episode += 1;
        } else if at < truth {
            claim += 1;
        } else {
            episode += 1;
        }
    }
    found
}

fn tally(claims_s: &[f64], burns_s: &[f64]) -> Tally {
    let mut claims = claims_s.to_vec();
    claims.sort_by(f64::total_cmp);
    let truth = episodes(burns_s);
    let span = truth.last().zip(truth.first()).map_or(0.0, |(last, first)| last - first);
    Tally {
        claims: claims.len(),
        episodes: truth.len(),
        matched: TOLERANCES_H.map(|hours| pairs(&claims, &truth, hours * HOUR).len()),
        years: span / YEAR,
    }
}

/// What the program said of one satellite.
struct Claims {
    time_s: Vec<f64>,
    onset_s: Vec<f64>,
    sets_until_alarm: Vec<f64>,
}

/// The table for all satellites in `data`, by the program at `bongsu`.
///
/// # Errors
/// When the folder holds no such files, or the program cannot be run or fails.
pub fn manoeuvre_score(data: &Path, bongsu: &Path) -> Result<String, ScoreError> {
    let satellites = satellites(data)?;
    let mut table = String::from(
        "satellite      episodes claims | F1 12h   24h   48h | P 48h R 48h | false/yr | median h | onset: F1 24h 48h median h | causal: F1 48h false/yr median sets\n",
    );
    let mut pooled = [(Tally::default(), Tally::default(), Tally::default()); 2];
    for (name, history, truth) in &satellites {
        let burns = published(truth)?;
        let (all, alarms) = (claims(bongsu, history, &[])?, claims(bongsu, history, &["--causal"])?);
        let tallies =
            (tally(&all.time_s, &burns), tally(&all.onset_s, &burns), tally(&alarms.time_s, &burns));
        row(&mut table, name, &tallies, Some((&all, &alarms, &burns)));
        let pool = &mut pooled[usize::from(name.starts_with(GEOSYNCHRONOUS))];
        pool.0.add(&tallies.0);
        pool.1.add(&tallies.1);
        pool.2.add(&tallies.2);
    }
    for (name, tallies) in ["low orbit", "geosynchronous"].iter().zip(&pooled) {
        if tallies.0.episodes > 0 {
            row(&mut table, name, tallies, None);
        }
    }
    Ok(table)
}

type Tallies = (Tally, Tally, Tally);

fn row(table: &mut String, name: &str, of: &Tallies, detail: Option<(&Claims, &Claims, &[f64])>) {
    let (time, onset, causal) = of;
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let offset = |claims: &[f64], burns: &[f64]| {
        let mut offsets: Vec<f64> = pairs(claims, &episodes(burns), 48.0 * HOUR)
            .iter()
            .map(|(claim, truth)| (claim - truth) / HOUR)
            .collect();
        middle(&mut offsets)
    };
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let (by_time, by_onset, sets) = detail.map_or((None, None, None), |(all, alarms, burns)| {
        (
            offset(&all.time_s, burns),
            offset(&all.onset_s, burns),
            middle(&mut alarms.sets_until_alarm.clone()),
        )
    });
    let _ = writeln!(
        table,
        "{name:<14} {:>8} {:>6} | {:>6.3} {:>5.3} {:>5.3} | {:>5.2} {:>6.2} | {:>8.2} | {:>8} | {:>13.3} {:>5.3} {:>6} | {:>13.3} {:>8.2} {:>11}",
        time.episodes,
        time.claims,
        time.f1(0),
        time.f1(1),
        time.f1(2),
        share(time.matched[2], time.claims),
        share(time.matched[2], time.episodes),
        time.false_alarms_a_year(),
        shown(by_time),
        onset.f1(1),
        onset.f1(2),
        shown(by_onset),
        causal.f1(2),
        causal.false_alarms_a_year(),
        shown(sets),
    );
}

fn middle(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Name, element sets and published burns of each satellite.
fn satellites(data: &Path) -> Result<Vec<(String, PathBuf, PathBuf)>, ScoreError> {
    let wrong = |why: String| ScoreError(format!("{}: {why}", data.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(data).map_err(|error| wrong(error.to_string()))? {
        let path = entry.map_err(|error| wrong(error.to_string()))?.path();
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = file.strip_prefix("manoeuvres_").and_then(|name| name.strip_suffix(".yaml")) else {
            continue;
        };
        let histories = [format!("{name}.tle"), format!("{name}.tle.zst")].map(|file| data.join(file));
        match histories.into_iter().find(|history| history.is_file()) {
            Some(history) => found.push((name.to_owned(), history, path.clone())),
            None => return Err(wrong(format!("{file} has no {name}.tle or {name}.tle.zst beside it"))),
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(wrong(
            "no manoeuvres_NAME.yaml here; get the data set of Shorten et al. (docs/guide/manoeuvres.md says where)"
                .to_owned(),
        ));
    }
    Ok(found)
}

/// The published burns: lines such as `- 2016-01-20 22:18:00`, UTC.
fn published(path: &Path) -> Result<Vec<f64>, ScoreError> {
    let text =
        fs::read_to_string(path).map_err(|error| ScoreError(format!("{}: {error}", path.display())))?;
    let mut burns = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(time) = line.trim().strip_prefix("- ") {
            burns.push(seconds(time.trim_matches(['"', '\''])).ok_or_else(|| {
                ScoreError(format!("{}:{}: `{time}` is no time", path.display(), number + 1))
            })?);
        }
    }
    Ok(burns)
}

fn claims(bongsu: &Path, history: &Path, more: &[&str]) -> Result<Claims, ScoreError> {
    let output = Command::new(bongsu)
        .args(["orbit", "manoeuvres", "--format", "ndjson"])
        .args(more)
        .arg(history)
        .output()
        .map_err(|error| ScoreError(format!("{}: {error}", bongsu.display())))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(ScoreError(format!("{} on {}: {said}", bongsu.display(), history.display())));
    }
    let mut all = Claims { time_s: Vec::new(), onset_s: Vec::new(), sets_until_alarm: Vec::new() };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let wrong = || ScoreError(format!("{}: not an item: {line}", bongsu.display()));
        let item: serde_json::Value = serde_json::from_str(line).map_err(|_| wrong())?;
        if item["below_floor"] == true {
            continue;
        }
        let time = |field: &str| item[field].as_str().and_then(seconds).ok_or_else(wrong);
        all.time_s.push(time("time")?);
        all.onset_s.push(time("onset")?);
        all.sets_until_alarm.extend(item["sets_until_alarm"].as_f64());
    }
    all.onset_s.sort_by(f64::total_cmp);
    all.time_s.sort_by(f64::total_cmp);
    Ok(all)
}

/// Seconds since 1970 of `2016-01-20 22:18:00` or `2016-01-20T22:18:00.5Z`.
fn seconds(text: &str) -> Option<f64> {
    let (date, clock) = text.trim_end_matches('Z').split_once([' ', 'T'])?;
    let numbers =
        |part: &str, mark| -> Option<Vec<f64>> { part.split(mark).map(|n| n.parse().ok()).collect() };
    let (&[year, month, day], &[hour, minute, second]) =
        (numbers(date, '-')?.as_slice(), numbers(clock, ':')?.as_slice())
    else {
        return None;
    };
    // Days from the civil calendar (Hinnant): years begin in March.
    let year = if month <= 2.0 { year - 1.0 } else { year };
    let era = (year / 400.0).floor();
    let of_era = year - era * 400.0;
    let of_year = ((153.0 * (month + if month > 2.0 { -3.0 } else { 9.0 }) + 2.0) / 5.0).floor() + day - 1.0;
    let days = era * 146_097.0 + of_era * 365.0 + (of_era / 4.0).floor() - (of_era / 100.0).floor() + of_year
        - 719_468.0;
    Some(days * DAY + hour * HOUR + minute * 60.0 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: f64 = HOUR;

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("1970-01-01 00:00:00"), Some(0.0));
        assert_eq!(seconds("2016-02-29T12:00:00.5Z"), Some(1_456_747_200.5));
        assert_eq!(seconds("1999-12-31 23:59:59"), Some(946_684_799.0));
        for wrong in ["", "2016-01-20", "2016-01-20 22:18", "x-01-20 22:18:00"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn burns_within_a_day_of_the_one_before_are_one_episode() {
        assert_eq!(episodes(&[50.0 * H, 0.0, 20.0 * H, 40.0 * H, 75.0 * H]), [0.0, 75.0 * H]);
        assert_eq!(episodes(&[]), [] as [f64; 0]);
    }

    #[test]
    fn each_claim_and_each_episode_counts_once() {
        // Two claims at one episode: one match. Two episodes at one claim: one match.
        assert_eq!(pairs(&[0.0, H], &[0.5 * H], 24.0 * H).len(), 1);
        assert_eq!(pairs(&[30.0 * H], &[10.0 * H, 50.0 * H], 24.0 * H).len(), 1);
        // The nearest first would match 20 with 22 and leave 0 and 45 alone; the most is two.
        assert_eq!(pairs(&[0.0, 22.0 * H], &[20.0 * H, 45.0 * H], 24.0 * H).len(), 2);
        // The tolerance counts to its end, and to both sides.
        assert_eq!(pairs(&[0.0], &[24.0 * H], 24.0 * H).len(), 1);
        assert_eq!(pairs(&[24.0 * H + 1.0], &[0.0], 24.0 * H).len(), 0);
    }

    #[test]
    fn a_tally_counts_what_it_should() {
        let burns = [0.0, 10.0 * H, 100.0 * DAY, YEAR];
        let score = tally(&[6.0 * H, 100.5 * DAY, 200.0 * DAY], &burns);
        assert_eq!((score.claims, score.episodes, score.matched), (3, 3, [2, 2, 2]));
        assert!((score.f1(2) - 4.0 / 6.0).abs() < 1e-12);
        assert!((score.false_alarms_a_year() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_folder_without_data_is_told_of() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let error = manoeuvre_score(folder.path(), Path::new("bongsu")).err().ok_or("scored nothing")?;
        assert!(error.to_string().contains("no manoeuvres_NAME.yaml"), "{error}");
        fs::write(folder.path().join("manoeuvres_X.yaml"), "- 2016-01-20 22:18:00\n")?;
        let error = manoeuvre_score(folder.path(), Path::new("bongsu")).err().ok_or("scored nothing")?;
        assert!(error.to_string().contains("has no X.tle"), "{error}");
        Ok(())
    }
}
