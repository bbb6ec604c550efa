//! What was released but never signed cannot be sent either.

fn item(finding: label::Released<base::Finding>) -> link::Item {
    link::Item::Released(finding)
}

fn main() {}
