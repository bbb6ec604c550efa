//! What was released for one node cannot be addressed to another.

fn readdress(mut released: label::Released<base::Finding>, other: base::NodeName) {
    released.audience = other;
}

fn main() {}
