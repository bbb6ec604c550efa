/// Licences that a dependency may have. MPL-2.0 is here for what nothing else serves; it covers only its own files.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OFL-1.1",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression lets us use the work under permissive licences alone: one side of an `OR`, both
/// sides of an `AND`. What cannot be read is not permissive.
pub fn is_permissive(expression: &str) -> bool {
    // Older manifests write `MIT/Apache-2.0`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest) == Some(true) && rest.is_empty()
}

fn either(rest: &mut &[&str]) -> Option<bool> {
    let mut good = both(rest)?;
    while let Some((&"OR", after)) = rest.split_first() {
        *rest = after;
        good |= both(rest)?;
    }
    Some(good)
}

fn both(rest: &mut &[&str]) -> Option<bool> {
    let mut good = one(rest)?;
    while let Some((&"AND", after)) = rest.split_first() {
        *rest = after;
        good &= one(rest)?;
    }
    Some(good)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    if *first == "(" {
        let good = either(rest)?;
        let (close, after) = rest.split_first()?;
        *rest = after;
        return (*close == ")").then_some(good);
    }
    let mut name = (*first).to_owned();
    if let [with, exception, after @ ..] = *rest
        && *with == "WITH"
    {
        *rest = after;
        name = format!("{first} WITH {exception}");
    }
    Some(PERMISSIVE.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_permissive_choice_is_enough_and_each_part_of_an_and_counts() {
        let check = |expression: &str, expected: bool| {
            assert_eq!(is_permissive(expression), expected, "{expression}")
        };
        check("MIT", true);
        check("MIT OR Apache-2.0", true);
        check("MIT/Apache-2.0", true);
        check("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("GPL-3.0-only OR MIT", true);
        check("GPL-3.0-only", false);
        check("MIT AND GPL-2.0-or-later", false);
        check("(MIT OR ISC) AND (AGPL-3.0-only OR SSPL-1.0)", false);
        check("GPL-2.0 WITH Classpath-exception-2.0", false);
        check("SEE LICENSE IN LICENSE.txt", false);
        check("MIT OR", false);
        check("(MIT", false);
        check("", false);
    }
}
