//! Who signs: keys, the policy in the bundle, and the checkpoints of the logs.

use std::collections::BTreeMap;

use base::Precedence;

use super::super::manifest::{
    KEYS, KEYS_SCHEMA, KeyRole, Keys, Manifest, POLICY, checkpoint_path, document, public_key,
};
use super::super::times;
use super::{BundleLog, Check, Opened, Step, wrong};
use crate::note::{Signed, SignedText};
use crate::{Checkpoint, QuorumPolicy, VerifierKey, home_origin};

impl Check<'_> {
    /// Reads the checkpoints; each is signed by the exporter, and no signature of a known cosigner on it is wrong.
    pub(super) fn checkpoints(
        &mut self,
        opened: &Opened<'_>,
        keys: &Keys,
        bundled: Option<&QuorumPolicy>,
    ) -> Step<Vec<Checkpoint>> {
        let manifest = &opened.manifest;
        let own = VerifierKey::log(&manifest.exporter.node, &opened.exporter);
        let mut cosigners: Vec<VerifierKey> = keys
            .keys
            .iter()
            .filter(|key| key.role == KeyRole::Witness)
            .filter_map(|key| Some(VerifierKey::cosigner(&key.node, &public_key(&key.key)?)))
            .collect();
        for policy in [bundled, self.trust.policy.as_ref()].into_iter().flatten() {
            cosigners.extend(policy.witnesses().cloned());
        }
        let mut all = Vec::new();
        for (log, row) in manifest.logs.iter().enumerate() {
            let file = checkpoint_path(log);
            let bad = |message: &str| wrong("bundle::bad_checkpoint", &file, message);
            let text = opened.files.get(file.as_str()).and_then(|bytes| std::str::from_utf8(bytes).ok());
            let text = text.ok_or_else(|| bad("it is no text"))?;
            let checkpoint = Checkpoint::parse(text).map_err(|e| bad(&e.to_string()))?;
            let note = SignedText::of(text).ok_or_else(|| bad("it is no signed note"))?;
            if note.text.matches('\n').count() != 3 {
                return Err(bad("it has extension lines, which no log of this form has"));
            }
            if checkpoint.origin() != row.origin || checkpoint.size() != row.size {
                return Err(bad("origin and size are not those of the manifest"));
            }
            if !is_right_origin(manifest, &row.origin) {
                return Err(bad("it is of a log that does not belong into this bundle"));
            }
            if !matches!(own.look_at(&note), Signed::Holds(_)) {
                return Err(bad("no valid signature of the exporter is on it"));
            }
            let mut cosigned = BTreeMap::new();
            for cosigner in &cosigners {
                match cosigner.look_at(&note) {
                    Signed::Absent => {}
                    Signed::Wrong => {
                        let message = format!("the cosignature of `{}` does not hold", cosigner.name());
                        return Err(wrong("bundle::bad_cosignature", &file, message));
                    }
                    Signed::Holds(time) => {
                        let time = time.and_then(times::from_posix);
                        let time =
                            time.ok_or_else(|| bad("a cosignature is of a time beyond the year 2262"))?;
                        cosigned.insert(cosigner.name().to_owned(), time);
                    }
                }
            }
            self.verdict.logs.push(BundleLog {
                origin: row.origin.clone(),
                size: row.size,
                root: hex::encode(checkpoint.root()),
                cosigned,
            });
            all.push(checkpoint);
        }
        Ok(all)
    }
}

/// Whether a log may be proven from in this bundle: the home log, or with an audience the lanes to it.
fn is_right_origin(manifest: &Manifest, origin: &str) -> bool {
    let node = &manifest.exporter.node;
    match &manifest.audience {
        None => origin == home_origin(node),
        Some(peer) => origin
            .strip_prefix(&format!("bongsu/{node}/to/{peer}/"))
            .is_some_and(|lane| lane.parse::<Precedence>().is_ok()),
    }
}

pub(super) fn check_keys(opened: &Opened<'_>) -> Step<Keys> {
    let bad = |message: String| wrong("bundle::bad_keys", KEYS, message);
    let keys: Keys = document(opened.files[KEYS]).map_err(bad)?;
    if keys.schema != KEYS_SCHEMA {
        return Err(wrong("bundle::unknown_schema", KEYS, format!("this program knows {KEYS_SCHEMA}")));
    }
    if keys.keys.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(bad("the keys do not stand in order, each once".to_owned()));
    }
    if let Some(key) = keys.keys.iter().find(|key| public_key(&key.key).is_none()) {
        return Err(bad(format!("the key of `{}` is no Ed25519 public key", key.node)));
    }
    let exporters: Vec<_> = keys.keys.iter().filter(|key| key.role == KeyRole::Exporter).collect();
    let exporter = &opened.manifest.exporter;
    match exporters.as_slice() {
        [key] if key.node == exporter.node && key.country == exporter.country && key.key == exporter.key => {
            Ok(keys)
        }
        _ => Err(bad("the exporter is not that of the manifest".to_owned())),
    }
}

pub(super) fn bundled_policy(opened: &Opened<'_>) -> Step<Option<QuorumPolicy>> {
    let Some(bytes) = opened.files.get(POLICY) else { return Ok(None) };
    let (policy, faults) = QuorumPolicy::read(bytes);
    if policy.is_some() {
        return Ok(policy);
    }
    let place = faults.first().map_or_else(String::new, |fault| fault.to_string());
    Err(wrong("bundle::bad_policy", POLICY, place))
}
