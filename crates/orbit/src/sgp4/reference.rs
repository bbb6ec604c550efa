#![expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must fail these tests as well")]

use std::f64::consts::PI;

use super::deep::{Periodic, Resonance};
use super::init::xlcof;
use super::math::{sin_cos, wrapped};
use super::{Code, EARTH_RADIUS_KM, J2, J3OJ2, LEAST_AXIS, PosVel, Sgp4};

/// Elements with everything secular and long-periodic in them, and what depends on the inclination.
struct Osculating {
    /// Drag has taken all of the semi-major axis.
    is_gone: bool,
    am: f64,
    nm: f64,
    ep: f64,
    xincp: f64,
    nodep: f64,
    argpp: f64,
    mp: f64,
    sinip: f64,
    cosip: f64,
    aycof: f64,
    xlcof: f64,
    con41: f64,
    x1mth2: f64,
    x7thm1: f64,
}

impl Sgp4 {
    /// The resonance integrator made ready for all times from `from` to `to` in minutes since the epoch.
    pub(crate) fn resonance_between(&self, from: f64, to: f64) -> Resonance {
        self.deep.as_ref().map_or_else(Resonance::default, |d| d.resonance_between(from, to))
    }

    /// V2006 `sgp4`: the state at `t` minutes from the epoch. `t` is finite.
    pub(crate) fn state(&self, t: f64, resonance: &Resonance) -> Result<PosVel, Code> {
        let elements = self.elements_at(t, resonance)?;
        self.position(&elements)
    }

    /// Secular terms of gravity and drag, terms of Sun and Moon.
    fn elements_at(&self, t: f64, resonance: &Resonance) -> Result<Osculating, Code> {
        let xmdf = self.mo + self.mdot * t;
        let argpdf = self.argpo + self.argpdot * t;
        let nodedf = self.nodeo + self.nodedot * t;
        let mut argpm = argpdf;
        let mut mm = xmdf;
        let t2 = t * t;
        let mut nodem = nodedf + self.nodecf * t2;
        let mut tempa = 1.0 - self.cc1 * t;
        let mut tempe = self.bstar * self.cc4 * t;
        let mut templ = self.t2cof * t2;
        if !self.isimp {
            let delomg = self.omgcof * t;
            let delmtemp = 1.0 + self.eta * sin_cos(xmdf).1;
            let delm = self.xmcof * (delmtemp * delmtemp * delmtemp - self.delmo);
            let temp = delomg + delm;
            mm = xmdf + temp;
            argpm = argpdf - temp;
            let t3 = t2 * t;
            let t4 = t3 * t;
            tempa = tempa - self.d2 * t2 - self.d3 * t3 - self.d4 * t4;
            tempe += self.bstar * self.cc5 * (sin_cos(mm).0 - self.sinmao);
            templ = templ + self.t3cof * t3 + t4 * (self.t4cof + t * self.t5cof);
        }
        let mut am = self.ao;
        let mut em = self.ecco;
        let mut inclm = self.inclo;
        if let Some(deep) = &self.deep {
            // V2006 `dspace`
            em += deep.dedt * t;
            inclm += deep.didt * t;
            argpm += deep.domdt * t;
            nodem += deep.dnodt * t;
            mm += deep.dmdt * t;
            if let Some((xl, nm)) = deep.longitude(t, resonance) {
                let theta = deep.theta(t);
                mm =
                    if deep.half_day() { xl - 2.0 * nodem + 2.0 * theta } else { xl - nodem - argpm + theta };
                if !(nm > 0.0) {
                    return Err(Code::MeanMotion);
                }
                am = libm::pow(self.xke / nm, 2.0 / 3.0);
            }
        }
        am = am * tempa * tempa;
        let nm = self.xke / (am * am.sqrt());
        em -= tempe;
        if !(-0.001..1.0).contains(&em) {
            return Err(Code::MeanEccentricity);
        }
        let em = em.max(1.0e-6);
        mm += self.no * templ;
        let xlm = wrapped(mm + argpm + nodem);
        let nodem = wrapped(nodem);
        let argpm = wrapped(argpm);
        let mm = wrapped(xlm - argpm - nodem);
        let Some(deep) = &self.deep else {
            return Ok(Osculating {
                is_gone: !(tempa > 0.0),
                am,
                nm,
                ep: em,
                xincp: inclm,
                nodep: nodem,
                argpp: argpm,
                mp: mm,
                sinip: self.sinio,
                cosip: self.cosio,
                aycof: self.aycof,
                xlcof: self.xlcof,
                con41: self.con41,
                x1mth2: self.x1mth2,
                x7thm1: self.x7thm1,
            });
        };
        let mut p = Periodic { ep: em, xincp: inclm, nodep: nodem, argpp: argpm, mp: mm };
        deep.add_periodics(t, &mut p);
        if p.xincp < 0.0 {
            p.xincp = -p.xincp;
            p.nodep += PI;
            p.argpp -= PI;
        }
        if !(0.0..=1.0).contains(&p.ep) {
            return Err(Code::PerturbedEccentricity);
        }
        let (sinip, cosip) = sin_cos(p.xincp);
        let cosisq = cosip * cosip;
        Ok(Osculating {
            is_gone: !(tempa > 0.0),
            am,
            nm,
            ep: p.ep,
            xincp: p.xincp,
            nodep: p.nodep,
            argpp: p.argpp,
            mp: p.mp,
            sinip,
            cosip,
            aycof: -0.5 * J3OJ2 * sinip,
            xlcof: xlcof(sinip, cosip),
            con41: 3.0 * cosisq - 1.0,
            x1mth2: 1.0 - cosisq,
            x7thm1: 7.0 * cosisq - 1.0,
        })
    }

    /// Long-period terms, Kepler's equation, short-period terms, orientation (V2006 `sgp4`, from "long period
    /// periodics").
    fn position(&self, o: &Osculating) -> Result<PosVel, Code> {
        let am = o.am;
        let (sinargpp, cosargpp) = sin_cos(o.argpp);
        let axnl = o.ep * cosargpp;
        let temp = 1.0 / (am * (1.0 - o.ep * o.ep));
        let aynl = o.ep * sinargpp + temp * o.aycof;
        let xl = o.mp + o.argpp + o.nodep + temp * o.xlcof * axnl;

        let u = wrapped(xl - o.nodep);
        let (sineo1, coseo1) = kepler(u, axnl, aynl);

        let ecose = axnl * coseo1 + aynl * sineo1;
        let esine = axnl * sineo1 - aynl * coseo1;
        let el2 = axnl * axnl + aynl * aynl;
        let pl = am * (1.0 - el2);
        if !(pl >= 0.0) {
            return Err(Code::SemiLatusRectum);
        }
        let rl = am * (1.0 - ecose);
        let rdotl = am.sqrt() * esine / rl;
        let rvdotl = pl.sqrt() / rl;
        let betal = (1.0 - el2).sqrt();
        let temp = esine / (1.0 + betal);
        let sinu = am / rl * (sineo1 - aynl - axnl * temp);
        let cosu = am / rl * (coseo1 - axnl + aynl * temp);
        let sin2u = (cosu + cosu) * sinu;
        let cos2u = 1.0 - 2.0 * sinu * sinu;
        let temp = 1.0 / pl;
        let temp1 = 0.5 * J2 * temp;
        let temp2 = temp1 * temp;

        let mrt = rl * (1.0 - 1.5 * temp2 * betal * o.con41) + 0.5 * temp1 * o.x1mth2 * cos2u;
        // Where V2006 takes the arc tangent of (sinu, cosu) and its sine and cosine again, the vector is turned.
        let (sinsu, cossu) = {
            let length = (sinu * sinu + cosu * cosu).sqrt();
            let (s, c) = sin_cos(-0.25 * temp2 * o.x7thm1 * sin2u);
            ((sinu * c + cosu * s) / length, (cosu * c - sinu * s) / length)
        };
        let xnode = o.nodep + 1.5 * temp2 * o.cosip * sin2u;
        let xinc = o.xincp + 1.5 * temp2 * o.cosip * o.sinip * cos2u;
        let mvt = rdotl - o.nm * temp1 * o.x1mth2 * sin2u / self.xke;
        let rvdot = rvdotl + o.nm * temp1 * (o.x1mth2 * cos2u + 1.5 * o.con41) / self.xke;

        let (snod, cnod) = sin_cos(xnode);
        let (sini, cosi) = sin_cos(xinc);
        let xmx = -snod * cosi;
        let xmy = cnod * cosi;
        let unit = [xmx * sinsu + cnod * cossu, xmy * sinsu + snod * cossu, sini * sinsu];
        let along = [xmx * cossu - cnod * sinsu, xmy * cossu - snod * sinsu, sini * cossu];
        if !(mrt >= 1.0) || am < LEAST_AXIS || o.is_gone {
            return Err(Code::Decayed);
        }
        let mr = mrt * EARTH_RADIUS_KM;
        let vkmpersec = EARTH_RADIUS_KM * self.xke / 60.0;
        let r = unit.map(|x| mr * x);
        let mut v = [0.0; 3];
        for ((v, x), y) in v.iter_mut().zip(unit).zip(along) {
            *v = (mvt * x + rvdot * y) * vkmpersec;
        }
        if r.iter().chain(&v).any(|x| !x.is_finite()) {
            return Err(Code::MeanMotion);
        }
        Ok((r, v))
    }
}

/// Kepler's equation in the equinoctial form (V2006 `sgp4`, "solve kepler's equation"): sine and cosine of the
/// eccentric longitude.
fn kepler(u: f64, axnl: f64, aynl: f64) -> (f64, f64) {
    let mut eo1 = u;
    let mut last = (0.0, 1.0);
    for _ in 0..10 {
        last = sin_cos(eo1);
        let (sineo1, coseo1) = last;
        let slope = 1.0 - coseo1 * axnl - sineo1 * aynl;
        let step = ((u - aynl * coseo1 + axnl * sineo1 - eo1) / slope).clamp(-0.95, 0.95);
        eo1 += step;
        if step.abs() < 1.0e-12 {
            break;
        }
    }
    // As there, sine and cosine are those before the last step.
    last
}
