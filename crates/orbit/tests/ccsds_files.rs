//! x
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#[test]
fn dump() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ccsds");
    let mut stack = vec![root.clone()];
    let mut files = vec![];
    while let Some(d) = stack.pop() {
        for e in std::fs::read_dir(d).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() { stack.push(p) } else { files.push(p) }
        }
    }
    files.sort();
    for f in files {
        let bytes = std::fs::read(&f).unwrap();
        let r = orbit::read_messages(&bytes, f.strip_prefix(&root).unwrap().to_str().unwrap());
        println!("{} {:?} {:?}", if r.is_ok() {"ok "} else {"BAD"}, f.strip_prefix(&root).unwrap(), r.found.iter().map(|x| (x.kind.clone(), x.version.clone())).collect::<Vec<_>>());
        for x in r.faults.iter().take(4) { println!("       {x}"); }
    }
}
