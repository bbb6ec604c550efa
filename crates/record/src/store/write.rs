//! What a commit writes, in one transaction.

use std::collections::HashMap;

use base::{EntryId, Recall, Timestamp};
use rusqlite::{Connection, params};

use super::lanes::{self, LaneHead};
use super::queries::{self, row_sum};
use super::{Batch, Incoming, Lane, Purge, SqliteRecord, StoreError, Stored};
use crate::{Frontier, PublicKey};

/// What a transaction wrote.
pub(super) struct Written {
    pub(super) places: Vec<(u64, bool)>,
    pub(super) new_ids: Vec<EntryId>,
    pub(super) lanes: HashMap<Lane, LaneHead>,
}

/// A row of the table of entries as a repair puts it back, also one without content.
pub(super) struct Row {
    pub(super) stored: Stored,
    pub(super) signature: [u8; 64],
    pub(super) purged_by: Option<EntryId>,
}

impl SqliteRecord {
    /// Writes rows as they stood in another copy of this record.
    pub(super) fn write_rows(&self, rows: &[Row]) -> Result<Written, StoreError> {
        self.transaction(|mut writing| {
            for row in rows {
                let payload = row.stored.entry.as_ref().map(|entry| entry.payload());
                writing.insert(
                    &row.stored.id,
                    row.stored.received,
                    row.purged_by,
                    &row.stored.key,
                    &row.signature,
                    payload,
                )?;
            }
            writing.head()?;
            Ok(writing.written)
        })
    }

    /// Writes a batch, all or nothing; when it returns, it is on disk.
    pub(super) fn write_batch(&self, batch: &Batch) -> Result<Written, StoreError> {
        self.transaction(|writing| writing.write(batch))
    }

    fn transaction(
        &self,
        write: impl FnOnce(Writing<'_>) -> Result<Written, StoreError>,
    ) -> Result<Written, StoreError> {
        // Nobody else has the connection: the one who holds `&mut self` calls this.
        let tx = self.db.unchecked_transaction().map_err(|e| queries::sql_error(&self.root, e))?;
        let writing = Writing {
            record: self,
            db: &tx,
            frontier: self.tree.frontier().clone(),
            fresh: HashMap::new(),
            written: Written { places: Vec::new(), new_ids: Vec::new(), lanes: HashMap::new() },
        };
        let written = write(writing).map_err(|e| super::sqlite::at(&self.root, e))?;
        tx.commit().map_err(|e| queries::sql_error(&self.root, e))?;
        Ok(written)
    }
}

struct Writing<'a> {
    record: &'a SqliteRecord,
    db: &'a Connection,
    frontier: Frontier,
    /// Entries of this batch.
    fresh: HashMap<EntryId, u64>,
    written: Written,
}

fn sql(e: rusqlite::Error) -> StoreError {
    StoreError::Sql(e)
}

impl Writing<'_> {
    fn write(mut self, batch: &Batch) -> Result<Written, StoreError> {
        for incoming in &batch.entries {
            self.entry(incoming)?;
        }
        for row in &batch.lane_rows {
            let seq = self.place_of(&row.id)?;
            let mut head = self.lane(&row.lane)?;
            lanes::append(self.db, &mut head, &row.id, seq).map_err(sql)?;
            self.written.lanes.insert(row.lane.clone(), head);
        }
        for ack in &batch.acks {
            let mut head = self.lane(&ack.lane)?;
            head.ack = Some(ack.checkpoint.note().to_owned());
            self.written.lanes.insert(ack.lane.clone(), head);
        }
        for (lane, head) in &self.written.lanes {
            lanes::write(self.db, lane, head).map_err(sql)?;
        }
        for (peer, seq) in &batch.cursors {
            self.db
                .prepare_cached("INSERT OR REPLACE INTO cursor (peer, seq) VALUES (?1, ?2)")
                .and_then(|mut put| put.execute(params![peer.as_str(), seq.cast_signed()]))
                .map_err(sql)?;
        }
        for purge in &batch.purge {
            self.purge(purge)?;
        }
        self.head()?;
        Ok(self.written)
    }

    /// Size and right edge stand in the transaction that wrote the entries.
    fn head(&self) -> Result<(), StoreError> {
        if self.written.new_ids.is_empty() {
            return Ok(());
        }
        self.db
            .prepare_cached("UPDATE head SET size = ?1, edge = ?2 WHERE one = 1")
            .and_then(|mut put| {
                put.execute(params![self.frontier.size().cast_signed(), self.frontier.to_bytes()])
            })
            .map_err(sql)?;
        Ok(())
    }

    fn entry(&mut self, incoming: &Incoming) -> Result<(), StoreError> {
        let entry = &incoming.entry;
        let id = entry.id();
        if let Some(seq) = self.place_of(&id)? {
            self.written.places.push((seq, false));
            return Ok(());
        }
        let payload = Some(entry.payload());
        self.insert(&id, incoming.received, None, entry.key(), entry.signature(), payload)
    }

    /// Appends a row to the table of entries and a leaf to the tree.
    fn insert(
        &mut self,
        id: &EntryId,
        received: Option<Timestamp>,
        purged_by: Option<EntryId>,
        key: &PublicKey,
        signature: &[u8; 64],
        payload: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let seq = self.frontier.size();
        let received = received.map(Timestamp::unix_nanos);
        let purged_by = purged_by.as_ref().map(EntryId::as_bytes);
        let key = key.to_bytes();
        let sum = row_sum(seq, id, received, purged_by, &key, signature);
        self.db
            .prepare_cached(
                "INSERT INTO entry (seq, id, sum, received, purged_by, key, signature, payload)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )
            .and_then(|mut insert| {
                let seq = seq.cast_signed();
                insert.execute(params![seq, id.as_bytes(), sum, received, purged_by, key, signature, payload])
            })
            .map_err(sql)?;
        self.frontier.push(id);
        self.fresh.insert(*id, seq);
        self.written.places.push((seq, true));
        self.written.new_ids.push(*id);
        Ok(())
    }

    fn place_of(&self, id: &EntryId) -> Result<Option<u64>, StoreError> {
        match self.fresh.get(id) {
            Some(seq) => Ok(Some(*seq)),
            None => self.record.place_of(id),
        }
    }

    /// Where a lane stands in this transaction; a new one is made.
    fn lane(&mut self, lane: &Lane) -> Result<LaneHead, StoreError> {
        if let Some(head) = self.written.lanes.remove(lane) {
            return Ok(head);
        }
        match self.record.lanes.get(lane) {
            Some(head) => Ok(head.clone()),
            None => lanes::found(self.db, lane).map_err(sql),
        }
    }

    fn purge(&self, purge: &Purge) -> Result<(), StoreError> {
        let no = |reason| StoreError::CannotPurge { id: purge.target, reason };
        let target = self.stored(&purge.target)?.ok_or_else(|| no("it is not in the record"))?;
        let recall = self.stored(&purge.recall)?.ok_or_else(|| no("its recall is not there"))?;
        if target.received.is_none() {
            return Err(no("it is this node's own"));
        }
        let names_it = recall
            .entry
            .as_ref()
            .and_then(|e| e.noun::<Recall>().ok())
            .is_some_and(|noun| noun.target == purge.target);
        if !names_it || recall.key != target.key {
            return Err(no("the recall is not its author's"));
        }
        let signature: [u8; 64] = self
            .db
            .query_row("SELECT signature FROM entry WHERE seq = ?1", [target.seq.cast_signed()], |row| {
                row.get(0)
            })
            .map_err(sql)?;
        let sum = row_sum(
            target.seq,
            &target.id,
            target.received.map(Timestamp::unix_nanos),
            Some(purge.recall.as_bytes()),
            &target.key.to_bytes(),
            &signature,
        );
        self.db
            .prepare_cached("UPDATE entry SET payload = NULL, purged_by = ?2, sum = ?3 WHERE seq = ?1")
            .and_then(|mut put| put.execute(params![target.seq.cast_signed(), purge.recall.as_bytes(), sum]))
            .map_err(sql)?;
        Ok(())
    }

    fn stored(&self, id: &EntryId) -> Result<Option<Stored>, StoreError> {
        let Some(seq) = self.place_of(id)? else { return Ok(None) };
        queries::stored_at(self.db, seq).map_err(sql)?.transpose()
    }
}
