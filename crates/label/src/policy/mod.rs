//! National policy in Cedar: it is AND-ed with the kernel, so it can only narrow.
//!
//! The kernel decides first, and what it withholds stays withheld. What it would release is put to the policy of the
//! day as a Cedar request: may this node receive this item now? Anything but a clear yes withholds: a forbid, no
//! permit, an error in any policy of the set (Cedar itself skips a policy that fails, which would widen a forbid), an
//! item that does not tell what it is, a policy that cannot be read.

mod request;

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use base::{BlobHash, Facts, Fault, Marking, Noun, Timestamp};
use cedar_policy::{
    AuthorizationError, Authorizer, Decision, PolicyId, PolicySet, Schema, ValidationMode, Validator,
};
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::policy::request::{Asked, Relevant};
use crate::{Audience, Label, Rule};

/// The schema that a policy text is written for.
pub const POLICY_SCHEMA: &str = "bongsu.policy-schema/1";

/// That schema in Cedar's own language: what a policy may ask of the audience, the item and the time.
pub const POLICY_SCHEMA_TEXT: &str = include_str!("schema.cedarschema");

/// The longest policy text, in bytes.
pub const MAX_POLICY_BYTES: usize = 1 << 16;

/// The most policies in one text.
pub const MAX_POLICIES: usize = 256;

/// The deepest nesting of brackets in a policy text, and the most operators of one policy: what the evaluation
/// recurses over. Far below what the stack of a small thread takes, so that no answer depends on the thread.
const MAX_DEPTH: usize = 32;
const MAX_OPERATORS: usize = 200;

/// Answers that are kept; when so many are there, all of them go.
const MAX_KEPT: usize = 1 << 16;

/// A national policy as it is recorded: a text of Cedar policies with its name, its version and its day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// Its name: 1 to 64 of `a`-`z`, `0`-`9`, `.`, `_` and `-`.
    pub name: String,
    /// Its version; each change has a higher one.
    pub version: u64,
    /// Who wrote it.
    pub author: String,
    /// From when on it holds, at the earliest; it takes two officers to put it in force.
    pub effective_from: Timestamp,
    /// What it may ask: [`POLICY_SCHEMA`].
    pub policy_schema: String,
    /// The policies. A policy is named by its annotation `@id("..")`, or `policy0`, `policy1` .. by its place.
    pub text: String,
    /// Who may have the policy itself.
    pub marking: Marking,
}

impl Noun for PolicyDocument {
    const SCHEMA: &'static str = "bongsu.policy/1";
}

crate::tables::marked!(PolicyDocument);

impl PolicyDocument {
    /// How decisions name it: `policy/kor-national/3`.
    pub fn path(&self) -> String {
        format!("policy/{}/{}", self.name, self.version)
    }

    /// The SHA-256 of its canonical JSON (RFC 8785), which officers sign; `None` when it has no JSON form.
    pub fn sha256(&self) -> Option<BlobHash> {
        canonical_sha256(self)
    }
}

/// The SHA-256 of a noun's canonical JSON (RFC 8785); `None` when it has no JSON form.
pub(crate) fn canonical_sha256<T: Noun>(noun: &T) -> Option<BlobHash> {
    let document = base::to_document(noun).ok()?;
    let bytes = serde_json_canonicalizer::to_vec(&document).ok()?;
    Some(BlobHash::from_bytes(Sha256::digest(bytes).into()))
}

/// A policy that was read, checked against the schema, and can be asked.
pub struct Policy {
    document: PolicyDocument,
    set: PolicySet,
    relevant: Relevant,
    warnings: Vec<Fault>,
    /// Answers by what the policy looks at: many items differ only in what it does not ask.
    kept: Mutex<HashMap<String, Result<(), Refused>>>,
}

/// The rule of the policy that refused, and the path that names it.
pub(crate) type Refused = (Rule, String);

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Policy").field(&self.path()).finish()
    }
}

/// Two policies are equal when their documents are.
impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.document == other.document
    }
}

impl Eq for Policy {}

impl Policy {
    /// Reads a policy and validates every part of it strictly against the schema.
    ///
    /// # Errors
    /// With at least one fault (codes `policy::..`, byte spans within the text) when the name, the schema or the text
    /// is not in order, or the text is over a limit.
    pub fn compile(document: PolicyDocument) -> Result<Self, Vec<Fault>> {
        let mut faults = head_faults(&document);
        faults.extend(limits(&document.text));
        if !faults.is_empty() {
            return Err(faults);
        }
        let set = named(&document.text)?;
        let schema = schema().map_err(|e| vec![Fault::error("policy::schema", e)])?;
        let verdict = Validator::new(schema).validate(&set, ValidationMode::Strict);
        faults.extend(verdict.validation_errors().map(|e| {
            let message = format!("policy `{}`: {}", e.policy_id(), explained(e));
            placed(Fault::error("policy::not_valid", message), e)
        }));
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut warnings: Vec<Fault> = verdict
            .validation_warnings()
            .map(|w| placed(Fault::warning("policy::doubtful", explained(w)), w))
            .collect();
        if !set.policies().any(|policy| policy.effect() == cedar_policy::Effect::Permit) {
            let message = "there is no permit, so nothing would go to anybody; begin with `permit(principal, \
                           action, resource);` and forbid from there";
            warnings.push(Fault::warning("policy::no_permit", message));
        }
        let relevant = Relevant::of(&set);
        Ok(Self { document, set, relevant, warnings, kept: Mutex::default() })
    }

    /// The document that it was read from.
    pub const fn document(&self) -> &PolicyDocument {
        &self.document
    }

    /// What is lawful but probably not meant.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// How decisions name it: `policy/kor-national/3`.
    pub fn path(&self) -> String {
        self.document.path()
    }

    /// Whether the policy lets `audience` have the item. Says nothing about the kernel: only
    /// [`release`](crate::release()) puts the two together.
    ///
    /// # Errors
    /// With the rule and the path of the policy that refuses.
    pub fn check(
        &self,
        audience: &Audience,
        label: &Label,
        facts: Option<&Facts>,
        now: Timestamp,
    ) -> Result<(), (Rule, String)> {
        let Some(facts) = facts else { return Err((Rule::PolicyNoFacts, self.path())) };
        let asked = Asked { audience, label, facts, now };
        let key = self.relevant.key(&asked);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(answer) = kept {
            return answer;
        }
        let answer = self.evaluate(&asked);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(key, answer.clone());
        answer
    }

    /// Asks Cedar, without regard to what was answered before.
    fn evaluate(&self, asked: &Asked<'_>) -> Result<(), Refused> {
        let failed = |_| (Rule::PolicyError, self.path());
        let (request, entities) = asked.request().map_err(failed)?;
        let response = Authorizer::new().is_authorized(&request, &self.set, &entities);
        let path = |ids: BTreeSet<&PolicyId>| match ids.first() {
            Some(id) => format!("{}#{id}", self.path()),
            None => self.path(),
        };
        let diagnostics = response.diagnostics();
        let errors: BTreeSet<_> = diagnostics
            .errors()
            .map(|AuthorizationError::PolicyEvaluationError(error)| error.policy_id())
            .collect();
        if !errors.is_empty() {
            return Err((Rule::PolicyError, path(errors)));
        }
        let reasons: BTreeSet<_> = diagnostics.reason().collect();
        match response.decision() {
            Decision::Allow => Ok(()),
            Decision::Deny if reasons.is_empty() => Err((Rule::PolicyNoPermit, self.path())),
            Decision::Deny => Err((Rule::PolicyForbid, path(reasons))),
        }
    }
}

/// What national policy is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum National {
    /// None: the kernel decides alone.
    #[default]
    None,
    /// This one.
    Policy(Arc<Policy>),
    /// One that was put in force and cannot be read by this version: nothing goes out.
    Unreadable {
        /// How decisions name it.
        path: String,
    },
}

impl National {
    /// How decisions name it; `None` without a policy.
    pub fn path(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Policy(policy) => Some(policy.path()),
            Self::Unreadable { path } => Some(path.clone()),
        }
    }

    /// Whether what `facts` give is asked for at all.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// As [`Policy::check`].
    pub(crate) fn check(
        &self,
        audience: &Audience,
        label: &Label,
        facts: Option<&Facts>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        match self {
            Self::None => Ok(()),
            Self::Policy(policy) => policy.check(audience, label, facts, now),
            Self::Unreadable { path } => Err((Rule::PolicyUnreadable, path.clone())),
        }
    }
}

fn head_faults(document: &PolicyDocument) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !is_word(&document.name) {
        let message = format!(
            "`{}` is no name: 1 to 64 of a-z, 0-9, `.`, `_` and `-`",
            document.name.chars().take(80).collect::<String>()
        );
        faults.push(Fault::error("policy::bad_name", message).in_field("name"));
    }
    if document.policy_schema != POLICY_SCHEMA {
        let message = format!("this program reads policies written for {POLICY_SCHEMA}");
        faults.push(Fault::error("policy::other_schema", message).in_field("policy_schema"));
    }
    faults
}

fn is_word(word: &str) -> bool {
    (1..=64).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

/// What is refused before Cedar reads it: what its parser and its evaluation would recurse over.
fn limits(text: &str) -> Option<Fault> {
    let fault = |message: String| Fault::error("policy::too_large", message).in_field("text");
    if text.len() > MAX_POLICY_BYTES {
        return Some(fault(format!("the text has {} bytes, allowed are {MAX_POLICY_BYTES}", text.len())));
    }
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let mut rest = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => {
                // To the quote that ends the string; a backslash takes the next byte with it.
                while let Some((_, inner)) = rest.next()
                    && inner != b'"'
                {
                    if inner == b'\\' {
                        rest.next();
                    }
                }
            }
            b'/' if rest.peek().is_some_and(|(_, next)| *next == b'/') => {
                while rest.next_if(|(_, inner)| !matches!(inner, b'\n' | b'\r')).is_some() {}
            }
            b'(' | b'[' | b'{' => (depth, operators) = (depth + 1, operators + 1),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'.' | b'!' | b'-' | b'+' | b'*' | b'&' | b'|' | b'=' | b'<' | b'>' => operators += 1,
            // The one operator without a sign that nests.
            b'i' if rest.peek().is_some_and(|(_, next)| *next == b'f') => operators += 1,
            b';' => operators = 0,
            _ => {}
        }
        if depth > MAX_DEPTH || operators > MAX_OPERATORS {
            let message = format!(
                "a policy is nested deeper than {MAX_DEPTH} or has more than {MAX_OPERATORS} operators"
            );
            return Some(fault(message).at_bytes(at as u64, at as u64 + 1));
        }
    }
    None
}

/// The policies of a text under the names of their annotations.
fn named(text: &str) -> Result<PolicySet, Vec<Fault>> {
    let read = PolicySet::from_str(text).map_err(|errors| {
        errors.iter().map(|e| placed(Fault::error("policy::bad_syntax", explained(e)), e)).collect::<Vec<_>>()
    })?;
    if read.num_of_templates() > 0 {
        let message = "templates (`?principal`, `?resource`) are not used here: name the node or the country";
        return Err(vec![Fault::error("policy::template", message).in_field("text")]);
    }
    if read.num_of_policies() > MAX_POLICIES {
        let message = format!("{} policies, allowed are {MAX_POLICIES}", read.num_of_policies());
        return Err(vec![Fault::error("policy::too_large", message).in_field("text")]);
    }
    let mut faults = Vec::new();
    let mut set = PolicySet::new();
    for policy in read.policies() {
        let id = policy.annotation("id").map_or_else(|| policy.id().to_string(), str::to_owned);
        if !is_word(&id) {
            let message = format!("@id(\"{id}\") is no name: 1 to 64 of a-z, 0-9, `.`, `_` and `-`");
            faults.push(Fault::error("policy::bad_name", message).in_field("text"));
        } else if set.add(policy.new_id(PolicyId::new(&id))).is_err() {
            let message = format!("two policies have the name `{id}`");
            faults.push(Fault::error("policy::twice", message).in_field("text"));
        }
    }
    if faults.is_empty() { Ok(set) } else { Err(faults) }
}

fn schema() -> Result<Schema, String> {
    Schema::from_cedarschema_str(POLICY_SCHEMA_TEXT).map(|(schema, _)| schema).map_err(|e| e.to_string())
}

/// The message of a complaint with its advice.
fn explained(complaint: &(impl Diagnostic + ?Sized)) -> String {
    match complaint.help() {
        Some(help) => format!("{complaint}; {help}"),
        None => complaint.to_string(),
    }
}

/// A fault at the place in the text that a complaint names.
fn placed(fault: Fault, complaint: &(impl Diagnostic + ?Sized)) -> Fault {
    let fault = fault.in_field("text");
    match complaint.labels().and_then(|mut labels| labels.next()) {
        Some(label) => {
            let start = label.offset() as u64;
            fault.at_bytes(start, start + label.len() as u64)
        }
        None => fault,
    }
}
