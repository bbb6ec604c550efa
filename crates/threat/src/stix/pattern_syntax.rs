//! The syntax of a STIX pattern as far as the validator needs it: whether it parses, and what it compares.
//! Grammar: STIX 2.1 clause 9, without its meaning.

use std::collections::BTreeSet;

/// Parentheses within one another; deeper patterns are refused.
const MAX_DEPTH: usize = 100;

/// The type and the first property of every path that the pattern compares, or why it does not parse.
///
/// # Errors
/// What is expected and at which byte of the pattern.
pub(crate) fn compared(pattern: &str, version: &str) -> Result<BTreeSet<(String, String)>, String> {
    let mut parser =
        Parser { text: pattern, at: 0, start_stop_text: version == "2.0", paths: BTreeSet::new() };
    parser.observations(0)?;
    parser.space();
    if parser.at < pattern.len() {
        return Err(parser.wrong("the end, AND, OR, FOLLOWEDBY or a qualifier"));
    }
    Ok(parser.paths)
}

struct Parser<'p> {
    text: &'p str,
    at: usize,
    /// In 2.0 START and STOP take plain strings.
    start_stop_text: bool,
    paths: BTreeSet<(String, String)>,
}

type Parsed = Result<(), String>;

impl<'p> Parser<'p> {
    fn wrong(&self, what: &str) -> String {
        format!("{what} is expected at byte {} of the pattern", self.at)
    }

    fn rest(&self) -> &'p str {
        &self.text[self.at..]
    }

    /// Blanks and comments.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let skipped = if trimmed.starts_with("/*") {
                trimmed.find("*/").map(|end| &trimmed[end + 2..])
            } else if trimmed.starts_with("//") {
                Some(trimmed.find('\n').map_or("", |end| &trimmed[end..]))
            } else {
                None
            };
            self.at = self.text.len() - skipped.unwrap_or(trimmed).len();
            if skipped.is_none() {
                return;
            }
        }
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn need(&mut self, token: &str) -> Parsed {
        if self.take(token) { Ok(()) } else { Err(self.wrong(&format!("`{token}`"))) }
    }

    /// A keyword that no letter follows.
    fn word(&mut self, word: &str) -> bool {
        self.space();
        let follows = self.rest().strip_prefix(word);
        let found = follows.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn observations(&mut self, depth: usize) -> Parsed {
        if depth > MAX_DEPTH {
            return Err(self.wrong("fewer parentheses within one another"));
        }
        loop {
            if self.take("(") {
                self.observations(depth + 1)?;
                self.need(")")?;
            } else {
                self.need("[")?;
                self.comparisons(depth + 1)?;
                self.need("]")?;
            }
            while self.qualifier()? {}
            if !(self.word("AND") || self.word("OR") || self.word("FOLLOWEDBY")) {
                return Ok(());
            }
        }
    }

    fn qualifier(&mut self) -> Result<bool, String> {
        if self.word("REPEATS") {
            self.number(false)?;
            if !self.word("TIMES") {
                return Err(self.wrong("TIMES"));
            }
        } else if self.word("WITHIN") {
            self.number(true)?;
            if !self.word("SECONDS") {
                return Err(self.wrong("SECONDS"));
            }
        } else if self.word("START") {
            self.time()?;
            if !self.word("STOP") {
                return Err(self.wrong("STOP"));
            }
            self.time()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn time(&mut self) -> Parsed {
        self.space();
        if !self.start_stop_text && !self.rest().starts_with("t'") {
            return Err(self.wrong("a time such as t'2026-03-10T00:00:00Z'"));
        }
        self.take("t");
        self.quoted().map(|_| ())
    }

    fn number(&mut self, fraction: bool) -> Parsed {
        self.space();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_digit() || fraction && c == '.')).unwrap_or(rest.len());
        if !rest[..end].parse::<f64>().is_ok_and(|number| number > 0.0) {
            return Err(self.wrong("a positive number"));
        }
        self.at += end;
        Ok(())
    }

    fn comparisons(&mut self, depth: usize) -> Parsed {
        if depth > MAX_DEPTH {
            return Err(self.wrong("fewer parentheses within one another"));
        }
        loop {
            if self.take("(") {
                self.comparisons(depth + 1)?;
                self.need(")")?;
            } else {
                self.comparison()?;
            }
            if !(self.word("AND") || self.word("OR")) {
                return Ok(());
            }
        }
    }

    fn comparison(&mut self) -> Parsed {
        let negated = self.word("NOT");
        if self.word("EXISTS") {
            return self.path();
        }
        if negated {
            return Err(self.wrong("EXISTS"));
        }
        self.path()?;
        self.word("NOT");
        let texts = ["LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"];
        if texts.iter().any(|operator| self.word(operator)) {
            self.space();
            return self.quoted().map(|_| ());
        }
        if self.word("IN") {
            self.need("(")?;
            loop {
                self.literal()?;
                if !self.take(",") {
                    return self.need(")");
                }
            }
        }
        let operators = ["==", "=", "!=", "<>", "<=", "<", ">=", ">"];
        if !operators.iter().any(|operator| self.take(operator)) {
            return Err(self.wrong("a comparison such as ="));
        }
        self.literal()
    }

    fn literal(&mut self) -> Parsed {
        self.space();
        let rest = self.rest();
        if rest.starts_with('\'') || ["t'", "b'", "h'"].iter().any(|quote| rest.starts_with(quote)) {
            self.at += usize::from(!rest.starts_with('\''));
            return self.quoted().map(|_| ());
        }
        if self.word("true") || self.word("false") {
            return Ok(());
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(rest.len());
        if rest[..end].parse::<f64>().is_err() {
            return Err(self.wrong("a value such as 'text', 12 or true"));
        }
        self.at += end;
        Ok(())
    }

    /// A string between single quotation marks.
    fn quoted(&mut self) -> Result<&'p str, String> {
        let rest = self.rest();
        if !rest.starts_with('\'') {
            return Err(self.wrong("a string in single quotation marks"));
        }
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                '\'' if !escaped => {
                    self.at += at + 1;
                    return Ok(&rest[1..at]);
                }
                _ => escaped = c == '\\' && !escaped,
            }
        }
        Err(self.wrong("the end of the string that begins"))
    }

    fn name(&mut self, hyphens: bool) -> Result<&'p str, String> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || hyphens && c == '-'))
            .unwrap_or(rest.len());
        if end == 0 || rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            return Err(self.wrong("a name"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    /// `type:property` and further steps.
    fn path(&mut self) -> Parsed {
        self.space();
        let object = self.name(true)?;
        self.need(":")?;
        self.space();
        let first = if self.rest().starts_with('\'') { self.quoted()? } else { self.name(true)? };
        self.paths.insert((object.to_owned(), first.to_owned()));
        loop {
            if self.take("[") {
                if !self.take("*") {
                    let rest = self.rest();
                    let digits = rest.strip_prefix('-').unwrap_or(rest);
                    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
                    if length == 0 {
                        return Err(self.wrong("an index or *"));
                    }
                    self.at += rest.len() - digits.len() + length;
                }
                self.need("]")?;
            } else if self.take(".") {
                self.space();
                if self.rest().starts_with('\'') {
                    self.quoted()?
                } else {
                    self.name(true)?
                };
            } else {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::compared;

    #[test]
    fn what_parses_and_what_not() {
        for right in [
            "[file:hashes.'SHA-256' = 'a'] FOLLOWEDBY ([a-b:c[*].d IN (1, 2.5)] OR [x:yy NOT LIKE 'z%']) WITHIN 5 SECONDS",
            "[windows-registry-key:values[*].data='bad' AND (EXISTS a:b OR a:c != true)] REPEATS 5 TIMES",
            "[a:b = t'2026-01-01T00:00:00Z'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'",
        ] {
            assert!(compared(right, "2.1").is_ok(), "{right}: {:?}", compared(right, "2.1"));
        }
        for wrong in [
            "",
            "[a:b]",
            "[a = 1]",
            "[a:b = 1",
            "[a:b = 'c]",
            "[file:hashes.\"MD5\" = 'a']",
            "[a:b = 1] WITHIN 5",
        ] {
            assert!(compared(wrong, "2.1").is_err(), "{wrong}");
        }
        assert!(compared(&"(".repeat(100_000), "2.1").is_err());
        let found = compared("[file:name = 'a' OR file:size > 1] AND [url:value = 'b']", "2.1").unwrap();
        assert_eq!(found.len(), 3);
    }
}
