//! Elementary functions that give the same bits on every machine: only additions, multiplications, divisions and
//! square roots (IEEE 754 exact), no platform library, no fused operations.

#![expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must fail these tests as well")]

use std::f64::consts::FRAC_2_PI;

/// Half a turn in three parts (fdlibm, `e_rem_pio2.c`): products of the first two with whole numbers below 2^20 are
/// exact, so that the reduced angle is good to the last bit for up to a million quarter turns.
pub(super) const PIO2_1: f64 = 1.570_796_326_734_125_6;
pub(super) const PIO2_2: f64 = 6.077_100_506_303_966e-11;
pub(super) const PIO2_3: f64 = 2.022_266_248_795_950_7e-21;

/// Coefficients of sin on a quarter turn about zero (fdlibm, `k_sin.c`).
pub(super) const SIN: [f64; 6] = [
    -1.666_666_666_666_663_2e-1,
    8.333_333_333_322_49e-3,
    -1.984_126_982_985_795e-4,
    2.755_731_370_707_006_8e-6,
    -2.505_076_025_340_686_3e-8,
    1.589_690_995_211_55e-10,
];

/// Coefficients of cos on a quarter turn about zero (fdlibm, `k_cos.c`).
pub(super) const COS: [f64; 6] = [
    4.166_666_666_666_66e-2,
    -1.388_888_888_887_411e-3,
    2.480_158_728_947_673e-5,
    -2.755_731_435_139_066_3e-7,
    2.087_572_321_298_175e-9,
    -1.135_964_755_778_819_5e-11,
];

/// Angles up to here are reduced by [`PIO2_1`] and so on; greater ones by the `libm` crate.
const MAX_REDUCED: f64 = 1e6;

/// Sine and cosine of an angle in radians, to within one unit in the last place.
#[inline]
pub(super) fn sin_cos(x: f64) -> (f64, f64) {
    if !(x.abs() < MAX_REDUCED) {
        return libm::sincos(x);
    }
    // Rounding to the nearest whole number by a constant whose last bit is a one.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let turns = x * FRAC_2_PI + ROUND;
    let quadrant = turns.to_bits() & 3;
    let k = turns - ROUND;
    let r = ((x - k * PIO2_1) - k * PIO2_2) - k * PIO2_3;
    let z = r * r;
    let s = r + r * z * (SIN[0] + z * (SIN[1] + z * (SIN[2] + z * (SIN[3] + z * (SIN[4] + z * SIN[5])))));
    let half = 0.5 * z;
    let w = 1.0 - half;
    let tail = z * z * (COS[0] + z * (COS[1] + z * (COS[2] + z * (COS[3] + z * (COS[4] + z * COS[5])))));
    let c = w + ((1.0 - w - half) + tail);
    match quadrant {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}

/// `x` less whole turns, with the sign of `x`, as C's `fmod(x, 2 pi)`.
#[inline]
pub(super) fn wrapped(x: f64) -> f64 {
    const TURN: f64 = std::f64::consts::TAU;
    // The turn as a double, in two parts whose products with whole numbers below 2^25 are exact.
    const HIGH: f64 = 6.283_185_303_211_212;
    const LOW: f64 = TURN - HIGH;
    if x.abs() < TURN {
        return x;
    }
    if !(x.abs() < 1e8) {
        return x % TURN;
    }
    let turns = (x / TURN).trunc();
    (x - turns * HIGH) - turns * LOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_and_cosine_agree_with_the_platform() {
        let mut x = -800_000.0;
        while x < 800_000.0 {
            let (s, c) = sin_cos(x);
            assert!((s - x.sin()).abs() < 2.3e-16 && (c - x.cos()).abs() < 2.3e-16, "{x}");
            x += 17.123_456_789;
        }
        for x in [0.0, -0.0, 1e-300, 0.785, 0.786, -2.356_194, 3e7, -1e15] {
            let (s, c) = sin_cos(x);
            assert!((s - f64::sin(x)).abs() < 2.3e-16 && (c - f64::cos(x)).abs() < 2.3e-16, "{x}");
        }
        assert!(sin_cos(f64::NAN).0.is_nan() && sin_cos(f64::INFINITY).1.is_nan());
    }

    #[test]
    fn wrapping_agrees_with_the_exact_remainder() {
        let mut x = -90_000_000.0;
        while x < 90_000_000.0 {
            let exact = x % std::f64::consts::TAU;
            let got = wrapped(x);
            let off = (got - exact).abs();
            // Next to a whole turn either side may come out.
            assert!(off < 1e-15 * 8.0 || (off - std::f64::consts::TAU).abs() < 1e-14, "{x}: {got} {exact}");
            x += 12_345.678_9;
        }
    }
}
