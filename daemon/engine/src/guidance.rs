//! Classifier-free guidance.

use serde::{Deserialize, Serialize};

/// How the predictions with and without the prompt are computed. The two ways
/// round differently, so which one was taken is recorded with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuidanceMode {
    /// Without guidance: the network runs once a step.
    None,
    /// Both predictions in one batch of two: faster.
    Batch,
    /// One after the other: takes less memory.
    TwoPasses,
}

impl GuidanceMode {
    /// The name files hold.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Batch => "batch",
            Self::TwoPasses => "two-passes",
        }
    }
}

/// negative + scale·(positive − negative) (Ho and Salimans 2022); with
/// `rescale` above 0, drawn by that much to the deviation of the positive
/// prediction (Lin et al. 2023, equations 15 and 16).
#[must_use]
pub fn guide(negative: &[f32], positive: &[f32], scale: f32, rescale: f32) -> Vec<f32> {
    let mut guided: Vec<f32> = negative
        .iter()
        .zip(positive)
        .map(|(negative, positive)| negative + scale * (positive - negative))
        .collect();
    if rescale > 0.0 {
        let (wanted, found) = (deviation(positive), deviation(&guided));
        if found > 0.0 {
            let factor = f64::from(rescale) * wanted / found + (1.0 - f64::from(rescale));
            for value in &mut guided {
                *value = (f64::from(*value) * factor) as f32;
            }
        }
    }
    guided
}

/// The standard deviation, up to a factor that depends on the length alone.
fn deviation(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    values
        .iter()
        .map(|&v| (f64::from(v) - mean).powi(2))
        .sum::<f64>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_of_one_is_the_positive_prediction() {
        assert_eq!(guide(&[0.0, 4.0], &[1.0, 2.0], 1.0, 0.0), [1.0, 2.0]);
        assert_eq!(guide(&[0.0, 4.0], &[1.0, 2.0], 0.0, 0.0), [0.0, 4.0]);
        assert_eq!(guide(&[0.0, 4.0], &[1.0, 2.0], 3.0, 0.0), [3.0, -2.0]);
    }

    #[test]
    fn full_rescale_has_the_deviation_of_the_positive_prediction() {
        let (negative, positive) = ([0.5, -1.0, 2.0, 0.0], [1.0, 3.0, -2.0, 0.5]);
        let guided = guide(&negative, &positive, 7.5, 1.0);
        assert!((deviation(&guided) - deviation(&positive)).abs() < 1e-5);
        let half = guide(&negative, &positive, 7.5, 0.5);
        let plain = guide(&negative, &positive, 7.5, 0.0);
        for ((half, full), plain) in half.iter().zip(&guided).zip(&plain) {
            assert!((half - (full + plain) / 2.0).abs() < 1e-5);
        }
        assert!(
            guide(&[1.0; 4], &[1.0; 4], 2.0, 1.0)
                .iter()
                .all(|v| *v == 1.0)
        );
    }
}
