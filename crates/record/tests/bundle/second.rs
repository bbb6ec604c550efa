//! The verifier in Python, many files in one run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a verifier said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) exit: i64,
    pub(crate) code: Option<String>,
    pub(crate) evidence: Option<String>,
}

pub(crate) fn tool() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/verify_bundle.py")
}

/// Arguments, one run a line as a JSON array; answers in the same order.
const DRIVER: &str = "
import contextlib, importlib.util, io, json, sys
spec = importlib.util.spec_from_file_location('verify_bundle', sys.argv[1])
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
for line in sys.stdin:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exit = tool.main(json.loads(line))
    print(json.dumps({'exit': exit, 'said': json.loads(out.getvalue())}))
";

/// Runs the second verifier once for each of `runs`; it needs python3 with the package `cryptography`.
pub(crate) fn python(runs: &[Vec<String>]) -> Vec<Said> {
    let mut child = Command::new(std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned()))
        .args(["-c", DRIVER])
        .arg(tool())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = runs.iter().map(|run| serde_json::to_string(run).unwrap() + "\n").collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "the second verifier stopped; it needs python3-cryptography");
    let said = String::from_utf8(output.stdout).unwrap();
    let one = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Said {
            exit: value["exit"].as_i64().unwrap(),
            code: text(&value["said"]["first"]["code"]),
            evidence: text(&value["said"]["evidence"]),
        }
    };
    said.lines().map(one).collect()
}
