//! Every example that help prints does what it says.

use std::path::Path;
use std::process::Command;

use crate::support::{Seoul, bongsu, bongsu_in, finding, incident, root, to_usa, washington};

/// Commands that run until they are stopped, or for a minute, or that ask another server: only their words are checked.
const ENDLESS: &[&str] = &["bongsu serve", "bongsu demo", "bongsu taxii pull"];

/// The help of every command.
fn all_help() -> Vec<(String, String)> {
    fn walk(path: &[&str], all: &mut Vec<(String, String)>) {
        let mut args = path.to_vec();
        args.push("--help");
        let help = bongsu(&args).exits(0).out;
        all.push((path.join(" "), help.clone()));
        let names =
            help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        for line in names {
            let name = line.split_whitespace().next().unwrap_or("help");
            if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
                let mut below = path.to_vec();
                below.push(name);
                walk(&below, all);
            }
        }
    }
    let mut all = Vec::new();
    walk(&[], &mut all);
    all
}

/// The examples in a help text; a line that ends in `\` goes on.
fn examples(help: &str) -> Vec<String> {
    let block = help
        .lines()
        .skip_while(|line| !matches!(*line, "Example:" | "Examples:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "));
    let mut examples: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in block {
        let (text, next) =
            line.trim().strip_suffix('\\').map_or((line.trim(), false), |text| (text.trim(), true));
        match examples.last_mut().filter(|_| goes_on) {
            Some(example) => {
                example.push(' ');
                example.push_str(text);
            }
            None => examples.push(text.to_owned()),
        }
        goes_on = next;
    }
    examples
}

/// What stands for the ids in the examples.
struct Ids {
    entry: String,
    incident: String,
    proposal: String,
    signed: String,
}

/// Officers `kim` and `lee`, a policy that nobody has signed and one that both have.
fn policies(folder: &Path) -> (String, String) {
    let run = |args: &[&str]| bongsu_in(folder, &[args, &["--store", "seoul"]].concat()).exits(0).json();
    for name in ["kim", "lee"] {
        run(&["officer", "new", name, "--key", &format!("{name}.key")]);
    }
    let propose = |name: &str| {
        let file = "samples/label/kor-national.cedar";
        let proposed = run(&["label", "policy", "propose", file, "--name", name, "--author", "Kim"]);
        proposed["entry"].as_str().unwrap().to_owned()
    };
    let (proposal, signed) = (propose("one"), propose("two"));
    for key in ["kim.key", "lee.key"] {
        run(&["label", "policy", "sign", &signed, "--key", key]);
    }
    (proposal, signed)
}

/// A folder with everything that the examples name.
fn stage() -> (tempfile::TempDir, Ids) {
    let mut seoul = Seoul::found();
    seoul.add(&washington());
    let approach = finding("an approach", 3, &to_usa(), &[]);
    let id = seoul.add(&approach);
    let shown = seoul.add(&incident(&[(id, approach)], &[]));
    let data = seoul.folder.path().join("seoul");
    std::fs::copy(data.join("record/checkpoints/home"), seoul.folder.path().join("old.checkpoint")).unwrap();
    seoul.add(&finding("a later one", 2, &to_usa(), &[]));
    let folder = seoul.close();
    let at = |name: &str| folder.path().join(name);
    taxii(folder.path());
    let copy = ["-c", "mkdir backup && cp -r seoul backup/"];
    assert!(Command::new("sh").args(copy).current_dir(folder.path()).status().unwrap().success());
    let entry = bongsu_in(folder.path(), &["record", "show", &id.to_string(), "--store", "seoul", "--json"]);
    std::fs::write(at("ours-at-washington.json"), entry.exits(0).out).unwrap();
    std::os::unix::fs::symlink(root().join("samples"), at("samples")).unwrap();
    std::fs::write(at("ids.txt"), "# ours\n29268 # KOMPSAT-2\n38338\n").unwrap();
    let catalogue = root().join("samples/orbit/korea-2026-03.csv");
    let when = ["--from", "2026-03-10T12:00:00Z", "--hours", "24", "--within-km", "50", "--format", "ndjson"];
    let screen = [&["orbit", "screen", catalogue.to_str().unwrap()], when.as_slice()].concat();
    std::fs::write(at("earlier.ndjson"), bongsu(&screen).exits(0).out).unwrap();
    let marking = r#"{"level":"RESTRICTED","rel_to":["USA"],"originator":"KOR"}"#;
    std::fs::write(at("markings.jsonl"), format!("{marking}\n{marking}\n")).unwrap();
    let mut card = serde_json::to_value(washington()).unwrap();
    let fields = card.as_object_mut().unwrap();
    fields.remove("marking");
    fields.remove("clearance");
    fields.insert("schema".to_owned(), "bongsu.card/1".into());
    std::fs::write(at("washington.card.json"), card.to_string()).unwrap();
    let logs = ["samples/threat/dns.log", "samples/threat/mail.log"];
    bongsu_in(folder.path(), &["threat", "index", logs[0], logs[1], "--store", "hunted"]).exits(0);
    joint_bundle(folder.path());
    two_faces(folder.path());
    std::fs::write(at("from-washington.bongsu"), b"bongsu.link-file/1\n").unwrap();
    std::fs::create_dir_all(at(".local/share/bash-completion/completions")).unwrap();
    let (proposal, signed) = policies(folder.path());
    let ids = Ids { entry: id.to_string(), incident: shown.to_string(), proposal, signed };
    (folder, ids)
}

/// A bundle that a Korean and an American witness stand behind, the policy that says so, and what a third is asked.
fn joint_bundle(folder: &Path) {
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let run = |args: &[&str]| bongsu_in(folder, args).exits(0);
    let vkey = run(&["record", "checkpoint", "seoul", "--vkey"]).out;
    put("seoul.vkey", &vkey);
    put("request.txt", &run(&["record", "checkpoint", "seoul"]).out);
    let mut policy = format!("log {vkey}");
    for (name, request) in [("kr.example", "request.txt"), ("us.example", "second.txt")] {
        let (key, state) = (format!("{name}.key"), format!("{name}.state"));
        let log = vkey.trim();
        let args =
            ["record", "witness", request, "--name", name, "--key", &key, "--state", &state, "--log", log];
        let ran = run(&args);
        put("second.txt", &format!("old 0\n\n{}", ran.out));
        put("cosigned.txt", &ran.out);
        policy += &format!("witness {name} {}\n", ran.err.trim().rsplit(' ').next().unwrap());
    }
    put(
        "alliance.policy",
        &format!(
            "{policy}group KR any kr.example\ngroup US any us.example\ngroup both all KR US\nquorum both\n"
        ),
    );
    run(&["record", "export", "seoul", "--bundle", "case.bundle", "--checkpoint", "cosigned.txt"]);
}

/// What another TAXII server held, and the password of a client.
fn taxii(folder: &Path) {
    let data = root().join("crates/node/tests/data/taxii/default_data.json");
    std::fs::copy(data, folder.join("default_data.json")).unwrap();
    std::fs::write(folder.join("sensor.password"), "correct horse battery staple\n").unwrap();
}

/// A log that signed two roots of one size.
fn two_faces(folder: &Path) {
    let key = record::NodeKey::from_secret("tokyo".parse().unwrap(), &[5; 32]);
    for root in 1..3_u8 {
        let face = record::Checkpoint::sign("bongsu/tokyo/home", 9, [root; 32], &key).unwrap();
        std::fs::write(folder.join(format!("face-{root}.txt")), face.note()).unwrap();
    }
    let vkey = record::VerifierKey::log(key.name(), &key.public());
    std::fs::write(folder.join("tokyo.vkey"), vkey.to_string()).unwrap();
}

fn run(example: &str, folder: &Path) {
    let program = Path::new(env!("CARGO_BIN_EXE_bongsu")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let endless = ENDLESS.iter().any(|command| example.starts_with(command));
    let line = if endless { format!("{example} --help") } else { example.to_owned() };
    let output = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder)
        .output()
        .unwrap();
    let code = output.status.code();
    let found = code == Some(1) && example.contains("--fail-on");
    assert!(code == Some(0) || found, "`{example}` gave {output:?}");
}

#[test]
fn every_command_has_examples_that_run() {
    let (folder, ids) = stage();
    let verdict = bongsu_in(folder.path(), &["record", "verify", "seoul", "--json"]).exits(0).json();
    let key = verdict["key"].as_str().unwrap();
    let mut count = 0;
    for (command, help) in all_help() {
        let examples = examples(&help);
        let has_commands = help.contains("\nCommands:\n");
        assert!(has_commands || !examples.is_empty(), "`bongsu {command}` has no example");
        for example in examples {
            assert!(example.contains("bongsu"), "`{example}` of `bongsu {command}` is no example");
            let id = if example.starts_with("bongsu incident") { &ids.incident } else { &ids.entry };
            let example = example
                .replace("5d1f…", id)
                .replace("9f2c…", key)
                .replace("9ab0…", &ids.proposal)
                .replace("7cd2…", &ids.signed);
            run(&example, folder.path());
            count += 1;
        }
    }
    assert!(count > 15, "only {count} examples were found");
}

#[test]
fn examples_fit_a_narrow_terminal() {
    for (command, help) in all_help() {
        let block = help.lines().skip_while(|line| !matches!(*line, "Example:" | "Examples:"));
        for line in block {
            // Longer ones would be broken in the middle by help itself.
            assert!(line.chars().count() <= 100, "`bongsu {command}`: `{line}`");
        }
    }
}
