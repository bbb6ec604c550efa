//! What was released cannot be changed afterwards.

fn change(released: label::Released<base::Finding>) {
    released.get().title.push_str(", and what was withheld");
}

fn replace(mut released: label::Released<base::Finding>, other: base::Finding) {
    released.item = other;
}

fn main() {}
