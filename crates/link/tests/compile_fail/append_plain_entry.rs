//! The log for a peer takes no entry that was not released.

fn append(half: &mut link::Outbound, entry: record::Entry) {
    let _ = half.append(&entry);
}

fn main() {}
