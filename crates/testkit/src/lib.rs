//! What tests of several rooms share. Nothing that ships depends on it.
//!
//! **Invariant:** nothing here knows a room above `base`, so that any room's tests may use it; and nothing here draws
//! from a clock or from the system's randomness: a failing case is repeated by its seed.

pub mod nouns;
