//! The only module with unsafe code: eight doubles of AVX-512 and four of AVX2 with FMA.
//!
//! Each instruction needs a processor that has it. The functions at the end are the only way in: they look first, and
//! everything else is inlined into them. No pointer leaves a reference to an array of known length.
#![expect(unsafe_code, reason = "instructions of the processor; every block says why it is sound")]

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Job;
use super::floats::Floats;
use super::lanes::{Lanes, Two};

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512d);

#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256d);

macro_rules! operator {
    ($lanes:ident, $trait:ident, $name:ident, $instruction:ident) => {
        impl $trait for $lanes {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                // SAFETY: values of this type exist only below the functions at the end of this module, which have
                // found the instruction on this processor.
                Self(unsafe { $instruction(self.0, other.0) })
            }
        }
    };
}
operator!(Avx512, Add, add, _mm512_add_pd);
operator!(Avx512, Sub, sub, _mm512_sub_pd);
operator!(Avx512, Mul, mul, _mm512_mul_pd);
operator!(Avx512, Div, div, _mm512_div_pd);
operator!(Avx2, Add, add, _mm256_add_pd);
operator!(Avx2, Sub, sub, _mm256_sub_pd);
operator!(Avx2, Mul, mul, _mm256_mul_pd);
operator!(Avx2, Div, div, _mm256_div_pd);

impl Neg for Avx512 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::splat(-0.0).flip(self)
    }
}

impl Neg for Avx2 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_xor_pd(self.0, _mm256_set1_pd(-0.0)) })
    }
}

impl Avx512 {
    /// The exclusive or of the bits.
    #[inline(always)]
    fn flip(self, other: Self) -> Self {
        // SAFETY: as in `operator!`; AVX-512DQ is looked for as well.
        Self(unsafe { _mm512_xor_pd(self.0, other.0) })
    }
}

impl Lanes for Avx512 {
    const N: usize = 8;
    type Mask = __mmask8;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_set1_pd(x) })
    }
    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let from = &from[..8];
        // SAFETY: as in `operator!`; the slice has eight doubles, and the load asks for no alignment.
        Self(unsafe { _mm512_loadu_pd(from.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let to = &mut to[..8];
        // SAFETY: as in `operator!`; the slice has eight doubles, and the store asks for no alignment.
        unsafe { _mm512_storeu_pd(to.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_fmadd_pd(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_fnmadd_pd(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_sqrt_pd(self.0) })
    }
    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_max_pd(self.0, other.0) })
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_min_pd(self.0, other.0) })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_abs_pd(self.0) })
    }
    #[inline(always)]
    fn less(self, other: Self) -> __mmask8 {
        // SAFETY: as in `operator!`.
        unsafe { _mm512_cmp_pd_mask::<_CMP_LT_OQ>(self.0, other.0) }
    }
    #[inline(always)]
    fn select(mask: __mmask8, yes: Self, no: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_mask_blend_pd(mask, no.0, yes.0) })
    }
    #[inline(always)]
    fn or(a: __mmask8, b: __mmask8) -> __mmask8 {
        a | b
    }
    #[inline(always)]
    fn any(mask: __mmask8) -> bool {
        mask != 0
    }
    #[inline(always)]
    fn by_quadrant(k: Self, even: Self, odd: Self) -> Self {
        // SAFETY: as in `operator!`; AVX-512DQ is looked for as well.
        unsafe {
            let k = _mm512_cvtpd_epi64(k.0);
            let one = _mm512_set1_epi64(1);
            let value = _mm512_mask_blend_pd(_mm512_test_epi64_mask(k, one), even.0, odd.0);
            let sign = _mm512_slli_epi64::<62>(_mm512_and_epi64(k, _mm512_set1_epi64(2)));
            Self(_mm512_xor_pd(value, _mm512_castsi512_pd(sign)))
        }
    }
}

impl Lanes for Avx2 {
    const N: usize = 4;
    type Mask = __m256d;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_set1_pd(x) })
    }
    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        let from = &from[..4];
        // SAFETY: as in `operator!`; the slice has four doubles, and the load asks for no alignment.
        Self(unsafe { _mm256_loadu_pd(from.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        let to = &mut to[..4];
        // SAFETY: as in `operator!`; the slice has four doubles, and the store asks for no alignment.
        unsafe { _mm256_storeu_pd(to.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_fmadd_pd(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_fnmadd_pd(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_sqrt_pd(self.0) })
    }
    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_max_pd(self.0, other.0) })
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_min_pd(self.0, other.0) })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_andnot_pd(_mm256_set1_pd(-0.0), self.0) })
    }
    #[inline(always)]
    fn less(self, other: Self) -> __m256d {
        // SAFETY: as in `operator!`.
        unsafe { _mm256_cmp_pd::<_CMP_LT_OQ>(self.0, other.0) }
    }
    #[inline(always)]
    fn select(mask: __m256d, yes: Self, no: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_blendv_pd(no.0, yes.0, mask) })
    }
    #[inline(always)]
    fn or(a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: as in `operator!`.
        unsafe { _mm256_or_pd(a, b) }
    }
    #[inline(always)]
    fn any(mask: __m256d) -> bool {
        // SAFETY: as in `operator!`.
        unsafe { _mm256_movemask_pd(mask) != 0 }
    }
    #[inline(always)]
    fn by_quadrant(k: Self, even: Self, odd: Self) -> Self {
        // SAFETY: as in `operator!`.
        unsafe {
            // Whole numbers below 2^51 land in the low bits when this is added.
            let bits = _mm256_castpd_si256(_mm256_add_pd(k.0, _mm256_set1_pd(6_755_399_441_055_744.0)));
            let is_odd = _mm256_castsi256_pd(_mm256_slli_epi64::<63>(bits));
            let value = _mm256_blendv_pd(even.0, odd.0, is_odd);
            let two = _mm256_and_si256(bits, _mm256_set1_epi64x(2));
            Self(_mm256_xor_pd(value, _mm256_castsi256_pd(_mm256_slli_epi64::<62>(two))))
        }
    }
}

/// Sixteen floats of AVX-512.
#[derive(Clone, Copy)]
pub(super) struct Floats512(__m512);

/// Eight floats of AVX2.
#[derive(Clone, Copy)]
pub(super) struct Floats256(__m256);

impl Floats for Floats512 {
    const N: usize = 16;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_set1_ps(x) })
    }
    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let from = &from[..16];
        // SAFETY: as in `operator!`; the slice has sixteen floats, and the load asks for no alignment.
        Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_sub_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_mul_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_fnmadd_ps(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_abs_ps(self.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm512_sqrt_ps(self.0) })
    }
    #[inline(always)]
    fn at_most(self, b: Self) -> u32 {
        // SAFETY: as in `operator!`.
        u32::from(unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(self.0, b.0) })
    }
}

impl Floats for Floats256 {
    const N: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_set1_ps(x) })
    }
    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let from = &from[..8];
        // SAFETY: as in `operator!`; the slice has eight floats, and the load asks for no alignment.
        Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_sub_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_mul_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_fnmadd_ps(self.0, b.0, c.0) })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: as in `operator!`.
        Self(unsafe { _mm256_sqrt_ps(self.0) })
    }
    #[inline(always)]
    fn at_most(self, b: Self) -> u32 {
        // SAFETY: as in `operator!`.
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(self.0, b.0)) as u32 }
    }
}

/// Whether the processor has AVX-512 (F and DQ) and AVX2.
pub(super) fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") && has_avx2()
}

/// Whether the processor has AVX2 and FMA.
pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Does the job with AVX-512; gives it back where the processor has none.
pub(super) fn avx512<J: Job>(job: J) -> Result<J::Out, J> {
    #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
    fn inside<J: Job>(job: J) -> J::Out {
        job.run::<Two<Avx512>, Floats512>()
    }
    if !has_avx512() {
        return Err(job);
    }
    // SAFETY: the processor has all the features that `inside` is compiled for.
    Ok(unsafe { inside(job) })
}

/// Does the job with AVX2 and FMA; gives it back where the processor has none.
pub(super) fn avx2<J: Job>(job: J) -> Result<J::Out, J> {
    #[target_feature(enable = "avx2,fma")]
    fn inside<J: Job>(job: J) -> J::Out {
        job.run::<Avx2, Floats256>()
    }
    if !has_avx2() {
        return Err(job);
    }
    // SAFETY: the processor has all the features that `inside` is compiled for.
    Ok(unsafe { inside(job) })
}
