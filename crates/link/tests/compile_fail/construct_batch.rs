//! A batch cannot be put together outside room `link`.

fn batch(items: Vec<link::Item>, checkpoint: record::Checkpoint) -> link::Batch {
    link::Batch {
        from: "seoul".parse().unwrap(),
        to: "washington".parse().unwrap(),
        start: 0,
        items,
        checkpoint,
    }
}

fn main() {}
