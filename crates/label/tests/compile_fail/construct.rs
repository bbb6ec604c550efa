//! A `Released` cannot be put together outside room `label`.

fn main() {
    let _ = label::Released {
        item: "an unreleased item",
        audience: "washington".parse::<base::NodeName>().unwrap(),
        decided_at: base::Timestamp::UNIX_EPOCH,
        codes_version: String::new(),
    };
}
