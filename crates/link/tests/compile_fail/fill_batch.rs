//! Only the sending half, which knows its peer, makes a batch.

fn batch(head: link::BatchHead, items: Vec<link::Item>) {
    let _ = link::Batch::new(head, items);
}

fn main() {}
