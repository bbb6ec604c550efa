//! Nothing turns into a `Released`.

fn unreleased(finding: base::Finding) -> label::Released<base::Finding> {
    finding.into()
}

fn main() {}
