//! Wrong bundles. Most are made with care: archive and manifest fit again, and some carry the exporter's own signature,
//! so that each check has to find its own sort of wrong.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ed25519_dalek::{Signer, SigningKey};
use rand_core::RngCore;
use record::{Checkpoint, Entry, MerkleLog, NodeKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::make::{Made, below, country};

type Files = Vec<(String, Vec<u8>)>;

/// Splits an archive as it is written.
pub(crate) fn files(archive: &[u8]) -> Files {
    let mut files = Vec::new();
    let mut at = 0;
    while archive[at..].starts_with(b"PK\x03\x04") {
        let word =
            |from: usize| u32::from_le_bytes(archive[at + from..at + from + 4].try_into().unwrap()) as usize;
        let (size, name) = (word(18), word(26) & 0xffff);
        let start = at + 30 + name;
        let name = String::from_utf8(archive[at + 30..start].to_vec()).unwrap();
        files.push((name, archive[start..start + size].to_vec()));
        at = start + size;
    }
    files
}

/// A zip as the documents describe it, written here a second time.
pub(crate) fn zip(files: &[(String, Vec<u8>)], date: u16) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut common = Vec::new();
        for half in [10_u16, 0, 0, 0, date] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc32fast::hash(bytes), bytes.len() as u32, bytes.len() as u32] {
            common.extend(word.to_le_bytes());
        }
        common.extend((name.len() as u32).to_le_bytes());
        let offset = out.len() as u32;
        out.extend(b"PK\x03\x04".iter().chain(&common).chain(name.as_bytes()).chain(bytes));
        directory.extend(b"PK\x01\x02\x0a\x03".iter().chain(&common).chain(&[0; 6]));
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes().iter().chain(name.as_bytes()));
    }
    let (start, count) = (out.len() as u32, (files.len() as u16).to_le_bytes());
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0".iter().chain(&count).chain(&count));
    out.extend((directory.len() as u32).to_le_bytes().iter().chain(&start.to_le_bytes()).chain(&[0; 2]));
    out
}

fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap()
}

/// The manifest fits the files again, and `key` signs it if there is one.
fn seal(files: &mut Files, key: Option<&NodeKey>, change: impl FnOnce(&mut Value)) {
    files[2..].sort();
    let mut manifest: Value = serde_json::from_slice(&files[0].1).unwrap();
    manifest["files"] = files[2..]
        .iter()
        .map(|(path, bytes)| {
            json!({"path": path, "bytes": bytes.len(), "sha256": hex::encode(Sha256::digest(bytes))})
        })
        .collect();
    change(&mut manifest);
    files[0].1 = canonical(&manifest);
    if let Some(key) = key {
        let kind = "application/vnd.bongsu.bundle-manifest+json";
        let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), files[0].1.len()).into_bytes();
        message.extend(&files[0].1);
        let signature = SigningKey::from_bytes(&key.secret()).sign(&message).to_bytes();
        let sig = BASE64_STANDARD.encode(signature);
        files[1].1 = canonical(&json!({"keyid": key.public().to_hex(), "payloadType": kind, "sig": sig}));
    }
}

fn place(files: &Files, start: &str) -> Option<usize> {
    files.iter().position(|(name, _)| name.starts_with(start))
}

fn flip(bytes: &mut [u8], rng: &mut impl RngCore) {
    let bit = below(rng, bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// How many sorts of mutation there are.
pub(crate) const SORTS: usize = 36;

/// A mutated bundle and what was done to it; `None` when this bundle has nothing that the sort could change.
pub(crate) fn mutated(made: &mut Made, sort: usize) -> Option<(String, Vec<u8>)> {
    let good = made.bytes();
    let mut files = files(&good);
    let rng = &mut made.rng;
    let said = match sort {
        0 => {
            return Some(("a flipped bit".into(), {
                let mut bytes = good;
                flip(&mut bytes, rng);
                bytes
            }));
        }
        1 => return Some(("cut off".into(), good[..below(rng, good.len())].to_vec())),
        2 => return Some(("bytes behind".into(), [good.as_slice(), b"\0"].concat())),
        3 => return Some(("packed again with another date".into(), zip(&files, 0x5a21))),
        4 => return Some(("bytes before".into(), [b"#!".as_slice(), &good].concat())),
        5..=10 => return in_one_file(files, made, sort),
        11 => {
            files.remove(2 + below(rng, files.len() - 2));
            "a file dropped"
        }
        12 => {
            let at = 2 + below(rng, files.len() - 2);
            // The exporter may well write a bundle without a policy.
            if files[at].0 == "quorum.policy" {
                return None;
            }
            files.remove(at);
            seal(&mut files, Some(&made.key), |_| {});
            "a file dropped, signed again"
        }
        13 => {
            let last = files.len() - 1;
            let content = files[2].1.clone();
            if content == files[last].1 {
                return None;
            }
            files[2].1 = std::mem::replace(&mut files[last].1, content);
            "two files swapped"
        }
        14 => {
            let twice = files[2 + below(rng, files.len() - 2)].clone();
            files.push(twice);
            "a file twice"
        }
        15 => {
            let at = 2 + below(rng, files.len() - 2);
            files[at].0.push('x');
            seal(&mut files, Some(&made.key), |_| {});
            "a file renamed, signed again"
        }
        16 => {
            files.push(("zz.txt".into(), b"more".to_vec()));
            "a file that is not listed"
        }
        17 => {
            files.push(("zz.txt".into(), b"more".to_vec()));
            seal(&mut files, Some(&made.key), |_| {});
            "a further file, listed and signed"
        }
        18 => {
            files.push(("../../etc/cron.d/x".into(), b"* * * * * root id\n".to_vec()));
            seal(&mut files, Some(&made.key), |_| {});
            "a name that leads out"
        }
        19 => {
            let mut bytes = good;
            bytes[18..22].copy_from_slice(&u32::MAX.to_le_bytes());
            return Some(("a size of 4 GiB".into(), bytes));
        }
        20 => return two_in_the_directory(good).map(|bytes| ("a name twice in the directory".into(), bytes)),
        21 => {
            seal(&mut files, Some(&made.key), |manifest| manifest["schema"] = json!("bongsu.bundle/3"));
            "a later version"
        }
        22 => {
            seal(&mut files, Some(&made.key), |manifest| manifest["extra"] = json!(1));
            "a field that is not known"
        }
        23 => {
            seal(&mut files, Some(&made.peer), |_| {});
            "signed by another key"
        }
        24 => {
            let peer = made.peer.public().to_hex();
            seal(&mut files, Some(&made.peer), |manifest| manifest["exporter"]["key"] = json!(peer));
            "another exporter"
        }
        25 => {
            let at = place(&files, "checkpoints/")?;
            let text = String::from_utf8(files[at].1.clone()).unwrap();
            let last = text[..text.len() - 1].rfind('\n')?;
            if text[..last + 1].ends_with("\n\n") {
                return None;
            }
            files[at].1.truncate(last + 1);
            "a cosignature removed"
        }
        _ => return by_the_exporter(files, made, sort),
    };
    Some((said.to_owned(), zip(&files, 0x21)))
}

/// Flipped bits in each sort of file: unsealed, sealed, and sealed with the exporter's own key.
fn in_one_file(mut files: Files, made: &mut Made, sort: usize) -> Option<(String, Vec<u8>)> {
    // What the exporter itself may not change ends with the sixth: another witness or policy is its own choice.
    const KINDS: &[&str] = &[
        "items/",
        "proofs/",
        "blobs/",
        "labels",
        "custody",
        "prov",
        "checkpoints/",
        "keys",
        "quorum",
        "summary",
        "manifest.json",
        "manifest.sig",
    ];
    let kinds = match sort {
        5 | 6 => KINDS.len(),
        7 | 8 => 10,
        _ => 6,
    };
    let kind = KINDS[below(&mut made.rng, kinds)];
    let at = place(&files, kind).filter(|at| !files[*at].1.is_empty())?;
    flip(&mut files[at].1, &mut made.rng);
    let said = match sort {
        5 | 6 => "a flipped bit in",
        7 | 8 => {
            seal(&mut files, None, |_| {});
            "a flipped bit, hashed again, in"
        }
        _ => {
            seal(&mut files, Some(&made.key), |_| {});
            "a flipped bit, signed again, in"
        }
    };
    Some((format!("{said} {kind}"), zip(&files, 0x21)))
}

fn two_in_the_directory(mut good: Vec<u8>) -> Option<Vec<u8>> {
    let end = good.len() - 22;
    let start = u32::from_le_bytes(good[end + 16..end + 20].try_into().unwrap()) as usize;
    let name = u16::from_le_bytes(good[start + 28..start + 30].try_into().unwrap()) as usize;
    let row = good[start..start + 46 + name].to_vec();
    let count = u16::from_le_bytes(good[end + 8..end + 10].try_into().unwrap()) + 1;
    let size = u32::from_le_bytes(good[end + 12..end + 16].try_into().unwrap()) + row.len() as u32;
    good[end + 8..end + 10].copy_from_slice(&count.to_le_bytes());
    good[end + 10..end + 12].copy_from_slice(&count.to_le_bytes());
    good[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    good.splice(end..end, row);
    Some(good)
}

/// What only the holder of the exporter's key can do.
fn by_the_exporter(mut files: Files, made: &mut Made, sort: usize) -> Option<(String, Vec<u8>)> {
    let item = || made.contents.items.iter().find(|item| item.entry.is_some());
    let said = match sort {
        26 => {
            let proofs: Vec<usize> =
                (0..files.len()).filter(|at| files[*at].0.starts_with("proofs/")).collect();
            let (a, b) = (*proofs.first()?, *proofs.get(1)?);
            files[a].1 = files[b].1.clone();
            "the proof of another entry"
        }
        27 => {
            let size = made.ids.len() as u64 - 1;
            let log = MerkleLog::from_ids(&made.ids[..made.ids.len() - 1]);
            let origin = made.contents.checkpoints[0].origin();
            let older = Checkpoint::sign(origin, size, log.root(), &made.key).unwrap();
            let at = place(&files, "checkpoints/")?;
            files[at].1 = older.note().as_bytes().to_vec();
            seal(&mut files, Some(&made.key), |manifest| manifest["logs"][0]["size"] = json!(size));
            return Some(("a checkpoint rolled back".into(), zip(&files, 0x21)));
        }
        28 => {
            let at = place(&files, "checkpoints/")?;
            let origin = made.contents.checkpoints[0].origin();
            let forged = Checkpoint::sign(origin, made.ids.len() as u64, [7; 32], &made.key).unwrap();
            files[at].1 = forged.note().as_bytes().to_vec();
            for (name, bytes) in &mut files {
                if name.starts_with("proofs/") {
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    let (head, _) = text.split_once("\n\n").unwrap();
                    *bytes = format!("{head}\n\n{}", forged.note()).into_bytes();
                }
            }
            item()?;
            "a checkpoint with another root"
        }
        29 => {
            // The same words, signed by somebody else under the same name.
            let old = item()?.entry.clone()?;
            let stranger = NodeKey::from_secret("seoul".parse().unwrap(), &[9; 32]);
            let noun: base::Recall = base::Recall {
                target: old.id(),
                reason: "x".into(),
                marking: base::Marking::new("RESTRICTED", &[], "KOR"),
            };
            let new = Entry::sign(&noun, &country("KOR"), &stranger, old.time(), &mut made.rng).unwrap();
            let at = place(&files, &format!("items/{}", old.id()))?;
            files[at].1 = canonical(&new.to_envelope());
            "an entry of another key"
        }
        30 => {
            let at = place(&files, "labels")?;
            let text = String::from_utf8(files[at].1.clone()).unwrap();
            if !text.contains("RESTRICTED") {
                return None;
            }
            files[at].1 = text.replacen("RESTRICTED", "SECRET", 1).into_bytes();
            "another label"
        }
        31 => {
            let at = place(&files, "custody")?;
            let text = String::from_utf8(files[at].1.clone()).unwrap();
            files[at].1 =
                text.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>().into_bytes();
            if text.is_empty() {
                return None;
            }
            "an event of custody left out"
        }
        32 => {
            let id = item()?.id.to_string();
            let at = place(&files, &format!("items/{id}"))?;
            files.remove(at);
            seal(&mut files, Some(&made.key), |manifest| {
                let rows = manifest["items"].as_array_mut().unwrap();
                rows.iter_mut().find(|row| row["id"] == json!(id)).unwrap()["withdrawn"] = json!(true);
            });
            return Some(("an item passed off as withdrawn".into(), zip(&files, 0x21)));
        }
        33 | 34 => {
            // The bytes of a signature under the checkpoint: the log's own, or that of a witness.
            let note = made.contents.checkpoints[0].note().to_owned();
            let lines: Vec<&str> = note.split_inclusive('\n').collect();
            let nth = if sort == 33 { 4 } else { 5 };
            let (head, last) = lines.get(nth)?.trim_end().rsplit_once(' ')?;
            let mut bytes = BASE64_STANDARD.decode(last).unwrap();
            flip(&mut bytes[4..], &mut made.rng);
            let forged = note.replace(lines[nth], &format!("{head} {}\n", BASE64_STANDARD.encode(bytes)));
            // A witness of which the bundle has no key is passed over.
            if sort == 34 && !head.ends_with(" washington") {
                return None;
            }
            for (name, bytes) in &mut files {
                if name.starts_with("proofs/") || name.starts_with("checkpoints/") {
                    *bytes = String::from_utf8(bytes.clone()).unwrap().replace(&note, &forged).into_bytes();
                }
            }
            "a wrong signature under the checkpoint"
        }
        _ => {
            let at = place(&files, "keys")?;
            let mut keys: Value = serde_json::from_slice(&files[at].1).unwrap();
            keys["keys"][0]["country"] = json!("USA");
            files[at].1 = canonical(&keys);
            "the exporter of another country"
        }
    };
    seal(&mut files, Some(&made.key), |_| {});
    Some((said.to_owned(), zip(&files, 0x21)))
}
