//! Lanes: rows without gap, the right edges that they lead to, the way back, and the acknowledged checkpoint.

use base::NodeName;
use rusqlite::Connection;

use super::super::damage::{Damage, DamageKind};
use super::super::lanes::{self, EDGE_EVERY, LaneHead};
use super::super::{Direction, Lane, StoreError, lane_origin};
use super::Check;
use crate::{Checkpoint, Frontier, PublicKey};

impl Check {
    pub(super) fn lanes(&mut self, db: &Connection) -> Result<(), StoreError> {
        let mut all: Vec<(Lane, LaneHead)> = lanes::read_all(db)?.into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let mut rows = 0;
        for (lane, head) in &all {
            self.lanes += 1;
            rows += head.frontier.size();
            if let Err(e) = self.lane(db, lane, head) {
                let damage = match e {
                    StoreError::Damaged { first } => *first,
                    other => Damage::general(DamageKind::Lane, other.to_string()),
                };
                self.in_log(damage);
            }
        }
        let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(StoreError::Sql);
        let edges: u64 = all.iter().map(|(_, head)| head.frontier.size() / EDGE_EVERY).sum();
        for (what, sql, expected) in [
            ("rows", "SELECT count(*) FROM lane_row", rows),
            ("right edges", "SELECT count(*) FROM lane_edge", edges),
            (
                "ways back",
                "SELECT (SELECT count(*) FROM lane_row r JOIN lane_entry e
                   ON e.lane = r.at >> 40 AND e.seq = r.seq AND e.place = r.at & 0xffffffffff)
                 + (SELECT count(*) FROM lane_row r JOIN lane_absent a
                   ON a.lane = r.at >> 40 AND a.id = r.id AND a.place = r.at & 0xffffffffff)",
                rows,
            ),
            (
                "ways back of their own",
                "SELECT (SELECT count(*) FROM lane_entry) + (SELECT count(*) FROM lane_absent)",
                rows,
            ),
        ] {
            let found = count(sql)?.cast_unsigned();
            if found != expected {
                let why = format!("the lanes have {found} {what} together, expected are {expected}");
                self.in_log(Damage::general(DamageKind::Lane, why));
            }
        }
        Ok(())
    }

    fn lane(&self, db: &Connection, lane: &Lane, head: &LaneHead) -> Result<(), StoreError> {
        let wrong = |why: String| {
            StoreError::from(Damage::general(DamageKind::Lane, format!("the lane {lane} {why}")))
        };
        let acked = head.ack.as_deref().map(Checkpoint::parse).transpose()?;
        let mut frontier = Frontier::default();
        let mut root = acked.as_ref().filter(|acked| acked.size() == 0).map(|_| frontier.root());
        let mut absent = None;
        let mut edges = Vec::new();
        lanes::for_ids(db, lane, head, 0, u64::MAX, |id, seq| {
            frontier.push(&id);
            if seq.is_none() {
                absent.get_or_insert(id);
            }
            if acked.as_ref().is_some_and(|acked| acked.size() == frontier.size()) {
                root = Some(frontier.root());
            }
            if frontier.size().is_multiple_of(EDGE_EVERY) {
                edges.push(frontier.clone());
            }
            Ok(())
        })?;
        if frontier != head.frontier {
            return Err(wrong("does not lead to its right edge".to_owned()));
        }
        for edge in edges {
            if lanes::edge(db, head, edge.size()).map_err(StoreError::Sql)? != Some(edge.to_bytes()) {
                return Err(wrong(format!("has another right edge at size {}", edge.size())));
            }
        }
        // A received lane may hold the place of an entry that its owner withdrew before it was sent.
        if let Some(id) = absent.filter(|_| lane.direction == Direction::Out) {
            return Err(wrong(format!("holds {id}, which is not in the record")));
        }
        if let Some(acked) = acked {
            self.ack(lane, &acked, root)
                .map_err(|why| wrong(format!("has an acknowledged checkpoint that does not hold: {why}")))?;
        }
        Ok(())
    }

    fn ack(&self, lane: &Lane, checkpoint: &Checkpoint, root: Option<[u8; 32]>) -> Result<(), String> {
        let (own, own_key) = self.owner.as_ref().ok_or("the owner is unknown")?;
        let keys = self.peers.get(&lane.peer).ok_or("the peer is unknown")?;
        // What was signed before the peer got new keys still holds under the old ones; the newest are tried first.
        let mut last = "the peer is unknown".to_owned();
        for peer_key in keys.iter().rev() {
            match self.ack_by(lane, checkpoint, root, (own, own_key), peer_key) {
                Ok(()) => return Ok(()),
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    fn ack_by(
        &self,
        lane: &Lane,
        checkpoint: &Checkpoint,
        root: Option<[u8; 32]>,
        (own, own_key): (&NodeName, &PublicKey),
        peer_key: &PublicKey,
    ) -> Result<(), String> {
        let (writer, writer_key, reader, reader_key) = match lane.direction {
            Direction::Out => (own, own_key, &lane.peer, peer_key),
            Direction::In => (&lane.peer, peer_key, own, own_key),
        };
        let text = |e: crate::CheckpointError| e.to_string();
        checkpoint.check(&lane_origin(writer, reader, lane.precedence), writer, writer_key).map_err(text)?;
        checkpoint.check_cosigned(reader, reader_key).map_err(text)?;
        checkpoint.check_root(root.ok_or("it is over more entries than the lane has")?).map_err(text)
    }
}
