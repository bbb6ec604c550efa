//! A small robust least-squares fit: few unknowns, Huber weights, the scale from the median residual.

/// The most unknowns of one fit: a parabola, the step asked for, and neighbouring steps.
pub(super) const MAX_UNKNOWNS: usize = 8;

/// Huber's corner in scales. Below it a residual counts in full.
const HUBER_CORNER: f64 = 2.0;

/// Rounds of weights that tell whether there is a step.
pub(super) const QUICK: usize = 4;

/// Rounds after which the weights have settled next to a gross outlier too, for the size of a step.
pub(super) const SETTLED_ROUNDS: usize = 40;
const SETTLED: f64 = 1e-3;

/// The median of absolute values of a Gaussian in standard deviations.
pub(super) const MEDIAN_OF_GAUSSIAN: f64 = 0.674_489_75;

/// One equation: what the unknowns are multiplied by, and what was observed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) factors: [f64; MAX_UNKNOWNS],
    pub(super) observed: f64,
}

/// The unknown that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    /// Value over its formal standard deviation.
    pub(super) significance: f64,
    /// Sum of Huber's cost over the residuals, in units of the observations squared.
    pub(super) cost: f64,
}

/// Fits `unknowns` unknowns and gives unknown number `wanted`. `None`: too few equations, or they do not determine it.
/// With `scale` the residual scale is that instead of the median residual: costs of two fits can then be compared.
pub(super) fn robust_fit(
    rows: &[Row],
    unknowns: usize,
    wanted: usize,
    scale: Option<f64>,
    rounds: usize,
) -> Option<(Estimate, f64)> {
    if rows.len() < unknowns + 2 || unknowns > MAX_UNKNOWNS {
        return None;
    }
    let mut weights = vec![1.0; rows.len()];
    let mut residuals = vec![0.0; rows.len()];
    let mut found: Option<(Estimate, f64)> = None;
    for _ in 0..rounds {
        let (solution, variance) = solve(rows, &weights, unknowns, wanted)?;
        for (row, residual) in rows.iter().zip(&mut residuals) {
            let modelled: f64 =
                row.factors.iter().zip(&solution).take(unknowns).map(|(factor, x)| factor * x).sum();
            *residual = row.observed - modelled;
        }
        let spread = scale.unwrap_or_else(|| median_abs(&residuals) / MEDIAN_OF_GAUSSIAN).max(1e-9);
        let corner = HUBER_CORNER * spread;
        let mut cost = 0.0;
        for (weight, residual) in weights.iter_mut().zip(&residuals) {
            let size = residual.abs();
            *weight = if size > corner { corner / size } else { 1.0 };
            cost += if size > corner { corner * (2.0 * size - corner) } else { size * size };
        }
        let value = *solution.get(wanted)?;
        let significance = value / (variance.sqrt() * spread);
        let last = found.replace((Estimate { value, significance, cost }, spread));
        if last.is_some_and(|(before, _)| {
            (before.significance - significance).abs() <= SETTLED * significance.abs()
        }) {
            break;
        }
    }
    found.filter(|(estimate, _)| estimate.significance.is_finite() && estimate.cost.is_finite())
}

/// The median of the absolute values; 0 for none.
pub(super) fn median_abs(values: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = values.iter().map(|value| value.abs()).collect();
    median(&mut sizes)
}

/// The median (the upper one of an even number); 0 for none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

type Vector = [f64; MAX_UNKNOWNS];
type Matrix = [Vector; MAX_UNKNOWNS];

/// Weighted normal equations by Cholesky; also the variance factor of unknown `wanted`.
fn solve(rows: &[Row], weights: &[f64], unknowns: usize, wanted: usize) -> Option<(Vector, f64)> {
    let mut normal: Matrix = Default::default();
    let mut right: Vector = Default::default();
    for (row, weight) in rows.iter().zip(weights) {
        for i in 0..unknowns {
            let weighted = weight * row.factors[i];
            right[i] += weighted * row.observed;
            for (sum, factor) in normal[i].iter_mut().zip(row.factors).take(i + 1) {
                *sum += weighted * factor;
            }
        }
    }
    let factor = cholesky(normal, unknowns)?;
    let mut unit: Vector = Default::default();
    unit[wanted] = 1.0;
    let variance = back(&factor, unit, unknowns)[wanted];
    Some((back(&factor, right, unknowns), variance)).filter(|_| variance > 0.0)
}

/// The lower factor of a symmetric matrix; `None` when it is not positive by a clear margin.
fn cholesky(matrix: Matrix, size: usize) -> Option<Matrix> {
    let mut factor: Matrix = Default::default();
    for i in 0..size {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let rest = matrix[i][j] - sum;
            if i == j {
                if rest.is_nan() || rest <= 1e-10 * matrix[i][i] {
                    return None;
                }
                factor[i][i] = rest.sqrt();
            } else {
                factor[i][j] = rest / factor[j][j];
            }
        }
    }
    Some(factor)
}

fn back(factor: &Matrix, right: Vector, size: usize) -> Vector {
    let mut x = right;
    for i in 0..size {
        let sum: f64 = (0..i).map(|k| factor[i][k] * x[k]).sum();
        x[i] = (x[i] - sum) / factor[i][i];
    }
    for i in (0..size).rev() {
        let sum: f64 = (i + 1..size).map(|k| factor[k][i] * x[k]).sum();
        x[i] = (x[i] - sum) / factor[i][i];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(outlier: f64) -> Vec<Row> {
        (0..20)
            .map(|i| {
                let t = f64::from(i);
                let noise = if i % 2 == 0 { 0.1 } else { -0.1 };
                let observed = 3.0 - 0.5 * t + noise + if i == 7 { outlier } else { 0.0 };
                Row { factors: [1.0, t, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], observed }
            })
            .collect()
    }

    #[test]
    fn a_line_is_found_and_an_outlier_hardly_moves_it() {
        for outlier in [0.0, 100.0, -1e6] {
            let (slope, _) = robust_fit(&line(outlier), 2, 1, None, SETTLED_ROUNDS).unwrap();
            assert!((slope.value + 0.5).abs() < 0.02, "{outlier}: {slope:?}");
            assert!(slope.significance < -50.0, "{outlier}: {slope:?}");
        }
    }

    #[test]
    fn what_the_rows_do_not_determine_is_refused() {
        assert!(robust_fit(&line(0.0)[..3], 2, 1, None, QUICK).is_none());
        assert!(robust_fit(&line(0.0), 3, 2, None, QUICK).is_none());
        let mut broken = line(0.0);
        broken[3].observed = f64::NAN;
        assert!(robust_fit(&broken, 2, 1, None, QUICK).is_none());
    }
}
