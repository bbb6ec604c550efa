//! From tokens to what a pattern says: recursive descent, with the nesting limited and chains of operators as lists.

use super::ast::{
    Comparison, Literal, ObjectPath, Observation, PropertyTest, Qualifier, Seconds, Step, Test,
};
use super::error::{PatternFault, Span, short};
use super::lex::{Lexer, Token, Word};
use super::time;
use crate::SpecVersion;

/// Parentheses within parentheses that a pattern may have, of both kinds together.
pub const MAX_PATTERN_NESTING: usize = 128;

/// Bytes that a pattern may have.
pub const MAX_PATTERN_BYTES: usize = 16 << 20;

/// Qualifiers that may follow one observation expression.
const MAX_QUALIFIERS: usize = 64;

pub(super) fn parse(text: &str, version: SpecVersion) -> Result<Observation, PatternFault> {
    if text.len() > MAX_PATTERN_BYTES {
        let message = format!("the pattern has {} bytes; at most {MAX_PATTERN_BYTES} are read", text.len());
        return Err(PatternFault::new("pattern::too_long", message, Span::new(0, text.len())));
    }
    let mut lexer = Lexer::new(text);
    let (token, span) = lexer.next()?;
    let mut parser = Parser { lexer, token, span, before: Span::default(), version, depth: 0 };
    let pattern = parser.followed_by()?;
    match parser.token {
        Token::End => Ok(pattern),
        _ => Err(parser.unexpected("an operator, a qualifier or the end of the pattern")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token that is looked at.
    token: Token<'a>,
    span: Span,
    /// Where the token before it stands.
    before: Span,
    version: SpecVersion,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<Token<'a>, PatternFault> {
        let (token, span) = self.lexer.next()?;
        self.before = std::mem::replace(&mut self.span, span);
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn unexpected(&self, expected: &str) -> PatternFault {
        let found = match &self.token {
            Token::End => "the end of the pattern".to_owned(),
            Token::Word(word) => format!("the key word `{}`", word.text()),
            Token::Name(name) => format!("`{}`", short(name)),
            Token::Literal(literal) => format!("the {} `{}`", literal.kind(), short(&literal.to_string())),
            Token::Relation(relation) => format!("`{relation}`"),
            Token::Sign(sign) => format!("`{sign}`"),
        };
        let lower_case = match &self.token {
            Token::Name(name) => Some(name.to_ascii_uppercase()).filter(|name| is_word(name)),
            _ => None,
        };
        let hint = lower_case.map_or(String::new(), |word| format!(": key words are in capitals, `{word}`"));
        PatternFault::new("pattern::syntax", format!("expected {expected}, found {found}{hint}"), self.span)
    }

    fn takes_word(&mut self, word: Word) -> Result<bool, PatternFault> {
        let is = self.token == Token::Word(word);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn word(&mut self, word: Word) -> Result<(), PatternFault> {
        if self.takes_word(word)? { Ok(()) } else { Err(self.unexpected(&format!("`{}`", word.text()))) }
    }

    fn sign(&mut self, sign: char, expected: &str) -> Result<(), PatternFault> {
        if self.token != Token::Sign(sign) {
            return Err(self.unexpected(expected));
        }
        self.advance().map(|_| ())
    }

    /// One level deeper while `inner` runs.
    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, PatternFault>,
    ) -> Result<T, PatternFault> {
        if self.depth == MAX_PATTERN_NESTING {
            let message =
                format!("more than {MAX_PATTERN_NESTING} parentheses within one another: take some away");
            return Err(PatternFault::new("pattern::too_deep", message, self.span));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// `part (WORD part)*`: one part as it is, several as `list`.
    fn chain<T>(
        &mut self,
        word: Word,
        part: impl Fn(&mut Self) -> Result<T, PatternFault>,
        list: impl FnOnce(Vec<T>) -> T,
    ) -> Result<T, PatternFault> {
        let first = part(self)?;
        if self.token != Token::Word(word) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.takes_word(word)? {
            parts.push(part(self)?);
        }
        Ok(list(parts))
    }

    fn followed_by(&mut self) -> Result<Observation, PatternFault> {
        self.chain(Word::FollowedBy, Self::observation_or, Observation::FollowedBy)
    }

    fn observation_or(&mut self) -> Result<Observation, PatternFault> {
        self.chain(Word::Or, Self::observation_and, Observation::Or)
    }

    fn observation_and(&mut self) -> Result<Observation, PatternFault> {
        self.chain(Word::And, Self::observation, Observation::And)
    }

    fn observation(&mut self) -> Result<Observation, PatternFault> {
        let start = self.span;
        let inner = match self.token {
            Token::Sign('[') => {
                self.advance()?;
                let test = self.nested(Self::comparison_or)?;
                self.sign(']', "`AND`, `OR` or `]` after a comparison")?;
                Observation::Test(test, start.to(self.before))
            }
            Token::Sign('(') => {
                self.advance()?;
                let inner = self.nested(Self::followed_by)?;
                self.sign(')', "an operator, a qualifier or `)`")?;
                Observation::Group(Box::new(inner))
            }
            _ => return Err(self.unexpected("`[` or `(`")),
        };
        let qualifiers = self.qualifiers()?;
        Ok(match inner {
            inner if !qualifiers.is_empty() => Observation::Qualified(Box::new(inner), qualifiers),
            Observation::Group(inner) => *inner,
            inner => inner,
        })
    }

    fn qualifiers(&mut self) -> Result<Vec<(Qualifier, Span)>, PatternFault> {
        let mut qualifiers = Vec::new();
        loop {
            let start = self.span;
            let qualifier = match self.token {
                Token::Word(Word::Within) => self.within()?,
                Token::Word(Word::Repeats) => self.repeats()?,
                Token::Word(Word::Start) => self.start_stop()?,
                _ => return Ok(qualifiers),
            };
            qualifiers.push((qualifier, start.to(self.before)));
            if qualifiers.len() > MAX_QUALIFIERS {
                let message =
                    format!("more than {MAX_QUALIFIERS} qualifiers follow one expression: take some away");
                return Err(PatternFault::new("pattern::too_deep", message, self.before));
            }
        }
    }

    fn within(&mut self) -> Result<Qualifier, PatternFault> {
        self.advance()?;
        let seconds = match self.token {
            Token::Literal(Literal::Integer(seconds)) => u64::try_from(seconds).ok().map(Seconds::Whole),
            Token::Literal(Literal::Float(seconds)) => {
                Some(seconds).filter(|s| s.is_sign_positive()).map(Seconds::Fraction)
            }
            _ => None,
        };
        let Some(seconds) = seconds else { return Err(self.unexpected("a positive number of seconds")) };
        self.advance()?;
        self.word(Word::Seconds)?;
        Ok(Qualifier::Within(seconds))
    }

    fn repeats(&mut self) -> Result<Qualifier, PatternFault> {
        self.advance()?;
        let times = match self.token {
            Token::Literal(Literal::Integer(times)) => u64::try_from(times).ok(),
            _ => None,
        };
        let Some(times) = times else { return Err(self.unexpected("a positive whole number of times")) };
        self.advance()?;
        self.word(Word::Times)?;
        Ok(Qualifier::Repeats(times))
    }

    fn start_stop(&mut self) -> Result<Qualifier, PatternFault> {
        self.advance()?;
        let start = self.time()?;
        self.word(Word::Stop)?;
        Ok(Qualifier::StartStop(start, self.time()?))
    }

    /// The bound of an interval. STIX 2.0 as first published wrote it as a string.
    fn time(&mut self) -> Result<Box<str>, PatternFault> {
        let of_version_2_0 = match &self.token {
            Token::Literal(Literal::Text(text)) => {
                time::is_literal(text) && self.version == SpecVersion::V2_0
            }
            _ => false,
        };
        match self.token {
            Token::Literal(Literal::Time(_)) => (),
            Token::Literal(Literal::Text(_)) if of_version_2_0 => (),
            _ => return Err(self.unexpected("a time such as t'2026-01-01T00:00:00Z'")),
        }
        match self.advance()? {
            Token::Literal(Literal::Time(text) | Literal::Text(text)) => Ok(text),
            _ => Ok("".into()),
        }
    }

    fn comparison_or(&mut self) -> Result<Comparison, PatternFault> {
        self.chain(Word::Or, Self::comparison_and, Comparison::Or)
    }

    fn comparison_and(&mut self) -> Result<Comparison, PatternFault> {
        self.chain(Word::And, Self::comparison, Comparison::And)
    }

    fn comparison(&mut self) -> Result<Comparison, PatternFault> {
        if self.token == Token::Sign('(') {
            self.advance()?;
            let inner = self.nested(Self::comparison_or)?;
            self.sign(')', "`AND`, `OR` or `)` after a comparison")?;
            return Ok(inner);
        }
        self.property_test().map(Comparison::Test)
    }

    fn property_test(&mut self) -> Result<PropertyTest, PatternFault> {
        let start = self.span;
        if let Token::Word(Word::Not | Word::Exists) = self.token
            && self.version != SpecVersion::V2_0
        {
            let negated = self.takes_word(Word::Not)?;
            if !self.takes_word(Word::Exists)? {
                return Err(self.unexpected("`EXISTS` (any other `NOT` stands after the path)"));
            }
            let path = self.path()?;
            return Ok(PropertyTest { path, negated, test: Test::Exists, span: start.to(self.before) });
        }
        let path = self.path()?;
        let negated = self.takes_word(Word::Not)?;
        let test = self.test()?;
        Ok(PropertyTest { path, negated, test, span: start.to(self.before) })
    }

    fn test(&mut self) -> Result<Test, PatternFault> {
        if let Token::Relation(relation) = self.token {
            self.advance()?;
            let literal = self.literal()?;
            if relation.is_order() && matches!(literal, Literal::Bool(_)) {
                let message = "truth values have no order: expected a number, string, binary or time";
                return Err(PatternFault::new("pattern::syntax", message, self.before));
            }
            return Ok(Test::Relation(relation, literal));
        }
        let Token::Word(word) = self.token else { return Err(self.unexpected("a comparison operator")) };
        let test = match word {
            Word::In => {
                self.advance()?;
                return self.set().map(Test::In);
            }
            Word::Like => Test::Like,
            Word::Matches => Test::Matches,
            Word::IsSubset => Test::IsSubset,
            Word::IsSuperset => Test::IsSuperset,
            _ => return Err(self.unexpected("a comparison operator")),
        };
        self.advance()?;
        if !matches!(self.token, Token::Literal(Literal::Text(_))) {
            return Err(self.unexpected("a string in single quotes"));
        }
        match self.advance()? {
            Token::Literal(Literal::Text(text)) => Ok(test(text)),
            _ => Err(self.unexpected("a string in single quotes")),
        }
    }

    fn set(&mut self) -> Result<Vec<Literal>, PatternFault> {
        self.sign('(', "`(` and the set of constants after `IN`")?;
        let mut literals = Vec::new();
        if self.token != Token::Sign(')') {
            literals.push(self.literal()?);
            while self.token == Token::Sign(',') {
                self.advance()?;
                literals.push(self.literal()?);
            }
        }
        self.sign(')', "`,` or `)` in a set")?;
        Ok(literals)
    }

    fn literal(&mut self) -> Result<Literal, PatternFault> {
        if !matches!(self.token, Token::Literal(_)) {
            let expected = match self.token {
                Token::Name("null") => {
                    "a constant (there is no null: EXISTS asks whether a property is there)"
                }
                Token::Name(_) => "a constant (strings stand in single quotes)",
                _ => "a constant",
            };
            return Err(self.unexpected(expected));
        }
        match self.advance()? {
            Token::Literal(literal) => Ok(literal),
            _ => Err(self.unexpected("a constant")),
        }
    }

    fn path(&mut self) -> Result<ObjectPath, PatternFault> {
        let Some(object_type) = self.name() else { return Err(self.unexpected("an object type or `(`")) };
        self.advance()?;
        self.sign(':', "`:` after the object type")?;
        let mut steps = vec![Step::Key(self.key()?)];
        loop {
            match self.token {
                Token::Sign('.') => {
                    self.advance()?;
                    steps.push(Step::Key(self.key()?));
                }
                Token::Sign('[') => {
                    self.advance()?;
                    steps.push(self.index()?);
                    self.sign(']', "`]` after the index of a list")?;
                }
                _ => return Ok(ObjectPath { object_type, steps }),
            }
        }
    }

    /// The name that is looked at. `EXISTS` became a key word with version 2.1.
    fn name(&self) -> Option<Box<str>> {
        match self.token {
            Token::Name(name) => Some(name.into()),
            Token::Word(Word::Exists) if self.version == SpecVersion::V2_0 => Some("EXISTS".into()),
            _ => None,
        }
    }

    fn key(&mut self) -> Result<Box<str>, PatternFault> {
        if let Some(name) = self.name() {
            if name.contains('-') {
                let message = format!("`{}` has a hyphen: write it in single quotes", short(&name));
                return Err(PatternFault::new("pattern::syntax", message, self.span));
            }
            self.advance()?;
            return Ok(name);
        }
        let expected = match self.token {
            Token::Word(_) | Token::Literal(Literal::Bool(_)) => {
                "a property (key words stand in single quotes)"
            }
            _ => "a property",
        };
        if !matches!(self.token, Token::Literal(Literal::Text(_))) {
            return Err(self.unexpected(expected));
        }
        match self.advance()? {
            Token::Literal(Literal::Text(text)) => Ok(text),
            _ => Err(self.unexpected(expected)),
        }
    }

    fn index(&mut self) -> Result<Step, PatternFault> {
        let step = match self.token {
            Token::Sign('*') => Step::Any,
            Token::Literal(Literal::Integer(index)) => {
                Step::Index(i64::try_from(index).unwrap_or(if index < 0 { i64::MIN } else { i64::MAX }))
            }
            _ => return Err(self.unexpected("the index of a list, or `*`")),
        };
        self.advance()?;
        Ok(step)
    }
}

fn is_word(text: &str) -> bool {
    matches!(Lexer::new(text).next(), Ok((Token::Word(_), span)) if span.end == text.len())
}
