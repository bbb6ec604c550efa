//! The ellipses on which objects go for a while, and whether those of two come near each other at all. The proof is in
//! the notes of [`super`].

use super::astray::Astray;
use super::bodies::{Body, MU_KM3_S2};
use crate::Propagator;
use crate::frame::{cross, dot, minus, norm};
use crate::sgp4::kernel::Steps;
use crate::sgp4::{EARTH_RADIUS_KM, J2};
use crate::simd::{Floats, Job, Kernel, Lanes, MAX_FLOATS, dispatch};

/// Windows a step: so long an object is taken to go on one curve.
pub(super) const STEP_WINDOWS: u64 = 16;

/// No foot of a place in which objects meet is nearer to the centre of the Earth, in km.
const LOWEST_KM: f64 = 6200.0;

/// A more eccentric ellipse is no curve.
const MOST_ECCENTRIC: f64 = 0.95;

/// Room for floats, in km.
const ROUNDING_KM: f64 = 0.2;

/// J2 R^2 / 4 in km^2.
const BULGE_KM2: f64 = 0.25 * J2 * EARTH_RADIUS_KM * EARTH_RADIUS_KM;

/// The curves of one body at the middles of a run of steps, as columns: each lies in a plane, and its radius towards a
/// unit vector c of the plane is p / (1 + e.c) - 2 k c_z^2 / p, where k is [`BULGE_KM2`]. That is SGP4's ellipse with
/// its short-period term in the radius.
#[derive(Default)]
pub(super) struct Curves {
    /// Per step: the unit normal, e, the unit vector to the place at the middle, p in km.
    columns: [Vec<f64>; 10],
    floats: [Vec<f32>; 10],
    bounds: Bounds,
}

/// What holds for all curves of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    astray_km: (f64, f64),
    /// The steepest that the ellipse's radius changes with the angle, as a part of it.
    slope: f64,
    /// Between these the term of J2 lies, k / p.
    bulge_km: (f64, f64),
    /// Between these radii the body stays.
    radii_km: (f64, f64),
    turns: (f64, f64),
}

impl Curves {
    /// Follows `body` through `steps`, of which the first is the span's `number`-th.
    pub(super) fn follow(&mut self, body: &Body, steps: Steps, number: usize, kernel: Kernel) {
        self.fill(&body.propagator, steps, kernel);
        let is_known = |i: usize| body.astray.knows_step(number + i);
        let unknown: Vec<usize> = (0..steps.count).filter(|i| !is_known(*i)).collect();
        let [.., middle, p] = &mut self.columns;
        for i in &unknown {
            // In every test.
            (middle[*i], p[*i]) = (f64::NAN, f64::NAN);
        }
        for (to, from) in self.floats.iter_mut().zip(&self.columns) {
            to.resize(from.len(), 0.0);
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from as f32;
            }
        }
        self.bounds = self.bounds(steps.count, &body.astray);
    }

    pub(super) fn fill(&mut self, propagator: &Propagator, steps: Steps, kernel: Kernel) {
        let count = steps.count.next_multiple_of(MAX_FLOATS);
        self.columns.iter_mut().for_each(|column| column.resize(count, f64::NAN));
        let [x, y, z, u, v, w, ..] = self.columns.each_mut().map(Vec::as_mut_slice);
        propagator.fill_columns(Steps { count, ..steps }, kernel, &mut [x, y, z, u, v, w]);
        dispatch(kernel, FromStates { columns: &mut self.columns });
    }

    fn bounds(&self, count: usize, astray: &Astray) -> Bounds {
        let [_, _, _, e, f, g, .., p] = &self.columns;
        let (mut most, mut low, mut high) = (0.0f64, f64::INFINITY, 0.0f64);
        let mut has_unknown = false;
        let mut bulge = (f64::INFINITY, 0.0f64);
        // Steps that are not known have NaN, which counts for nothing here and passes every test.
        for (((e, f), g), p) in e.iter().zip(f).zip(g).zip(p).take(count) {
            if p.is_nan() {
                has_unknown = true;
                continue;
            }
            let eccentricity = norm([*e, *f, *g]);
            most = most.max(eccentricity);
            (low, high) = (low.min(p / (1.0 + eccentricity)), high.max(p / (1.0 - eccentricity)));
            bulge = (bulge.0.min(BULGE_KM2 / p), bulge.1.max(BULGE_KM2 / p));
        }
        let Astray { radius_km, height_km, turns, .. } = *astray;
        // The square of the height counts, over twice the radius; see `Room`.
        let radius_km = radius_km + height_km * height_km / (2.0 * LOWEST_KM);
        Bounds {
            astray_km: (radius_km, height_km),
            slope: most / (1.0 - most * most).sqrt(),
            bulge_km: bulge,
            radii_km: if has_unknown {
                (f64::NEG_INFINITY, f64::INFINITY)
            } else {
                (low - 2.0 * bulge.1 - radius_km, high + radius_km)
            },
            turns,
        }
    }

    /// Between which radii the body stays, in km, widened by what may lie between it and another.
    pub(super) fn radii_km(&self, within_km: f64) -> (f32, f32) {
        let (low, high) = self.bounds.radii_km;
        let more_km = within_km + ROUNDING_KM;
        ((low - more_km) as f32, (high + more_km) as f32)
    }

    /// Whether the `i`-th curve is an ellipse, and none of the longest.
    pub(super) fn is_bound(&self, i: usize) -> bool {
        let [_, _, _, e, f, g, .., p] = self.columns.each_ref().map(|column| column[i]);
        p > 0.0 && norm([e, f, g]) < MOST_ECCENTRIC
    }

    /// How far a place is from the `i`-th curve, along the radius and along the normal, and by which angle from that at
    /// the middle; NaN where there is no curve.
    pub(super) fn away(&self, i: usize, place: [f64; 3]) -> Away {
        let [a, b, c, e, f, g, x, y, z, p] = self.columns.each_ref().map(|column| column[i]);
        let (normal, middle) = ([a, b, c], [x, y, z]);
        let height = dot(normal, place);
        let inside = minus(place, normal.map(|x| x * height));
        let radius = norm(inside);
        let nearness = 1.0 + dot([e, f, g], inside) / radius;
        let part_z = inside[2] / radius;
        let curve = p / nearness - 2.0 * BULGE_KM2 / p * part_z * part_z;
        let radius_km = if nearness > 0.0 { (radius - curve).abs() } else { f64::NAN };
        let angle = libm::atan2(dot(cross(normal, middle), inside), dot(middle, inside));
        Away { radius_km, height_km: height.abs(), angle }
    }
}

/// A place as seen from a curve.
pub(super) struct Away {
    pub(super) radius_km: f64,
    pub(super) height_km: f64,
    pub(super) angle: f64,
}

/// From places and velocities to curves: SGP4's short-period terms are taken off (V2006 `sgp4`, "orientation"), with
/// the osculating elements in them, which is as good to the second power of J2.
struct FromStates<'a> {
    columns: &'a mut [Vec<f64>; 10],
}

impl Job for FromStates<'_> {
    type Out = ();

    #[inline(always)]
    fn run<D: Lanes, F: Floats>(self) {
        let c = D::splat;
        let [x, y, z, u, v, w, i, j, k, last] = self.columns;
        for at in (0..last.len()).step_by(D::N) {
            let r = [D::load(&x[at..]), D::load(&y[at..]), D::load(&z[at..])];
            let s = [D::load(&u[at..]), D::load(&v[at..]), D::load(&w[at..])];
            let momentum = cross_lanes(r, s);
            let (radius2, momentum2) = (square(r), square(momentum));
            let (radius, length) = (radius2.sqrt(), momentum2.sqrt());
            let (inverse, part) = (c(1.0) / length, c(1.0) / radius);
            let normal = momentum.map(|x| x * inverse);
            let up = r.map(|x| x * part);
            let along = cross_lanes(normal, up);
            let (rate, across) = (r[0].mul_add(s[0], r[1].mul_add(s[1], r[2] * s[2])) * part, length * part);

            let p = momentum2 * c(1.0 / MU_KM3_S2);
            // 1 / a and the mean motion
            let axis = (c(2.0) * part) - square(s) * c(1.0 / MU_KM3_S2);
            let motion = (c(MU_KM3_S2) * axis * axis * axis).sqrt();
            let temp1 = c(2.0 * BULGE_KM2) / p;
            let cosine2 = normal[2] * normal[2];
            let sine2 = c(1.0) - cosine2;
            let con41 = c(3.0).mul_add(cosine2, c(-1.0));
            let cos2u = (c(-2.0) * up[2]).mul_add(up[2], sine2);
            let sin2u = c(2.0) * up[2] * along[2];
            let betal = (p * axis).sqrt();
            let shrunk = c(1.0) - c(1.5) * temp1 / p * betal * con41;
            let rl = (c(-0.5) * temp1).mul_add(cos2u, radius) / shrunk;
            let rdotl = (motion * temp1).mul_add(sin2u, rate);
            let rvdotl = across - motion * temp1 * c(1.5).mul_add(con41, cos2u);

            let moment = rl * rvdotl;
            let (up_part, along_part) =
                (rvdotl * moment * c(1.0 / MU_KM3_S2), rdotl * moment * c(-1.0 / MU_KM3_S2));
            let up_part = up_part - c(1.0);
            let parameter = (moment * moment * c(1.0 / MU_KM3_S2)).mul_add(shrunk, c(0.5) * temp1 * sine2);
            for (value, column) in normal.into_iter().zip([&mut *x, y, z]) {
                value.store(&mut column[at..]);
            }
            for ((up, along), column) in up.into_iter().zip(along).zip([&mut *u, v, w]) {
                up.mul_add(up_part, along * along_part).store(&mut column[at..]);
            }
            for (value, column) in up.into_iter().zip([&mut *i, j, k]) {
                value.store(&mut column[at..]);
            }
            parameter.store(&mut last[at..]);
        }
    }
}

#[inline(always)]
fn cross_lanes<D: Lanes>(a: [D; 3], b: [D; 3]) -> [D; 3] {
    let part = |i: usize, j: usize| a[j].neg_mul_add(b[i], a[i] * b[j]);
    [part(1, 2), part(2, 0), part(0, 1)]
}

#[inline(always)]
fn square<D: Lanes>(a: [D; 3]) -> D {
    a[0].mul_add(a[0], a[1].mul_add(a[1], a[2] * a[2]))
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) within_km: f64,
    pub(super) half_step_s: f64,
}

/// The steps of a run in which the ellipses of `one` come near those of others: step and place of the other in the
/// list, in any order.
pub(super) fn crossings<'a>(
    one: &Curves,
    others: impl Iterator<Item = (u32, &'a Curves)> + Clone,
    limits: Limits,
    count: usize,
    kernel: Kernel,
    found: &mut Vec<(u32, u32)>,
) {
    found.clear();
    dispatch(kernel, Crossings { one, others, limits, count, found });
}

struct Crossings<'a, I> {
    one: &'a Curves,
    others: I,
    limits: Limits,
    count: usize,
    found: &'a mut Vec<(u32, u32)>,
}

impl<'a, I: Iterator<Item = (u32, &'a Curves)> + Clone> Job for Crossings<'_, I> {
    type Out = ();

    #[inline(always)]
    fn run<D: Lanes, F: Floats>(self) {
        let Self { one, others, limits, count, found } = self;
        for at in (0..count).step_by(F::N) {
            let a = Shapes::<F>::load(one, at);
            for (place, other) in others.clone() {
                let mut bits =
                    a.meet(&Shapes::load(other, at), &Room::new(&one.bounds, &other.bounds, limits));
                while bits != 0 {
                    let step = at + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    if step < count {
                        found.push((step as u32, place));
                    }
                }
            }
        }
    }
}

/// The ellipses of several steps.
struct Shapes<F> {
    normal: [F; 3],
    perigee: [F; 3],
    middle: [F; 3],
    parameter: F,
}

/// How near two curves must come.
struct Room {
    /// Along the radius, where the planes meet.
    near_km: f32,
    /// How much more, over the sine of the angle between the planes.
    more_km: f32,
    /// Planes at a smaller angle (its sine) are taken as one.
    flat: f32,
    /// How much the angles from the middles to the place where they meet differ, and how much more over that sine.
    turn: f32,
    more_turn: f32,
}

impl Room {
    #[inline(always)]
    fn new(a: &Bounds, b: &Bounds, limits: Limits) -> Self {
        let within_km = limits.within_km;
        let bulges = (a.bulge_km.1 - b.bulge_km.0).max(b.bulge_km.1 - a.bulge_km.0);
        let near_km = within_km + a.astray_km.0 + b.astray_km.0 + 2.0 * bulges + ROUNDING_KM;
        let height_km = within_km + a.astray_km.1 + b.astray_km.1 + ROUNDING_KM;
        let bends = 2.2 * (a.bulge_km.1 + b.bulge_km.1) / LOWEST_KM;
        Self {
            near_km: near_km as f32,
            more_km: (height_km * (1.82 * (a.slope + b.slope) + bends)) as f32,
            turn: (limits.half_step_s * (a.turns.1 - b.turns.0).max(b.turns.1 - a.turns.0) + 1e-5) as f32,
            more_turn: (2.12 * height_km / LOWEST_KM) as f32,
            flat: (height_km * (1.06 * a.slope.max(b.slope)).max(2.01) / LOWEST_KM) as f32,
        }
    }
}

impl<F: Floats> Shapes<F> {
    #[inline(always)]
    fn load(from: &Curves, at: usize) -> Self {
        let [a, b, c, d, e, f, x, y, z, p] = &from.floats;
        let load = |column: &Vec<f32>| F::load(&column[at..]);
        Self {
            normal: [load(a), load(b), load(c)],
            perigee: [load(d), load(e), load(f)],
            middle: [load(x), load(y), load(z)],
            parameter: load(p),
        }
    }

    /// In which steps they come near each other, as bits; also where that is not known.
    ///
    /// With c the product of both normals, s its length and E the product of c and a perigee vector, the ellipse is
    /// p s / (s + E) from the centre where it crosses the other's plane on the side of c, and p s / (s - E) on the
    /// other. With r the direction of a body at the middle, and n and m the normals, r.c and r.m are s times cosine and
    /// sine of the angle from there to c; for the other body, r.c and -r.n.
    #[inline(always)]
    fn meet(&self, other: &Self, room: &Room) -> u32 {
        let line = cross_floats(self.normal, other.normal);
        let sine2 = dot_floats(line, line);
        let sine = sine2.sqrt();
        let (e, f) = (dot_floats(self.perigee, line), dot_floats(other.perigee, line));
        let one = F::splat(1.0);
        let room_here = sine.mul_add(F::splat(room.near_km), F::splat(room.more_km));
        let apart = |a: F, b: F| {
            let difference = self.parameter.mul(b).sub(other.parameter.mul(a)).abs();
            // Of NaN nothing is known.
            room_here.mul(a).mul(b).at_most(sine2.mul(difference))
        };
        let misses = apart(one.mul_add(e, sine), one.mul_add(f, sine)) & apart(sine.sub(e), sine.sub(f));
        let parallel = sine.at_most(F::splat(room.flat));
        let all = u32::MAX >> (32 - F::N);
        if misses == all {
            return parallel;
        }
        let cosines = dot_floats(self.middle, line).sub(dot_floats(other.middle, line));
        let sines = one.mul_add(dot_floats(self.middle, other.normal), dot_floats(other.middle, self.normal));
        let turn = sine.mul_add(F::splat(room.turn), F::splat(room.more_turn));
        let passes = turn.mul(turn).at_most(cosines.mul_add(cosines, sines.mul(sines)));
        (!(misses | passes) | parallel) & all
    }
}

#[inline(always)]
fn cross_floats<F: Floats>(a: [F; 3], b: [F; 3]) -> [F; 3] {
    let part = |i: usize, j: usize| a[j].neg_mul_add(b[i], a[i].mul(b[j]));
    [part(1, 2), part(2, 0), part(0, 1)]
}

#[inline(always)]
fn dot_floats<F: Floats>(a: [F; 3], b: [F; 3]) -> F {
    a[0].mul_add(b[0], a[1].mul_add(b[1], a[2].mul(b[2])))
}
