//! The noise schedule a model was trained with, and the timesteps and sigmas
//! that a sampler visits in it.
//!
//! Keys, their meaning and their defaults are those of diffusers'
//! `scheduler_config.json`. As there, a key that the file does not give takes
//! the default of the *sampler* in use, not of the one that wrote the file.

use serde::Deserialize;

use crate::sampler::Sampler;

/// Why a schedule cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// The file is not a scheduler configuration.
    #[error("scheduler_config.json cannot be read: {0}")]
    Unreadable(String),
    /// A key holds a value that no sampler here can honour.
    #[error("scheduler_config.json asks for {key} = {value}, which is not supported ({reason})")]
    Unsupported {
        /// The key in the file.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is supported.
        reason: &'static str,
    },
    /// A number of steps that the sampler cannot take.
    #[error("{sampler} cannot take {steps} steps here: between {least} and {most} are possible")]
    Steps {
        /// The sampler.
        sampler: Sampler,
        /// The number of steps asked for.
        steps: usize,
        /// The least possible.
        least: usize,
        /// The most possible.
        most: usize,
    },
    /// A strength outside (0, 1], or so low that no step is left.
    #[error(
        "a strength of {strength} leaves nothing to do in {steps} steps: it goes from {least} to 1"
    )]
    Strength {
        /// The strength asked for.
        strength: f64,
        /// The number of steps.
        steps: usize,
        /// The lowest strength that takes one step.
        least: f64,
    },
}

/// How the betas grow over the training timesteps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    /// Evenly spaced from start to end.
    Linear,
    /// Evenly spaced square roots: latent diffusion's schedule.
    ScaledLinear,
    /// Glide's cosine schedule (Nichol and Dhariwal 2021).
    #[serde(rename = "squaredcos_cap_v2")]
    SquaredcosCapV2,
}

/// What the network was trained to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionType {
    /// The noise.
    Epsilon,
    /// The velocity: √ᾱ·noise − √(1−ᾱ)·image (Salimans and Ho 2022).
    VPrediction,
}

/// How the visited timesteps are spread over the training timesteps; table 2
/// of "Common Diffusion Noise Schedules and Sample Steps are Flawed" (Lin et
/// al. 2023).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSpacing {
    /// Evenly from the last to the first timestep.
    Linspace,
    /// Multiples of a whole stride, from below.
    Leading,
    /// Multiples of a stride, from above; visits the last timestep.
    Trailing,
}

/// A `scheduler_config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct SchedulerConfig {
    /// How many timesteps the model was trained with.
    pub num_train_timesteps: usize,
    /// First beta; `None` is the sampler's default.
    pub beta_start: Option<f32>,
    /// Last beta; `None` is the sampler's default.
    pub beta_end: Option<f32>,
    /// `None` is the sampler's default.
    pub beta_schedule: Option<BetaSchedule>,
    /// The betas themselves, one for each training timestep.
    pub trained_betas: Option<Vec<f32>>,
    /// What the network predicts.
    pub prediction_type: PredictionType,
    /// `None` is the sampler's default.
    pub timestep_spacing: Option<TimestepSpacing>,
    /// Added to every timestep under [`TimestepSpacing::Leading`].
    pub steps_offset: usize,
    /// Whether the betas are rescaled so that nothing of the image is left at
    /// the last timestep.
    pub rescale_betas_zero_snr: bool,
    /// Whether the step after the last one ends at ᾱ = 1 (else at ᾱ₀).
    pub set_alpha_to_one: bool,
    /// Whether the predicted image is clipped (DDIM and LCM); `None` is the
    /// sampler's default.
    pub clip_sample: Option<bool>,
    /// The range it is clipped to.
    pub clip_sample_range: f32,
    /// How many steps an LCM was distilled over.
    pub original_inference_steps: usize,
}

impl SchedulerConfig {
    /// The schedule of Stable Diffusion 1.5, for checkpoints that come without
    /// a configuration.
    #[must_use]
    pub fn stable_diffusion_1() -> Self {
        Self {
            beta_start: Some(0.00085),
            beta_end: Some(0.012),
            beta_schedule: Some(BetaSchedule::ScaledLinear),
            steps_offset: 1,
            set_alpha_to_one: false,
            clip_sample: Some(false),
            ..Self::empty()
        }
    }

    /// What an empty configuration file means.
    fn empty() -> Self {
        Self {
            num_train_timesteps: 1000,
            beta_start: None,
            beta_end: None,
            beta_schedule: None,
            trained_betas: None,
            prediction_type: PredictionType::Epsilon,
            timestep_spacing: None,
            steps_offset: 0,
            rescale_betas_zero_snr: false,
            set_alpha_to_one: true,
            clip_sample: None,
            clip_sample_range: 1.0,
            original_inference_steps: 50,
        }
    }

    /// Reads a `scheduler_config.json`.
    ///
    /// # Errors
    /// [`ScheduleError::Unreadable`] when it is not JSON of the right types,
    /// [`ScheduleError::Unsupported`] when it asks for something that no
    /// sampler here can do.
    pub fn from_json(json: &[u8]) -> Result<Self, ScheduleError> {
        /// The keys as they stand in the file; the rest belongs to samplers
        /// that a user chooses by name instead.
        #[derive(Deserialize)]
        struct File {
            num_train_timesteps: Option<usize>,
            beta_start: Option<f32>,
            beta_end: Option<f32>,
            beta_schedule: Option<String>,
            trained_betas: Option<Vec<f32>>,
            prediction_type: Option<String>,
            timestep_spacing: Option<String>,
            steps_offset: Option<usize>,
            rescale_betas_zero_snr: Option<bool>,
            set_alpha_to_one: Option<bool>,
            clip_sample: Option<bool>,
            clip_sample_range: Option<f32>,
            original_inference_steps: Option<usize>,
            thresholding: Option<bool>,
        }
        let file: File = serde_json::from_slice(json)
            .map_err(|error| ScheduleError::Unreadable(error.to_string()))?;
        let empty = Self::empty();

        let num_train_timesteps = file
            .num_train_timesteps
            .unwrap_or(empty.num_train_timesteps);
        if !(2..=100_000).contains(&num_train_timesteps) {
            return Err(ScheduleError::Unsupported {
                key: "num_train_timesteps",
                value: num_train_timesteps.to_string(),
                reason: "2 to 100000 are",
            });
        }
        if file.thresholding == Some(true) {
            return Err(ScheduleError::Unsupported {
                key: "thresholding",
                value: "true".to_owned(),
                reason: "it is not meant for latent diffusion; set it to false",
            });
        }
        let steps_offset = file.steps_offset.unwrap_or(empty.steps_offset);
        if steps_offset >= num_train_timesteps {
            return Err(ScheduleError::Unsupported {
                key: "steps_offset",
                value: steps_offset.to_string(),
                reason: "it stays below num_train_timesteps",
            });
        }
        for (key, beta) in [("beta_start", file.beta_start), ("beta_end", file.beta_end)] {
            if let Some(beta) = beta
                && !(beta > 0.0 && beta < 1.0)
            {
                return Err(ScheduleError::Unsupported {
                    key,
                    value: beta.to_string(),
                    reason: "a beta lies between 0 and 1",
                });
            }
        }
        if let Some(betas) = &file.trained_betas
            && (betas.len() != num_train_timesteps || !betas.iter().all(|b| *b > 0.0 && *b < 1.0))
        {
            return Err(ScheduleError::Unsupported {
                key: "trained_betas",
                value: format!("{} numbers", betas.len()),
                reason: "one between 0 and 1 for each training timestep is",
            });
        }
        let original_inference_steps = file
            .original_inference_steps
            .unwrap_or(empty.original_inference_steps);
        if !(1..=num_train_timesteps).contains(&original_inference_steps) {
            return Err(ScheduleError::Unsupported {
                key: "original_inference_steps",
                value: original_inference_steps.to_string(),
                reason: "1 to num_train_timesteps are",
            });
        }

        Ok(Self {
            num_train_timesteps,
            beta_start: file.beta_start,
            beta_end: file.beta_end,
            beta_schedule: named(
                "beta_schedule",
                file.beta_schedule,
                "linear, scaled_linear and squaredcos_cap_v2 are",
            )?,
            trained_betas: file.trained_betas,
            prediction_type: named(
                "prediction_type",
                file.prediction_type,
                "epsilon and v_prediction are",
            )?
            .unwrap_or(empty.prediction_type),
            timestep_spacing: named(
                "timestep_spacing",
                file.timestep_spacing,
                "leading, linspace and trailing are",
            )?,
            steps_offset,
            rescale_betas_zero_snr: file
                .rescale_betas_zero_snr
                .unwrap_or(empty.rescale_betas_zero_snr),
            set_alpha_to_one: file.set_alpha_to_one.unwrap_or(empty.set_alpha_to_one),
            clip_sample: file.clip_sample,
            clip_sample_range: file.clip_sample_range.unwrap_or(empty.clip_sample_range),
            original_inference_steps,
        })
    }

    /// ᾱ, the cumulative product of 1 − β, for every training timestep.
    ///
    /// Rounded to f32 where diffusers holds f32, so that both visit the same
    /// timesteps.
    #[must_use]
    pub fn alphas_cumprod(&self, sampler: Sampler) -> Vec<f64> {
        let count = self.num_train_timesteps;
        let is_lcm = sampler == Sampler::Lcm;
        let start = self
            .beta_start
            .unwrap_or(if is_lcm { 0.00085 } else { 0.0001 });
        let end = self.beta_end.unwrap_or(if is_lcm { 0.012 } else { 0.02 });
        let schedule = self.beta_schedule.unwrap_or(if is_lcm {
            BetaSchedule::ScaledLinear
        } else {
            BetaSchedule::Linear
        });
        let mut betas: Vec<f32> = match (&self.trained_betas, schedule) {
            (Some(betas), _) => betas.clone(),
            (None, BetaSchedule::Linear) => linspace_f32(start, end, count),
            (None, BetaSchedule::ScaledLinear) => linspace_f32(start.sqrt(), end.sqrt(), count)
                .into_iter()
                .map(|root| root * root)
                .collect(),
            (None, BetaSchedule::SquaredcosCapV2) => {
                let alpha_bar = |t: f64| {
                    ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2)
                        .cos()
                        .powi(2)
                };
                (0..count)
                    .map(|i| {
                        let from = alpha_bar(i as f64 / count as f64);
                        let to = alpha_bar((i + 1) as f64 / count as f64);
                        (1.0 - to / from).min(0.999) as f32
                    })
                    .collect()
            }
        };
        if self.rescale_betas_zero_snr {
            betas = rescale_zero_terminal_snr(&betas);
        }
        cumulative_alphas(&betas)
            .into_iter()
            .map(f64::from)
            .collect()
    }
}

/// An enumeration's value by its name in the file.
fn named<T: for<'a> Deserialize<'a>>(
    key: &'static str,
    value: Option<String>,
    reason: &'static str,
) -> Result<Option<T>, ScheduleError> {
    let Some(value) = value else { return Ok(None) };
    serde_json::from_value(serde_json::Value::String(value.clone()))
        .map(Some)
        .map_err(|_| ScheduleError::Unsupported { key, value, reason })
}

/// Evenly spaced f32 numbers, each computed from the nearer end.
fn linspace_f32(start: f32, end: f32, count: usize) -> Vec<f32> {
    let step = (end - start) / (count - 1) as f32;
    (0..count)
        .map(|i| {
            if i < count / 2 {
                start + step * i as f32
            } else {
                end - step * (count - 1 - i) as f32
            }
        })
        .collect()
}

fn cumulative_alphas(betas: &[f32]) -> Vec<f32> {
    let mut product = 1.0f64;
    betas
        .iter()
        .map(|beta| {
            product *= f64::from(1.0 - beta);
            product as f32
        })
        .collect()
}

/// Betas rescaled so that the last ᾱ is 0 (Lin et al. 2023, algorithm 1).
fn rescale_zero_terminal_snr(betas: &[f32]) -> Vec<f32> {
    let roots: Vec<f32> = cumulative_alphas(betas)
        .into_iter()
        .map(f32::sqrt)
        .collect();
    let (first, last) = (roots[0], roots[roots.len() - 1]);
    let bars: Vec<f32> = roots
        .iter()
        .map(|root| {
            let root = (root - last) * (first / (first - last));
            root * root
        })
        .collect();
    std::iter::once(1.0 - bars[0])
        .chain(bars.windows(2).map(|pair| 1.0 - pair[1] / pair[0]))
        .collect()
}

/// The timesteps that a sampler visits, and the noise level at each.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Timesteps, first to last.
    pub timesteps: Vec<f64>,
    /// σ = √((1−ᾱ)/ᾱ) at each timestep, and 0 at the end.
    pub sigmas: Vec<f64>,
    /// ᾱ of every training timestep.
    pub alphas_cumprod: Vec<f64>,
    /// The spacing in force.
    pub spacing: TimestepSpacing,
}

impl Schedule {
    /// The schedule of a sampler that takes so many steps.
    ///
    /// # Errors
    /// [`ScheduleError::Steps`] when so many steps do not fit.
    pub fn new(
        sampler: Sampler,
        config: &SchedulerConfig,
        steps: usize,
    ) -> Result<Self, ScheduleError> {
        let trained = config.num_train_timesteps;
        let most = match sampler {
            Sampler::Lcm => config.original_inference_steps,
            // They divide by one step more than they take.
            Sampler::DpmPlusPlus2m | Sampler::DpmPlusPlus2mKarras | Sampler::UniPc => trained - 1,
            Sampler::Ddim | Sampler::Euler | Sampler::EulerAncestral => trained,
        };
        if !(1..=most).contains(&steps) {
            return Err(ScheduleError::Steps {
                sampler,
                steps,
                least: 1,
                most,
            });
        }
        let spacing = config.timestep_spacing.unwrap_or(match sampler {
            Sampler::Ddim | Sampler::Lcm => TimestepSpacing::Leading,
            _ => TimestepSpacing::Linspace,
        });
        let mut alphas_cumprod = config.alphas_cumprod(sampler);
        if config.rescale_betas_zero_snr && sampler.works_in_sigmas() {
            // Not quite 0, so that the first sigma is finite: 2¹².
            alphas_cumprod[trained - 1] = 2f64.powi(-24);
        }
        // f32, as diffusers holds them, from which the rest is computed in f64.
        let train_sigmas: Vec<f64> = alphas_cumprod
            .iter()
            .map(|&alpha| {
                let alpha = alpha as f32;
                f64::from(((1.0 - alpha) / alpha).sqrt())
            })
            .collect();

        let mut timesteps = match sampler {
            Sampler::Lcm => lcm_timesteps(config, steps),
            Sampler::Ddim => spaced(spacing, trained, steps, steps, config.steps_offset, true),
            Sampler::Euler | Sampler::EulerAncestral => {
                spaced(spacing, trained, steps, steps, config.steps_offset, false)
                    .into_iter()
                    .map(|t| f64::from(t as f32))
                    .collect()
            }
            Sampler::DpmPlusPlus2m | Sampler::DpmPlusPlus2mKarras | Sampler::UniPc => spaced(
                spacing,
                trained,
                steps,
                steps + 1,
                config.steps_offset,
                true,
            ),
        };
        for timestep in &mut timesteps {
            *timestep = timestep.clamp(0.0, (trained - 1) as f64);
        }
        let mut sigmas: Vec<f64> = timesteps
            .iter()
            .map(|&timestep| interpolate(timestep, &train_sigmas))
            .collect();
        if sampler == Sampler::DpmPlusPlus2mKarras {
            sigmas = karras_sigmas(train_sigmas[0], train_sigmas[trained - 1], steps);
            let log_sigmas: Vec<f64> = train_sigmas
                .iter()
                .map(|&sigma| f64::from((sigma as f32).ln()))
                .collect();
            let whole = config.beta_schedule != Some(BetaSchedule::SquaredcosCapV2);
            timesteps = sigmas
                .iter()
                .map(|&sigma| {
                    let timestep = timestep_of_sigma(sigma, &log_sigmas);
                    if whole {
                        timestep.round_ties_even()
                    } else {
                        timestep.trunc()
                    }
                })
                .collect();
        }
        sigmas.push(0.0);
        for sigma in &mut sigmas {
            *sigma = f64::from(*sigma as f32);
        }
        Ok(Self {
            timesteps,
            sigmas,
            alphas_cumprod,
            spacing,
        })
    }
}

/// `steps` timesteps in falling order. `divisions` is `steps` for samplers
/// whose spacing includes timestep 0 and `steps + 1` for those that leave it
/// to the final σ = 0.
fn spaced(
    spacing: TimestepSpacing,
    trained: usize,
    steps: usize,
    divisions: usize,
    offset: usize,
    whole: bool,
) -> Vec<f64> {
    let rising: Vec<f64> = match spacing {
        TimestepSpacing::Linspace => {
            let stride = (trained - 1) as f64 / (divisions.max(2) - 1) as f64;
            (0..divisions)
                .map(|i| {
                    if divisions > 1 && i == divisions - 1 {
                        (trained - 1) as f64
                    } else {
                        i as f64 * stride
                    }
                })
                .map(|t| if whole { t.round_ties_even() } else { t })
                .collect()
        }
        TimestepSpacing::Leading => {
            let stride = trained / divisions;
            (0..divisions)
                .map(|i| (i * stride + offset) as f64)
                .collect()
        }
        TimestepSpacing::Trailing => {
            let stride = trained as f64 / steps as f64;
            return (0..steps)
                .map(|i| (trained as f64 - i as f64 * stride).round_ties_even() - 1.0)
                .collect();
        }
    };
    rising.into_iter().rev().take(steps).collect()
}

/// The timesteps a latent consistency model was distilled for, thinned out
/// evenly.
fn lcm_timesteps(config: &SchedulerConfig, steps: usize) -> Vec<f64> {
    let original = config.original_inference_steps;
    let stride = config.num_train_timesteps / original;
    let thinning = original as f64 / steps as f64;
    (0..steps)
        .map(|i| {
            let index = (i as f64 * thinning).floor() as usize;
            ((original - index.min(original - 1)) * stride - 1) as f64
        })
        .collect()
}

/// Linear interpolation in a table whose n-th entry stands at n.
fn interpolate(at: f64, table: &[f64]) -> f64 {
    let low = (at.floor() as usize).min(table.len() - 1);
    let high = (low + 1).min(table.len() - 1);
    table[low] + (table[high] - table[low]) * (at - low as f64)
}

/// Sigmas spaced as in "Elucidating the Design Space of Diffusion-Based
/// Generative Models" (Karras et al. 2022), equation 5 with ρ = 7.
fn karras_sigmas(least: f64, most: f64, steps: usize) -> Vec<f64> {
    const RHO: f64 = 7.0;
    let (from, to) = (most.powf(1.0 / RHO), least.powf(1.0 / RHO));
    (0..steps)
        .map(|i| {
            let ramp = i as f64 / (steps.max(2) - 1) as f64;
            (from + ramp * (to - from)).powf(RHO)
        })
        .collect()
}

/// The timestep, usually between two whole ones, whose log σ this is.
fn timestep_of_sigma(sigma: f64, log_sigmas: &[f64]) -> f64 {
    let log_sigma = sigma.max(1e-10).ln();
    let low = log_sigmas
        .partition_point(|&s| s <= log_sigma)
        .saturating_sub(1)
        .min(log_sigmas.len() - 2);
    let weight = (log_sigmas[low] - log_sigma) / (log_sigmas[low] - log_sigmas[low + 1]);
    let weight = weight.clamp(0.0, 1.0);
    (1.0 - weight) * low as f64 + weight * (low + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_means_the_defaults_of_the_sampler() {
        let config = SchedulerConfig::from_json(b"{}").unwrap();
        assert_eq!(config, SchedulerConfig::empty());
        assert_eq!(
            Schedule::new(Sampler::Ddim, &config, 4).unwrap().timesteps,
            [750.0, 500.0, 250.0, 0.0]
        );
        assert_eq!(
            Schedule::new(Sampler::Euler, &config, 4).unwrap().timesteps,
            [999.0, 666.0, 333.0, 0.0]
        );
    }

    #[test]
    fn spacings_are_those_of_table_2() {
        let with = |spacing| SchedulerConfig {
            timestep_spacing: Some(spacing),
            ..SchedulerConfig::stable_diffusion_1()
        };
        let ten = |spacing| {
            Schedule::new(Sampler::Ddim, &with(spacing), 10)
                .unwrap()
                .timesteps
        };
        assert_eq!(
            ten(TimestepSpacing::Leading),
            [
                901.0, 801.0, 701.0, 601.0, 501.0, 401.0, 301.0, 201.0, 101.0, 1.0
            ]
        );
        assert_eq!(
            ten(TimestepSpacing::Linspace),
            [
                999.0, 888.0, 777.0, 666.0, 555.0, 444.0, 333.0, 222.0, 111.0, 0.0
            ]
        );
        assert_eq!(
            ten(TimestepSpacing::Trailing),
            [
                999.0, 899.0, 799.0, 699.0, 599.0, 499.0, 399.0, 299.0, 199.0, 99.0
            ]
        );
    }

    /// 1000/n · n falls short of 1000 in floating point for some n.
    #[test]
    fn every_number_of_steps_gives_that_many_timesteps_in_range() {
        for spacing in [
            TimestepSpacing::Leading,
            TimestepSpacing::Linspace,
            TimestepSpacing::Trailing,
        ] {
            let config = SchedulerConfig {
                timestep_spacing: Some(spacing),
                ..SchedulerConfig::stable_diffusion_1()
            };
            for sampler in Sampler::ALL {
                for steps in (1..130).chain([333, 499, 500, 998, 999]) {
                    let Ok(schedule) = Schedule::new(sampler, &config, steps) else {
                        assert!(sampler == Sampler::Lcm && steps > 50);
                        continue;
                    };
                    assert_eq!(schedule.timesteps.len(), steps, "{sampler} {steps}");
                    assert_eq!(schedule.sigmas.len(), steps + 1);
                    assert!(
                        schedule.timesteps.iter().all(|t| (0.0..=999.0).contains(t)),
                        "{sampler} {spacing:?} {steps}"
                    );
                    assert!(
                        schedule.timesteps.windows(2).all(|t| t[0] >= t[1]),
                        "{sampler} {spacing:?} {steps}"
                    );
                }
            }
        }
    }

    #[test]
    fn rescaled_betas_end_without_signal() {
        let config = SchedulerConfig {
            rescale_betas_zero_snr: true,
            prediction_type: PredictionType::VPrediction,
            timestep_spacing: Some(TimestepSpacing::Trailing),
            ..SchedulerConfig::stable_diffusion_1()
        };
        assert_eq!(config.alphas_cumprod(Sampler::Ddim)[999], 0.0);
        let sigmas = Schedule::new(Sampler::Euler, &config, 5).unwrap().sigmas;
        assert!((sigmas[0] - 4096.0).abs() < 0.01, "{}", sigmas[0]);
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        for (json, key) in [
            (r#"{"prediction_type": "sample"}"#, "prediction_type"),
            (r#"{"beta_schedule": "sigmoid"}"#, "beta_schedule"),
            (r#"{"timestep_spacing": "odd"}"#, "timestep_spacing"),
            (r#"{"thresholding": true}"#, "thresholding"),
            (r#"{"num_train_timesteps": 0}"#, "num_train_timesteps"),
            (r#"{"beta_end": 2.0}"#, "beta_end"),
            (r#"{"steps_offset": 1000}"#, "steps_offset"),
            (r#"{"trained_betas": [0.1, 0.2]}"#, "trained_betas"),
            (
                r#"{"original_inference_steps": 0}"#,
                "original_inference_steps",
            ),
        ] {
            let error = SchedulerConfig::from_json(json.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(key), "{json}: {error}");
        }
        assert!(matches!(
            SchedulerConfig::from_json(b"{"),
            Err(ScheduleError::Unreadable(_))
        ));
        assert!(matches!(
            Schedule::new(Sampler::Lcm, &SchedulerConfig::stable_diffusion_1(), 51),
            Err(ScheduleError::Steps { most: 50, .. })
        ));
    }
}
