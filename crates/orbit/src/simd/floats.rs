/// Several floats on which one instruction works at once: for tests with a margin, never for results.
pub(crate) trait Floats: Copy {
    /// How many, at most [`MAX_FLOATS`].
    const N: usize;

    fn splat(x: f32) -> Self;
    /// From the first `N` of `from`, which has at least as many.
    fn load(from: &[f32]) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    /// `self * b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    /// `self <= b` as one bit a float, the first the lowest; 0 for NaN.
    fn at_most(self, b: Self) -> u32;
}

/// The widest of all implementations.
pub(crate) const MAX_FLOATS: usize = 16;

/// Eight floats in plain code, for every machine.
#[derive(Clone, Copy)]
pub(crate) struct PlainFloats([f32; 8]);

impl PlainFloats {
    #[inline(always)]
    fn three(self, b: Self, c: Self, f: impl Fn(f32, f32, f32) -> f32) -> Self {
        let mut out = self.0;
        for ((a, b), c) in out.iter_mut().zip(b.0).zip(c.0) {
            *a = f(*a, b, c);
        }
        Self(out)
    }
}

impl Floats for PlainFloats {
    const N: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; 8])
    }
    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let mut all = [0.0; 8];
        all.copy_from_slice(&from[..8]);
        Self(all)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.three(b, b, |a, b, _| a - b)
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.three(b, b, |a, b, _| a * b)
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.three(b, c, |a, b, c| a * b + c)
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        self.three(b, c, |a, b, c| c - a * b)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.map(f32::abs))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f32::sqrt))
    }
    #[inline(always)]
    fn at_most(self, b: Self) -> u32 {
        let mut bits = 0;
        for (i, (a, b)) in self.0.iter().zip(b.0).enumerate() {
            bits |= u32::from(*a <= b) << i;
        }
        bits
    }
}
