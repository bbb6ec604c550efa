//! Starting `bongsu serve`, and asking `bongsu` about its folder.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use record::ReadRecord;
use serde_json::{Value, json};

use crate::client::{Client, PATIENCE, text};

/// Held while a process is started, and while this process itself has a record open: between its fork and its exec a
/// child holds all files that its parent has, locks too.
static STARTING: Mutex<()> = Mutex::new(());

fn start(mut command: Command) -> Child {
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap()
}

/// Reads the record of a folder on which nothing runs.
pub(crate) fn reading<R>(data: &Path, read: impl FnOnce(&ReadRecord) -> R) -> R {
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    read(&ReadRecord::open(data).unwrap())
}

/// The program without the settings of whoever runs the tests.
pub(crate) fn bongsu() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_bongsu")))
}

fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BONGSU_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).env("BONGSU_FORMAT", "ndjson");
    command
}

/// Runs to the end and gives exit code, data and messages.
pub(crate) fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = bongsu();
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Output { status, stdout, stderr } = start(command).wait_with_output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// `record verify` finds nothing; gives the verdict.
pub(crate) fn verified(data: &Path) -> Value {
    let (code, out, err) = run(&["record", "verify", data.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{out}{err}");
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["ok"], json!(true), "{verdict}");
    verdict
}

/// A node's folder and settings; its ports are those that the system gave at the first start.
pub(crate) struct Site {
    pub(crate) data: PathBuf,
    name: &'static str,
    country: &'static str,
    pub(crate) listen: String,
    pub(crate) link_listen: String,
    /// The most that a file may grow, in KiB.
    pub(crate) file_limit_kib: Option<u64>,
    /// The officer's session, which outlives the process.
    pub(crate) client: Option<Client>,
}

/// A process that serves, or is about to.
pub(crate) struct Serving {
    child: Child,
    started: Option<std::sync::mpsc::Receiver<String>>,
    messages: Option<std::thread::JoinHandle<String>>,
}

impl Site {
    pub(crate) fn new(folder: &Path, name: &'static str, country: &'static str) -> Self {
        let any = || "127.0.0.1:0".to_owned();
        Self {
            data: folder.join(name),
            name,
            country,
            listen: any(),
            link_listen: any(),
            file_limit_kib: None,
            client: None,
        }
    }

    /// The arguments of `serve`.
    pub(crate) fn args(&self) -> Vec<String> {
        let data = self.data.to_str().unwrap();
        let pairs = [
            ("--data", data),
            ("--name", self.name),
            ("--country", self.country),
            ("--listen", &self.listen),
            ("--link-listen", &self.link_listen),
        ];
        let pairs = pairs.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]);
        std::iter::once("serve".to_owned()).chain(pairs).collect()
    }

    /// Starts a process and does not wait for it to serve.
    pub(crate) fn spawn(&self) -> Serving {
        let mut command = match self.file_limit_kib {
            None => bongsu(),
            Some(limit) => {
                // Over the limit the system says no rather than ending the process: as a full disk does.
                let script = format!("ulimit -f {limit}; trap '' XFSZ; exec \"$0\" \"$@\"");
                let mut shell = clean(Command::new("bash"));
                shell.args(["-c", &script, env!("CARGO_BIN_EXE_bongsu")]);
                shell
            }
        };
        command.args(self.args()).env("BONGSU_LOG", "off").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = start(command);
        let stderr = child.stderr.take().unwrap();
        let messages = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = BufReader::new(stderr).read_to_string(&mut text);
            text
        });
        let stdout = child.stdout.take().unwrap();
        let (tell, started) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Serving { child, started: Some(started), messages: Some(messages) }
    }

    /// Starts a process and lets the officer in.
    pub(crate) async fn start(&mut self) -> Serving {
        let mut serving = self.spawn();
        let started =
            serving.started().await.unwrap_or_else(|why| panic!("{} does not serve: {why}", self.name));
        text(&started, "url").trim_start_matches("http://").clone_into(&mut self.listen);
        text(&started, "link").clone_into(&mut self.link_listen);
        if self.client.is_none() {
            self.client = Some(Client::enter(text(&started, "enter")).await.unwrap());
        }
        serving
    }

    pub(crate) fn officer(&self) -> &Client {
        self.client.as_ref().unwrap()
    }
}

/// Introduces the nodes of two folders to one another, while neither runs.
pub(crate) fn introduce(one: &Site, other: &Site) {
    for (at, of) in [(one, other), (other, one)] {
        let (code, card, err) =
            run(&["link", "offer", "--data", of.data.to_str().unwrap(), "--link-listen", &of.link_listen]);
        assert_eq!(code, Some(0), "{err}");
        let path = at.data.with_extension("card.json");
        std::fs::write(&path, card).unwrap();
        let (code, _, err) = run(&[
            "link",
            "accept",
            path.to_str().unwrap(),
            "--data",
            at.data.to_str().unwrap(),
            "--clearance",
            "SECRET",
        ]);
        assert_eq!(code, Some(0), "{err}");
    }
}

impl Serving {
    /// The document that says where it serves; what it said instead when it ended before.
    pub(crate) async fn started(&mut self) -> Result<Value, String> {
        let started = self.started.take().unwrap();
        let line = tokio::task::spawn_blocking(move || started.recv_timeout(PATIENCE).ok()).await.unwrap();
        match line {
            Some(line) => Ok(serde_json::from_str(&line).unwrap()),
            None => {
                self.kill();
                Err(self.messages.take().unwrap().join().unwrap())
            }
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, say `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}")).arg(self.child.id().to_string());
        assert!(start(kill).wait().unwrap().success());
    }

    /// Waits for its end; `None` when it does not come `within`.
    pub(crate) fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            // The system tells a parent of the end of a child by a signal only, which belongs to the test runner.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it in order.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        let status = self.ended(Duration::from_secs(10)).expect("it does not stop");
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // A test that failed leaves no process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// From `BONGSU_TEST_SEED`, or from the clock; says which.
    #[expect(clippy::print_stderr, reason = "whoever sees the test fail needs the seed")]
    pub(crate) fn announced(test: &str) -> Self {
        let clock =
            || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
        let seed = match std::env::var("BONGSU_TEST_SEED") {
            Ok(seed) => seed.parse().expect("BONGSU_TEST_SEED is a number"),
            Err(_) => u64::from(clock()),
        };
        eprintln!("{test}: BONGSU_TEST_SEED={seed}");
        Self(seed)
    }

    /// Less than `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}
