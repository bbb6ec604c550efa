//! What leaves the node for Washington without being asked for: batches of the link, the courier's file, evidence.

use std::collections::BTreeMap;

use base::Precedence;
use record::{NodeKey, SqliteOptions, SqliteRecord};

use super::drive::Asked;
use super::world::{Rng, World, key, washington};
use crate::core::lock;
use crate::export::{ForPeer, Selection};
use crate::{Stopped, courier, link_io};

/// Where a test that must fail puts a leak: the world, what the bytes are, and the bytes.
pub(super) type Sent = fn(&World, &str, Vec<u8>) -> Vec<u8>;

/// Nothing is changed.
pub(super) fn untouched(_: &World, _: &str, bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

/// From where on each lane is sent.
pub(super) fn starts(world: &World, rng: &mut Rng) -> BTreeMap<Precedence, u64> {
    let link = world.core.link(&washington()).unwrap();
    let start = |lane| (lane, rng.below(lock(&link.lane(lane).outbound).size() + 1));
    Precedence::ALL.map(start).into()
}

/// The newest of each lane as the link's tasks would send it, and older items, which come from the record.
pub(super) async fn batches(
    world: &World,
    starts: &BTreeMap<Precedence, u64>,
    sent: Sent,
) -> Vec<(String, Asked)> {
    let link = world.core.link(&washington()).unwrap();
    let mut all = Vec::new();
    for (lane, start) in starts {
        let end = lock(&link.lane(*lane).outbound).size();
        let batch = link_io::batch(&world.core, &link, *lane, (*start, end)).await.unwrap();
        all.push(answer(world, &format!("batch {lane} {start}"), batch.to_bytes().unwrap(), sent));
    }
    all
}

/// The file that a courier would carry.
pub(super) async fn courier(
    world: &World,
    starts: &BTreeMap<Precedence, u64>,
    sent: Sent,
) -> (String, Asked) {
    let mut file = Vec::new();
    let spans = courier::write_file(&world.core, &washington(), starts, u64::MAX, &mut file).await.unwrap();
    // What the officer at the desk is told is no secret of his, but Washington's courier reads it too.
    file.extend(serde_json::to_vec(&spans).unwrap());
    answer(world, "courier", file, sent)
}

/// The bundle of all that Washington may have. The node is stopped.
pub(super) fn bundle(world: &World, sent: Sent) -> (String, Asked) {
    let own = || key("seoul");
    let genesis = record::founder(world.data()).unwrap().unwrap();
    let record = SqliteRecord::open(world.data(), own(), SqliteOptions::default()).unwrap();
    let stopped = Stopped { genesis, key: own(), record };
    let bytes = stopped.contents(&selection(world)).unwrap().write(&stopped.key as &NodeKey).unwrap();
    answer(world, "bundle", bytes, sent)
}

fn selection(world: &World) -> Selection {
    let (recalled, released) = world.went();
    Selection {
        ids: None,
        audience: Some(ForPeer { node: washington(), released, recalled }),
        checkpoints: Vec::new(),
        policy: None,
        exported: None,
        software: record::Software { name: "bongsu".to_owned(), version: "0".to_owned(), sha256: None },
    }
}

fn answer(world: &World, what: &str, bytes: Vec<u8>, sent: Sent) -> (String, Asked) {
    let body = sent(world, what, bytes);
    (what.to_owned(), Asked { status: 200, headers: Vec::new(), body })
}
