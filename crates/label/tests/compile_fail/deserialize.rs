//! What is read from a wire is not released.

fn read<T: for<'a> serde::Deserialize<'a>>() {}

fn main() {
    read::<label::Released<base::Finding>>();
}
