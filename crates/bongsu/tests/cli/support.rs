//! Starting the program, and records for it to look at.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base::{Country, EntryId, Finding, Marking, NodeName, Noun, Precedence, Recall, Timestamp};
use rand_core::OsRng;
use record::{
    Batch, Direction, Entry, Lane, LaneRow, NodeKey, Peer, RecordStore, SqliteOptions, SqliteRecord,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const NOW: &str = "2026-03-10T12:00:00Z";

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        let code = output.status.code().expect("not killed");
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// The items of ndjson output.
    pub(crate) fn items(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// The one document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The faults on standard error.
    pub(crate) fn faults(&self) -> Vec<Value> {
        self.err.lines().map(|line| serde_json::from_str(line).expect("a fault as JSON")).collect()
    }

    /// Codes of the faults with their lines.
    pub(crate) fn codes(&self) -> Vec<(String, Option<u64>)> {
        let code = |fault: &Value| (fault["code"].as_str().unwrap().to_owned(), fault["line"].as_u64());
        self.faults().iter().map(code).collect()
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// The program in `folder`, without the settings of whoever runs the tests.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bongsu"));
    command.current_dir(folder).stdin(Stdio::null()).env("COLUMNS", "100");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BONGSU_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs it in the repository.
pub(crate) fn bongsu(args: &[&str]) -> Ran {
    bongsu_in(&root(), args)
}

pub(crate) fn bongsu_in(folder: &Path, args: &[&str]) -> Ran {
    Ran::of(command(folder).args(args).output().unwrap())
}

/// Runs it with `input` on standard input.
pub(crate) fn bongsu_with(args: &[&str], input: &[u8]) -> Ran {
    let mut child = command(&root())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may have seen enough.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran::of(output)
}

/// A sample's path from the repository.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(root().join("samples").join(name)).unwrap()
}

/// A stopped node's data folder, and the entries that were put into it.
pub(crate) struct Seoul {
    pub(crate) folder: TempDir,
    record: SqliteRecord,
    key: NodeKey,
}

impl Seoul {
    pub(crate) fn found() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("seoul");
        std::fs::create_dir_all(data.join("keys")).unwrap();
        let name: NodeName = "seoul".parse().unwrap();
        let key = NodeKey::generate(name.clone(), &mut OsRng);
        let secret: String = key.secret().iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(data.join("keys/signing.key"), secret).unwrap();
        let tls = rcgen::generate_simple_self_signed(vec!["seoul".to_owned()]).unwrap();
        std::fs::write(data.join("keys/tls.key"), tls.signing_key.serialize_pem()).unwrap();
        std::fs::write(data.join("keys/tls.crt"), tls.cert.pem()).unwrap();
        let own = || NodeKey::from_secret(name.clone(), &key.secret());
        let record =
            SqliteRecord::create(&data, own(), &korea(), "Seoul watch", "0.1.0", now(), &mut OsRng).unwrap();
        Self { folder, record, key }
    }

    pub(crate) fn add<T: Noun>(&mut self, noun: &T) -> EntryId {
        let entry = Entry::sign(noun, &korea(), &self.key, now(), &mut OsRng).unwrap();
        let id = entry.id();
        self.record.commit(&Batch::of([entry])).unwrap();
        id
    }

    /// Puts an entry into the log for a peer, as the node does when it shares.
    pub(crate) fn share(&mut self, peer: &str, id: EntryId) {
        let lane =
            Lane { peer: peer.parse().unwrap(), direction: Direction::Out, precedence: Precedence::Routine };
        let lane_rows = vec![LaneRow { lane, id }];
        self.record.commit(&Batch { lane_rows, ..Batch::default() }).unwrap();
    }

    /// The id of the first entry.
    pub(crate) fn genesis(&self) -> EntryId {
        self.record.at(0).unwrap().unwrap().id
    }

    /// Closes the record, so that the program can open it.
    pub(crate) fn close(self) -> TempDir {
        let Self { folder, record, .. } = self;
        drop(record);
        folder
    }
}

/// Opens the record as the node does: in use for everybody else.
pub(crate) fn hold(folder: &Path) -> SqliteRecord {
    let data = folder.join("seoul");
    let text = std::fs::read_to_string(data.join("keys/signing.key")).unwrap();
    let mut secret = [0; 32];
    for (byte, digits) in secret.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    }
    let key = NodeKey::from_secret("seoul".parse().unwrap(), &secret);
    SqliteRecord::open(&data, key, SqliteOptions::default()).unwrap()
}

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn korea() -> Country {
    "KOR".parse().unwrap()
}

pub(crate) fn washington() -> Peer {
    let key = NodeKey::generate("washington".parse().unwrap(), &mut OsRng);
    Peer {
        node: "washington".parse().unwrap(),
        title: "Washington watch".to_owned(),
        country: "USA".parse().unwrap(),
        clearance: "SECRET".to_owned(),
        key: key.public().to_hex(),
        certificate: key.public().fingerprint(),
        address: "127.0.0.1:8431".to_owned(),
        marking: nobody(),
    }
}

pub(crate) fn nobody() -> Marking {
    Marking::new("RESTRICTED", &[], "KOR")
}

pub(crate) fn to_usa() -> Marking {
    Marking::new("RESTRICTED", &["USA"], "KOR")
}

pub(crate) fn finding(title: &str, severity: u8, marking: &Marking, evidence: &[EntryId]) -> Finding {
    base::from_document(&json!({
        "schema": "bongsu.finding/1",
        "kind": "orbit.approach", "title": title, "severity": severity, "confidence": "moderate",
        "interval": {"start": NOW, "end": NOW},
        "objects": [{"id": "norad:40536", "name": "KOMPSAT-3A", "protected": true}],
        "method": {"name": "orbit.screen", "version": "0.1.0"}, "measures": {"miss_km": 0.5},
        "marking": marking, "evidence": evidence,
    }))
    .unwrap()
}

pub(crate) fn recall(target: EntryId, marking: Marking) -> Recall {
    Recall { target, reason: "a slip".to_owned(), marking }
}

/// The incident that these findings make.
pub(crate) fn incident(findings: &[(EntryId, Finding)], supersedes: &[EntryId]) -> incident::Incident {
    let mut made = incident::group(findings, &incident::GroupRules::default());
    assert_eq!(made.len(), 1);
    let mut one = made.remove(0);
    one.supersedes = supersedes.to_vec();
    one
}
