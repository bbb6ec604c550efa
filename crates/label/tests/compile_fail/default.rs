//! There is no empty `Released` to be filled.

fn main() {
    let _: label::Released<()> = Default::default();
}
