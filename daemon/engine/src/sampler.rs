//! Samplers: from noise to latents, one network evaluation a step.
//!
//! Each follows diffusers' scheduler of the same method step by step; the
//! papers are named at the [`Sampler`]s. A [`Trajectory`] owns everything that
//! lives between two steps, so a generation is suspended by leaving it alone
//! and resumed by going on, with the same result to the last bit.
//!
//! Latents are plain `f32` slices: they are small, and the arithmetic on them
//! must not depend on the device that runs the networks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::schedule::{PredictionType, Schedule, ScheduleError, SchedulerConfig, TimestepSpacing};

/// A sampling method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampler {
    /// Denoising diffusion implicit models, η = 0 (Song et al. 2020).
    Ddim,
    /// Euler's method on the probability flow ODE (Karras et al. 2022,
    /// algorithm 2 without churn).
    Euler,
    /// Euler's method with noise added after each step, as k-diffusion's
    /// `sample_euler_ancestral`.
    EulerAncestral,
    /// DPM-Solver++(2M), multistep, midpoint (Lu et al. 2022b).
    #[serde(rename = "dpmpp-2m")]
    DpmPlusPlus2m,
    /// The same on the sigmas of Karras et al. 2022. The default.
    #[default]
    #[serde(rename = "dpmpp-2m-karras")]
    DpmPlusPlus2mKarras,
    /// UniPC of order 2 with B₂(h), predictor and corrector (Zhao et al. 2023).
    #[serde(rename = "unipc")]
    UniPc,
    /// Multistep latent consistency sampling (Luo et al. 2023). For models
    /// distilled for it.
    Lcm,
}

impl Sampler {
    /// Every sampler.
    pub const ALL: [Self; 7] = [
        Self::Ddim,
        Self::Euler,
        Self::EulerAncestral,
        Self::DpmPlusPlus2m,
        Self::DpmPlusPlus2mKarras,
        Self::UniPc,
        Self::Lcm,
    ];

    /// The name users type and files hold.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddim => "ddim",
            Self::Euler => "euler",
            Self::EulerAncestral => "euler-ancestral",
            Self::DpmPlusPlus2m => "dpmpp-2m",
            Self::DpmPlusPlus2mKarras => "dpmpp-2m-karras",
            Self::UniPc => "unipc",
            Self::Lcm => "lcm",
        }
    }

    /// The name that other tools show and search for in a picture's
    /// `parameters` text.
    #[must_use]
    pub fn display_name(self) -> &'static str {
        match self {
            Self::Ddim => "DDIM",
            Self::Euler => "Euler",
            Self::EulerAncestral => "Euler a",
            Self::DpmPlusPlus2m => "DPM++ 2M",
            Self::DpmPlusPlus2mKarras => "DPM++ 2M Karras",
            Self::UniPc => "UniPC",
            Self::Lcm => "LCM",
        }
    }

    /// Whether the method's steps are set by σ rather than by ᾱ of a timestep.
    pub(crate) fn works_in_sigmas(self) -> bool {
        !matches!(self, Self::Ddim | Self::Lcm)
    }

    /// Whether latents are scaled with σ (instead of keeping variance 1).
    fn is_variance_exploding(self) -> bool {
        matches!(self, Self::Euler | Self::EulerAncestral)
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// No sampler has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no sampler {0:?}; there are ddim, euler, euler-ancestral, dpmpp-2m, \
     dpmpp-2m-karras, unipc and lcm"
)]
pub struct UnknownSampler(pub String);

impl FromStr for Sampler {
    type Err = UnknownSampler;

    /// Takes the names of [`Sampler::name`] and those that other tools show,
    /// in any case and with any separators.
    fn from_str(name: &str) -> Result<Self, UnknownSampler> {
        let key: String = name
            .to_lowercase()
            .replace("++", "pp")
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        match key.as_str() {
            "ddim" => Ok(Self::Ddim),
            "euler" => Ok(Self::Euler),
            "eulerancestral" | "eulera" => Ok(Self::EulerAncestral),
            "dpmpp2m" => Ok(Self::DpmPlusPlus2m),
            "dpmpp2mkarras" => Ok(Self::DpmPlusPlus2mKarras),
            "unipc" => Ok(Self::UniPc),
            "lcm" => Ok(Self::Lcm),
            _ => Err(UnknownSampler(name.to_owned())),
        }
    }
}

/// A step that was given latents, a prediction or noise of the wrong size, or
/// came after the last one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The trajectory has no step left.
    #[error("all {steps} steps are done")]
    Finished {
        /// How many steps there are.
        steps: usize,
    },
    /// Slices of different lengths, or noise missing where it is needed.
    #[error("{what} has {found} elements where the latents have {expected}")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length of the latents.
        expected: usize,
    },
}

/// The run of one sampler from its first step to its last.
///
/// Each step: [`timestep`](Self::timestep) and
/// [`model_input`](Self::model_input) go into the network, what it predicts
/// goes into [`advance`](Self::advance), which gives the next latents.
#[derive(Debug, Clone)]
pub struct Trajectory {
    sampler: Sampler,
    schedule: Schedule,
    prediction_type: PredictionType,
    /// Where the prediction is clipped (DDIM and LCM).
    clip: Option<f32>,
    final_alpha_cumprod: f64,
    /// Training timesteps between two of DDIM's.
    stride: usize,
    start: usize,
    position: usize,
    denoised: Vec<f32>,
    history: History,
}

/// What a multistep method remembers.
#[derive(Debug, Clone, Default)]
struct History {
    /// Predicted images of earlier steps, newest last, at most two.
    denoised: Vec<Vec<f32>>,
    /// The latents before the last prediction (UniPC's corrector).
    last_sample: Vec<f32>,
    /// The order of the last prediction.
    last_order: usize,
}

impl Trajectory {
    /// A trajectory of so many steps, from pure noise.
    ///
    /// # Errors
    /// [`ScheduleError`] when the schedule cannot be had.
    pub fn new(
        sampler: Sampler,
        config: &SchedulerConfig,
        steps: usize,
    ) -> Result<Self, ScheduleError> {
        let schedule = Schedule::new(sampler, config, steps)?;
        if config.rescale_betas_zero_snr
            && config.prediction_type == PredictionType::Epsilon
            && !sampler.works_in_sigmas()
        {
            return Err(ScheduleError::Unsupported {
                key: "rescale_betas_zero_snr",
                value: "true".to_owned(),
                reason: "with this sampler it needs prediction_type v_prediction",
            });
        }
        let clips = match sampler {
            Sampler::Ddim => config.clip_sample.unwrap_or(true),
            Sampler::Lcm => config.clip_sample.unwrap_or(false),
            _ => false,
        };
        let final_alpha_cumprod = if config.set_alpha_to_one {
            1.0
        } else {
            schedule.alphas_cumprod[0]
        };
        Ok(Self {
            sampler,
            prediction_type: config.prediction_type,
            clip: clips.then_some(config.clip_sample_range),
            final_alpha_cumprod,
            stride: config.num_train_timesteps / steps,
            schedule,
            start: 0,
            position: 0,
            denoised: Vec::new(),
            history: History::default(),
        })
    }

    /// The last part of a trajectory: of `steps`, the last
    /// ⌊steps·strength⌋ are taken, from an image noised to the first of them.
    ///
    /// # Errors
    /// [`ScheduleError::Strength`] when that leaves no step.
    pub fn with_strength(
        sampler: Sampler,
        config: &SchedulerConfig,
        steps: usize,
        strength: f64,
    ) -> Result<Self, ScheduleError> {
        let mut trajectory = Self::new(sampler, config, steps)?;
        let taken = (steps as f64 * strength) as usize;
        if !(strength > 0.0 && strength <= 1.0) || taken == 0 {
            return Err(ScheduleError::Strength {
                strength,
                steps,
                least: 1.0 / steps as f64,
            });
        }
        trajectory.start_at(steps - taken);
        Ok(trajectory)
    }

    /// Leaves out the steps before this one.
    pub(crate) fn start_at(&mut self, step: usize) {
        self.start = step;
        self.position = step;
    }

    /// The sampler.
    #[must_use]
    pub fn sampler(&self) -> Sampler {
        self.sampler
    }

    /// How many steps are taken in all.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.schedule.timesteps.len() - self.start
    }

    /// How many steps are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.position - self.start
    }

    /// Whether every step is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.position == self.schedule.timesteps.len()
    }

    /// The place in the whole schedule of the next step; it names the step's
    /// noise.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The timestep of the next step (after the last: of the last).
    #[must_use]
    pub fn timestep(&self) -> f64 {
        let last = self.schedule.timesteps.len() - 1;
        self.schedule.timesteps[self.position.min(last)]
    }

    /// The standard deviation of the noise that a trajectory starts from.
    #[must_use]
    pub fn initial_noise_scale(&self) -> f64 {
        if !self.sampler.is_variance_exploding() {
            return 1.0;
        }
        let most = self.schedule.sigmas.iter().copied().fold(0.0, f64::max);
        match self.schedule.spacing {
            TimestepSpacing::Linspace | TimestepSpacing::Trailing => most,
            TimestepSpacing::Leading => (most * most + 1.0).sqrt(),
        }
    }

    /// Latents of an image, noised to the level of the next step.
    #[must_use]
    pub fn add_noise(&self, latents: &[f32], noise: &[f32]) -> Vec<f32> {
        let (keep, add) = if self.sampler.is_variance_exploding() {
            (1.0, self.sigma(self.position))
        } else if self.sampler.works_in_sigmas() {
            alpha_sigma(self.sigma(self.position))
        } else {
            let alpha = self.alpha_cumprod(self.timestep());
            (alpha.sqrt(), (1.0 - alpha).sqrt())
        };
        combine(&[(keep, latents), (add, noise)])
    }

    /// What the network is shown of the latents.
    #[must_use]
    pub fn model_input(&self, latents: &[f32]) -> Vec<f32> {
        if self.sampler.is_variance_exploding() {
            let sigma = self.sigma(self.position);
            combine(&[(1.0 / (sigma * sigma + 1.0).sqrt(), latents)])
        } else {
            latents.to_vec()
        }
    }

    /// Whether the next step takes noise.
    #[must_use]
    pub fn takes_noise(&self) -> bool {
        match self.sampler {
            Sampler::EulerAncestral => !self.is_done(),
            Sampler::Lcm => self.position + 1 < self.schedule.timesteps.len(),
            _ => false,
        }
    }

    /// The image's latents as the network last saw them through the noise.
    /// Empty before the first step.
    #[must_use]
    pub fn denoised(&self) -> &[f32] {
        &self.denoised
    }

    /// Takes one step: from the latents and what the network predicted for
    /// them to the next latents. `noise` is read where
    /// [`takes_noise`](Self::takes_noise).
    ///
    /// # Errors
    /// [`StepError`] after the last step, or when the slices do not fit.
    pub fn advance(
        &mut self,
        latents: &[f32],
        prediction: &[f32],
        noise: &[f32],
    ) -> Result<Vec<f32>, StepError> {
        if self.is_done() {
            return Err(StepError::Finished {
                steps: self.steps(),
            });
        }
        let needed = if self.takes_noise() { noise } else { latents };
        for (what, slice) in [("the prediction", prediction), ("the noise", needed)] {
            if slice.len() != latents.len() {
                return Err(StepError::Length {
                    what,
                    found: slice.len(),
                    expected: latents.len(),
                });
            }
        }
        let next = match self.sampler {
            Sampler::Ddim => self.step_ddim(latents, prediction),
            Sampler::Euler => self.step_euler(latents, prediction),
            Sampler::EulerAncestral => self.step_euler_ancestral(latents, prediction, noise),
            Sampler::DpmPlusPlus2m | Sampler::DpmPlusPlus2mKarras => {
                self.step_dpm_plus_plus(latents, prediction)
            }
            Sampler::UniPc => self.step_unipc(latents, prediction),
            Sampler::Lcm => self.step_lcm(latents, prediction, noise),
        };
        self.position += 1;
        Ok(next)
    }

    fn sigma(&self, position: usize) -> f64 {
        self.schedule.sigmas[position.min(self.schedule.sigmas.len() - 1)]
    }

    fn alpha_cumprod(&self, timestep: f64) -> f64 {
        self.schedule.alphas_cumprod[timestep as usize]
    }

    /// The image that the network sees, from a prediction for latents
    /// √ᾱ·image + √(1−ᾱ)·noise.
    fn image_from(&self, signal: f64, noise: f64, latents: &[f32], prediction: &[f32]) -> Vec<f32> {
        match self.prediction_type {
            PredictionType::Epsilon => {
                combine(&[(1.0 / signal, latents), (-noise / signal, prediction)])
            }
            PredictionType::VPrediction => combine(&[(signal, latents), (-noise, prediction)]),
        }
    }

    fn clipped(&self, mut denoised: Vec<f32>) -> Vec<f32> {
        if let Some(range) = self.clip {
            for value in &mut denoised {
                *value = value.clamp(-range, range);
            }
        }
        denoised
    }

    fn step_ddim(&mut self, latents: &[f32], prediction: &[f32]) -> Vec<f32> {
        let timestep = self.timestep();
        let alpha = self.alpha_cumprod(timestep);
        let before = timestep - self.stride as f64;
        let alpha_before = if before >= 0.0 {
            self.alpha_cumprod(before)
        } else {
            self.final_alpha_cumprod
        };
        let (signal, noise) = (alpha.sqrt(), (1.0 - alpha).sqrt());
        let denoised = self.clipped(self.image_from(signal, noise, latents, prediction));
        let direction = (1.0 - alpha_before).sqrt();
        let next = match self.prediction_type {
            PredictionType::Epsilon => {
                combine(&[(alpha_before.sqrt(), &denoised), (direction, prediction)])
            }
            PredictionType::VPrediction => combine(&[
                (alpha_before.sqrt(), &denoised),
                (direction * signal, prediction),
                (direction * noise, latents),
            ]),
        };
        self.denoised = denoised;
        next
    }

    /// The image that the network sees in latents image + σ·noise.
    fn exploding_image_from(&self, sigma: f64, latents: &[f32], prediction: &[f32]) -> Vec<f32> {
        match self.prediction_type {
            PredictionType::Epsilon => combine(&[(1.0, latents), (-sigma, prediction)]),
            PredictionType::VPrediction => {
                let variance = sigma * sigma + 1.0;
                combine(&[
                    (1.0 / variance, latents),
                    (-sigma / variance.sqrt(), prediction),
                ])
            }
        }
    }

    fn step_euler(&mut self, latents: &[f32], prediction: &[f32]) -> Vec<f32> {
        let (from, to) = (self.sigma(self.position), self.sigma(self.position + 1));
        self.denoised = self.exploding_image_from(from, latents, prediction);
        let ratio = to / from;
        combine(&[(ratio, latents), (1.0 - ratio, &self.denoised)])
    }

    fn step_euler_ancestral(
        &mut self,
        latents: &[f32],
        prediction: &[f32],
        noise: &[f32],
    ) -> Vec<f32> {
        let (from, to) = (self.sigma(self.position), self.sigma(self.position + 1));
        let up_squared = to * to * (from * from - to * to) / (from * from);
        let down = (to * to - up_squared).max(0.0).sqrt();
        self.denoised = self.exploding_image_from(from, latents, prediction);
        let ratio = down / from;
        combine(&[
            (ratio, latents),
            (1.0 - ratio, &self.denoised),
            (up_squared.max(0.0).sqrt(), noise),
        ])
    }

    fn step_dpm_plus_plus(&mut self, latents: &[f32], prediction: &[f32]) -> Vec<f32> {
        let steps = self.schedule.timesteps.len();
        let (signal, noise) = alpha_sigma(self.sigma(self.position));
        let denoised = self.image_from(signal, noise, latents, prediction);
        let (signal_to, noise_to) = alpha_sigma(self.sigma(self.position + 1));
        let here = log_snr(self.sigma(self.position));
        let h = log_snr(self.sigma(self.position + 1)) - here;
        let gain = -signal_to * (-h).exp_m1();

        // The last step ends at σ = 0, where only the first order is defined.
        let last = self.position + 1 == steps;
        let next = match self.history.denoised.last() {
            Some(previous) if !last => {
                let h_before = here - log_snr(self.sigma(self.position - 1));
                let slope = 0.5 * gain * h / h_before;
                combine(&[
                    (noise_to / noise, latents),
                    (gain + slope, &denoised),
                    (-slope, previous),
                ])
            }
            _ => combine(&[(noise_to / noise, latents), (gain, &denoised)]),
        };
        self.history.denoised = vec![denoised.clone()];
        self.denoised = denoised;
        next
    }

    fn step_unipc(&mut self, latents: &[f32], prediction: &[f32]) -> Vec<f32> {
        let (signal, noise) = alpha_sigma(self.sigma(self.position));
        let denoised = self.image_from(signal, noise, latents, prediction);
        let corrected = if self.history.denoised.is_empty() {
            latents.to_vec()
        } else {
            self.unipc_corrector(&denoised)
        };

        if self.history.denoised.len() == 2 {
            self.history.denoised.remove(0);
        }
        self.history.denoised.push(denoised.clone());
        let left = self.schedule.timesteps.len() - self.position;
        let order = 2.min(left).min(self.history.denoised.len());
        let next = self.unipc_predictor(&corrected, order);
        self.history.last_sample = corrected;
        self.history.last_order = order;
        self.denoised = denoised;
        next
    }

    /// From the corrected latents at the current position to the next one.
    fn unipc_predictor(&self, latents: &[f32], order: usize) -> Vec<f32> {
        let (from, to) = (self.sigma(self.position), self.sigma(self.position + 1));
        let (signal_to, noise_to) = alpha_sigma(to);
        let noise_from = alpha_sigma(from).1;
        let h = log_snr(to) - log_snr(from);
        let gain = -signal_to * (-h).exp_m1();
        let images = &self.history.denoised;
        let newest = &images[images.len() - 1];
        if order == 1 {
            return combine(&[(noise_to / noise_from, latents), (gain, newest)]);
        }
        let ratio = (log_snr(self.sigma(self.position - 1)) - log_snr(from)) / h;
        let slope = 0.5 * gain / ratio;
        combine(&[
            (noise_to / noise_from, latents),
            (gain - slope, newest),
            (slope, &images[images.len() - 2]),
        ])
    }

    /// The latents at the current position, predicted once more now that the
    /// network has seen them.
    fn unipc_corrector(&self, denoised: &[f32]) -> Vec<f32> {
        let (from, to) = (self.sigma(self.position - 1), self.sigma(self.position));
        let (signal_to, noise_to) = alpha_sigma(to);
        let noise_from = alpha_sigma(from).1;
        let h = log_snr(to) - log_snr(from);
        let phi_1 = (-h).exp_m1();
        let gain = -signal_to * phi_1;
        let images = &self.history.denoised;
        let before = &images[images.len() - 1];
        let last_sample = &self.history.last_sample;
        if self.history.last_order == 1 {
            return combine(&[
                (noise_to / noise_from, last_sample),
                (0.5 * gain, before),
                (0.5 * gain, denoised),
            ]);
        }
        let ratio = (log_snr(self.sigma(self.position - 2)) - log_snr(from)) / h;
        // Two equations for the weights of the two differences.
        let phi_2 = phi_1 / -h - 1.0;
        let phi_3 = phi_2 / -h - 0.5;
        let (b_1, b_2) = (phi_2 / phi_1, 2.0 * phi_3 / phi_1);
        let older = (b_2 - b_1) / (ratio - 1.0);
        let newer = b_1 - older;
        let older = older / ratio;
        combine(&[
            (noise_to / noise_from, last_sample),
            (gain * (1.0 - older - newer), before),
            (gain * older, &images[images.len() - 2]),
            (gain * newer, denoised),
        ])
    }

    fn step_lcm(&mut self, latents: &[f32], prediction: &[f32], noise: &[f32]) -> Vec<f32> {
        /// The spread of the data in the consistency function's boundary
        /// conditions, and the factor on its timesteps.
        const SIGMA_DATA: f64 = 0.5;
        const TIMESTEP_SCALING: f64 = 10.0;

        let timestep = self.timestep();
        let alpha = self.alpha_cumprod(timestep);
        let predicted = self.image_from(alpha.sqrt(), (1.0 - alpha).sqrt(), latents, prediction);
        let predicted = self.clipped(predicted);
        let scaled = timestep * TIMESTEP_SCALING;
        let spread = scaled * scaled + SIGMA_DATA * SIGMA_DATA;
        let denoised = combine(&[
            (scaled / spread.sqrt(), &predicted),
            (SIGMA_DATA * SIGMA_DATA / spread, latents),
        ]);
        let next = if self.takes_noise() {
            let alpha = self.alpha_cumprod(self.schedule.timesteps[self.position + 1]);
            combine(&[(alpha.sqrt(), &denoised), ((1.0 - alpha).sqrt(), noise)])
        } else {
            denoised.clone()
        };
        self.denoised = denoised;
        next
    }
}

/// Signal and noise in latents of variance 1 at noise level σ.
fn alpha_sigma(sigma: f64) -> (f64, f64) {
    let alpha = 1.0 / (sigma * sigma + 1.0).sqrt();
    (alpha, sigma * alpha)
}

/// Half the logarithm of the signal-to-noise ratio; infinite without noise.
fn log_snr(sigma: f64) -> f64 {
    -sigma.ln()
}

/// Σ weight·slice, summed in f64.
fn combine(terms: &[(f64, &[f32])]) -> Vec<f32> {
    let length = terms.first().map_or(0, |(_, slice)| slice.len());
    let mut sum = vec![0f64; length];
    for (weight, slice) in terms {
        for (total, value) in sum.iter_mut().zip(*slice) {
            *total += weight * f64::from(*value);
        }
    }
    sum.into_iter().map(|total| total as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoisePurpose, NoiseStream};

    /// A "network" that knows the image: every sampler must come back to it.
    fn run_with_known_image(
        sampler: Sampler,
        config: &SchedulerConfig,
        steps: usize,
    ) -> (Vec<f32>, Vec<f32>) {
        let image = NoiseStream::new(1, 0, NoisePurpose::Probe).normals(16);
        let mut trajectory = Trajectory::new(sampler, config, steps).unwrap();
        let noise = NoiseStream::new(2, 0, NoisePurpose::Probe).normals(16);
        let mut latents = trajectory.add_noise(&image, &noise);
        while !trajectory.is_done() {
            let (signal, level) = if sampler.is_variance_exploding() {
                (1.0, trajectory.sigma(trajectory.position))
            } else if sampler.works_in_sigmas() {
                alpha_sigma(trajectory.sigma(trajectory.position))
            } else {
                let alpha = trajectory.alpha_cumprod(trajectory.timestep());
                (alpha.sqrt(), (1.0 - alpha).sqrt())
            };
            let epsilon = combine(&[(1.0 / level, &latents), (-signal / level, &image)]);
            let prediction = match config.prediction_type {
                PredictionType::Epsilon => epsilon,
                PredictionType::VPrediction => {
                    let (alpha, sigma) = if sampler.is_variance_exploding() {
                        alpha_sigma(level)
                    } else {
                        (signal, level)
                    };
                    combine(&[(alpha, &epsilon), (-sigma, &image)])
                }
            };
            let step = trajectory.position() as u32;
            let noise = NoiseStream::new(3, step, NoisePurpose::SamplerStep).normals(16);
            latents = trajectory.advance(&latents, &prediction, &noise).unwrap();
        }
        (image, latents)
    }

    #[test]
    fn a_perfect_prediction_gives_the_image_back() {
        for prediction_type in [PredictionType::Epsilon, PredictionType::VPrediction] {
            let config = SchedulerConfig {
                prediction_type,
                set_alpha_to_one: true,
                ..SchedulerConfig::stable_diffusion_1()
            };
            for sampler in Sampler::ALL {
                for steps in [1, 2, 3, 7, 20] {
                    let (image, result) = run_with_known_image(sampler, &config, steps);
                    for (a, b) in image.iter().zip(&result) {
                        assert!((a - b).abs() < 2e-3, "{sampler} {steps}: {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn zero_terminal_snr_stays_finite() {
        let config = SchedulerConfig {
            prediction_type: PredictionType::VPrediction,
            rescale_betas_zero_snr: true,
            timestep_spacing: Some(TimestepSpacing::Trailing),
            set_alpha_to_one: true,
            ..SchedulerConfig::stable_diffusion_1()
        };
        for sampler in Sampler::ALL {
            let mut trajectory = Trajectory::new(sampler, &config, 5).unwrap();
            let scale = trajectory.initial_noise_scale();
            let noise = NoiseStream::new(2, 0, NoisePurpose::Probe).normals(16);
            let mut latents = combine(&[(scale, &noise)]);
            while !trajectory.is_done() {
                let input = trajectory.model_input(&latents);
                latents = trajectory.advance(&latents, &input, &noise).unwrap();
            }
            assert!(latents.iter().all(|l| l.is_finite()), "{sampler}");
        }
        let epsilon = SchedulerConfig {
            prediction_type: PredictionType::Epsilon,
            ..config
        };
        assert!(matches!(
            Trajectory::new(Sampler::Ddim, &epsilon, 5),
            Err(ScheduleError::Unsupported {
                key: "rescale_betas_zero_snr",
                ..
            })
        ));
    }

    #[test]
    fn strength_leaves_out_the_first_steps() {
        let config = SchedulerConfig::stable_diffusion_1();
        let steps = |strength| {
            Trajectory::with_strength(Sampler::Euler, &config, 10, strength).map(|t| t.steps())
        };
        assert_eq!(steps(1.0), Ok(10));
        assert_eq!(steps(0.6), Ok(6));
        assert_eq!(steps(0.19), Ok(1));
        for strength in [0.0, 0.05, 1.01, -1.0, f64::NAN, f64::INFINITY] {
            assert!(
                matches!(steps(strength), Err(ScheduleError::Strength { .. })),
                "{strength}"
            );
        }
    }

    #[test]
    fn a_step_that_does_not_fit_is_refused() {
        let config = SchedulerConfig::stable_diffusion_1();
        let mut trajectory = Trajectory::new(Sampler::EulerAncestral, &config, 1).unwrap();
        assert!(trajectory.advance(&[0.0; 4], &[0.0; 3], &[0.0; 4]).is_err());
        assert!(trajectory.advance(&[0.0; 4], &[0.0; 4], &[]).is_err());
        assert!(trajectory.advance(&[0.0; 4], &[0.0; 4], &[0.0; 4]).is_ok());
        assert_eq!(
            trajectory.advance(&[0.0; 4], &[0.0; 4], &[0.0; 4]),
            Err(StepError::Finished { steps: 1 })
        );
    }

    #[test]
    fn names_lead_back_to_their_samplers() {
        for sampler in Sampler::ALL {
            assert_eq!(sampler.name().parse(), Ok(sampler));
            assert_eq!(sampler.display_name().parse(), Ok(sampler));
            assert_eq!(
                serde_json::to_value(sampler).unwrap(),
                serde_json::Value::String(sampler.name().to_owned())
            );
        }
        assert_eq!("euler_a".parse(), Ok(Sampler::EulerAncestral));
        let error = "dpm2".parse::<Sampler>().unwrap_err();
        for sampler in Sampler::ALL {
            assert!(error.to_string().contains(sampler.name()));
        }
    }
}
