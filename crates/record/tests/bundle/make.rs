//! Bundles of random content, each from its seed.

use std::collections::BTreeMap;

use base::{
    BlobHash, Confidence, Country, EntryId, Finding, Interval, Marking, Method, NodeName, ObjectRef,
    Observation, Recall, Severity, Source, Timestamp,
};
use rand_core::{CryptoRng, RngCore};
use record::{
    BundleContents, BundleItem, BundleKey, Checkpoint, ConsistencyProof, Entry, Genesis, KeyRole, MerkleLog,
    NodeKey, Program, Software, VerifierKey, WitnessKey, witness,
};
use sha2::{Digest, Sha256};

/// SplitMix64: the same bundle for the same seed on every machine. No secret of it is one.
pub(crate) struct Seeded(u64);

impl RngCore for Seeded {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next_u64() as u8;
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Seeded {}

/// A bundle and the secrets behind it.
pub(crate) struct Made {
    pub(crate) contents: BundleContents,
    pub(crate) key: NodeKey,
    pub(crate) peer: NodeKey,
    pub(crate) policy: String,
    /// All ids of the log.
    pub(crate) ids: Vec<EntryId>,
    pub(crate) rng: Seeded,
}

impl Made {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.contents.write(&self.key).unwrap()
    }
}

pub(crate) fn below(rng: &mut impl RngCore, end: usize) -> usize {
    (rng.next_u64() % end as u64) as usize
}

fn chance(rng: &mut impl RngCore) -> bool {
    rng.next_u32() & 1 == 1
}

pub(crate) fn country(code: &str) -> Country {
    code.parse().unwrap()
}

fn time(rng: &mut impl RngCore) -> Timestamp {
    let base: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
    let step = [1_000_000_000, 1_000, 1, 500_000_000][below(rng, 4)];
    base.plus_nanos(i64::from(rng.next_u32() % 100_000) * step)
}

fn words(rng: &mut impl RngCore) -> String {
    const PIECES: &[&str] = &[
        "approach ",
        "\u{c811}\u{adfc} ",
        "<script>",
        "\"quoted\" ",
        "\u{1f680}",
        "\\",
        "\u{202e}right",
        "\n",
        "\u{7f}",
        "\u{1}",
        "&amp;",
        "e\u{301}",
        "\u{2028}",
        "0",
    ];
    (0..below(rng, 6)).map(|_| PIECES[below(rng, PIECES.len())]).collect()
}

fn number(rng: &mut impl RngCore) -> f64 {
    let special =
        [0.0, 1.0, -1.5, 1e21, 1e-7, 123_456_789_012_345_680_000.0, 5e-324, 1e-6, -0.001, 0.1 + 0.2];
    if chance(rng) {
        return special[below(rng, special.len())];
    }
    let number = f64::from_bits(rng.next_u64());
    if number.is_finite() { number } else { 2.5 }
}

fn finding(rng: &mut impl RngCore, evidence: Vec<EntryId>) -> Finding {
    let at = time(rng);
    Finding {
        kind: "orbit.approach".to_owned(),
        title: words(rng),
        text: chance(rng).then(|| words(rng)),
        interval: Interval::at(at),
        place: None,
        objects: vec![ObjectRef { id: format!("norad:{}", rng.next_u32()), name: None, protected: true }],
        severity: Severity::Seen,
        likelihood: None,
        confidence: Confidence::Low,
        method: Method { name: "orbit.screen".to_owned(), version: "1".to_owned() },
        measures: (0..below(rng, 4)).map(|n| (format!("m{n}\u{e9}"), number(rng))).collect(),
        marking: Marking::new("RESTRICTED", &["USA"], "KOR"),
        evidence,
    }
}

fn observation(rng: &mut impl RngCore, blob: BlobHash, bytes: u64) -> Observation {
    Observation {
        kind: "orbit.catalogue".to_owned(),
        title: words(rng),
        source: Source::ungraded(words(rng)),
        received: time(rng),
        interval: Interval::at(time(rng)),
        place: None,
        blob,
        bytes,
        items: 1,
        faults: 0,
        marking: Marking::new("UNCLASSIFIED", &["USA"], "KOR"),
        evidence: Vec::new(),
    }
}

struct Growing {
    rng: Seeded,
    own: NodeKey,
    peer: NodeKey,
    for_peer: bool,
    ids: Vec<EntryId>,
    items: Vec<BundleItem>,
    blobs: BTreeMap<BlobHash, Vec<u8>>,
}

impl Growing {
    fn put(&mut self, id: EntryId, entry: Option<Entry>, received: Option<Timestamp>) {
        let index = self.ids.len() as u64;
        self.ids.push(id);
        self.items.push(BundleItem { id, log: 0, index, path: Vec::new(), entry, received });
    }

    fn grow(&mut self) {
        let now = time(&mut self.rng);
        let korea = country("KOR");
        match below(&mut self.rng, if self.for_peer { 5 } else { 8 }) {
            // Somebody else's business: its place counts, it is not in the bundle.
            0 => {
                let mut hidden = [0; 32];
                self.rng.fill_bytes(&mut hidden);
                self.ids.push(EntryId::from_bytes(hidden));
            }
            1 => {
                let mut raw = vec![0; below(&mut self.rng, 300)];
                self.rng.fill_bytes(&mut raw);
                let blob = BlobHash::from_bytes(Sha256::digest(&raw).into());
                let noun = observation(&mut self.rng, blob, raw.len() as u64);
                let entry = Entry::sign(&noun, &korea, &self.own, now, &mut self.rng).unwrap();
                self.blobs.insert(blob, raw);
                self.put(entry.id(), Some(entry), None);
            }
            2 if !self.items.is_empty() => {
                // A recall takes the content of an earlier item away.
                let at = below(&mut self.rng, self.items.len());
                let target = self.items[at].id;
                let is_finding = |e: &Entry| e.kind() == "bongsu.finding/1";
                if self.items[at].entry.as_ref().is_some_and(is_finding) {
                    self.items[at].entry = None;
                }
                let reason = words(&mut self.rng);
                let noun = Recall { target, reason, marking: Marking::new("RESTRICTED", &["USA"], "KOR") };
                let entry = Entry::sign(&noun, &korea, &self.own, now, &mut self.rng).unwrap();
                self.put(entry.id(), Some(entry), None);
            }
            5 => {
                let noun = finding(&mut self.rng, Vec::new());
                let entry = Entry::sign(&noun, &country("USA"), &self.peer, now, &mut self.rng).unwrap();
                let received = time(&mut self.rng);
                self.put(entry.id(), Some(entry), Some(received));
            }
            6 => {
                let noun = Genesis {
                    node: self.own.name().clone(),
                    title: words(&mut self.rng),
                    country: korea.clone(),
                    version: words(&mut self.rng),
                    marking: Marking::new("RESTRICTED", &[], "KOR"),
                };
                let entry = Entry::sign(&noun, &korea, &self.own, now, &mut self.rng).unwrap();
                self.put(entry.id(), Some(entry), None);
            }
            7 => {
                let known = chance(&mut self.rng);
                let noun = Program {
                    name: words(&mut self.rng),
                    version: words(&mut self.rng),
                    sha256: known.then(|| BlobHash::from_bytes(secret(&mut self.rng))),
                    marking: Marking::new("RESTRICTED", &[], "KOR"),
                };
                let entry = Entry::sign(&noun, &korea, &self.own, now, &mut self.rng).unwrap();
                self.put(entry.id(), Some(entry), None);
            }
            _ => {
                let evidence = self.items.iter().rev().take(2).map(|item| item.id).collect();
                let noun = finding(&mut self.rng, evidence);
                let entry = Entry::sign(&noun, &korea, &self.own, now, &mut self.rng).unwrap();
                self.put(entry.id(), Some(entry), None);
            }
        }
    }
}

fn secret(rng: &mut impl RngCore) -> [u8; 32] {
    let mut secret = [0; 32];
    rng.fill_bytes(&mut secret);
    secret
}

pub(crate) fn made(seed: u64) -> Made {
    let mut rng = Seeded(seed);
    let name = |text: &str| -> NodeName { text.parse().unwrap() };
    let own = NodeKey::from_secret(name("seoul"), &secret(&mut rng));
    let peer = NodeKey::from_secret(name("washington"), &secret(&mut rng));
    let court = WitnessKey::from_secret("court.example/w1", &secret(&mut rng)).unwrap();
    let for_peer = chance(&mut rng);
    let steps = 1 + below(&mut rng, 12);
    let mut growing =
        Growing { rng, own, peer, for_peer, ids: Vec::new(), items: Vec::new(), blobs: BTreeMap::new() };
    for _ in 0..steps {
        growing.grow();
    }
    let Growing { mut rng, own, peer, for_peer, mut ids, mut items, blobs, .. } = growing;
    if ids.is_empty() {
        ids.push(EntryId::from_bytes(secret(&mut rng)));
    }
    let log = MerkleLog::from_ids(&ids);
    let origin = if for_peer { "bongsu/seoul/to/washington/routine" } else { "bongsu/seoul/home" };
    let mut checkpoint = Checkpoint::sign(origin, log.size(), log.root(), &own).unwrap();
    let mut keys = Vec::new();
    let row = |role| BundleKey {
        role,
        node: name("washington"),
        country: country("USA"),
        key: peer.public().to_hex(),
    };
    if chance(&mut rng) {
        checkpoint = checkpoint.cosign(&peer, time(&mut rng)).unwrap();
        keys.push(row(KeyRole::Witness));
    }
    if chance(&mut rng) {
        let request = ConsistencyProof::new(0, Vec::new(), checkpoint);
        let trusted = [VerifierKey::log(&name("seoul"), &own.public())];
        checkpoint = witness(&request, &trusted, None, &court, time(&mut rng)).unwrap();
    }
    if items.iter().any(|item| item.received.is_some() && item.entry.is_some()) {
        keys.push(row(KeyRole::Author));
    }
    for item in &mut items {
        item.path = log.inclusion(item.index, log.size()).unwrap();
    }
    let policy = format!(
        "log {}\nwitness court {}\nwitness ally {}\ngroup KR any court\ngroup US any ally\ngroup both all KR US\nquorum both\n",
        VerifierKey::log(&name("seoul"), &own.public()),
        court.verifier(),
        VerifierKey::cosigner(&name("washington"), &peer.public()),
    );
    let contents = BundleContents {
        software: Software { name: "bongsu".to_owned(), version: "0.1.0".to_owned(), sha256: None },
        country: country("KOR"),
        audience: for_peer.then(|| name("washington")),
        exported: chance(&mut rng).then(|| time(&mut rng)),
        checkpoints: vec![checkpoint],
        items,
        blobs,
        keys,
        policy: chance(&mut rng).then(|| policy.clone().into_bytes()),
    };
    Made { contents, key: own, peer, policy, ids, rng }
}
