//! What is read from a wire is no batch to be sent.

fn read<T: serde::de::DeserializeOwned>() {}

fn main() {
    read::<link::Batch>();
}
