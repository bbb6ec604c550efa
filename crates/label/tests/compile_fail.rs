//! What the compiler must refuse: every way round `release`.

#[test]
fn released_has_one_door() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
