//! A batch cannot be put together outside room `link`.

fn batch(head: link::BatchHead, items: Vec<link::Item>) -> link::Batch {
    link::Batch { head, items }
}

fn main() {}
