//! `summary.html`: one page for people, in English and Korean. It stands alone (no script, no address, nothing to
//! load) and prints on paper. It is the exporter's word: the verifiers check its hash, not its sentences.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base::Timestamp;

use super::custody::Item;
use super::manifest::{BundleKey, KeyRole, Manifest, public_key};
use super::times::{self, Bounds};
use crate::note::{Signed, SignedText};
use crate::{Checkpoint, VerifierKey};

const STYLE: &str = "body{font:15px/1.5 sans-serif;color:#111;background:#fff;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem;border-bottom:1px solid #999}\
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.25rem .4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
th{background:#eee}code{font-family:monospace;overflow-wrap:anywhere}.ko{color:#333}\
@media print{body{margin:0;max-width:none;font-size:10pt}thead{display:table-header-group}tr{break-inside:avoid}h2{break-after:avoid}}";

/// What a right bundle proves, and what it does not: English, Korean.
const PROVES: &[(&str, &str)] = &[
    (
        "Each item was signed by the key of the node named as its author, and not one byte of it was changed since.",
        "각 항목은 작성자로 표시된 노드의 키로 서명되었으며, 그 뒤 한 바이트도 바뀌지 않았다.",
    ),
    (
        "Each item stands at the stated place of a log that its owner signed. The owner cannot show another history of that \
         log to somebody else without leaving proof of it.",
        "각 항목은 소유자가 서명한 로그의 해당 위치에 있다. 소유자가 다른 사람에게 같은 로그의 다른 이력을 보이면 그 증거가 남는다.",
    ),
    (
        "Where a witness cosigned, the log had these items by the time that the witness states.",
        "증인이 공동 서명한 경우, 증인이 밝힌 시각에는 로그에 이 항목들이 이미 있었다.",
    ),
    (
        "Raw inputs are, to the byte, what the observations name.",
        "원본 자료는 관측 항목이 가리키는 바이트와 정확히 같다.",
    ),
];

const NOT: &[(&str, &str)] = &[
    (
        "Not that an item is true: only who said it, and that it stands as it was said.",
        "항목의 내용이 사실임을 증명하지 않는다. 누가 말했는지, 말한 그대로인지만 증명한다.",
    ),
    (
        "Not that nothing was left out: a bundle is a selection.",
        "빠진 것이 없음을 증명하지 않는다. 이 묶음은 선택된 항목들이다.",
    ),
    (
        "Not when something was signed: that time is the author's own clock. Only the bounds of a witness stand apart from it.",
        "서명 시각을 증명하지 않는다. 그 시각은 작성자의 시계이다. 증인의 시각만이 그와 무관한 한계이다.",
    ),
    (
        "Not whose key it is: compare the key below with what the node's officer told you by another way.",
        "키의 주인이 누구인지 증명하지 않는다. 아래의 키를 담당관에게서 다른 경로로 받은 키와 비교하라.",
    ),
    (
        "Nothing about whether an event is an armed attack: people decide that.",
        "어떤 사건이 무력 공격인지에 대해서는 아무것도 말하지 않는다. 그것은 사람이 정한다.",
    ),
];

/// The page.
pub(crate) fn page(
    manifest: &Manifest,
    keys: &[BundleKey],
    checkpoints: &[Checkpoint],
    items: &[Item<'_>],
    policy: Option<&[u8]>,
) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>Evidence bundle / \u{c99d}\u{ac70} \u{bb36}\u{c74c}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n"
    );
    head(&mut page, manifest, items);
    sentences(&mut page, "What a bundle that verifies proves", "확인된 묶음이 증명하는 것", PROVES);
    sentences(&mut page, "What it does not prove", "증명하지 않는 것", NOT);
    title(&mut page, "How to check it", "확인 방법");
    page.push_str(
        "<p><code>bongsu record verify FILE</code> or, without Bongsu, <code>python3 verify_bundle.py FILE</code>: exit 0 right, \
         1 wrong, 2 cannot be read. This page is the exporter's word; the check vouches for the files beside it.</p>\n\
         <p class=\"ko\" lang=\"ko\">위 명령 가운데 하나로 확인한다(종료 코드 0 맞음, 1 틀림, 2 읽을 수 없음). 이 쪽은 작성 노드의 설명이며, 확인은 함께 \
         들어 있는 파일들을 보증한다.</p>\n",
    );
    let cosigned = cosignatures(keys, checkpoints);
    logs(&mut page, checkpoints, &cosigned);
    if let Some(policy) = policy {
        title(&mut page, "Quorum policy (C2SP tlog-policy)", "정족수 정책");
        let _ = writeln!(page, "<pre>{}</pre>", escape(&String::from_utf8_lossy(policy)));
    }
    key_table(&mut page, keys);
    let witnessed: Vec<_> = cosigned.iter().map(|by| by.values().min().copied()).collect();
    item_table(&mut page, items, Bounds::new(&witnessed));
    page.push_str("</body>\n</html>\n");
    page
}

fn head(page: &mut String, manifest: &Manifest, items: &[Item<'_>]) {
    let exporter = &manifest.exporter;
    page.push_str("<h1>Evidence bundle</h1>\n<p class=\"ko\" lang=\"ko\">증거 묶음</p>\n<table>\n");
    let mut row = |english: &str, korean: &str, value: &str| {
        let _ = writeln!(
            page,
            "<tr><th>{english}<br><span class=\"ko\" lang=\"ko\">{korean}</span></th><td>{value}</td></tr>"
        );
    };
    row("Written by", "작성 노드", &escape(&format!("{} ({})", exporter.node, exporter.country)));
    row("Its key", "노드의 키", &format!("<code>{}</code>", escape(&exporter.key)));
    let fingerprint = public_key(&exporter.key).map(|key| key.fingerprint().to_string()).unwrap_or_default();
    row("Fingerprint of the key", "키의 지문", &format!("<code>{fingerprint}</code>"));
    let audience =
        manifest.audience.as_ref().map_or("its owner / 소유자".to_owned(), |peer| escape(peer.as_str()));
    row("Made for", "받는 노드", &audience);
    if let Some(time) = manifest.exported {
        row("Written at, by its own clock", "작성 시각(노드의 시계)", &time.to_string());
    }
    let withdrawn = items.iter().filter(|item| item.entry.is_none()).count();
    row("Items", "항목 수", &items.len().to_string());
    row(
        "of them without content any more (recalled)",
        "그 가운데 회수되어 내용이 없는 것",
        &withdrawn.to_string(),
    );
    let software = &manifest.software;
    let sha256 = software.sha256.as_deref().map(|hash| format!(" <code>{}</code>", escape(hash)));
    let program = escape(&format!("{} {}", software.name, software.version));
    row("Program", "프로그램", &format!("{program}{}", sha256.unwrap_or_default()));
    page.push_str("</table>\n");
}

fn title(page: &mut String, english: &str, korean: &str) {
    let _ = writeln!(page, "<h2>{english} <span class=\"ko\" lang=\"ko\">{korean}</span></h2>");
}

fn sentences(page: &mut String, english: &str, korean: &str, both: &[(&str, &str)]) {
    title(page, english, korean);
    page.push_str("<ul>\n");
    for (english, korean) in both {
        let _ = writeln!(page, "<li>{english}<br><span class=\"ko\" lang=\"ko\">{korean}</span></li>");
    }
    page.push_str("</ul>\n");
}

/// For each checkpoint the nodes of the bundle that cosigned it, and when.
fn cosignatures(keys: &[BundleKey], checkpoints: &[Checkpoint]) -> Vec<BTreeMap<String, Timestamp>> {
    let of = |checkpoint: &Checkpoint| {
        let note = SignedText::of(checkpoint.note());
        let seen = keys.iter().filter(|key| key.role == KeyRole::Witness).filter_map(|key| {
            let cosigner = VerifierKey::cosigner(&key.node, &public_key(&key.key)?);
            match cosigner.look_at(note.as_ref()?) {
                Signed::Holds(time) => Some((key.node.to_string(), times::from_posix(time?)?)),
                _ => None,
            }
        });
        seen.collect()
    };
    checkpoints.iter().map(of).collect()
}

fn logs(page: &mut String, checkpoints: &[Checkpoint], cosigned: &[BTreeMap<String, Timestamp>]) {
    title(page, "Logs", "로그");
    page.push_str(
        "<table>\n<thead><tr><th>Origin</th><th>Size</th><th>Root</th><th>Cosigned by a node, at / 공동 서명</th></tr></thead>\n",
    );
    for (checkpoint, by) in checkpoints.iter().zip(cosigned) {
        let by: Vec<String> = by.iter().map(|(name, time)| escape(&format!("{name} {time}"))).collect();
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            escape(checkpoint.origin()),
            checkpoint.size(),
            hex::encode(checkpoint.root()),
            if by.is_empty() { "\u{2014}".to_owned() } else { by.join("<br>") },
        );
    }
    page.push_str("</table>\n");
}

fn key_table(page: &mut String, keys: &[BundleKey]) {
    title(page, "Keys", "키");
    page.push_str(
        "<table>\n<thead><tr><th>Role</th><th>Node</th><th>Country</th><th>Ed25519 key</th></tr></thead>\n",
    );
    for key in keys {
        let role = match key.role {
            KeyRole::Exporter => "exporter / 작성",
            KeyRole::Author => "author / 서명",
            KeyRole::Witness => "witness / 증인",
        };
        let _ = writeln!(
            page,
            "<tr><td>{role}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            escape(key.node.as_str()),
            escape(key.country.as_str()),
            escape(&key.key),
        );
    }
    page.push_str("</table>\n");
}

fn item_table(page: &mut String, items: &[Item<'_>], mut bounds: Bounds<'_>) {
    title(page, "Items", "항목");
    page.push_str(
        "<table>\n<thead><tr><th>Log, place</th><th>What / 내용</th><th>Author / 작성</th><th>Signed, by the author's clock</th>\
         <th>Was there / 존재 시각: [receipt of its predecessor, witness time]</th></tr></thead>\n",
    );
    let moment = |time: Option<Timestamp>| time.map_or("\u{2014}".to_owned(), |time| time.to_string());
    for item in items {
        let times = bounds.next(*item);
        let (what, author) = match item.entry {
            None => ("content recalled / 회수됨".to_owned(), String::new()),
            Some(entry) => {
                let title = entry.body().get("title").and_then(|title| title.as_str()).unwrap_or_default();
                (
                    format!("{}<br>{}", escape(entry.kind()), escape(title)),
                    escape(entry.author().node.as_str()),
                )
            }
        };
        let _ = writeln!(
            page,
            "<tr><td>{}, {}</td><td>{what}<br><code>{}</code></td><td>{author}</td><td>{}</td><td>[{}, {}]</td></tr>",
            item.row.log,
            item.row.index,
            item.row.id,
            moment(times.claimed),
            moment(times.not_before),
            moment(times.not_after),
        );
    }
    page.push_str("</table>\n");
}

/// Text as text: no markup comes out of it, and its direction stays within it.
fn escape(text: &str) -> String {
    let mut escaped = String::from("<bdi>");
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped.push_str("</bdi>");
    escaped
}
