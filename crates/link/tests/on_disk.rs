//! The two halves with the real record under each: what is on disk afterwards verifies to the byte.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod common;

use base::{EntryId, Precedence};
use common::{LaneLog, Rng, country, decide, inbound, name, now, outbound, over_the_wire, seoul, washington};
use link::{Action, Event, Item, LinkState};
use record::{
    Batch, Direction, Entry, Lane, LaneAck, LaneRow, NodeKey, Peer, RecordStore, SqliteOptions, SqliteRecord,
    verify_dir,
};

/// Both nodes with their real records on disk.
struct Disk {
    folder: tempfile::TempDir,
    number: u64,
    node: &'static str,
    peer: &'static str,
}

impl Disk {
    fn found(node: &'static str, number: u64, of: &str, peer: &NodeKey, peer_name: &'static str) -> Self {
        let disk = Self { folder: tempfile::tempdir().unwrap(), number, node, peer: peer_name };
        let (path, rng) = (disk.folder.path(), &mut Rng(number + 40));
        let mut record = SqliteRecord::create(path, disk.key(), &country(of), node, "0", now(), rng).unwrap();
        let introduced = Peer {
            node: peer.name().clone(),
            title: peer_name.to_owned(),
            country: country(if of == "KOR" { "USA" } else { "KOR" }),
            clearance: "SECRET".to_owned(),
            key: peer.public().to_hex(),
            certificate: peer.public().fingerprint(),
            address: "localhost:1".to_owned(),
            marking: base::Marking::new("RESTRICTED", &[], of),
        };
        let entry = Entry::sign(&introduced, &country(of), &disk.key(), now(), rng).unwrap();
        record.commit(&Batch::of([entry])).unwrap();
        disk
    }

    fn key(&self) -> NodeKey {
        common::key(self.node, self.number)
    }

    fn open(&self) -> SqliteRecord {
        SqliteRecord::open(self.folder.path(), self.key(), SqliteOptions::default()).unwrap()
    }

    fn lane(&self, direction: Direction) -> Lane {
        Lane { peer: name(self.peer), direction, precedence: Precedence::Routine }
    }

    fn append(&self, record: &mut SqliteRecord, entries: &[Entry]) {
        let row = |entry: &Entry| LaneRow { lane: self.lane(Direction::Out), id: entry.id() };
        let lane_rows = entries.iter().map(row).collect();
        record.commit(&Batch { lane_rows, ..Batch::of(entries.to_vec()) }).unwrap();
    }
}

fn held(record: &SqliteRecord, lane: &Lane) -> LaneLog {
    let ids = record.lane_ids(lane, 0, u64::MAX).unwrap();
    LaneLog { ids, acked: record.lane(lane).unwrap().acked }
}

/// One batch from disk to disk with both halves built anew. Gives how many items were new.
fn exchange(from: &Disk, to: &Disk, recalled: &[EntryId], receipt_arrives: bool) -> usize {
    let (mut seoul_record, mut washington_record) = (from.open(), to.open());
    let (out_lane, in_lane) = (from.lane(Direction::Out), to.lane(Direction::In));
    let mut out_half = outbound(held(&seoul_record, &out_lane));
    let mut in_half = inbound(held(&washington_record, &in_lane));
    let told = out_half.poll(now(), Vec::new());
    let [Action::Send { start, end }, _] = told[..] else { panic!("{told:?}") };
    let item = |id: &EntryId| {
        let entry = seoul_record.get(id).unwrap().unwrap().entry.unwrap();
        decide(entry, "washington", recalled.contains(id)).map_or(Item::Withdrawn(*id), Item::Released)
    };
    let items = seoul_record.lane_ids(&out_lane, start, end - start).unwrap().iter().map(item).collect();
    assert_eq!(seoul_record.lane_frontier(&out_lane, start).unwrap().size(), start);
    let batch = out_half.batch(start, items, &from.key()).unwrap();
    let known = |id: &EntryId| washington_record.get(id).unwrap().and_then(|stored| stored.entry);
    in_half.held = in_half.ids.iter().filter_map(known).collect();
    let acceptance = common::receive(&in_half, &over_the_wire(&batch)).unwrap();
    washington_record.commit(&acceptance.batch).unwrap();
    in_half.stored(&acceptance);
    if receipt_arrives {
        for action in out_half.poll(now(), vec![Event::Reply(acceptance.reply.clone())]) {
            if let Action::Acknowledged(checkpoint) = action {
                let acks = vec![LaneAck { lane: out_lane.clone(), checkpoint }];
                seoul_record.commit(&Batch { acks, ..Batch::default() }).unwrap();
            }
        }
        assert_eq!(out_half.state(), &LinkState::Up);
    }
    acceptance.new_items
}

#[test]
fn two_records_on_disk() {
    let from = Disk::found("seoul", 1, "KOR", &washington(), "washington");
    let to = Disk::found("washington", 2, "USA", &seoul(), "seoul");
    let notes: Vec<_> = (0..6).map(|n| common::note(&format!("note {n}"))).collect();
    from.append(&mut from.open(), &notes[..4]);
    assert_eq!(exchange(&from, &to, &[], false), 4, "the receipt is lost");
    assert_eq!(exchange(&from, &to, &[], true), 0, "sent again, none twice");
    // One recalled after it was sent, one before: the recall of either goes out.
    let recalled = [notes[1].id(), notes[4].id()];
    let recalls = recalled.map(common::recall);
    from.append(&mut from.open(), &[&notes[4..], &recalls[..]].concat());
    assert_eq!(exchange(&from, &to, &recalled, true), 4);
    let record = to.open();
    let state = record.lane(&to.lane(Direction::In)).unwrap();
    let sent = from.open().lane(&from.lane(Direction::Out)).unwrap();
    assert_eq!(state.frontier, sent.frontier);
    assert_eq!(state.acked.unwrap().size(), 8);
    let content = |entry: &Entry| record.get(&entry.id()).unwrap().map(|stored| stored.entry);
    assert_eq!(content(&notes[0]), Some(Some(notes[0].clone())));
    assert_eq!(content(&notes[1]), Some(None), "purged");
    assert_eq!(content(&notes[4]), None, "never came");
    assert_eq!(content(&notes[5]), Some(Some(notes[5].clone())));
    drop(record);
    for disk in [&from, &to] {
        let verdict = verify_dir(disk.folder.path()).unwrap();
        assert!(verdict.ok, "{}: {:?}", disk.node, verdict.damage);
        assert_eq!(verdict.lanes, 1);
    }
}
