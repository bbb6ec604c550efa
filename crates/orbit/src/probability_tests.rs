use super::*;
use crate::read_messages;
use proptest::prelude::*;

fn encounter(miss_m: [f64; 2], sigma_m: [f64; 2], radius_m: f64) -> Encounter {
    Encounter { miss_m, sigma_m, radius_m }
}

macro_rules! case {
    ($number:literal) => {
        include_str!(concat!("../tests/data/ccsds/cdm/AlfanoTestCase", $number, ".cdm"))
    };
}

fn conjunction(message: &str) -> Conjunction {
    Conjunction::from_cdm(&read_messages(message.as_bytes(), "case").messages[0]).unwrap()
}

/// Figures of Chan and of conjunction messages as Alfano's and others' methods are held against in the literature
/// (given there, and in Orekit's tests of Alfano 2005, to so many digits).
#[test]
fn published_cases() {
    for (x, y, sigma_x, sigma_y, radius, expected) in [
        (0.0, 10.0, 25.0, 50.0, 5.0, 9.742e-3),
        (10.0, 0.0, 25.0, 50.0, 5.0, 9.181e-3),
        (0.0, 10.0, 25.0, 75.0, 5.0, 6.571e-3),
        (10.0, 0.0, 25.0, 75.0, 5.0, 6.125e-3),
        (0.0, 1000.0, 1000.0, 3000.0, 10.0, 1.577e-5),
        (1000.0, 0.0, 1000.0, 3000.0, 10.0, 1.011e-5),
        (0.0, 10_000.0, 1000.0, 3000.0, 10.0, 6.443e-8),
        (10_000.0, 0.0, 1000.0, 3000.0, 10.0, 3.219e-27),
        (0.0, 10_000.0, 1000.0, 10_000.0, 10.0, 3.033e-6),
        (10_000.0, 0.0, 1000.0, 10_000.0, 10.0, 9.656e-28),
        (0.0, 5000.0, 1000.0, 3000.0, 50.0, 1.039e-4),
        (5000.0, 0.0, 1000.0, 3000.0, 50.0, 1.564e-9),
        (84.875546, 60.583685, 57.918666, 152.8814468, 10.3, 1.9002e-3),
        (-81.618369, 115.055899, 15.988242, 5756.840725, 1.3, 2.0553e-11),
        (102.177247, 693.405893, 94.230921, 643.409272, 5.3, 7.2004e-5),
        (-752.672701, 644.939441, 445.859950, 6095.858688, 3.5, 5.3904e-7),
        (-3.8872073, 0.1591646, 1.4101830, 114.2585190, 15.0, 1.0038e-1),
        (-1.2217895, 2.1230067, 0.0373279, 177.8109003, 10.0, 4.4510e-2),
    ] {
        let got = encounter([x, y], [sigma_x, sigma_y], radius).probability();
        // Half of the last of the four or five digits given.
        assert!(
            (got / expected - 1.0).abs() < 5e-4,
            "{x} {y} {sigma_x} {sigma_y} {radius}: {got} {expected}"
        );
    }
}

/// The two-dimensional integral by brute force over a fine grid of rings, which shares nothing with the method.
fn brute_force(e: &Encounter) -> f64 {
    let (rings, spokes) = (800, 800);
    let mut sum = 0.0;
    for i in 0..rings {
        let r = (f64::from(i) + 0.5) / f64::from(rings) * e.radius_m;
        for j in 0..spokes {
            let t = (f64::from(j) + 0.5) / f64::from(spokes) * std::f64::consts::TAU;
            let along = (e.miss_m[0] + r * t.cos()) / e.sigma_m[0];
            let across = (e.miss_m[1] + r * t.sin()) / e.sigma_m[1];
            sum += r * (-0.5 * (along * along + across * across)).exp();
        }
    }
    let cell = e.radius_m / f64::from(rings) * std::f64::consts::TAU / f64::from(spokes);
    sum * cell / (std::f64::consts::TAU * e.sigma_m[0] * e.sigma_m[1])
}

#[test]
fn long_and_narrow_covariances_converge() {
    for aspect in [1.0, 10.0, 1e3, 1e5] {
        for (miss, radius) in [([3.0, 0.2], 5.0), ([40.0, 0.0], 1.0), ([0.0, 4.0], 5.0)] {
            let e = encounter(miss, [10.0 * aspect, 10.0], radius);
            let other = encounter([miss[1], miss[0]], [10.0, 10.0 * aspect], radius);
            let (p, q, b) = (e.probability(), other.probability(), brute_force(&e));
            assert!((p / b - 1.0).abs() < 3e-6, "{e:?}: {p} {b}");
            // The same along the other axis: the error function does the other half of the work.
            assert!((p / q - 1.0).abs() < 1e-10, "{e:?}: {p} {q}");
        }
    }
    // Eight standard deviations out: the difference of two error functions near one would have no digit left (a figure
    // in circulation, 2.165e-20, is 5 % off for that).
    let far = encounter([-692.362272, 4475.456261], [193.454603, 562.027293], 13.2);
    assert!((far.probability() / brute_force(&far) - 1.0).abs() < 3e-6);
    assert!((far.probability() / 2.2796e-20 - 1.0).abs() < 5e-4);
    let needle = encounter([2.0, 0.5], [1e4, 1e-3], 1.0);
    let line = encounter([2.0, 0.5], [1e4, 0.0], 1.0);
    assert!((needle.probability() / line.probability() - 1.0).abs() < 1e-6);
    assert_eq!(encounter([2.0, 1.5], [1e4, 0.0], 1.0).probability(), 0.0);
}

#[test]
fn the_papers_sum_comes_near_the_converged_value() {
    let e = encounter([100.0, 60.0], [150.0, 58.0], 10.0);
    assert!((e.simpson_sum(100) / e.probability() - 1.0).abs() < 2e-3);
    assert!((e.simpson_sum(10_000) / e.probability() - 1.0).abs() < 2e-6);
}

/// The cases of Alfano, "Satellite Conjunction Monte Carlo Analysis" (AAS 09-233), as messages, with the figures of
/// NASA CARA for the two-dimensional method and the tolerances that Orekit holds Alfano 2005 to.
#[test]
fn alfanos_messages() {
    for (case, expected, tolerance) in [
        (case!("03"), 0.100351176, 1e-6),
        (case!("06"), 0.004335455, 1e-8),
        (case!("07"), 0.000158147, 1e-9),
        (case!("08"), 0.036948008, 1e-5),
        (case!("09"), 0.290146291, 2e-5),
        (case!("11"), 0.002672026, 1e-7),
    ] {
        let conjunction = conjunction(case);
        let encounter = Encounter::new(&conjunction, conjunction.hard_body_radius_m.unwrap()).unwrap();
        let got = encounter.probability();
        assert!((got - expected).abs() < tolerance, "{expected}: {got}");
        assert!((got / brute_force(&encounter) - 1.0).abs() < 3e-6, "{expected}: {got}");
    }
}

#[test]
fn the_worst_scale_is_found_and_dilution_told() {
    // A small disc: P is proportional to exp(-m^2/2k^2)/k^2, largest at k^2 = m^2/2.
    let e = encounter([300.0, 0.0], [100.0, 100.0], 0.1);
    let (scale, maximum) = e.worst_scale(e.mahalanobis());
    assert!((scale - 3.0 / 2.0_f64.sqrt()).abs() < 1e-4);
    let known = (0.1 * 0.1 / (300.0 * 300.0)) / std::f64::consts::E;
    assert!((maximum / known - 1.0).abs() < 1e-5);
    assert!(!e.assess().dilution);
    let wide = encounter([300.0, 0.0], [900.0, 900.0], 0.1).assess();
    assert!(wide.dilution && (wide.maximum / known - 1.0).abs() < 1e-5);
    assert_eq!(encounter([1.0, 0.0], [9.0, 9.0], 2.0).assess().maximum, 1.0);
}

#[test]
fn what_cannot_be_computed_is_refused() {
    let good = conjunction(case!("03"));
    for radius_m in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Encounter::new(&good, radius_m), Err(ProbabilityError::Radius { .. })));
    }
    let mut still = good.clone();
    still.objects[1].velocity_km_s = still.objects[0].velocity_km_s;
    assert_eq!(Encounter::new(&still, 1.0), Err(ProbabilityError::NoRelativeMotion));
    let mut falling = good.clone();
    falling.objects[1].velocity_km_s = falling.objects[1].position_km;
    assert_eq!(Encounter::new(&falling, 1.0), Err(ProbabilityError::NoAxes { number: 2 }));
    let mut negative = good.clone();
    for object in &mut negative.objects {
        object.covariance_rtn[0][0] *= -1.0;
        object.covariance_rtn[1][1] *= -1.0;
    }
    assert_eq!(Encounter::new(&negative, 1.0), Err(ProbabilityError::NotPositive));
}

proptest! {
    #[test]
    fn a_probability_whatever_the_encounter(
        x in -1e4..1e4, y in -1e4..1e4, sx in -3.0..5.0_f64, sy in -3.0..5.0_f64, r in -2.0..3.0_f64,
    ) {
        let e = encounter([x, y], [10.0_f64.powf(sx), 10.0_f64.powf(sy)], 10.0_f64.powf(r));
        let all = e.assess();
        prop_assert!((0.0..=1.0).contains(&all.probability));
        prop_assert!(all.maximum >= all.probability && all.maximum <= 1.0);
        // A larger disc holds the smaller one.
        let more = encounter(e.miss_m, e.sigma_m, 1.5 * e.radius_m).probability();
        prop_assert!(more >= all.probability * (1.0 - 1e-9));
    }
}
