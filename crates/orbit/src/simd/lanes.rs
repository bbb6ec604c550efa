use std::ops::{Add, Div, Mul, Neg, Sub};

/// Several doubles on which one instruction works at once.
///
/// Every method is inlined into a function that the caller has compiled for the right machine; see [`super::dispatch`].
pub(crate) trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// How many.
    const N: usize;
    /// One truth value a lane.
    type Mask: Copy;

    fn splat(x: f64) -> Self;
    /// From the first `N` of `from`, which has at least as many.
    fn load(from: &[f64]) -> Self;
    /// To the first `N` of `to`, which has at least as many.
    fn store(self, to: &mut [f64]);
    /// `self * b + c`, fused where the machine can.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`, fused where the machine can.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    fn sqrt(self) -> Self;
    /// To the nearest whole number.
    fn round(self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    fn abs(self) -> Self;
    /// `self < other`; false for NaN.
    fn less(self, other: Self) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    fn any(mask: Self::Mask) -> bool;
    /// Changes the sign of `self` where bit 1 of the whole number `k` is set, and takes `other` instead of `self`
    /// where bit 0 is set.
    fn by_quadrant(k: Self, even: Self, odd: Self) -> Self;
}

/// The widest of all implementations.
pub(crate) const MAX_LANES: usize = 16;

/// Four doubles in plain code, for every machine.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f64; 4]);

macro_rules! plain_operator {
    ($trait:ident, $name:ident, $op:tt) => {
        impl $trait for Plain {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                let (a, b) = (self.0, other.0);
                Self([a[0] $op b[0], a[1] $op b[1], a[2] $op b[2], a[3] $op b[3]])
            }
        }
    };
}
plain_operator!(Add, add, +);
plain_operator!(Sub, sub, -);
plain_operator!(Mul, mul, *);
plain_operator!(Div, div, /);

impl Neg for Plain {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0.map(|x| -x))
    }
}

impl Plain {
    #[inline(always)]
    fn zip<T: Copy + Default>(self, other: Self, f: impl Fn(f64, f64) -> T) -> [T; 4] {
        let mut out = [T::default(); 4];
        for ((out, a), b) in out.iter_mut().zip(self.0).zip(other.0) {
            *out = f(a, b);
        }
        out
    }
}

impl Lanes for Plain {
    const N: usize = 4;
    type Mask = [bool; 4];

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self([x; 4])
    }
    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        Self([from[0], from[1], from[2], from[3]])
    }
    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        to[..4].copy_from_slice(&self.0);
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        c - self * b
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(f64::sqrt))
    }
    #[inline(always)]
    fn round(self) -> Self {
        const ROUND: f64 = 6_755_399_441_055_744.0;
        Self(self.0.map(|x| (x + ROUND) - ROUND))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(self.zip(other, |a, b| if a > b { a } else { b }))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(self.zip(other, |a, b| if a < b { a } else { b }))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.map(f64::abs))
    }
    #[inline(always)]
    fn less(self, other: Self) -> [bool; 4] {
        self.zip(other, |a, b| a < b)
    }
    #[inline(always)]
    fn select(mask: [bool; 4], yes: Self, no: Self) -> Self {
        let mut out = no;
        for ((out, mask), yes) in out.0.iter_mut().zip(mask).zip(yes.0) {
            *out = if mask { yes } else { *out };
        }
        out
    }
    #[inline(always)]
    fn or(a: [bool; 4], b: [bool; 4]) -> [bool; 4] {
        [a[0] | b[0], a[1] | b[1], a[2] | b[2], a[3] | b[3]]
    }
    #[inline(always)]
    fn any(mask: [bool; 4]) -> bool {
        mask[0] | mask[1] | mask[2] | mask[3]
    }
    #[inline(always)]
    fn by_quadrant(k: Self, even: Self, odd: Self) -> Self {
        let mut out = even;
        for (((out, odd), even), k) in out.0.iter_mut().zip(odd.0).zip(even.0).zip(k.0) {
            let k = k as i64;
            let value = if k & 1 == 0 { even } else { odd };
            *out = if k & 2 == 0 { value } else { -value };
        }
        out
    }
}

/// Two of the same side by side: while one waits for a division or a sum, the processor works on the other.
#[derive(Clone, Copy)]
pub(crate) struct Two<L>(L, L);

macro_rules! two_operator {
    ($trait:ident, $name:ident) => {
        impl<L: Lanes> $trait for Two<L> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                Self(self.0.$name(other.0), self.1.$name(other.1))
            }
        }
    };
}
two_operator!(Add, add);
two_operator!(Sub, sub);
two_operator!(Mul, mul);
two_operator!(Div, div);

impl<L: Lanes> Neg for Two<L> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0, -self.1)
    }
}

impl<L: Lanes> Lanes for Two<L> {
    const N: usize = 2 * L::N;
    type Mask = (L::Mask, L::Mask);

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self(L::splat(x), L::splat(x))
    }
    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        Self(L::load(from), L::load(&from[L::N..]))
    }
    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        self.0.store(to);
        self.1.store(&mut to[L::N..]);
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(self.0.mul_add(b.0, c.0), self.1.mul_add(b.1, c.1))
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Self(self.0.neg_mul_add(b.0, c.0), self.1.neg_mul_add(b.1, c.1))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt(), self.1.sqrt())
    }
    #[inline(always)]
    fn round(self) -> Self {
        Self(self.0.round(), self.1.round())
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0), self.1.max(other.1))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0), self.1.min(other.1))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs(), self.1.abs())
    }
    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        (self.0.less(other.0), self.1.less(other.1))
    }
    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Self(L::select(mask.0, yes.0, no.0), L::select(mask.1, yes.1, no.1))
    }
    #[inline(always)]
    fn or(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        (L::or(a.0, b.0), L::or(a.1, b.1))
    }
    #[inline(always)]
    fn any(mask: Self::Mask) -> bool {
        L::any(mask.0) | L::any(mask.1)
    }
    #[inline(always)]
    fn by_quadrant(k: Self, even: Self, odd: Self) -> Self {
        Self(L::by_quadrant(k.0, even.0, odd.0), L::by_quadrant(k.1, even.1, odd.1))
    }
}
