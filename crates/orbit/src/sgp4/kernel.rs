//! Many times of one object at once: the same equations as in [`super::reference`], one time a lane.
//!
//! The times are equally spaced. So the mean anomaly, the argument of perigee and the node, which are linear in time
//! but for small terms, need no sine a step: the pair of sine and cosine is turned by a constant angle, and computed
//! anew every [`REBASE`] vectors, which keeps the error below 1e-14. What remains are short turns by small angles and
//! one division and polynomial for Kepler's equation in place of its iteration, where the eccentricity allows it.

use super::deep::{Body, Deep};
use super::math::{COS, PIO2_1, PIO2_2, PIO2_3, SIN, sin_cos};
use super::{EARTH_RADIUS_KM, J2, J3OJ2, LEAST_AXIS, Resonance, Sgp4};
use crate::simd::{Floats, Job, Kernel, Lanes, MAX_LANES, dispatch};

/// Equally spaced times in minutes from the epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Steps {
    pub(crate) first: f64,
    pub(crate) step: f64,
    pub(crate) count: usize,
}

impl Steps {
    pub(crate) fn at(&self, index: usize) -> f64 {
        self.first + self.step * index as f64
    }

    /// The largest distance from the epoch.
    fn furthest(&self) -> f64 {
        self.first.abs().max(self.at(self.count.max(1)).abs())
    }
}

/// Where the results go: x, y, z in km and their rates in km/s, each as long as there are times. Where there is no
/// valid state all six are NaN.
pub(crate) type Columns<'a> = [&'a mut [f64]; 6];

/// The states of `model` at all `steps`.
pub(crate) fn states(model: &Sgp4, steps: Steps, known: &Resonance, kernel: Kernel, out: &mut Columns<'_>) {
    dispatch(kernel, Run { model, steps, known, out });
}

struct Run<'a, 'o, 'c> {
    model: &'a Sgp4,
    steps: Steps,
    known: &'a Resonance,
    out: &'o mut Columns<'c>,
}

impl Job for Run<'_, '_, '_> {
    type Out = ();

    #[inline(always)]
    fn run<D: Lanes, F: Floats>(self) {
        run::<D>(self.model, self.steps, self.known, self.out);
    }
}

/// So many vectors are made by turning before sines are computed anew.
const REBASE: usize = 32;

/// Sine and cosine of one angle.
#[derive(Clone, Copy)]
struct Turn<V> {
    sin: V,
    cos: V,
}

impl<V: Lanes> Turn<V> {
    #[inline(always)]
    fn splat(angle: f64) -> Self {
        let (sin, cos) = sin_cos(angle);
        Self { sin: V::splat(sin), cos: V::splat(cos) }
    }

    /// Of the sum of both angles.
    #[inline(always)]
    fn plus(self, by: Self) -> Self {
        Self {
            sin: self.sin.mul_add(by.cos, self.cos * by.sin),
            cos: self.sin.neg_mul_add(by.sin, self.cos * by.cos),
        }
    }

    #[inline(always)]
    fn minus(self, by: Self) -> Self {
        Self {
            sin: self.cos.neg_mul_add(by.sin, self.sin * by.cos),
            cos: self.sin.mul_add(by.sin, self.cos * by.cos),
        }
    }

    /// Of any angle up to some 1e7 radians.
    #[inline(always)]
    fn of(x: V) -> Self {
        let k = (x * V::splat(std::f64::consts::FRAC_2_PI)).round();
        let r = k.neg_mul_add(V::splat(PIO2_1), x);
        let r = k.neg_mul_add(V::splat(PIO2_2), r);
        let r = k.neg_mul_add(V::splat(PIO2_3), r);
        let Self { sin, cos } = Self::of_reduced(r);
        // cos(x) = sin(x + a quarter)
        Self { sin: V::by_quadrant(k, sin, cos), cos: V::by_quadrant(k + V::splat(1.0), sin, cos) }
    }

    /// Of an angle of at most an eighth of a turn.
    #[inline(always)]
    fn of_reduced(r: V) -> Self {
        let c = V::splat;
        let z = r * r;
        let z2 = z * z;
        let s_high = c(SIN[5]).mul_add(z, c(SIN[4])).mul_add(z2, c(SIN[3]).mul_add(z, c(SIN[2])));
        let s = s_high.mul_add(z2, c(SIN[1]).mul_add(z, c(SIN[0])));
        let c_high = c(COS[5]).mul_add(z, c(COS[4])).mul_add(z2, c(COS[3]).mul_add(z, c(COS[2])));
        let k = c_high.mul_add(z2, c(COS[1]).mul_add(z, c(COS[0])));
        Self { sin: (s * z).mul_add(r, r), cos: k.mul_add(z2, c(-0.5).mul_add(z, c(1.0))) }
    }

    /// Of an angle of at most [`SMALL`]: Taylor's series, good to 2e-17.
    #[inline(always)]
    fn of_small(x: V) -> Self {
        let c = V::splat;
        let z = x * x;
        let s = c(-1.0 / 5040.0).mul_add(z, c(1.0 / 120.0)).mul_add(z, c(-1.0 / 6.0));
        let k = c(1.0 / 40_320.0).mul_add(z, c(-1.0 / 720.0)).mul_add(z, c(1.0 / 24.0)).mul_add(z, c(-0.5));
        Self { sin: (s * z).mul_add(x, x), cos: k.mul_add(z, c(1.0)) }
    }

    /// Of an angle of at most 0.02.
    #[inline(always)]
    fn of_tiny(x: V) -> Self {
        let c = V::splat;
        let z = x * x;
        let s = c(1.0 / 120.0).mul_add(z, c(-1.0 / 6.0));
        let k = c(-1.0 / 720.0).mul_add(z, c(1.0 / 24.0)).mul_add(z, c(-0.5));
        Self { sin: (s * z).mul_add(x, x), cos: k.mul_add(z, c(1.0)) }
    }

    /// Of an angle that is at most 0.02 when `tiny` says so.
    #[inline(always)]
    fn of_tiny_or(x: V, tiny: bool) -> Self {
        if tiny { Self::of_tiny(x) } else { Self::of(x) }
    }

    /// Of an angle that is small when `small` says so.
    #[inline(always)]
    fn of_either(x: V, small: bool) -> Self {
        if small { Self::of_small(x) } else { Self::of(x) }
    }
}

const SMALL: f64 = 0.06;

/// How Kepler's equation is solved: by bounds on the eccentricity over all times.
#[derive(Clone, Copy, PartialEq)]
enum Kepler {
    /// Below 0.02: a series to the third order and one step of third order.
    Series,
    /// Below 0.2: two such steps.
    Twice,
    /// Newton's method as in the reference.
    Newton,
}

/// What holds for all times of a run.
struct Plan {
    kepler: Kepler,
    small_drag: bool,
    small_zeta: bool,
    small_node: bool,
}

impl Plan {
    fn new(m: &Sgp4, furthest: f64) -> Self {
        let t = furthest;
        let drag = (m.omgcof * t).abs() + m.xmcof.abs() * ((1.0 + m.eta).powi(3) + m.delmo.abs());
        let templ = t * t * (m.t2cof.abs() + t * (m.t3cof.abs() + t * (m.t4cof.abs() + t * m.t5cof.abs())));
        let lost = m.bstar.abs() * (m.cc4.abs() * t + 2.0 * m.cc5.abs());
        let e = m.ecco + lost + 2e-3;
        let xl = if e < 0.9 { m.xlcof.abs() * e / (0.9 * (1.0 - e * e)) } else { 1.0 };
        let kepler = if m.is_deep() || e >= 0.2 {
            Kepler::Newton
        } else if e >= 0.02 {
            Kepler::Twice
        } else {
            Kepler::Series
        };
        Self {
            kepler,
            small_drag: drag <= SMALL,
            small_zeta: m.no * templ + xl <= SMALL,
            small_node: m.nodecf.abs() * t * t + 2e-3 <= 0.02,
        }
    }
}

/// Mean elements at some times, with what depends on the inclination.
struct Elements<V> {
    /// Semi-major axis and its square root.
    am: V,
    root: V,
    ep: V,
    argp: Turn<V>,
    node: Turn<V>,
    /// A small angle by which the node is still to be turned.
    node_more: V,
    small_node: bool,
    /// Sum of mean anomaly and argument of perigee, and an angle still to be added.
    sum: Turn<V>,
    sum_more: V,
    small_sum: bool,
    sinip: V,
    cosip: V,
    con41: V,
    x1mth2: V,
    x7thm1: V,
    aycof: V,
    xlcof: V,
}

#[inline(always)]
fn run<V: Lanes>(m: &Sgp4, steps: Steps, known: &Resonance, out: &mut Columns<'_>) {
    let plan = Plan::new(m, steps.furthest());
    let mut lanes = [0.0; MAX_LANES];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = steps.step * i as f64;
    }
    let offsets = V::load(&lanes);
    match &m.deep {
        Some(deep) => {
            for base in (0..steps.count).step_by(V::N) {
                let t = V::splat(steps.at(base)) + offsets;
                let state = deep_state(m, deep, &plan, steps, base, t, known);
                write(state, base, out);
            }
        }
        None if m.isimp => near::<V, true>(m, &plan, steps, offsets, out),
        None => near::<V, false>(m, &plan, steps, offsets, out),
    }
}

#[inline(always)]
fn near<V: Lanes, const SIMPLE: bool>(
    m: &Sgp4,
    plan: &Plan,
    steps: Steps,
    offsets: V,
    out: &mut Columns<'_>,
) {
    let angles = |t: f64| [m.mo + m.mdot * t, m.argpo + m.argpdot * t, m.nodeo + m.nodedot * t];
    let stride = steps.step * V::N as f64;
    if steps.count <= V::N {
        // One vector alone: sines of the angles themselves are cheaper than turns.
        let t = V::splat(steps.first) + offsets;
        let anomaly = Turn::of(V::splat(m.mdot).mul_add(t, V::splat(m.mo)));
        let argp = Turn::of(V::splat(m.argpdot).mul_add(t, V::splat(m.argpo)));
        let node = Turn::of(V::splat(m.nodedot).mul_add(t, V::splat(m.nodeo)));
        write(near_state::<V, SIMPLE>(m, plan, t, anomaly, argp, node), 0, out);
        return;
    }
    // Each angle's turn from one vector to the next, and from the first lane to the others.
    let by_anomaly = Turn::<V>::splat(m.mdot * stride);
    let by_argp = Turn::<V>::splat(m.argpdot * stride);
    let by_node = Turn::<V>::splat(m.nodedot * stride);
    let spread_anomaly = Turn::of(offsets * V::splat(m.mdot));
    let spread_argp = Turn::of(offsets * V::splat(m.argpdot));
    let spread_node = Turn::of(offsets * V::splat(m.nodedot));
    for block in (0..steps.count).step_by(V::N * REBASE) {
        let [anomaly, argp, node] = angles(steps.at(block));
        let mut anomaly = Turn::<V>::splat(anomaly).plus(spread_anomaly);
        let mut argp = Turn::<V>::splat(argp).plus(spread_argp);
        let mut node = Turn::<V>::splat(node).plus(spread_node);
        let end = (block + V::N * REBASE).min(steps.count);
        for base in (block..end).step_by(V::N) {
            let t = V::splat(steps.at(base)) + offsets;
            write(near_state::<V, SIMPLE>(m, plan, t, anomaly, argp, node), base, out);
            anomaly = anomaly.plus(by_anomaly);
            argp = argp.plus(by_argp);
            node = node.plus(by_node);
        }
    }
}

/// Positions, velocities and whether any of them is not valid (then NaN).
struct States<V> {
    columns: [V; 6],
}

#[inline(always)]
fn write<V: Lanes>(state: States<V>, base: usize, out: &mut Columns<'_>) {
    for (column, values) in out.iter_mut().zip(state.columns) {
        if let Some(whole) = column.get_mut(base..base + V::N) {
            values.store(whole);
        } else {
            let mut all = [0.0; MAX_LANES];
            values.store(&mut all);
            for (to, from) in column.get_mut(base..).unwrap_or_default().iter_mut().zip(all) {
                *to = from;
            }
        }
    }
}

/// Secular terms of gravity and drag (see [`super::reference`]).
#[inline(always)]
fn near_state<V: Lanes, const SIMPLE: bool>(
    m: &Sgp4,
    plan: &Plan,
    t: V,
    xmdf: Turn<V>,
    argpdf: Turn<V>,
    node: Turn<V>,
) -> States<V> {
    let c = V::splat;
    let sum = xmdf.plus(argpdf);
    let t2 = t * t;
    let bcc4 = c(m.bstar * m.cc4);
    let (tempa, tempe, templ, argp);
    if SIMPLE {
        tempa = c(m.cc1).neg_mul_add(t, c(1.0));
        tempe = bcc4 * t;
        templ = c(m.t2cof) * t2;
        argp = argpdf;
    } else {
        let delmtemp = c(m.eta).mul_add(xmdf.cos, c(1.0));
        let cube = delmtemp * delmtemp * delmtemp;
        let temp = c(m.omgcof).mul_add(t, c(m.xmcof) * (cube - c(m.delmo)));
        let temp = Turn::of_either(temp, plan.small_drag);
        let sinmm = xmdf.sin.mul_add(temp.cos, xmdf.cos * temp.sin);
        argp = argpdf.minus(temp);
        let a = c(m.d4).mul_add(t, c(m.d3)).mul_add(t, c(m.d2)).mul_add(t, c(m.cc1));
        tempa = a.neg_mul_add(t, c(1.0));
        tempe = bcc4.mul_add(t, c(m.bstar * m.cc5) * (sinmm - c(m.sinmao)));
        let l = c(m.t5cof).mul_add(t, c(m.t4cof)).mul_add(t, c(m.t3cof)).mul_add(t, c(m.t2cof));
        templ = l * t2;
    }
    let em = c(m.ecco) - tempe;
    let bad = V::or(em.less(c(-0.001)), c(0.999_999_999_999_999_9).less(em));
    let bad = V::or(bad, tempa.less(c(f64::MIN_POSITIVE)));
    let em = em.max(c(1.0e-6));
    let elements = Elements {
        am: c(m.ao) * tempa * tempa,
        root: c(m.ao.sqrt()) * tempa.abs(),
        ep: em,
        argp,
        node,
        node_more: c(m.nodecf) * t2,
        small_node: plan.small_node,
        sum,
        sum_more: c(m.no) * templ,
        small_sum: plan.small_zeta,
        sinip: c(m.sinio),
        cosip: c(m.cosio),
        con41: c(m.con41),
        x1mth2: c(m.x1mth2),
        x7thm1: c(m.x7thm1),
        aycof: c(m.aycof),
        xlcof: c(m.xlcof),
    };
    position(m, plan.kepler, &elements, bad)
}

/// Long-period terms, Kepler's equation, short-period terms, orientation.
#[inline(always)]
fn position<V: Lanes>(m: &Sgp4, kepler_by: Kepler, o: &Elements<V>, bad: V::Mask) -> States<V> {
    let c = V::splat;
    let axnl = o.ep * o.argp.cos;
    let temp = c(1.0) / (o.am * o.ep.neg_mul_add(o.ep, c(1.0)));
    let aynl = o.ep.mul_add(o.argp.sin, temp * o.aycof);
    let zeta = (temp * o.xlcof).mul_add(axnl, o.sum_more);
    let u = o.sum.plus(Turn::of_either(zeta, o.small_sum));
    let e = kepler(kepler_by, u, axnl, aynl);

    let ecose = axnl.mul_add(e.cos, aynl * e.sin);
    let esine = aynl.neg_mul_add(e.cos, axnl * e.sin);
    let el2 = axnl.mul_add(axnl, aynl * aynl);
    let one_less = c(1.0) - el2;
    let betal = one_less.sqrt();
    let near = c(1.0) - ecose;
    let beta1 = c(1.0) + betal;
    let pl = o.am * one_less;
    // One division for four: 1/near, 1/beta1, 1/pl, 1/am.
    let (nb, pa) = (near * beta1, pl * o.am);
    let all = c(1.0) / (nb * pa);
    let (inv_nb, inv_pa) = (all * pa, all * nb);
    let (inv_near, inv_beta1) = (inv_nb * beta1, inv_nb * near);
    let (inv_pl, inv_am) = (inv_pa * o.am, inv_pa * pl);

    let rl = o.am * near;
    let root_over_r = o.root * inv_am * inv_near;
    let rdotl = root_over_r * esine;
    let rvdotl = root_over_r * betal;
    let temp = esine * inv_beta1;
    let sinu = inv_near * (e.sin - axnl.mul_add(temp, aynl));
    let cosu = inv_near * (e.cos - aynl.neg_mul_add(temp, axnl));
    let sin2u = (cosu + cosu) * sinu;
    let cos2u = (sinu + sinu).neg_mul_add(sinu, c(1.0));
    let temp1 = c(0.5 * J2) * inv_pl;
    let temp2 = temp1 * inv_pl;
    let t15 = c(1.5) * temp2;

    let mrt = (t15 * betal).neg_mul_add(o.con41, c(1.0)) * rl + c(0.5) * temp1 * o.x1mth2 * cos2u;
    // Small as they are on every orbit above the Earth, these angles are large when the semi-latus rectum is next to
    // nothing.
    let tiny = !V::any(c(0.01).less(t15));
    let su = Turn { sin: sinu, cos: cosu }.minus(Turn::of_tiny_or(c(0.25) * temp2 * o.x7thm1 * sin2u, tiny));
    let turn_node = t15.mul_add(o.cosip * sin2u, o.node_more);
    let node = o.node.plus(Turn::of_tiny_or(turn_node, o.small_node && tiny));
    let inc =
        Turn { sin: o.sinip, cos: o.cosip }.plus(Turn::of_tiny_or(t15 * o.cosip * o.sinip * cos2u, tiny));
    // nm / xke = am^-1.5
    let nm1 = o.root * inv_am * inv_am * temp1;
    let mvt = (nm1 * o.x1mth2).neg_mul_add(sin2u, rdotl);
    let rvdot = nm1.mul_add(o.x1mth2.mul_add(cos2u, c(1.5) * o.con41), rvdotl);

    let xmx = -(node.sin * inc.cos);
    let xmy = node.cos * inc.cos;
    let ux = xmx.mul_add(su.sin, node.cos * su.cos);
    let uy = xmy.mul_add(su.sin, node.sin * su.cos);
    let uz = inc.sin * su.sin;
    let vx = node.cos.neg_mul_add(su.sin, xmx * su.cos);
    let vy = node.sin.neg_mul_add(su.sin, xmy * su.cos);
    let vz = inc.sin * su.cos;

    let decayed = V::or(mrt.less(c(1.0)), o.am.less(c(LEAST_AXIS)));
    let bad = V::or(bad, V::or(pl.less(c(0.0)), decayed));
    let mr = V::select(bad, c(f64::NAN), mrt * c(EARTH_RADIUS_KM));
    let vkmpersec = EARTH_RADIUS_KM * m.xke / 60.0;
    let mv = V::select(bad, c(f64::NAN), mvt * c(vkmpersec));
    let rv = rvdot * c(vkmpersec);
    States {
        columns: [
            mr * ux,
            mr * uy,
            mr * uz,
            mv.mul_add(ux, rv * vx),
            mv.mul_add(uy, rv * vy),
            mv.mul_add(uz, rv * vz),
        ],
    }
}

/// Sine and cosine of the eccentric longitude E = u + d, where d = axnl sin E - aynl cos E.
#[inline(always)]
fn kepler<V: Lanes>(by: Kepler, u: Turn<V>, axnl: V, aynl: V) -> Turn<V> {
    let c = V::splat;
    let s0 = aynl.neg_mul_add(u.cos, axnl * u.sin);
    let c0 = axnl.mul_add(u.cos, aynl * u.sin);
    if by == Kepler::Newton {
        return newton(u, axnl, aynl);
    }
    // d to the third order in the eccentricity: s0 (1 + c0 + c0^2 - s0^2 / 2)
    let square = (c(-0.5) * s0).mul_add(s0, c0 * c0);
    let mut d = s0 * (c(1.0) + c0 + square);
    if by == Kepler::Twice {
        let e = u.plus(Turn::of_reduced(d));
        d = d + correction(e, d, axnl, aynl);
    }
    let e = u.plus(if by == Kepler::Series { Turn::of_small(d) } else { Turn::of_reduced(d) });
    // The last step is below 2e-5 rad, so that its third power does not count.
    let d = correction(e, d, axnl, aynl) + left_over(by, e, d, axnl, aynl);
    let half = c(-0.5) * d * d;
    Turn { sin: e.sin + e.cos.mul_add(d, e.sin * half), cos: e.cos + e.sin.neg_mul_add(d, e.cos * half) }
}

/// What Newton's method from u leaves over in V2006, which stops at the first step below 1e-12 rad and takes the sine
/// before it: at a distance of 7,000 km up to 7e-9 km. From an error x it goes to
/// (f'' x^2 / 2 + f''' x^3 / 3) / f'(x), with the derivatives at the root; the first error is -d.
#[inline(always)]
fn left_over<V: Lanes>(by: Kepler, e: Turn<V>, d: V, axnl: V, aynl: V) -> V {
    let c = V::splat;
    let esine = aynl.neg_mul_add(e.cos, axnl * e.sin);
    let ecose = axnl.mul_add(e.cos, aynl * e.sin);
    // 1 / (1 - ecose) to a part in a hundred or so, which is plenty for what is below 1e-12
    let half = c(0.5) * esine * ecose.mul_add(ecose, c(1.0) + ecose);
    let first = if by == Kepler::Series {
        half * d * d
    } else {
        let slope = (c(0.5) * ecose * d - esine).mul_add(d, c(1.0) - ecose);
        ecose.mul_add(c(-1.0 / 3.0) * d, c(0.5) * esine) * d * d / slope
    };
    let second = half * first * first;
    let third = half * second * second;
    let stop = c(1.0e-12);
    V::select(first.abs().less(stop), first, V::select(second.abs().less(stop), second, third))
}

/// Chebyshev's step, of third order: f = d - esine, f' = 1 - ecose, f'' = esine.
#[inline(always)]
fn correction<V: Lanes>(e: Turn<V>, d: V, axnl: V, aynl: V) -> V {
    let c = V::splat;
    let esine = aynl.neg_mul_add(e.cos, axnl * e.sin);
    let ecose = axnl.mul_add(e.cos, aynl * e.sin);
    let inverse = c(1.0) / (c(1.0) - ecose);
    let step = (esine - d) * inverse;
    let bend = c(-0.5) * esine * inverse;
    (bend * step).mul_add(step, step)
}

/// Newton's method from u, as the reference has it, on the difference d.
#[inline(always)]
fn newton<V: Lanes>(u: Turn<V>, axnl: V, aynl: V) -> Turn<V> {
    let c = V::splat;
    let mut d = c(0.0);
    let mut e = u;
    for _ in 0..10 {
        let esine = aynl.neg_mul_add(e.cos, axnl * e.sin);
        let ecose = axnl.mul_add(e.cos, aynl * e.sin);
        let step = ((esine - d) / (c(1.0) - ecose)).max(c(-0.95)).min(c(0.95));
        // Each lane stops where the reference does.
        let goes_on = c(1.0e-12).less(step.abs());
        if !V::any(goes_on) {
            break;
        }
        d = V::select(goes_on, d + step, d);
        let next = u.plus(Turn::of(d));
        e = Turn { sin: V::select(goes_on, next.sin, e.sin), cos: V::select(goes_on, next.cos, e.cos) };
    }
    e
}

/// Terms of Sun, Moon and resonance (see [`super::reference`] and [`super::deep`]).
#[inline(always)]
fn deep_state<V: Lanes>(
    m: &Sgp4,
    deep: &Deep,
    plan: &Plan,
    steps: Steps,
    base: usize,
    t: V,
    known: &Resonance,
) -> States<V> {
    let c = V::splat;
    let t2 = t * t;
    let linear = |start: f64, rate: f64, more: f64| c(rate).mul_add(t, c(start)) + c(more) * t;
    let mut mm = linear(m.mo, m.mdot, deep.dmdt);
    let argpm = linear(m.argpo, m.argpdot, deep.domdt);
    let nodem = c(m.nodecf).mul_add(t2, linear(m.nodeo, m.nodedot, deep.dnodt));
    let inclm = c(deep.didt).mul_add(t, c(m.inclo));
    let tempa = c(m.cc1).neg_mul_add(t, c(1.0));
    let mut am = c(m.ao);
    let mut root = c(m.ao.sqrt());
    if deep.resonant.is_some() {
        // The integrator is not for lanes; three numbers a time are gathered.
        let (mut xl, mut theta, mut axis) = ([0.0; MAX_LANES], [0.0; MAX_LANES], [0.0; MAX_LANES]);
        for i in 0..V::N {
            let at = steps.at(base + i);
            let (longitude, nm) = deep.longitude(at, known).unwrap_or((f64::NAN, f64::NAN));
            (xl[i], theta[i]) = (longitude, deep.theta(at));
            axis[i] = m.ao * two_thirds_below(nm / m.no);
        }
        let (xl, theta) = (V::load(&xl), V::load(&theta));
        mm = if deep.half_day() {
            c(-2.0).mul_add(nodem, xl) + theta + theta
        } else {
            xl - nodem - argpm + theta
        };
        am = V::load(&axis);
        root = am.sqrt();
    }
    let am = am * tempa * tempa;
    let root = root * tempa.abs();
    let em = c(deep.dedt).mul_add(t, c(m.ecco)) - c(m.bstar * m.cc4) * t;
    let bad = V::or(em.less(c(-0.001)), c(0.999_999_999_999_999_9).less(em));
    let bad = V::or(bad, tempa.less(c(f64::MIN_POSITIVE)));
    let em = em.max(c(1.0e-6));
    let mm = c(m.no * m.t2cof).mul_add(t2, mm);
    let (sun, moon) = (terms(&deep.sun, t), terms(&deep.moon, t));
    let [pe, pinc, pl] = [sun[0] + moon[0], sun[1] + moon[1], sun[2] + moon[2]];
    let [pgh, ph] = [sun[3] + moon[3], sun[4] + moon[4]];
    let ep = em + pe;
    let bad = V::or(bad, V::or(ep.less(c(0.0)), c(1.0).less(ep)));
    let xincp = inclm + pinc;
    let inc = Turn::of(xincp);
    let flat = xincp.less(c(0.2));
    let per_sine = ph / V::select(flat, c(1.0), inc.sin);
    let mut nodep = nodem + per_sine;
    // argument of perigee, and its sum with the mean anomaly
    let mut argpp = argpm + inc.cos.neg_mul_add(per_sine, pgh);
    let mut sum = mm + argpp + pl;
    if V::any(flat) {
        let (n, a, s) = lyddane(inc, nodem, mm, argpm, pinc, pl, pgh, ph);
        nodep = V::select(flat, n, nodep);
        argpp = V::select(flat, a, argpp);
        sum = V::select(flat, s, sum);
    }
    // A negative inclination is the other side's node: both angles turn by half, sine changes sign.
    let below = xincp.less(c(0.0));
    let half = V::select(below, c(std::f64::consts::PI), c(0.0));
    nodep = nodep + half;
    argpp = argpp - half;
    sum = sum - half;
    let sinip = V::select(below, -inc.sin, inc.sin);
    let cosip = inc.cos;
    let cosisq = cosip * cosip;
    let more = c(1.0) + cosip;
    let more = V::select(more.abs().less(c(1.5e-12)), c(1.5e-12), more);
    let elements = Elements {
        am,
        root,
        ep,
        argp: Turn::of(argpp),
        node: Turn::of(nodep),
        node_more: c(0.0),
        small_node: true,
        sum: Turn::of(sum),
        sum_more: c(0.0),
        small_sum: true,
        sinip,
        cosip,
        con41: c(3.0).mul_add(cosisq, c(-1.0)),
        x1mth2: c(1.0) - cosisq,
        x7thm1: c(7.0).mul_add(cosisq, c(-1.0)),
        aycof: c(-0.5 * J3OJ2) * sinip,
        xlcof: c(-0.25 * J3OJ2) * sinip * c(5.0).mul_add(cosip, c(3.0)) / more,
    };
    position(m, plan.kepler, &elements, bad)
}

/// x to the power of -2/3; NaN unless x is above zero. Resonance moves the mean motion by a few thousandths, where the
/// binomial series is exact.
fn two_thirds_below(x: f64) -> f64 {
    let q = x - 1.0;
    if q.abs() < 2e-3 {
        let high = -40.0 / 81.0 + q * (110.0 / 243.0 + q * (-308.0 / 729.0));
        1.0 + q * (-2.0 / 3.0 + q * (5.0 / 9.0 + q * high))
    } else if x > 0.0 {
        let root = libm::cbrt(x);
        1.0 / (root * root)
    } else {
        f64::NAN
    }
}

/// Lyddane's form for small inclinations: node, argument of perigee, and its sum with the mean anomaly.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the variables of one formula")]
fn lyddane<V: Lanes>(inc: Turn<V>, nodem: V, mm: V, argpm: V, pinc: V, pl: V, pgh: V, ph: V) -> (V, V, V) {
    const TURN: f64 = std::f64::consts::TAU;
    let node = Turn::of(nodem);
    let alfdp = inc.sin.mul_add(node.sin, ph.mul_add(node.cos, pinc * inc.cos * node.sin));
    let betdp = inc.sin.mul_add(node.cos, ph.neg_mul_add(node.sin, pinc * inc.cos * node.cos));
    let (mut nodes, mut y, mut x) = ([0.0; MAX_LANES], [0.0; MAX_LANES], [0.0; MAX_LANES]);
    nodem.store(&mut nodes);
    alfdp.store(&mut y);
    betdp.store(&mut x);
    let (mut wrapped, mut turned) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
    for i in 0..V::N {
        wrapped[i] = super::math::wrapped(nodes[i]);
        turned[i] = libm::atan2(y[i], x[i]);
        if (wrapped[i] - turned[i]).abs() > std::f64::consts::PI {
            turned[i] += if turned[i] < wrapped[i] { TURN } else { -TURN };
        }
    }
    let (wrapped, turned) = (V::load(&wrapped), V::load(&turned));
    let xls = mm + argpm + pl + pgh + pinc.neg_mul_add(inc.sin, inc.cos) * wrapped;
    let mp = mm + pl;
    let argpp = inc.cos.neg_mul_add(turned, xls - mp);
    (turned, argpp, mp + argpp)
}

/// Periodic terms of one body: of e, i, l, g + h and h.
#[inline(always)]
fn terms<V: Lanes>(b: &Body, t: V) -> [V; 5] {
    let c = V::splat;
    let zm = c(b.zn).mul_add(t, c(b.zm));
    let zf = c(2.0 * b.ze).mul_add(Turn::of(zm).sin, zm);
    let zf = Turn::of(zf);
    let f2 = (c(0.5) * zf.sin).mul_add(zf.sin, c(-0.25));
    let f3 = c(-0.5) * zf.sin * zf.cos;
    let two = |a: f64, b: f64| c(a).mul_add(f2, c(b) * f3);
    [
        two(b.e2, b.e3),
        two(b.i2, b.i3),
        c(b.l4).mul_add(zf.sin, two(b.l2, b.l3)),
        c(b.gh4).mul_add(zf.sin, two(b.gh2, b.gh3)),
        two(b.h2, b.h3),
    ]
}
