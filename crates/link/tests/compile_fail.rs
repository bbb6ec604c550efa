//! What the compiler must refuse: every way to put an unreleased entry on the wire.

#[test]
fn an_unreleased_entry_cannot_be_sent() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
