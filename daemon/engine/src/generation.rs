//! One frame in the making.

use candle_core::{DType, Tensor};
use image::{RgbImage, imageops::FilterType};

use crate::adaptation::Installed;
use crate::attention::RegionText;
use crate::composition::Sizes;
use crate::frame_texts::{FrameTexts, Side};
use crate::guidance::{GuidanceMode, guide};
use crate::inpaint::{self, Kept};
use crate::noise::{NoisePurpose, NoiseStream};
use crate::pipeline::Pipeline;
use crate::provenance::{
    self, ENGINE_VERSION, HiresIdentity, InitImageIdentity, InpaintIdentity, Provenance,
};
use crate::request::{
    GenerateError, GenerateRequest, Inpaint, LARGEST_GUIDANCE_SCALE, check_range, check_size,
};
use crate::sampler::Trajectory;

/// A frame in the making. It owns everything that lives between two steps: it
/// is suspended by leaving it alone and goes on to the same result, whatever
/// ran in between.
#[derive(Debug)]
pub struct Generation {
    pass: Pass,
    /// The second pass, until the first one is done.
    second: Option<Pass>,
    /// Steps of passes that are done.
    steps_before: usize,
    latents: Vec<f32>,
    /// What an ordinary UNet is given back after each step.
    kept: Option<Kept>,
    given_step_noise: Option<Vec<f32>>,
    notes: Vec<String>,
    provenance: Provenance,
}

/// Steps at one size.
#[derive(Debug)]
struct Pass {
    trajectory: Trajectory,
    latent_width: usize,
    latent_height: usize,
    texts: FrameTexts,
    /// What an inpainting UNet sees beside the latents: mask and masked image.
    extra_channels: Vec<f32>,
}

/// How far a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
}

/// A frame that is done.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its pixels.
    pub image: RgbImage,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Tensors in place of drawn ones, to compare with other implementations.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The initial noise.
    pub noise: Option<Vec<f32>>,
    /// The noise of all stochastic steps, one after the other.
    pub step_noise: Option<Vec<f32>>,
    /// The init image's pixels (3, height, width), 0..=1.
    pub init_pixels: Option<Vec<f32>>,
}

impl Generation {
    pub(crate) fn start(
        pipeline: &Pipeline,
        request: &GenerateRequest,
        given: Given,
    ) -> Result<Self, GenerateError> {
        let defaults = pipeline.defaults();
        if let Some(inpaint) = &request.inpaint {
            check_inpaint(request, inpaint)?;
        }
        let init_size = match (&request.inpaint, &request.init_image) {
            (Some(inpaint), _) => Some(inpaint.image.dimensions()),
            (None, init) => init.as_ref().map(|init| init.image.dimensions()),
        };
        let strength = match (&request.inpaint, &request.init_image) {
            (Some(inpaint), _) => Some(inpaint.strength),
            (None, init) => init.as_ref().map(|init| init.strength),
        };
        let hires = request.hires.as_ref();
        if let Some(hires) = hires {
            hires.check(request)?;
        }
        let multiple = pipeline.size_multiple();
        let full = |side: u32| hires.map_or(side, |hires| hires.full_side(side, multiple));
        let frame_width = request
            .width
            .or(init_size.map(|size| size.0))
            .unwrap_or_else(|| full(defaults.width));
        let frame_height = request
            .height
            .or(init_size.map(|size| size.1))
            .unwrap_or_else(|| full(defaults.height));
        check_size(frame_width, frame_height, multiple)?;
        // The size of the first pass, which is the only one as a rule.
        let first = |side: u32| hires.map_or(side, |hires| hires.first_side(side, multiple));
        let (width, height) = (first(frame_width), first(frame_height));
        let guidance_scale = request.guidance_scale.unwrap_or(defaults.guidance_scale);
        check_range(
            "guidance scale",
            guidance_scale,
            0.0,
            LARGEST_GUIDANCE_SCALE,
        )?;
        let guidance_rescale = request
            .guidance_rescale
            .unwrap_or(defaults.guidance_rescale);
        check_range("guidance rescale", guidance_rescale, 0.0, 1.0)?;
        let clip_skip = request.clip_skip.unwrap_or(defaults.clip_skip);
        let layers = pipeline.text_encoder.config().num_hidden_layers;
        if clip_skip as usize >= layers {
            return Err(GenerateError::Setting {
                setting: "clip skip",
                value: f64::from(clip_skip),
                range: format!("0 to {}", layers - 1),
            });
        }
        let sampler = request.sampler.unwrap_or(defaults.sampler);
        let steps = request.steps.unwrap_or(defaults.steps);
        let trajectory = match strength {
            Some(strength) => Trajectory::with_strength(
                sampler,
                &pipeline.scheduler,
                steps as usize,
                shortest_decimal(strength),
            )?,
            None => Trajectory::new(sampler, &pipeline.scheduler, steps as usize)?,
        };

        let guidance_mode = if guidance_scale <= 1.0 {
            GuidanceMode::None
        } else {
            match request.guidance_mode {
                Some(GuidanceMode::None) | None => {
                    pipeline.guidance_mode(frame_width, frame_height)
                }
                Some(mode) => mode,
            }
        };
        let guided = guidance_mode != GuidanceMode::None;
        let pass = |request: &GenerateRequest, (width, height): (u32, u32), trajectory| {
            let factor = pipeline.vae.factor();
            let (width, height) = (width as usize, height as usize);
            let (latent_width, latent_height) = (width / factor, height / factor);
            let sizes = Sizes {
                frame: (width, height),
                latents: (latent_width, latent_height),
            };
            let texts = FrameTexts::prepare(pipeline, request, sizes, clip_skip as usize, guided)?;
            Ok::<_, GenerateError>(Pass {
                trajectory,
                latent_width,
                latent_height,
                texts,
                extra_channels: Vec::new(),
            })
        };
        let mut pass_now = pass(request, (width, height), trajectory)?;
        let mut second = match hires {
            None => None,
            Some(hires) => {
                let refining = GenerateRequest {
                    loras: hires.loras.clone(),
                    ..request.clone()
                };
                let trajectory = Trajectory::with_strength(
                    sampler,
                    &pipeline.scheduler,
                    steps as usize,
                    shortest_decimal(hires.strength),
                )?;
                Some(pass(&refining, (frame_width, frame_height), trajectory)?)
            }
        };
        let channels = pipeline.vae.config().latent_channels;
        let count = channels * pass_now.latent_width * pass_now.latent_height;
        let noise = match given.noise {
            Some(noise) if noise.len() != count => {
                return Err(GenerateError::Given {
                    what: "noise",
                    found: noise.len(),
                    expected: count,
                });
            }
            Some(noise) => noise,
            None => NoiseStream::new(request.seed, 0, NoisePurpose::InitialLatents).normals(count),
        };
        let picture = match (&request.inpaint, &request.init_image) {
            (Some(inpaint), _) => Some(&inpaint.image),
            (None, init) => init.as_ref().map(|init| &init.image),
        };
        let pixels = picture.map(|picture| match given.init_pixels {
            Some(pixels) => pixels.into_iter().map(|p| 2.0 * p - 1.0).collect(),
            None => pixels_of(picture, width, height),
        });
        let size = (width, height);
        let start = match (&request.inpaint, &pixels) {
            // At full strength nothing of the start is left.
            (Some(inpaint), _) if inpaint.strength >= 1.0 => None,
            (Some(inpaint), Some(pixels)) => {
                inpaint::start_pixels(inpaint, size).or_else(|| Some(pixels.clone()))
            }
            (_, pixels) => pixels.clone(),
        };
        let mut latents = match start {
            Some(pixels) => {
                let clean = pipeline.encode_image(pixels, width as usize, height as usize)?;
                pass_now.trajectory.add_noise(&clean, &noise)
            }
            None => {
                let scale = pass_now.trajectory.initial_noise_scale() as f32;
                noise.iter().map(|noise| noise * scale).collect()
            }
        };
        let is_ordinary = pipeline.unet.config().in_channels == channels;
        let kept = match (&request.inpaint, &pixels) {
            (Some(inpaint), Some(pixels)) if is_ordinary => {
                let kept = Kept::new(pipeline, inpaint, pixels.clone(), size, noise)?;
                if inpaint.strength < 1.0 {
                    kept.put_back(&mut latents, &pass_now.trajectory);
                }
                Some(kept)
            }
            _ => None,
        };
        if !is_ordinary {
            pass_now.extra_channels = match (&request.inpaint, &pixels) {
                (Some(inpaint), Some(pixels)) => {
                    inpaint::extra_channels(pipeline, inpaint, pixels, size)?
                }
                _ => inpaint::blank_channels(pipeline, size)?,
            };
            if let Some(second) = &mut second {
                let size = (frame_width, frame_height);
                second.extra_channels = inpaint::blank_channels(pipeline, size)?;
            }
        }

        let texts = &pass_now.texts;
        let mut notes = texts.notes.clone();
        let of_second = second.iter().flat_map(|second| &second.texts.notes);
        notes.extend(
            of_second
                .filter(|note| !texts.notes.contains(note))
                .cloned(),
        );
        let provenance = Provenance {
            format: Provenance::FORMAT,
            engine_version: ENGINE_VERSION.to_owned(),
            prompt: request.prompt.clone(),
            prompt_sent: request.prompt_sent.clone(),
            negative_prompt: request.negative_prompt.clone(),
            width: frame_width,
            height: frame_height,
            seed: request.seed,
            sampler,
            steps,
            guidance_scale,
            guidance_rescale,
            guidance_mode,
            clip_skip,
            model: pipeline.identity()?,
            loras: texts.loras.clone(),
            regions: texts.regions.clone(),
            partial_loras: request.partial_loras,
            init_image: request.init_image.as_ref().map(|init| InitImageIdentity {
                hash: provenance::pixels_hash(&init.image),
                strength: init.strength,
            }),
            inpaint: request.inpaint.as_ref().map(|inpaint| InpaintIdentity {
                hash: provenance::pixels_hash(&inpaint.image),
                start_hash: inpaint.start.as_ref().map(provenance::pixels_hash),
                mask_hash: provenance::mask_hash(&inpaint.mask),
                strength: inpaint.strength,
            }),
            hires: hires
                .zip(second.as_ref())
                .map(|(hires, second)| HiresIdentity {
                    scale: hires.scale,
                    width,
                    height,
                    strength: hires.strength,
                    loras: second.texts.loras.clone(),
                }),
            request: None,
            device: pipeline.device.name().to_owned(),
            dtype: pipeline.dtype.as_str().to_owned(),
        };
        Ok(Self {
            pass: pass_now,
            second,
            steps_before: 0,
            latents,
            kept,
            given_step_noise: given.step_noise,
            notes,
            provenance,
        })
    }

    /// Takes the next denoising step.
    ///
    /// # Errors
    /// [`GenerateError`] when the network fails or no step is left. The
    /// generation is unchanged then.
    pub fn step(&mut self, pipeline: &Pipeline) -> Result<Progress, GenerateError> {
        let _turn = pipeline.turn();
        pipeline.device.run(|| self.step_here(pipeline))
    }

    fn step_here(&mut self, pipeline: &Pipeline) -> Result<Progress, GenerateError> {
        if self.pass.trajectory.is_done()
            && let Some(second) = &self.second
        {
            self.latents = self.enlarged(pipeline, second)?;
            self.steps_before += self.pass.trajectory.steps();
            if let Some(second) = self.second.take() {
                self.pass = second;
            }
        }
        let prediction = self.predict(pipeline)?;
        let trajectory = &mut self.pass.trajectory;
        let noise = if !trajectory.takes_noise() {
            Vec::new()
        } else if let Some(given) = &self.given_step_noise {
            let start = trajectory.done() * self.latents.len();
            given
                .get(start..start + self.latents.len())
                .ok_or(GenerateError::Given {
                    what: "step noise",
                    found: given.len(),
                    expected: start + self.latents.len(),
                })?
                .to_vec()
        } else {
            NoiseStream::new(
                self.provenance.seed,
                trajectory.position() as u32,
                NoisePurpose::SamplerStep,
            )
            .normals(self.latents.len())
        };
        if !prediction.iter().all(|value| value.is_finite()) {
            return Err(GenerateError::NotFinite {
                step: self.steps_before + trajectory.done() + 1,
            });
        }
        self.latents = trajectory.advance(&self.latents, &prediction, &noise)?;
        if let Some(kept) = &self.kept {
            kept.put_back(&mut self.latents, trajectory);
        }
        Ok(self.progress())
    }

    /// What the second pass starts from: the first one's picture at the full
    /// size, under as much noise as its strength says. It is what starting from
    /// that picture gives, with the same seed.
    fn enlarged(&self, pipeline: &Pipeline, second: &Pass) -> Result<Vec<f32>, GenerateError> {
        let picture = self.picture(pipeline)?;
        let (width, height) = (self.provenance.width, self.provenance.height);
        let pixels = pixels_of(&picture, width, height);
        let clean = pipeline.encode_image(pixels, width as usize, height as usize)?;
        let stream = NoiseStream::new(self.provenance.seed, 0, NoisePurpose::InitialLatents);
        let noise = stream.normals(clean.len());
        Ok(second.trajectory.add_noise(&clean, &noise))
    }

    /// The latents, decoded.
    fn picture(&self, pipeline: &Pipeline) -> Result<RgbImage, GenerateError> {
        let (width, height) = (self.pass.latent_width, self.pass.latent_height);
        let pixels = pipeline.decode_latents(&self.latents, width, height)?;
        let factor = pipeline.size_multiple();
        let (width, height) = (width as u32 * factor, height as u32 * factor);
        let plane = (width * height) as usize;
        Ok(RgbImage::from_fn(width, height, |x, y| {
            let at = (y * width + x) as usize;
            image::Rgb(std::array::from_fn(|channel| {
                let value = pixels[channel * plane + at] / 2.0 + 0.5;
                (value.clamp(0.0, 1.0) * 255.0).round() as u8
            }))
        }))
    }

    /// What the network predicts for the latents, guided.
    fn predict(&self, pipeline: &Pipeline) -> Result<Vec<f32>, GenerateError> {
        let pass = &self.pass;
        let mut input = pass.trajectory.model_input(&self.latents);
        input.extend_from_slice(&pass.extra_channels);
        let channels = pipeline.unet.config().in_channels;
        let shape = (1, channels, pass.latent_height, pass.latent_width);
        let input =
            Tensor::from_vec(input, shape, pipeline.device.candle())?.to_dtype(pipeline.dtype)?;
        let timestep = [pass.trajectory.timestep()];
        let _installed = Installed::new(pipeline.unet.adaptable_layers(), &pass.texts.paths);
        let run = |input: &Tensor, side: Side| -> Result<Vec<f32>, GenerateError> {
            let texts: Vec<RegionText> = pass.texts.side(side)?;
            let output = pipeline.unet.forward_texts(input, &timestep, &texts)?;
            Ok(output.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
        };
        let (negative, positive) = match self.provenance.guidance_mode {
            GuidanceMode::None => return run(&input, Side::Positive),
            GuidanceMode::TwoPasses => (run(&input, Side::Negative)?, run(&input, Side::Positive)?),
            GuidanceMode::Batch => {
                let input = Tensor::cat(&[&input, &input], 0)?;
                let mut both = run(&input, Side::Both)?;
                let positive = both.split_off(both.len() / 2);
                (both, positive)
            }
        };
        Ok(guide(
            &negative,
            &positive,
            self.provenance.guidance_scale,
            self.provenance.guidance_rescale,
        ))
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let second = self.second.as_ref().map(|pass| pass.trajectory.steps());
        Progress {
            step: self.steps_before + self.pass.trajectory.done(),
            steps: self.steps_before + self.pass.trajectory.steps() + second.unwrap_or(0),
        }
    }

    /// Whether every step is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.second.is_none() && self.pass.trajectory.is_done()
    }

    /// The record of what is being made.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// What a person should know: LoRAs that were used in part, or were trained
    /// on another checkpoint.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The latents as they are now, (channels, height, width).
    #[must_use]
    pub fn latents(&self) -> &[f32] {
        &self.latents
    }

    /// A rough small picture of what is coming up.
    ///
    /// # Errors
    /// When the map for previews, fitted at the first one, cannot be had.
    pub fn preview(&self, pipeline: &Pipeline) -> Result<RgbImage, GenerateError> {
        let map = pipeline.device.run(|| pipeline.preview_map())?;
        Ok(map.picture(
            self.pass.trajectory.denoised(),
            self.pass.latent_width,
            self.pass.latent_height,
        ))
    }

    /// Decodes the finished frame.
    ///
    /// # Errors
    /// [`GenerateError::Unfinished`] before the last step, or when decoding
    /// fails.
    pub fn finish(self, pipeline: &Pipeline) -> Result<Frame, GenerateError> {
        if !self.is_done() {
            let Progress { step, steps } = self.progress();
            return Err(GenerateError::Unfinished { left: steps - step });
        }
        let image = pipeline.device.run(|| self.picture(pipeline))?;
        Ok(Frame {
            image,
            provenance: self.provenance,
        })
    }
}

/// Checks a region to paint before any work.
fn check_inpaint(request: &GenerateRequest, inpaint: &Inpaint) -> Result<(), GenerateError> {
    let size = inpaint.image.dimensions();
    let starts = inpaint.start.iter().map(RgbImage::dimensions);
    if inpaint.mask.dimensions() != size || starts.into_iter().any(|start| start != size) {
        return Err(GenerateError::Mask("must be of the picture's size"));
    }
    if request.init_image.is_some() {
        return Err(GenerateError::Mask(
            "comes with a picture of its own: another one to start from is too many",
        ));
    }
    if inpaint.mask.iter().all(|value| *value == 0) {
        return Err(GenerateError::Mask("marks nothing"));
    }
    Ok(())
}

/// The number that was meant: 0.7 asks for seven of ten steps, though the f32
/// nearest to it is less.
fn shortest_decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// A picture at a size, as pixels (3, height, width) in −1..=1.
pub(crate) fn pixels_of(picture: &RgbImage, width: u32, height: u32) -> Vec<f32> {
    let resized;
    let picture = if picture.dimensions() == (width, height) {
        picture
    } else {
        resized = image::imageops::resize(picture, width, height, FilterType::Lanczos3);
        &resized
    };
    (0..3)
        .flat_map(|channel| {
            picture
                .pixels()
                .map(move |pixel| f32::from(pixel.0[channel]) / 127.5 - 1.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strength_is_the_decimal_that_was_typed() {
        assert_eq!((10.0 * shortest_decimal(0.7)) as usize, 7);
        assert_eq!((10.0 * f64::from(0.7f32)) as usize, 6);
        assert_eq!(shortest_decimal(1.0), 1.0);
    }

    #[test]
    fn pixels_are_laid_out_by_channel() {
        let picture = RgbImage::from_fn(2, 1, |x, _| {
            image::Rgb([0, 255, if x == 0 { 0 } else { 255 }])
        });
        assert_eq!(pixels_of(&picture, 2, 1), [-1.0, -1.0, 1.0, 1.0, -1.0, 1.0]);
        assert_eq!(pixels_of(&picture, 4, 2).len(), 24);
    }
}
