//! A batch item takes no entry that was not released.

fn item(entry: record::Entry) -> link::Item {
    link::Item::Released(entry)
}

fn main() {}
