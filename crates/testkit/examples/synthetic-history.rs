//! Writes the content of `samples/orbit/synthetic-history.tle` to standard output.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

fn main() {
    print!("{}", testkit::sample_history());
}
