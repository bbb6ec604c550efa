//! What takes a released finding takes no other.

fn send(_: label::Released<base::Finding>) {}

fn unreleased(finding: base::Finding) {
    send(finding);
}

fn main() {}
