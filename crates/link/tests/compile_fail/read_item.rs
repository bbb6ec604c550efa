//! What is read from a wire is no item to be sent.

fn read<T: serde::de::DeserializeOwned>() {}

fn main() {
    read::<link::Item>();
}
