#![expect(clippy::disallowed_methods, reason = "tests damage real files")]

use super::*;
use crate::{MerkleLog, consistency_holds, inclusion_holds};

fn id(n: u64) -> EntryId {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    EntryId::from_bytes(bytes)
}

fn read(start: u64, end: u64, give: &mut dyn FnMut(EntryId) -> io::Result<()>) -> io::Result<()> {
    (start..end).try_for_each(|n| give(id(n)))
}

#[test]
fn proofs_from_tiles_are_those_of_the_whole_tree() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = MerkleLog::default();
    let mut tree = Tree::empty(folder.path());
    for n in 0..66_000 {
        log.push(&id(n));
        tree.push(&id(n));
        if n % 3000 == 0 {
            tree.write_full().unwrap();
        }
    }
    assert_eq!(tree.root(), log.root());
    let check = |tree: &Tree| {
        for (index, size) in
            [(0, 1), (0, 66_000), (255, 256), (256, 65_536), (65_535, 65_537), (40_000, 50_001)]
        {
            let proof = tree.inclusion(index, size).unwrap();
            assert_eq!(proof, log.inclusion(index, size).unwrap());
            assert!(inclusion_holds(&proof, size, tree.root_at(size).unwrap(), index, &id(index)));
            let proof = tree.consistency(index, size).unwrap();
            assert_eq!(proof, log.consistency(index, size).unwrap());
            let old = tree.root_at(index).unwrap();
            assert!(consistency_holds(&proof, index, old, size, tree.root_at(size).unwrap()));
        }
        assert!(tree.inclusion(66_000, 66_000).is_err());
        assert!(tree.inclusion(1, 66_001).is_err());
        assert!(tree.consistency(2, 1).is_err());
    };
    check(&tree);
    tree.publish().unwrap();
    check(&tree);
    for (path, bytes) in log.new_tiles(0) {
        assert_eq!(fs::read(folder.path().join(&path)).unwrap(), bytes, "{path}");
    }
    let (again, rebuilt) = Tree::open(folder.path(), tree.frontier(), 66_000, &mut read).unwrap().unwrap();
    assert!(!rebuilt);
    check(&again);
    // A tile that is wrong is found when it is read, and written anew.
    let path = folder.path().join("0/100");
    let mut bytes = fs::read(&path).unwrap();
    bytes[77] ^= 1;
    fs::write(&path, bytes).unwrap();
    let wrong = again.inclusion(25_700, 66_000).map_err(|e| e.to_string());
    assert_eq!(wrong, Err("tile `0/100` does not lead to the root".to_owned()));
    again.heal_near(25_700, &mut read).unwrap();
    check(&again);
    assert!(again.inclusion(25_700, 66_000).is_ok());
    // One of the right edge is found at the start.
    fs::write(folder.path().join("0/256"), [0; TILE_BYTES]).unwrap();
    let (again, rebuilt) = Tree::open(folder.path(), tree.frontier(), 66_000, &mut read).unwrap().unwrap();
    assert!(rebuilt);
    check(&again);
}
