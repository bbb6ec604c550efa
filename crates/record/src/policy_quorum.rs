//! Whose cosignatures make a checkpoint count (C2SP tlog-policy), and what that makes of it as evidence.

use std::collections::{BTreeMap, BTreeSet};

use base::{Fault, FaultLevel};
use serde::{Deserialize, Serialize};

use crate::note::{Signed, SignedText};
use crate::{Checkpoint, KeyUse, VerifierKey, VerifierKeyError};

/// The largest policy that is read, in bytes.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// The most logs, witnesses and groups together.
const MAX_NAMES: usize = 4096;

/// What cosignatures make of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceGrade {
    /// Neither the quorum nor a national group stands behind it.
    None,
    /// One nation's group stands behind it: that nation may use it, but it is no joint evidence.
    National,
    /// The quorum holds and groups of at least two nations stand behind it.
    Joint,
}

/// A policy: known logs, known witnesses, groups of them, and the quorum.
///
/// A **national group** is a group whose name is an ISO 3166-1 alpha-2 code (`KR`, `US`). No other group says anything
/// about a nation, and a national group may not stand within another, so that one side can never count for two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumPolicy {
    logs: Vec<VerifierKey>,
    witnesses: BTreeMap<Vec<u8>, VerifierKey>,
    /// In the order of their lines: a group names only what stands before it.
    groups: Vec<Group>,
    /// `None`: `quorum none`.
    quorum: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: Vec<u8>,
    threshold: usize,
    members: Vec<Vec<u8>>,
}

/// What a policy says about one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyVerdict {
    /// Whether the quorum holds.
    pub quorum: bool,
    /// The national groups that hold.
    pub nations: BTreeSet<String>,
    /// The witnesses of the policy that cosigned, and when, in seconds since 1970 UTC.
    pub cosigned: BTreeMap<String, u64>,
    /// Whether the policy names logs, so that the log's key is known beforehand.
    pub log_known: bool,
}

impl PolicyVerdict {
    /// What that makes of the checkpoint.
    pub fn grade(&self) -> EvidenceGrade {
        match self.nations.len() {
            0 => EvidenceGrade::None,
            2.. if self.quorum => EvidenceGrade::Joint,
            _ => EvidenceGrade::National,
        }
    }

    /// What holds for both of two checkpoints.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self {
            quorum: self.quorum && other.quorum,
            nations: self.nations.intersection(&other.nations).cloned().collect(),
            cosigned: self
                .cosigned
                .into_iter()
                .filter(|(name, _)| other.cosigned.contains_key(name))
                .collect(),
            log_known: self.log_known && other.log_known,
        }
    }
}

/// Why a checkpoint is refused whatever its cosignatures are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyRefusal {
    /// No log of the policy signed it.
    #[error("no log of the policy has signed the checkpoint of `{origin}`")]
    UnknownLog {
        /// The log that the checkpoint names.
        origin: String,
    },
    /// A known key's signature is wrong: the whole note is not to be trusted (signed-note, "Signatures").
    #[error("the signature of `{name}` does not hold")]
    BadSignature {
        /// Whose.
        name: String,
    },
}

impl QuorumPolicy {
    /// Reads a policy. With any error among the faults there is no policy: half of a rule is another rule.
    pub fn read(bytes: &[u8]) -> (Option<Self>, Vec<Fault>) {
        let mut reader = Reader::default();
        if bytes.len() > MAX_POLICY_BYTES {
            let message = format!("the policy has {} bytes, allowed are {MAX_POLICY_BYTES}", bytes.len());
            return (None, vec![Fault::error("policy::too_large", message)]);
        }
        let mut start = 0;
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            reader.line = index as u64 + 1;
            reader.start = start as u64;
            start += line.len() + 1;
            if reader.faults.len() > 100 {
                break;
            }
            reader.line(line);
        }
        if reader.quorum.is_none() {
            let message = "there is no `quorum` line; add one, `quorum none` if no cosignature is wanted";
            reader.faults.push(Fault::error("policy::no_quorum", message));
        }
        let wrong = reader.faults.iter().any(|fault| fault.level == FaultLevel::Error);
        let policy = Self {
            logs: reader.logs,
            witnesses: reader.witnesses,
            groups: reader.groups,
            quorum: reader.quorum.flatten(),
        };
        ((!wrong).then_some(policy), reader.faults)
    }

    /// Judges a checkpoint: is it signed by a known log, who of the known witnesses cosigned it, does the quorum hold?
    ///
    /// # Errors
    /// When no known log signed it (a policy without logs leaves that to the caller), or a known key's signature is
    /// wrong.
    pub fn judge(&self, checkpoint: &Checkpoint) -> Result<PolicyVerdict, PolicyRefusal> {
        let origin = checkpoint.origin();
        let unknown = || PolicyRefusal::UnknownLog { origin: origin.chars().take(200).collect() };
        let note = SignedText::of(checkpoint.note()).ok_or_else(unknown)?;
        let bad = |key: &VerifierKey| PolicyRefusal::BadSignature { name: key.name().to_owned() };
        let mut by_known_log = false;
        for log in self.logs.iter().filter(|log| log.is_of_log(origin)) {
            match log.look_at(&note) {
                Signed::Wrong => return Err(bad(log)),
                Signed::Holds(_) => by_known_log = true,
                Signed::Absent => {}
            }
        }
        if !self.logs.is_empty() && !by_known_log {
            return Err(unknown());
        }
        let mut cosigned = BTreeMap::new();
        let mut holding: BTreeSet<&[u8]> = BTreeSet::new();
        for (name, witness) in &self.witnesses {
            match witness.look_at(&note) {
                Signed::Wrong => return Err(bad(witness)),
                Signed::Absent => {}
                Signed::Holds(time) => {
                    holding.insert(name);
                    cosigned.insert(String::from_utf8_lossy(name).into_owned(), time.unwrap_or(0));
                }
            }
        }
        for group in &self.groups {
            let members = group.members.iter().filter(|member| holding.contains(member.as_slice())).count();
            if members >= group.threshold {
                holding.insert(&group.name);
            }
        }
        let nations = self.groups.iter().map(|group| group.name.as_slice());
        Ok(PolicyVerdict {
            quorum: self.quorum.as_ref().is_none_or(|name| holding.contains(name.as_slice())),
            nations: nations
                .filter(|name| is_nation(name) && holding.contains(name))
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect(),
            cosigned,
            log_known: by_known_log,
        })
    }

    /// The keys of its logs.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The keys of its witnesses, by the order of their names.
    pub fn witnesses(&self) -> impl Iterator<Item = &VerifierKey> {
        self.witnesses.values()
    }
}

/// Whether a group of this name speaks for a nation.
fn is_nation(name: &[u8]) -> bool {
    name.len() == 2 && name.iter().all(u8::is_ascii_uppercase)
}

#[derive(Default)]
struct Reader {
    line: u64,
    /// Where the line starts.
    start: u64,
    logs: Vec<VerifierKey>,
    witnesses: BTreeMap<Vec<u8>, VerifierKey>,
    groups: Vec<Group>,
    /// Names that are a member of some group.
    members: BTreeSet<Vec<u8>>,
    /// Groups that speak for a nation or hold one that does.
    national: BTreeSet<Vec<u8>>,
    quorum: Option<Option<Vec<u8>>>,
    faults: Vec<Fault>,
}

impl Reader {
    fn fault(&mut self, code: &str, field: &str, message: impl Into<String>) {
        let fault = Fault::error(code, message).at_line(self.line);
        self.faults.push(if field.is_empty() { fault } else { fault.in_field(field) });
    }

    fn line(&mut self, line: &[u8]) {
        if let Some(at) = line.iter().position(|byte| matches!(byte, 0..=8 | 10..=0x1f | 0x7f)) {
            let at = self.start + at as u64;
            let fault =
                Fault::error("policy::bad_octet", "control characters other than tab are not allowed");
            self.faults.push(fault.at_line(self.line).at_bytes(at, at + 1));
            return;
        }
        let words: Vec<&[u8]> =
            line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        let Some((keyword, rest)) = words.split_first().filter(|(word, _)| word[0] != b'#') else { return };
        match (*keyword, rest) {
            (b"log", [key] | [key, _]) => self.log(key),
            (b"witness", [name, key] | [name, key, _]) => self.witness(name, key),
            (b"group", [name, threshold, members @ ..]) if !members.is_empty() => {
                self.group(name, threshold, members);
            }
            (b"quorum", [name]) => self.quorum(name),
            (b"log" | b"witness" | b"group" | b"quorum", _) => {
                let message = "wanted is `log <vkey> [<url>]`, `witness <name> <vkey> [<url>]`, \
                    `group <name> all|any|<k> <name>...` or `quorum <name>`";
                self.fault("policy::bad_line", &text(keyword), message);
            }
            _ => {
                let message =
                    format!("`{}` is no keyword; known are log, witness, group, quorum", text(keyword));
                self.fault("policy::unknown_keyword", "", message);
            }
        }
    }

    fn key(&mut self, vkey: &[u8], usage: KeyUse, field: &str) -> Option<VerifierKey> {
        let parsed = std::str::from_utf8(vkey)
            .map_err(|_| VerifierKeyError::Malformed)
            .and_then(|vkey| vkey.parse::<VerifierKey>());
        match parsed {
            Ok(key) if key.usage() == usage => Some(key),
            Ok(_) => {
                let message = match usage {
                    KeyUse::Log => "this is the key of a cosigner; a log has signature type 0x01",
                    KeyUse::Cosigner => "this is the key of a log; a witness has signature type 0x04",
                };
                self.fault("policy::wrong_key_type", field, message);
                None
            }
            Err(error) => {
                self.fault("policy::bad_key", field, error.to_string());
                None
            }
        }
    }

    fn log(&mut self, vkey: &[u8]) {
        let Some(key) = self.key(vkey, KeyUse::Log, "log") else { return };
        if self.logs.iter().any(|other| other.key() == key.key()) {
            self.fault("policy::duplicate_key", "log", "this log's key stands in an earlier line");
        } else if self.room() {
            self.logs.push(key);
        }
    }

    fn witness(&mut self, name: &[u8], vkey: &[u8]) {
        let key = self.key(vkey, KeyUse::Cosigner, "witness");
        if !self.is_new(name, "witness") {
            return;
        }
        let Some(key) = key else { return };
        if self.witnesses.values().any(|other| other.key() == key.key()) {
            self.fault("policy::duplicate_key", "witness", "this witness's key stands in an earlier line");
        } else if self.room() {
            self.witnesses.insert(name.to_vec(), key);
        }
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], members: &[&[u8]]) {
        if !self.is_new(name, "group") || !self.room() {
            return;
        }
        let mut nested = false;
        for member in members {
            if !self.is_defined(member) {
                let message = format!("`{}` is not defined on an earlier line", text(member));
                self.fault("policy::undefined_name", "group", message);
            } else if !self.members.insert(member.to_vec()) {
                let message = format!("`{}` is already a member of a group", text(member));
                self.fault("policy::member_twice", "group", message);
            }
            nested |= self.national.contains(*member);
        }
        if nested && is_nation(name) {
            let message = "a national group cannot hold another: one side would count for two";
            self.fault("policy::nested_nation", "group", message);
        }
        if nested || is_nation(name) {
            self.national.insert(name.to_vec());
        }
        let threshold = match threshold {
            b"all" => Some(members.len()),
            b"any" => Some(1),
            digits => std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .filter(|k| (1..=members.len()).contains(k)),
        };
        let Some(threshold) = threshold else {
            let message =
                format!("the threshold must be `all`, `any` or a number from 1 to {}", members.len());
            self.fault("policy::bad_threshold", "group", message);
            return;
        };
        let members = members.iter().map(|member| member.to_vec()).collect();
        self.groups.push(Group { name: name.to_vec(), threshold, members });
    }

    fn quorum(&mut self, name: &[u8]) {
        if self.quorum.is_some() {
            self.fault("policy::second_quorum", "quorum", "there must be exactly one `quorum` line");
        } else if name == b"none" {
            self.quorum = Some(None);
        } else {
            if !self.is_defined(name) {
                let message = format!("`{}` is not defined on an earlier line", text(name));
                self.fault("policy::undefined_name", "quorum", message);
            }
            self.quorum = Some(Some(name.to_vec()));
        }
    }

    fn is_defined(&self, name: &[u8]) -> bool {
        self.witnesses.contains_key(name) || self.groups.iter().any(|group| group.name == name)
    }

    fn is_new(&mut self, name: &[u8], field: &str) -> bool {
        if name == b"none" {
            self.fault("policy::reserved_name", field, "`none` is predefined; choose another name");
            return false;
        }
        if self.is_defined(name) {
            let message = format!("`{}` is defined on an earlier line", text(name));
            self.fault("policy::duplicate_name", field, message);
            return false;
        }
        true
    }

    fn room(&mut self) -> bool {
        let room = self.logs.len() + self.witnesses.len() + self.groups.len() < MAX_NAMES;
        if !room {
            let message = format!("more than {MAX_NAMES} logs, witnesses and groups");
            self.fault("policy::too_many", "", message);
        }
        room
    }
}

/// A word for a message.
fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).chars().take(80).collect()
}
