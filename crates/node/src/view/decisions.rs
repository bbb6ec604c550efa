//! Noting what was decided for a peer, in the owner's view.

use std::collections::BTreeMap;

use base::NodeName;
use rusqlite::{Connection, OptionalExtension, params};

use super::fold::Fold;
use super::owner::Decided;

impl Fold {
    /// Notes what was decided for a peer on own entries, and that all before `upto` is noted.
    pub(crate) fn note_decisions(
        &mut self,
        peer: &NodeName,
        decisions: &[(u64, Decided)],
        upto: u64,
    ) -> rusqlite::Result<()> {
        let tx = self.db.transaction()?;
        let mut tallies: BTreeMap<(String, String), i64> = BTreeMap::new();
        for (seq, outcome) in decisions {
            let name = peer.as_str();
            match outcome {
                Decided::Shared { lane, place } => {
                    let new = tx
                        .prepare_cached(
                            "INSERT OR IGNORE INTO shared (peer, seq, lane, place) VALUES (?1, ?2, ?3, ?4)",
                        )?
                        .execute(params![name, seq.cast_signed(), lane, place.cast_signed()])?;
                    if new == 1 {
                        *tallies.entry(("shared".to_owned(), name.to_owned())).or_default() += 1;
                        let recalled: bool = tx
                            .prepare_cached("SELECT recalled_by IS NOT NULL FROM item WHERE seq = ?1")?
                            .query_row([seq.cast_signed()], |row| row.get(0))
                            .optional()?
                            .unwrap_or(false);
                        if recalled {
                            *tallies.entry(("recalled".to_owned(), name.to_owned())).or_default() += 1;
                        }
                    }
                }
                Decided::Withheld(withheld) => {
                    let new = tx
                        .prepare_cached(
                            "INSERT OR IGNORE INTO withheld (peer, seq, rule, path, cause)
                             VALUES (?1, ?2, ?3, ?4, ?5)",
                        )?
                        .execute(params![
                            name,
                            seq.cast_signed(),
                            withheld.rule.as_str(),
                            withheld.path,
                            withheld.cause.map(label::Rule::as_str)
                        ])?;
                    if new == 1 {
                        *tallies.entry(("withheld".to_owned(), name.to_owned())).or_default() += 1;
                        let rule = format!("rule/{name}");
                        *tallies.entry((rule, withheld.rule.as_str().to_owned())).or_default() += 1;
                    }
                }
            }
        }
        add_tallies(&tx, &tallies)?;
        tx.prepare_cached(
            "INSERT INTO decided (peer, upto) VALUES (?1, ?2)
             ON CONFLICT (peer) DO UPDATE SET upto = max(upto, excluded.upto)",
        )?
        .execute(params![peer.as_str(), upto.cast_signed()])?;
        tx.commit()
    }
}

pub(super) fn add_tallies(
    tx: &Connection,
    tallies: &BTreeMap<(String, String), i64>,
) -> rusqlite::Result<()> {
    for ((field, value), n) in tallies.iter().filter(|(_, n)| **n != 0) {
        tx.prepare_cached(
            "INSERT INTO tally (field, value, n) VALUES (?1, ?2, ?3)
             ON CONFLICT (field, value) DO UPDATE SET n = n + excluded.n",
        )?
        .execute(params![field, value, n])?;
    }
    Ok(())
}
