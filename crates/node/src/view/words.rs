//! Finding entries of a view by their words. The index has a file of its own and runs behind the view on a thread of
//! its own, because it costs several times what the view itself does; a search first lets it catch up.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::rows::{Noun, Row, Rows, below, count};
use super::schema;

/// Another number: the index is built anew.
const FORMAT: i64 = 1;
/// The most words of one question.
const MAX_WORDS: usize = 16;

/// The categories hold all that `char::is_alphanumeric` takes as part of a word, so that a word of a question is one word
/// of the index: vowel signs, and letters that came to Unicode after the tokenizer's table, are parts of words too.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
  said, detail=none, tokenize=\"unicode61 remove_diacritics 2 categories 'L* N* M* Co Cn Cs So'\"
);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
INSERT INTO meta (key, value) VALUES ('format', 1), ('indexed', 0);
";

/// The index of one view.
pub(crate) struct Words {
    path: PathBuf,
    db: Connection,
    /// Entries of the view before this place are in it.
    indexed: u64,
}

impl Words {
    /// Opens the index beside the view's database; one that is ahead of the view followed another log.
    pub(super) fn open(view: &Path, size: u64) -> rusqlite::Result<Self> {
        let path = view.with_extension("words.db");
        if let Ok(words) = Self::existing(&path)
            && words.indexed <= size
        {
            return Ok(words);
        }
        schema::remove(&path);
        let db = schema::connect(&path)?;
        db.execute_batch(TABLES)?;
        Ok(Self { path, db, indexed: 0 })
    }

    fn existing(path: &Path) -> rusqlite::Result<Self> {
        let db = schema::connect(path)?;
        let meta = |key: &str| {
            db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get::<_, i64>(0))
                .optional()
        };
        let format = meta("format")?;
        let indexed = meta("indexed")?.unwrap_or(-1);
        match (format, u64::try_from(indexed)) {
            (Some(FORMAT), Ok(indexed)) => Ok(Self { path: path.to_owned(), db, indexed }),
            _ => Err(rusqlite::Error::QueryReturnedNoRows),
        }
    }

    /// Takes in up to `limit` further entries and tells whether there may be more.
    pub(super) fn follow(&mut self, rows: Rows<'_>, limit: usize) -> rusqlite::Result<bool> {
        // Where the index is stands in its file: for a moment after a start the former node may still be at it.
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.indexed = tx
            .prepare_cached("SELECT value FROM meta WHERE key = 'indexed'")?
            .query_row([], |row| row.get::<_, i64>(0))?
            .cast_unsigned();
        let next = rows.from(self.indexed, limit)?;
        let Some(last) = next.last() else { return Ok(false) };
        let upto = last.seq + 1;
        let mut removed = 0;
        for row in next.iter().filter(|row| row.recalled_by.is_none()) {
            if let Some(said) = said(row) {
                tx.prepare_cached("INSERT INTO words (rowid, said) VALUES (?1, ?2)")?
                    .execute(params![row.seq.cast_signed(), said])?;
            }
            // As a rule it was forgotten at once (`forget`); here it is made up for after a crash.
            if row.noun == Noun::Recall {
                for target in row.refs.iter().flatten() {
                    removed += tx
                        .prepare_cached("DELETE FROM words WHERE rowid = ?1")?
                        .execute([target.cast_signed()])?;
                }
            }
        }
        tx.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'indexed'")?
            .execute([upto.cast_signed()])?;
        tx.commit()?;
        self.indexed = upto;
        if removed > 0 {
            self.wipe()?;
        }
        Ok(next.len() == limit)
    }

    /// Removes the words of entries that were taken back, and their bytes.
    pub(super) fn forget(&mut self, gone: &[u64]) -> rusqlite::Result<()> {
        let tx = self.db.transaction()?;
        let mut removed = 0;
        for seq in gone {
            removed +=
                tx.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([seq.cast_signed()])?;
        }
        tx.commit()?;
        if removed > 0 {
            self.wipe()?;
        }
        Ok(())
    }

    /// Empties the log of the database, which still holds what was removed.
    fn wipe(&self) -> rusqlite::Result<()> {
        let wiped: i64 = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if wiped != 0 {
            tracing::warn!(index = %self.path.display(), "what was recalled is still in the log of an index");
        }
        Ok(())
    }

    /// Places of entries that hold all words, each as it begins, newest first; `None` when `question` has no word.
    pub(super) fn find(
        &self,
        question: &str,
        before: Option<u64>,
        limit: usize,
    ) -> rusqlite::Result<Option<Vec<u64>>> {
        let Some(query) = query(question) else { return Ok(None) };
        self.db
            .prepare_cached(
                "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3",
            )?
            .query_map(params![query, below(before), count(limit)], |row| {
                row.get::<_, i64>(0).map(i64::cast_unsigned)
            })?
            .collect::<rusqlite::Result<_>>()
            .map(Some)
    }

    /// Up to which place of the view it is.
    pub(super) const fn indexed(&self) -> u64 {
        self.indexed
    }
}

/// What of an entry can be found: the words for people, its kind, and what it is about.
fn said(row: &Row) -> Option<String> {
    let mut parts = vec![row.title.clone(), row.kind.clone()];
    match row.noun {
        Noun::Finding => {
            let finding = row.finding()?;
            parts.extend(finding.text);
            parts.extend(finding.objects.into_iter().flat_map(|o| [Some(o.id), o.name]).flatten());
        }
        Noun::Incident => {
            let objects = row.incident()?.objects;
            parts.extend(objects.into_iter().flat_map(|o| [Some(o.id), o.name]).flatten());
        }
        Noun::Observation => {}
        _ => return None,
    }
    Some(words_of(&parts.join(" ")).collect::<Vec<_>>().join(" "))
}

/// The words of a text, the same in what is kept and in what is asked.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Each word as the beginning of one in the text: Korean particles follow their noun without a space.
fn query(question: &str) -> Option<String> {
    let words: Vec<String> = words_of(question).take(MAX_WORDS).map(|word| format!("\"{word}\"*")).collect();
    (!words.is_empty()).then(|| words.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_becomes_beginnings_of_words() {
        assert_eq!(query("KOREASAT-5 가까이"), Some("\"KOREASAT\"* AND \"5\"* AND \"가까이\"*".to_owned()));
        assert_eq!(query("  \"*'; -- "), None);
        // Every word of any script can be asked for, whatever the tokenizer knows of it.
        let folder = tempfile::tempdir().unwrap();
        let words = Words::open(&folder.path().join("v.db"), 0).unwrap();
        for text in [
            "हिन्दी",
            "Ⓐb",
            "x²",
            "ａＢ",
            "\u{1e922}\u{1e923}",
            "천리안",
            "e\u{301}a",
            "日本",
            "\u{31350}a",
            "ﬁ",
        ] {
            words.db.execute_batch("DELETE FROM words").unwrap();
            let kept = words_of(text).collect::<Vec<_>>().join(" ");
            words.db.execute("INSERT INTO words (said) VALUES (?1)", [kept]).unwrap();
            assert_eq!(words.find(text, None, 10).unwrap().unwrap().len(), 1, "{text}");
        }
        for code in (0..0x11_0000).step_by(7).filter_map(char::from_u32).filter(|c| c.is_alphanumeric()) {
            words.find(&format!("a{code}b"), None, 1).unwrap();
        }
        assert_eq!(query(&"w ".repeat(99)).unwrap().matches("\"w\"*").count(), MAX_WORDS);
    }

    #[test]
    fn what_is_forgotten_leaves_no_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let mut words = Words::open(&folder.path().join("v.db"), 0).unwrap();
        for seq in 0..2000_i64 {
            words
                .db
                .execute(
                    "INSERT INTO words (rowid, said) VALUES (?1, ?2)",
                    params![seq, format!("quixotic{seq} zephyr common text {seq}")],
                )
                .unwrap();
        }
        assert_eq!(words.find("zephyr", None, 5000).unwrap().unwrap().len(), 2000);
        assert_eq!(words.find("quixotic77", None, 10).unwrap().unwrap()[0], 779);
        words.forget(&(0..2000).collect::<Vec<_>>()).unwrap();
        assert_eq!(words.find("zephyr", None, 10).unwrap(), Some(vec![]));
        for name in ["v.words.db", "v.words.db-wal"] {
            let bytes = std::fs::read(folder.path().join(name)).unwrap_or_default();
            for word in ["zephyr", "quixotic", "ephyr"] {
                let held = bytes.windows(word.len()).any(|part| part == word.as_bytes());
                assert!(!held, "{word} stands in {name}");
            }
        }
    }
}
