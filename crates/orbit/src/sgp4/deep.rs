//! What Sun, Moon and the resonance with the Earth's rotation add (SDP4).

use std::f64::consts::{PI, TAU};

use super::Mean;
use super::math::{sin_cos, wrapped};

const ZNS: f64 = 1.194_59e-5;
const ZES: f64 = 0.016_75;
const ZNL: f64 = 1.583_521_8e-4;
const ZEL: f64 = 0.054_90;
/// Rotation of the Earth in radians per minute.
const RPTIM: f64 = 4.375_269_088_011_3e-3;
/// Step of the resonance integrator in minutes, and half its square.
pub(super) const STEP_MIN: f64 = 720.0;
const STEP2: f64 = 259_200.0;

/// Terms of one perturbing body, Sun or Moon (V2006 `dscom`: `se2` .. `sh3`, `ee2` .. `xh3`).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Body {
    /// Mean anomaly at the epoch, its rate, and the body's eccentricity.
    pub(super) zm: f64,
    pub(super) zn: f64,
    pub(super) ze: f64,
    pub(super) e2: f64,
    pub(super) e3: f64,
    pub(super) i2: f64,
    pub(super) i3: f64,
    pub(super) l2: f64,
    pub(super) l3: f64,
    pub(super) l4: f64,
    pub(super) gh2: f64,
    pub(super) gh3: f64,
    pub(super) gh4: f64,
    pub(super) h2: f64,
    pub(super) h3: f64,
}

/// Resonance with the Earth's rotation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `irez = 1`: one revolution a day.
    Day { del1: f64, del2: f64, del3: f64 },
    /// `irez = 2`: two revolutions a day, eccentric; d2201, d2211, d3210, d3222, d4410, d4422, d5220, d5232, d5421,
    /// d5433.
    HalfDay { d: [f64; 10] },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Resonant {
    pub(super) kind: Kind,
    pub(super) xlamo: f64,
    xfact: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Deep {
    pub(super) sun: Body,
    pub(super) moon: Body,
    pub(super) dedt: f64,
    pub(super) didt: f64,
    pub(super) dmdt: f64,
    pub(super) dnodt: f64,
    pub(super) domdt: f64,
    pub(super) resonant: Option<Resonant>,
    gsto: f64,
    argpo: f64,
    argpdot: f64,
    no: f64,
}

/// Results of the near-earth initialisation that the deep-space one needs.
pub(super) struct Rates {
    pub(super) no: f64,
    pub(super) xke: f64,
    pub(super) mdot: f64,
    pub(super) argpdot: f64,
    pub(super) nodedot: f64,
    pub(super) xpidot: f64,
    pub(super) eccsq: f64,
}

/// `x` modulo a turn, from 0 to a turn, as Vallado's later code has it.
fn turn(x: f64) -> f64 {
    x % TAU
}

/// Greenwich sidereal time (V2006 `gstime`, IAU-82).
fn gstime(jd: f64) -> f64 {
    let t = (jd - 2_451_545.0) / 36_525.0;
    let seconds = -6.2e-6 * t * t * t
        + 0.093_104 * t * t
        + (876_600.0 * 3600.0 + 8_640_184.812_866) * t
        + 67_310.548_41;
    let angle = turn(seconds * (PI / 180.0) / 240.0);
    if angle < 0.0 { angle + TAU } else { angle }
}

/// The sums of `dscom` for one body that the rates of `dsinit` use.
struct Sums {
    s: [f64; 7],
    /// z1, z2, z3
    z: [f64; 3],
    z1x: [f64; 3],
    z2x: [f64; 3],
    z3x: [f64; 3],
}

struct Geometry {
    zcosg: f64,
    zsing: f64,
    zcosi: f64,
    zsini: f64,
    zcosh: f64,
    zsinh: f64,
    cc: f64,
}

impl Deep {
    /// V2006 `dscom` and `dsinit`.
    pub(super) fn new(mean: &Mean, rates: &Rates) -> Self {
        // Vallado keeps the epoch as days since 1950 and adds the offset again: the rounding is kept as well.
        let epoch = mean.epoch_jd - 2_433_281.5;
        let gsto = gstime(epoch + 2_433_281.5);
        let (em, emsq) = (mean.ecco, mean.ecco * mean.ecco);
        let (snodm, cnodm) = sin_cos(mean.nodeo);
        let (sinim, cosim) = sin_cos(mean.inclo);
        // lunar geometry at the epoch
        let day = epoch + 18_261.5;
        let xnodce = turn(4.523_602_0 - 9.242_202_9e-4 * day);
        let (stem, ctem) = sin_cos(xnodce);
        let zcosil = 0.913_751_64 - 0.035_680_96 * ctem;
        let zsinil = (1.0 - zcosil * zcosil).sqrt();
        let zsinhl = 0.089_683_511 * stem / zsinil;
        let zcoshl = (1.0 - zsinhl * zsinhl).sqrt();
        let gam = 5.835_151_4 + 0.001_944_368_0 * day;
        let zx = 0.397_854_16 * stem / zsinil;
        let zy = zcoshl * ctem + 0.917_448_67 * zsinhl * stem;
        let zx = gam + libm::atan2(zx, zy) - xnodce;
        let (zsingl, zcosgl) = sin_cos(zx);
        let sun = Geometry {
            zcosg: 0.194_590_5,
            zsing: -0.980_884_58,
            zcosi: 0.917_448_67,
            zsini: 0.397_854_16,
            zcosh: cnodm,
            zsinh: snodm,
            cc: 2.986_479_7e-6,
        };
        let moon = Geometry {
            zcosg: zcosgl,
            zsing: zsingl,
            zcosi: zcosil,
            zsini: zsinil,
            zcosh: zcoshl * cnodm + zsinhl * snodm,
            zsinh: snodm * zcoshl - cnodm * zsinhl,
            cc: 4.796_806_5e-7,
        };
        let sun = sums(&sun, mean, rates.no);
        let moon = sums(&moon, mean, rates.no);
        let zmol = turn(4.719_967_2 + 0.229_971_50 * day - gam);
        let zmos = turn(6.256_583_7 + 0.017_201_977 * day);

        // dsinit: secular rates
        let flat = mean.inclo < 5.235_987_7e-2 || mean.inclo > PI - 5.235_987_7e-2;
        let per = |s: &Sums, zn: f64| {
            let (z1x, z2x, z3x) = (&s.z1x, &s.z2x, &s.z3x);
            let e = s.s[0] * zn * s.s[4];
            let i = s.s[1] * zn * (z1x[0] + z1x[2]);
            let l = -zn * s.s[2] * (s.z[0] + s.z[2] - 14.0 - 6.0 * emsq);
            let gh = s.s[3] * zn * (z3x[0] + z3x[2] - 6.0);
            let h = if flat { 0.0 } else { -zn * s.s[1] * (z2x[0] + z2x[2]) };
            (e, i, l, gh, h)
        };
        let (ses, sis, sls, sghs, shs) = per(&sun, ZNS);
        let (sel, sil, sll, sghl, shll) = per(&moon, ZNL);
        let shs = if sinim != 0.0 { shs / sinim } else { shs };
        let sgs = sghs - cosim * shs;
        let mut domdt = sgs + sghl;
        let mut dnodt = shs;
        if sinim != 0.0 {
            domdt -= cosim / sinim * shll;
            dnodt += shll / sinim;
        }
        let mut this = Self {
            sun: body(&sun, emsq, zmos, ZNS, ZES),
            moon: body(&moon, emsq, zmol, ZNL, ZEL),
            dedt: ses + sel,
            didt: sis + sil,
            dmdt: sls + sll,
            dnodt,
            domdt,
            resonant: None,
            gsto,
            argpo: mean.argpo,
            argpdot: rates.argpdot,
            no: rates.no,
        };
        this.resonant = this.resonance(mean, rates, em, emsq, sinim, cosim);
        this
    }

    fn resonance(
        &self,
        mean: &Mean,
        rates: &Rates,
        em: f64,
        emsq: f64,
        sinim: f64,
        cosim: f64,
    ) -> Option<Resonant> {
        let nm = rates.no;
        let theta = turn(self.gsto);
        let aonv = libm::pow(nm / rates.xke, 2.0 / 3.0);
        if (8.26e-3..=9.24e-3).contains(&nm) && em >= 0.5 {
            let d = half_day(em, emsq, rates.eccsq, sinim, cosim, nm, aonv);
            Some(Resonant {
                kind: Kind::HalfDay { d },
                xlamo: turn(mean.mo + mean.nodeo + mean.nodeo - theta - theta),
                xfact: rates.mdot + self.dmdt + 2.0 * (rates.nodedot + self.dnodt - RPTIM) - rates.no,
            })
        } else if nm > 0.003_490_658_5 && nm < 0.005_235_987_7 {
            let g200 = 1.0 + emsq * (-2.5 + 0.8125 * emsq);
            let g310 = 1.0 + 2.0 * emsq;
            let g300 = 1.0 + emsq * (-6.0 + 6.609_37 * emsq);
            let f220 = 0.75 * (1.0 + cosim) * (1.0 + cosim);
            let f311 = 0.9375 * sinim * sinim * (1.0 + 3.0 * cosim) - 0.75 * (1.0 + cosim);
            let f330 = 1.0 + cosim;
            let f330 = 1.875 * f330 * f330 * f330;
            let del1 = 3.0 * nm * nm * aonv * aonv;
            Some(Resonant {
                kind: Kind::Day {
                    del2: 2.0 * del1 * f220 * g200 * 1.789_167_9e-6,
                    del3: 3.0 * del1 * f330 * g300 * 2.212_301_5e-7 * aonv,
                    del1: del1 * f311 * g310 * 2.146_074_8e-6 * aonv,
                },
                xlamo: turn(mean.mo + mean.nodeo + mean.argpo - theta),
                xfact: rates.mdot + rates.xpidot - RPTIM + self.dmdt + self.domdt + self.dnodt - rates.no,
            })
        } else {
            None
        }
    }
}

/// V2006 `dscom`, the loop over the two bodies.
fn sums(g: &Geometry, mean: &Mean, no: f64) -> Sums {
    let (em, emsq) = (mean.ecco, mean.ecco * mean.ecco);
    let betasq = 1.0 - emsq;
    let rtemsq = betasq.sqrt();
    let (sinomm, cosomm) = sin_cos(mean.argpo);
    let (sinim, cosim) = sin_cos(mean.inclo);
    let a1 = g.zcosg * g.zcosh + g.zsing * g.zcosi * g.zsinh;
    let a3 = -g.zsing * g.zcosh + g.zcosg * g.zcosi * g.zsinh;
    let a7 = -g.zcosg * g.zsinh + g.zsing * g.zcosi * g.zcosh;
    let a8 = g.zsing * g.zsini;
    let a9 = g.zsing * g.zsinh + g.zcosg * g.zcosi * g.zcosh;
    let a10 = g.zcosg * g.zsini;
    let a2 = cosim * a7 + sinim * a8;
    let a4 = cosim * a9 + sinim * a10;
    let a5 = -sinim * a7 + cosim * a8;
    let a6 = -sinim * a9 + cosim * a10;
    let x1 = a1 * cosomm + a2 * sinomm;
    let x2 = a3 * cosomm + a4 * sinomm;
    let x3 = -a1 * sinomm + a2 * cosomm;
    let x4 = -a3 * sinomm + a4 * cosomm;
    let x5 = a5 * sinomm;
    let x6 = a6 * sinomm;
    let x7 = a5 * cosomm;
    let x8 = a6 * cosomm;
    let z31 = 12.0 * x1 * x1 - 3.0 * x3 * x3;
    let z32 = 24.0 * x1 * x2 - 6.0 * x3 * x4;
    let z33 = 12.0 * x2 * x2 - 3.0 * x4 * x4;
    let z1 = 3.0 * (a1 * a1 + a2 * a2) + z31 * emsq;
    let z2 = 6.0 * (a1 * a3 + a2 * a4) + z32 * emsq;
    let z3 = 3.0 * (a3 * a3 + a4 * a4) + z33 * emsq;
    let z11 = -6.0 * a1 * a5 + emsq * (-24.0 * x1 * x7 - 6.0 * x3 * x5);
    let z12 = -6.0 * (a1 * a6 + a3 * a5) + emsq * (-24.0 * (x2 * x7 + x1 * x8) - 6.0 * (x3 * x6 + x4 * x5));
    let z13 = -6.0 * a3 * a6 + emsq * (-24.0 * x2 * x8 - 6.0 * x4 * x6);
    let z21 = 6.0 * a2 * a5 + emsq * (24.0 * x1 * x5 - 6.0 * x3 * x7);
    let z22 = 6.0 * (a4 * a5 + a2 * a6) + emsq * (24.0 * (x2 * x5 + x1 * x6) - 6.0 * (x4 * x7 + x3 * x8));
    let z23 = 6.0 * a4 * a6 + emsq * (24.0 * x2 * x6 - 6.0 * x4 * x8);
    let s3 = g.cc * (1.0 / no);
    let s4 = s3 * rtemsq;
    Sums {
        s: [
            -15.0 * em * s4,
            -0.5 * s3 / rtemsq,
            s3,
            s4,
            x1 * x3 + x2 * x4,
            x2 * x3 + x1 * x4,
            x2 * x4 - x1 * x3,
        ],
        z: [z1 + z1 + betasq * z31, z2 + z2 + betasq * z32, z3 + z3 + betasq * z33],
        z1x: [z11, z12, z13],
        z2x: [z21, z22, z23],
        z3x: [z31, z32, z33],
    }
}

/// V2006 `dscom`, "do solar terms" and "do lunar terms".
fn body(s: &Sums, emsq: f64, zm: f64, zn: f64, ze: f64) -> Body {
    let [s1, s2, s3, s4, _, s6, s7] = s.s;
    Body {
        zm,
        zn,
        ze,
        e2: 2.0 * s1 * s6,
        e3: 2.0 * s1 * s7,
        i2: 2.0 * s2 * s.z1x[1],
        i3: 2.0 * s2 * (s.z1x[2] - s.z1x[0]),
        l2: -2.0 * s3 * s.z[1],
        l3: -2.0 * s3 * (s.z[2] - s.z[0]),
        l4: -2.0 * s3 * (-21.0 - 9.0 * emsq) * ze,
        gh2: 2.0 * s4 * s.z3x[1],
        gh3: 2.0 * s4 * (s.z3x[2] - s.z3x[0]),
        gh4: -18.0 * s4 * ze,
        h2: -2.0 * s2 * s.z2x[1],
        h3: -2.0 * s2 * (s.z2x[2] - s.z2x[0]),
    }
}

/// V2006 `dsinit`, "geopotential resonance for 12 hour orbits".
fn half_day(em: f64, emsq: f64, eccsq: f64, sinim: f64, cosim: f64, nm: f64, aonv: f64) -> [f64; 10] {
    debug_assert!(emsq == eccsq);
    let cosisq = cosim * cosim;
    let eoc = em * emsq;
    let cubic = |a: f64, b: f64, c: f64, d: f64| a + b * em + c * emsq + d * eoc;
    let g201 = -0.306 - (em - 0.64) * 0.440;
    let (g211, g310, g322, g410, g422, g520);
    if em <= 0.65 {
        g211 = 3.616 - 13.2470 * em + 16.2900 * emsq;
        g310 = cubic(-19.302, 117.3900, -228.4190, 156.5910);
        g322 = cubic(-18.9068, 109.7927, -214.6334, 146.5816);
        g410 = cubic(-41.122, 242.6940, -471.0940, 313.9530);
        g422 = cubic(-146.407, 841.8800, -1629.014, 1083.4350);
        g520 = cubic(-532.114, 3017.977, -5740.032, 3708.2760);
    } else {
        g211 = cubic(-72.099, 331.819, -508.738, 266.724);
        g310 = cubic(-346.844, 1582.851, -2415.925, 1246.113);
        g322 = cubic(-342.585, 1554.908, -2366.899, 1215.972);
        g410 = cubic(-1052.797, 4758.686, -7193.992, 3651.957);
        g422 = cubic(-3581.690, 16178.110, -24462.770, 12422.520);
        g520 = if em > 0.715 {
            cubic(-5149.66, 29936.92, -54087.36, 31324.56)
        } else {
            1464.74 - 4664.75 * em + 3763.64 * emsq
        };
    }
    let (g533, g521, g532) = if em < 0.7 {
        (
            cubic(-919.22770, 4988.6100, -9064.7700, 5542.21),
            cubic(-822.71072, 4568.6173, -8491.4146, 5337.524),
            cubic(-853.66600, 4690.2500, -8624.7700, 5341.4),
        )
    } else {
        (
            cubic(-37995.780, 161616.52, -229838.20, 109377.94),
            cubic(-51752.104, 218913.95, -309468.16, 146349.42),
            cubic(-40023.880, 170470.89, -242699.48, 115605.82),
        )
    };
    let sini2 = sinim * sinim;
    let f220 = 0.75 * (1.0 + 2.0 * cosim + cosisq);
    let f221 = 1.5 * sini2;
    let f321 = 1.875 * sinim * (1.0 - 2.0 * cosim - 3.0 * cosisq);
    let f322 = -1.875 * sinim * (1.0 + 2.0 * cosim - 3.0 * cosisq);
    let f441 = 35.0 * sini2 * f220;
    let f442 = 39.3750 * sini2 * sini2;
    let f522 = 9.84375
        * sinim
        * (sini2 * (1.0 - 2.0 * cosim - 5.0 * cosisq) + 0.333_333_33 * (-2.0 + 4.0 * cosim + 6.0 * cosisq));
    let f523 = sinim
        * (4.921_875_12 * sini2 * (-2.0 - 4.0 * cosim + 10.0 * cosisq)
            + 6.562_500_12 * (1.0 + 2.0 * cosim - 3.0 * cosisq));
    let f542 = 29.53125 * sinim * (2.0 - 8.0 * cosim + cosisq * (-12.0 + 8.0 * cosim + 10.0 * cosisq));
    let f543 = 29.53125 * sinim * (-2.0 - 8.0 * cosim + cosisq * (12.0 + 8.0 * cosim - 10.0 * cosisq));
    let (root22, root32, root44, root52, root54) =
        (1.789_167_9e-6, 3.739_379_2e-7, 7.363_695_3e-9, 1.142_863_9e-7, 2.176_580_3e-9);
    let temp1 = 3.0 * (nm * nm) * (aonv * aonv);
    let t22 = temp1 * root22;
    let temp1 = temp1 * aonv;
    let t32 = temp1 * root32;
    let temp1 = temp1 * aonv;
    let t44 = 2.0 * temp1 * root44;
    let temp1 = temp1 * aonv;
    let t52 = temp1 * root52;
    let t54 = 2.0 * temp1 * root54;
    [
        t22 * f220 * g201,
        t22 * f221 * g211,
        t32 * f321 * g310,
        t32 * f322 * g322,
        t44 * f441 * g410,
        t44 * f442 * g422,
        t52 * f522 * g520,
        t52 * f523 * g532,
        t54 * f542 * g521,
        t54 * f543 * g533,
    ]
}

/// The resonance integrator at one of its steps (V2006 `dspace`: `atime`, `xli`, `xni` and the terms there).
#[derive(Debug, Clone, Copy)]
struct Node {
    xli: f64,
    xni: f64,
    xldot: f64,
    xndt: f64,
    xnddt: f64,
}

/// The nodes of the resonance integrator of one object, every 720 min from the epoch, as far as they were needed:
/// they make times far from the epoch as cheap as near ones, and change no bit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resonance {
    /// Nodes `first ..` counted from the epoch in the direction of `ahead`.
    ahead: Vec<Node>,
    first_ahead: u64,
    behind: Vec<Node>,
    first_behind: u64,
}

impl Resonance {
    /// Whether nothing more has to be integrated for the times from `from` to `to`.
    pub(crate) fn covers(&self, from: f64, to: f64) -> bool {
        let has = |near: f64, far: f64, kept: &[Node], first: u64| {
            let (near, far) = (Deep::steps(near), Deep::steps(far));
            near >= first && far < first + kept.len() as u64
        };
        (to <= 0.0 || has(from.max(0.0), to, &self.ahead, self.first_ahead))
            && (from > 0.0 || has(to.min(0.0), from, &self.behind, self.first_behind))
    }
}

/// More nodes than this (1,400 years) are not kept.
const MAX_NODES: u64 = 1 << 20;

impl Deep {
    fn node(&self, resonant: &Resonant, atime: f64, xli: f64, xni: f64) -> Node {
        let sin = |x: f64| sin_cos(x).0;
        let (xndt, slope) = match resonant.kind {
            Kind::Day { del1, del2, del3 } => {
                let (fasx2, fasx4, fasx6) = (0.131_309_08, 2.884_319_8, 0.374_480_87);
                let (s1, c1) = sin_cos(xli - fasx2);
                let (s2, c2) = sin_cos(2.0 * (xli - fasx4));
                let (s3, c3) = sin_cos(3.0 * (xli - fasx6));
                (del1 * s1 + del2 * s2 + del3 * s3, del1 * c1 + 2.0 * del2 * c2 + 3.0 * del3 * c3)
            }
            Kind::HalfDay { d } => {
                let (g22, g32, g44, g52, g54) =
                    (5.768_639_6, 0.952_408_98, 1.801_499_8, 1.050_833_0, 4.410_889_8);
                let xomi = self.argpo + self.argpdot * atime;
                let (x2omi, x2li) = (xomi + xomi, xli + xli);
                let angles = [
                    x2omi + xli - g22,
                    xli - g22,
                    xomi + xli - g32,
                    -xomi + xli - g32,
                    x2omi + x2li - g44,
                    x2li - g44,
                    xomi + xli - g52,
                    -xomi + xli - g52,
                    xomi + x2li - g54,
                    -xomi + x2li - g54,
                ];
                let cos = |i: usize| d[i] * sin_cos(angles[i]).1;
                let sum = angles.iter().zip(&d).fold(0.0, |sum, (x, d)| sum + d * sin(*x));
                let single = cos(0) + cos(1) + cos(2) + cos(3) + cos(6) + cos(7);
                (sum, single + 2.0 * (cos(4) + cos(5) + cos(8) + cos(9)))
            }
        };
        let xldot = xni + resonant.xfact;
        Node { xli, xni, xldot, xndt, xnddt: slope * xldot }
    }

    fn start(&self, resonant: &Resonant) -> Node {
        self.node(resonant, 0.0, resonant.xlamo, self.no)
    }

    /// The node after `node`, the `index`-th from the epoch (V2006 `dspace`, "integrator").
    fn next(&self, resonant: &Resonant, node: &Node, index: u64, delt: f64) -> Node {
        let xli = node.xli + node.xldot * delt + node.xndt * STEP2;
        let xni = node.xni + node.xndt * delt + node.xnddt * STEP2;
        self.node(resonant, (index + 1) as f64 * delt, xli, xni)
    }

    /// Number of whole steps between the epoch and `t`.
    fn steps(t: f64) -> u64 {
        (t.abs() / STEP_MIN) as u64
    }

    /// Mean longitude and mean motion of a resonant orbit at `t`; `None` for the others.
    pub(super) fn longitude(&self, t: f64, known: &Resonance) -> Option<(f64, f64)> {
        let resonant = self.resonant.as_ref()?;
        let (node, atime) = self.node_at(resonant, t, known);
        let ft = t - atime;
        let nm = node.xni + node.xndt * ft + node.xnddt * ft * ft * 0.5;
        let xl = node.xli + node.xldot * ft + node.xndt * ft * ft * 0.5;
        // V2006 goes by way of nm = no + (nm - no)
        Some((xl, self.no + (nm - self.no)))
    }

    fn node_at(&self, resonant: &Resonant, t: f64, known: &Resonance) -> (Node, f64) {
        let steps = Self::steps(t).min(MAX_NODES);
        let (kept, first, delt) = if t > 0.0 {
            (&known.ahead, known.first_ahead, STEP_MIN)
        } else {
            (&known.behind, known.first_behind, -STEP_MIN)
        };
        let (mut node, mut at) = match (steps.checked_sub(first), kept.last()) {
            (Some(index), Some(last)) => match kept.get(index as usize) {
                Some(node) => return (*node, steps as f64 * delt),
                None => (*last, first + kept.len() as u64 - 1),
            },
            _ => (self.start(resonant), 0),
        };
        while at < steps {
            node = self.next(resonant, &node, at, delt);
            at += 1;
        }
        (node, steps as f64 * delt)
    }

    /// The integrator's nodes for all times from `from` to `to` in minutes.
    pub(super) fn resonance_between(&self, from: f64, to: f64) -> Resonance {
        let mut all = Resonance::default();
        let Some(resonant) = &self.resonant else { return all };
        let run = |near: f64, far: f64, delt: f64| {
            let (first, last) = (Self::steps(near).min(MAX_NODES), Self::steps(far).min(MAX_NODES));
            let mut node = self.start(resonant);
            let mut kept = Vec::new();
            for at in 0..=last {
                if at >= first {
                    kept.push(node);
                }
                node = self.next(resonant, &node, at, delt);
            }
            (kept, first)
        };
        if to > 0.0 {
            (all.ahead, all.first_ahead) = run(from.max(0.0), to, STEP_MIN);
        }
        if from <= 0.0 {
            (all.behind, all.first_behind) = run(to.min(0.0), from, -STEP_MIN);
        }
        all
    }

    /// How much Sun and Moon can add to the eccentricity, and resonance to the mean motion in radians per minute, up to
    /// `t` minutes from the epoch.
    pub(super) fn bounds(&self, t: f64) -> (f64, f64) {
        let of = |b: &Body| b.e2.abs() + b.e3.abs();
        let faster = self.resonant.map_or(0.0, |r| match r.kind {
            Kind::Day { del1, del2, del3 } => del1.abs() + del2.abs() + del3.abs(),
            Kind::HalfDay { d } => d.iter().map(|x| x.abs()).sum(),
        });
        // The integrator's second-order term adds at most a part in a thousand.
        (self.dedt.abs() * t + of(&self.sun) + of(&self.moon), 1.01 * faster * (t + STEP_MIN))
    }

    /// Sidereal angle at `t`, from 0 to a turn.
    pub(super) fn theta(&self, t: f64) -> f64 {
        turn(self.gsto + t * RPTIM)
    }
}

/// Mean elements that the periodic terms of Sun and Moon are added to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Periodic {
    pub(super) ep: f64,
    pub(super) xincp: f64,
    pub(super) nodep: f64,
    pub(super) argpp: f64,
    pub(super) mp: f64,
}

impl Deep {
    /// V2006 `dpper`: periodic terms of Sun and Moon. Their values at the epoch are zero by the code's design.
    pub(super) fn add_periodics(&self, t: f64, p: &mut Periodic) {
        let (s, l) = (terms(&self.sun, t), terms(&self.moon, t));
        let pe = s.e + l.e;
        let pinc = s.i + l.i;
        let pl = s.l + l.l;
        let mut pgh = s.gh + l.gh;
        let mut ph = s.h + l.h;
        p.xincp += pinc;
        p.ep += pe;
        let (sinip, cosip) = sin_cos(p.xincp);
        if p.xincp >= 0.2 {
            ph /= sinip;
            pgh -= cosip * ph;
            p.argpp += pgh;
            p.nodep += ph;
            p.mp += pl;
            return;
        }
        // Lyddane's form for small inclinations
        let (sinop, cosop) = sin_cos(p.nodep);
        let alfdp = sinip * sinop + (ph * cosop + pinc * cosip * sinop);
        let betdp = sinip * cosop + (-ph * sinop + pinc * cosip * cosop);
        p.nodep = wrapped(p.nodep);
        let xls = p.mp + p.argpp + pl + pgh + (cosip - pinc * sinip) * p.nodep;
        let xnoh = p.nodep;
        p.nodep = libm::atan2(alfdp, betdp);
        if (xnoh - p.nodep).abs() > PI {
            p.nodep += if p.nodep < xnoh { TAU } else { -TAU };
        }
        p.mp += pl;
        p.argpp = xls - p.mp - cosip * p.nodep;
    }
}

struct Terms {
    e: f64,
    i: f64,
    l: f64,
    gh: f64,
    h: f64,
}

fn terms(b: &Body, t: f64) -> Terms {
    let zm = b.zm + b.zn * t;
    let zf = zm + 2.0 * b.ze * sin_cos(zm).0;
    let (sinzf, coszf) = sin_cos(zf);
    let f2 = 0.5 * sinzf * sinzf - 0.25;
    let f3 = -0.5 * sinzf * coszf;
    Terms {
        e: b.e2 * f2 + b.e3 * f3,
        i: b.i2 * f2 + b.i3 * f3,
        l: b.l2 * f2 + b.l3 * f3 + b.l4 * sinzf,
        gh: b.gh2 * f2 + b.gh3 * f3 + b.gh4 * sinzf,
        h: b.h2 * f2 + b.h3 * f3,
    }
}

impl Deep {
    /// Whether the orbit is in half-day resonance.
    pub(super) fn half_day(&self) -> bool {
        matches!(self.resonant, Some(Resonant { kind: Kind::HalfDay { .. }, .. }))
    }
}
