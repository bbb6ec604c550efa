#![expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must fail these tests as well")]

use super::deep::Deep;
use super::math::sin_cos;
use super::{Code, DEEP_PERIOD_MIN, EARTH_RADIUS_KM, J2, J3OJ2, J4, Mean, Sgp4, xke};

impl Sgp4 {
    /// V2006 `sgp4init` and `initl`.
    pub(crate) fn new(mean: &Mean) -> Result<Self, Code> {
        let xke = xke();
        let Mean { bstar, ecco, inclo, nodeo, argpo, mo, no_kozai, .. } = *mean;
        if !(no_kozai > 0.0) {
            return Err(Code::MeanMotion);
        }
        if !(0.0..1.0).contains(&ecco) {
            return Err(Code::MeanEccentricity);
        }
        // initl: recover the original mean motion and semi-major axis (STR#3, section 6, first equations)
        let eccsq = ecco * ecco;
        let omeosq = 1.0 - eccsq;
        let rteosq = omeosq.sqrt();
        let (sinio, cosio) = sin_cos(inclo);
        let cosio2 = cosio * cosio;
        let two_thirds = |x: f64| libm::pow(x, 2.0 / 3.0);
        let ak = two_thirds(xke / no_kozai);
        let d1 = 0.75 * J2 * (3.0 * cosio2 - 1.0) / (rteosq * omeosq);
        let del = d1 / (ak * ak);
        let adel = ak * (1.0 - del * del - del * (1.0 / 3.0 + 134.0 * del * del / 81.0));
        let del = d1 / (adel * adel);
        let no = no_kozai / (1.0 + del);
        if !(no > 0.0) {
            return Err(Code::MeanMotion);
        }
        let ao = two_thirds(xke / no);
        let po = ao * omeosq;
        let con42 = 1.0 - 5.0 * cosio2;
        let con41 = -con42 - cosio2 - cosio2;
        let posq = po * po;
        let rp = ao * (1.0 - ecco);

        // sgp4init: s and q0 - s depend on the height of perigee (STR#3: "for perigee below 156 km")
        let mut isimp = rp < 220.0 / EARTH_RADIUS_KM + 1.0;
        let fourth = |x: f64| (x * x) * (x * x);
        let perige = (rp - 1.0) * EARTH_RADIUS_KM;
        let s_km = if perige < 98.0 {
            20.0
        } else if perige < 156.0 {
            perige - 78.0
        } else {
            78.0
        };
        let qzms24 = fourth((120.0 - s_km) / EARTH_RADIUS_KM);
        let sfour = s_km / EARTH_RADIUS_KM + 1.0;
        let pinvsq = 1.0 / posq;
        let tsi = 1.0 / (ao - sfour);
        let eta = ao * ecco * tsi;
        let etasq = eta * eta;
        let eeta = ecco * eta;
        let psisq = (1.0 - etasq).abs();
        let coef = qzms24 * fourth(tsi);
        let coef1 = coef / (psisq * psisq * psisq * psisq.sqrt());
        let cc2 = coef1
            * no
            * (ao * (1.0 + 1.5 * etasq + eeta * (4.0 + etasq))
                + 0.375 * J2 * tsi / psisq * con41 * (8.0 + 3.0 * etasq * (8.0 + etasq)));
        let cc1 = bstar * cc2;
        let cc3 = if ecco > 1.0e-4 { -2.0 * coef * tsi * J3OJ2 * no * sinio / ecco } else { 0.0 };
        let x1mth2 = 1.0 - cosio2;
        let (_, cos2argpo) = sin_cos(2.0 * argpo);
        let cc4 = 2.0
            * no
            * coef1
            * ao
            * omeosq
            * (eta * (2.0 + 0.5 * etasq) + ecco * (0.5 + 2.0 * etasq)
                - J2 * tsi / (ao * psisq)
                    * (-3.0 * con41 * (1.0 - 2.0 * eeta + etasq * (1.5 - 0.5 * eeta))
                        + 0.75 * x1mth2 * (2.0 * etasq - eeta * (1.0 + etasq)) * cos2argpo));
        let cc5 = 2.0 * coef1 * ao * omeosq * (1.0 + 2.75 * (etasq + eeta) + eeta * etasq);
        // secular rates (STR#3: M-dot, omega-dot, Omega-dot)
        let cosio4 = cosio2 * cosio2;
        let temp1 = 1.5 * J2 * pinvsq * no;
        let temp2 = 0.5 * temp1 * J2 * pinvsq;
        let temp3 = -0.46875 * J4 * pinvsq * pinvsq * no;
        let mdot = no
            + 0.5 * temp1 * rteosq * con41
            + 0.0625 * temp2 * rteosq * (13.0 - 78.0 * cosio2 + 137.0 * cosio4);
        let argpdot = -0.5 * temp1 * con42
            + 0.0625 * temp2 * (7.0 - 114.0 * cosio2 + 395.0 * cosio4)
            + temp3 * (3.0 - 36.0 * cosio2 + 49.0 * cosio4);
        let xhdot1 = -temp1 * cosio;
        let nodedot =
            xhdot1 + (0.5 * temp2 * (4.0 - 19.0 * cosio2) + 2.0 * temp3 * (3.0 - 7.0 * cosio2)) * cosio;
        let xpidot = argpdot + nodedot;
        let omgcof = bstar * cc3 * sin_cos(argpo).1;
        let xmcof = if ecco > 1.0e-4 { -(2.0 / 3.0) * coef * bstar / eeta } else { 0.0 };
        let nodecf = 3.5 * omeosq * xhdot1 * cc1;
        let t2cof = 1.5 * cc1;
        let (sinmao, cosmao) = sin_cos(mo);
        let delmotemp = 1.0 + eta * cosmao;
        let deep = if 2.0 * std::f64::consts::PI / no >= DEEP_PERIOD_MIN {
            isimp = true;
            let rates = super::deep::Rates { no, xke, mdot, argpdot, nodedot, xpidot, eccsq };
            Some(Box::new(Deep::new(mean, &rates)))
        } else {
            None
        };
        let mut this = Self {
            bstar,
            ecco,
            inclo,
            nodeo,
            argpo,
            mo,
            no,
            ao,
            xke,
            mdot,
            argpdot,
            nodedot,
            nodecf,
            cc1,
            cc4,
            cc5,
            d2: 0.0,
            d3: 0.0,
            d4: 0.0,
            t2cof,
            t3cof: 0.0,
            t4cof: 0.0,
            t5cof: 0.0,
            omgcof,
            xmcof,
            eta,
            delmo: delmotemp * delmotemp * delmotemp,
            sinmao,
            sinio,
            cosio,
            con41,
            x1mth2,
            x7thm1: 7.0 * cosio2 - 1.0,
            aycof: -0.5 * J3OJ2 * sinio,
            xlcof: xlcof(sinio, cosio),
            isimp,
            deep,
        };
        if !isimp {
            // higher drag terms (STR#3: D2, D3, D4)
            let cc1sq = cc1 * cc1;
            this.d2 = 4.0 * ao * tsi * cc1sq;
            let temp = this.d2 * tsi * cc1 / 3.0;
            this.d3 = (17.0 * ao + sfour) * temp;
            this.d4 = 0.5 * temp * ao * tsi * (221.0 * ao + 31.0 * sfour) * cc1;
            this.t3cof = this.d2 + 2.0 * cc1sq;
            this.t4cof = 0.25 * (3.0 * this.d3 + cc1 * (12.0 * this.d2 + 10.0 * cc1sq));
            this.t5cof = 0.2
                * (3.0 * this.d4
                    + 12.0 * cc1 * this.d3
                    + 6.0 * this.d2 * this.d2
                    + 15.0 * cc1sq * (2.0 * this.d2 + cc1sq));
        }
        Ok(this)
    }
}

/// V2006: `xlcof`, kept finite for inclinations of 180 degrees.
pub(super) fn xlcof(sin: f64, cos: f64) -> f64 {
    let below = if (cos + 1.0).abs() > 1.5e-12 { 1.0 + cos } else { 1.5e-12 };
    -0.25 * J3OJ2 * sin * (3.0 + 5.0 * cos) / below
}
