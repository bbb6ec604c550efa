use std::collections::{BTreeMap, BTreeSet};

/// What opens the one sentence on what a crate never does.
const INVARIANT: &str = "**Invariant:**";

/// The invariant in the documentation of a crate's root file (`//!` lines), or what is wrong with it.
///
/// # Errors
/// When there is no invariant, more than one, or an empty one.
pub fn invariant(source: &str) -> Result<String, String> {
    let docs: Vec<&str> = source
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .map(|line| line.trim_start_matches("//!").trim())
        .collect();
    one_invariant(&docs)
}

/// The invariant of each crate that a level-3 heading ``### `crates/NAME` `` (or ``### `NAME` `` of a crate that lies
/// elsewhere) of ARCHITECTURE.md introduces.
///
/// # Errors
/// When a section does not have exactly one.
pub fn section_invariants(architecture: &str) -> Result<BTreeMap<String, String>, String> {
    let mut sections: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut current = None;
    for line in prose(architecture) {
        if line.starts_with('#') {
            let name = line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`'));
            current = name.map(|name| name.strip_prefix("crates/").unwrap_or(name).to_owned());
            if let Some(name) = &current {
                sections.insert(name.clone(), Vec::new());
            }
        } else if let Some(name) = &current {
            sections.entry(name.clone()).or_default().push(line.trim());
        }
    }
    sections
        .into_iter()
        .map(|(name, lines)| match one_invariant(&lines) {
            Ok(sentence) => Ok((name, sentence)),
            Err(complaint) => Err(format!("section `{name}`: {complaint}")),
        })
        .collect()
}

/// The text after the mark, up to the end of its paragraph.
fn one_invariant(lines: &[&str]) -> Result<String, String> {
    let starts: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| line.starts_with(INVARIANT)).map(|(i, _)| i).collect();
    let [start] = starts[..] else {
        return Err(format!("{} paragraphs start with `{INVARIANT}`, there must be one", starts.len()));
    };
    let paragraph: Vec<&str> = lines[start..].iter().take_while(|line| !line.is_empty()).copied().collect();
    let sentence = paragraph.join(" ").trim_start_matches(INVARIANT).trim().to_owned();
    if sentence.contains('.') { Ok(sentence) } else { Err(format!("`{INVARIANT}` is no full sentence")) }
}

/// What is wrong with a glossary: rows of its tables without an English or a Korean word, words listed twice.
/// The first column is English, the second Korean.
pub fn glossary_faults(markdown: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    let mut rows = 0;
    for (number, line) in markdown.lines().enumerate() {
        let Some(cells) = line.trim().strip_prefix('|').map(|row| row.split('|').collect::<Vec<_>>()) else {
            continue;
        };
        let cell = |i: usize| cells.get(i).map_or("", |c| c.trim());
        let (english, korean) = (cell(0), cell(1));
        if english.starts_with("---") || english == "English" {
            continue;
        }
        rows += 1;
        let place = number + 1;
        if !english.chars().any(|c| c.is_ascii_alphabetic()) {
            faults.push(format!("line {place}: no English word"));
        }
        if !korean.chars().any(is_hangul) {
            faults.push(format!("line {place}: `{english}` has no Korean word"));
        }
        if cell(2).is_empty() {
            faults.push(format!("line {place}: `{english}` is not explained"));
        }
        if !seen.insert(english.to_lowercase()) {
            faults.push(format!("line {place}: `{english}` stands twice"));
        }
    }
    if rows == 0 {
        faults.push("no row".to_owned());
    }
    faults
}

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

/// The targets of a document's links to files: no addresses, no anchors, no links inside code.
pub fn links(markdown: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(markdown) {
        // Every second piece between backticks is code.
        let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (at, _) in text.match_indices("](") {
            let rest = &text[at + 2..];
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            targets.push(target.trim_start_matches('<').trim_end_matches('>').to_owned());
        }
        if let Some((name, target)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]: "))
            && !name.contains(']')
        {
            targets.push(target.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    targets
        .into_iter()
        .filter(|t| !t.contains("://") && !t.starts_with("mailto:"))
        .map(|t| t.split('#').next().unwrap_or_default().to_owned())
        .filter(|t| !t.is_empty())
        .collect()
}

/// The lines outside fenced code.
fn prose(markdown: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    markdown.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The lines, from 1, on which one of `folders` (`/home/`) stands as the start of an absolute path. An address
/// such as `https://example.org/home/` is none.
pub fn absolute_paths(bytes: &[u8], folders: &[&str]) -> Vec<usize> {
    let starts_path = |at: usize| {
        at.checked_sub(1).is_none_or(|before| {
            let c = bytes[before];
            !(c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'}' | b')' | b'*' | b'~'))
        })
    };
    let mut lines = BTreeSet::new();
    for folder in folders {
        let found =
            bytes.windows(folder.len()).enumerate().filter(|(_, window)| *window == folder.as_bytes());
        for (at, _) in found.filter(|(at, _)| starts_path(*at)) {
            lines.insert(bytes[..at].iter().filter(|b| **b == b'\n').count() + 1);
        }
    }
    lines.into_iter().collect()
}

/// The lines of a lock file (Cargo.lock, package-lock.json) that fetch from somewhere other than the public
/// registries: such a file works only where it was made.
pub fn foreign_lock_sources(lock: &str) -> Vec<String> {
    const PUBLIC: [&str; 2] =
        ["registry+https://github.com/rust-lang/crates.io-index", "https://registry.npmjs.org/"];
    lock.lines()
        .map(str::trim)
        .filter(|line| line.starts_with("source = ") || line.starts_with("\"resolved\": "))
        .filter(|line| {
            let address = line.split_once([' ', ':']).map_or("", |(_, rest)| rest);
            let address = address.trim_start_matches([' ', '=', '"']);
            !PUBLIC.iter().any(|public| address.starts_with(public))
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invariant_is_one_full_sentence_in_the_leading_docs() {
        let check = |source: &str, expected: Result<&str, &str>| {
            let got = invariant(source);
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{source}");
        };
        check(
            "//! A room.\n//!\n//! **Invariant:** no clock,\n//! no file.\n//!\n//! More.",
            Ok("no clock, no file."),
        );
        check("//! A room.", Err("0 paragraphs start with `**Invariant:**`, there must be one"));
        check(
            "mod a;\n//! **Invariant:** too late.",
            Err("0 paragraphs start with `**Invariant:**`, there must be one"),
        );
        check("//! **Invariant:**", Err("`**Invariant:**` is no full sentence"));
    }

    #[test]
    fn each_crate_section_has_its_invariant() {
        let text = "# Map\n### `crates/base`\nNouns.\n\n**Invariant:** no clock.\n## Other\n**Invariant:** not a crate.\n";
        let expected = BTreeMap::from([("base".to_owned(), "no clock.".to_owned())]);
        assert_eq!(section_invariants(text), Ok(expected));
        let got = section_invariants("### `crates/base`\nNouns.\n");
        assert_eq!(
            got,
            Err("section `base`: 0 paragraphs start with `**Invariant:**`, there must be one".to_owned())
        );
    }

    #[test]
    fn a_glossary_needs_both_languages() {
        let table = |row: &str| format!("| English | Korean | Meaning |\n|---|---|---|\n{row}\n");
        let check =
            |row: &str, expected: &[&str]| assert_eq!(glossary_faults(&table(row)), expected, "{row}");
        check("| entry | 기록 항목 | one signed item |", &[]);
        check("| entry | | one signed item |", &["line 3: `entry` has no Korean word"]);
        check("| entry | entry | one |", &["line 3: `entry` has no Korean word"]);
        check("| | 기록 항목 | one |", &["line 3: no English word"]);
        check("| entry | 기록 항목 | |", &["line 3: `entry` is not explained"]);
        check("| a | 가 | x |\n| A | 나 | x |", &["line 4: `A` stands twice"]);
        check("", &["no row"]);
    }

    #[test]
    fn only_links_to_files_are_followed() {
        let check = |text: &str, expected: &[&str]| assert_eq!(links(text), expected, "{text}");
        check("see [a](docs/a.md) and [b](../b.md#part \"title\")", &["docs/a.md", "../b.md"]);
        check("[a](https://example.org/x.md) [b](#here) <mailto:x>", &[]);
        check("[a]: docs/a.md", &["docs/a.md"]);
        check("`[a](code.md)` and [b](b.md)", &["b.md"]);
        check("```\n[a](code.md)\n```\n[b](b.md)", &["b.md"]);
        check("![picture](a.png)", &["a.png"]);
    }

    #[test]
    fn absolute_paths_are_told_from_addresses() {
        let check = |text: &str, expected: &[usize]| {
            assert_eq!(absolute_paths(text.as_bytes(), &["/home/"]), expected, "{text}");
        };
        check("/home/me", &[1]);
        check("a\nsee /home/me\n`/home/you`", &[2, 3]);
        check("https://example.org/home/x ./home/x ../home/x $DIR/home/x", &[]);
        check("/homestead/", &[]);
    }

    #[test]
    fn lock_files_name_public_registries() {
        let check = |lock: &str, foreign: bool| {
            assert_eq!(!foreign_lock_sources(lock).is_empty(), foreign, "{lock}");
        };
        check("source = \"registry+https://github.com/rust-lang/crates.io-index\"", false);
        check("  \"resolved\": \"https://registry.npmjs.org/vite/-/vite-8.0.0.tgz\",", false);
        check("  \"resolved\": \"http://localhost:4873/vite.tgz\",", true);
        check("source = \"git+https://example.org/x\"", true);
    }
}
