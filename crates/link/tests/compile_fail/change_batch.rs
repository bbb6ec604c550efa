//! A batch that was filled cannot be added to or addressed to another.

fn add(mut batch: link::Batch, item: link::Item) {
    batch.items.push(item);
}

fn readdress(mut batch: link::Batch, other: base::NodeName) {
    batch.head.to = other;
}

fn main() {}
