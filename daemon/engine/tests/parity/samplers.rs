//! Every sampler's whole trajectory, from given network outputs.

use framewright_engine::sampler::{Sampler, Trajectory};
use framewright_engine::schedule::SchedulerConfig;
use serde::Deserialize;

use crate::golden::{self, Tensors, relative_difference};

#[derive(Deserialize)]
struct Case {
    case: String,
    sampler: Sampler,
    steps: usize,
    start: usize,
    scheduler_config: serde_json::Map<String, serde_json::Value>,
}

#[test]
fn trajectories_are_those_of_diffusers() {
    let tensors = Tensors::open("samplers.safetensors");
    let cases: Vec<Case> = golden::json("samplers.json");
    assert!(cases.len() >= 100, "{} cases", cases.len());
    let mut failures = Vec::new();
    let mut worst = 0f32;
    for mut case in cases {
        for key in ["clip_sample", "set_alpha_to_one"] {
            case.scheduler_config.insert(key.to_owned(), false.into());
        }
        let config =
            SchedulerConfig::from_json(&serde_json::to_vec(&case.scheduler_config).unwrap())
                .unwrap();
        let golden = |name: &str| tensors.values(&format!("{}.{name}", case.case));
        // diffusers' timesteps and our strength name the same start.
        let strength = (case.steps - case.start) as f64 / case.steps as f64;
        let mut trajectory =
            Trajectory::with_strength(case.sampler, &config, case.steps, strength + 1e-9)
                .or_else(|_| Trajectory::new(case.sampler, &config, case.steps))
                .unwrap();

        let states = golden("states");
        let size = golden("noise").len();
        let mut latents = if case.start > 0 {
            trajectory.add_noise(&golden("clean"), &golden("noise"))
        } else {
            let scale = trajectory.initial_noise_scale() as f32;
            golden("noise").iter().map(|n| n * scale).collect()
        };
        let mut difference = relative_difference(&latents, &states[..size]);
        let timesteps = golden("timesteps");
        let (inputs, outputs) = (golden("model_inputs"), golden("model_outputs"));
        let mut step_noise = tensors
            .find(&format!("{}.step_noise", case.case))
            .unwrap_or_default()
            .into_iter();
        assert_eq!(trajectory.steps(), timesteps.len(), "{}", case.case);
        for (step, &timestep) in timesteps.iter().enumerate() {
            if trajectory.timestep() as f32 != timestep {
                failures.push(format!(
                    "{} step {step}: timestep {} where diffusers has {}",
                    case.case,
                    trajectory.timestep(),
                    timestep
                ));
            }
            let here = step * size..(step + 1) * size;
            let input = trajectory.model_input(&latents);
            difference = difference.max(relative_difference(&input, &inputs[here.clone()]));
            let noise: Vec<f32> = if trajectory.takes_noise() {
                step_noise.by_ref().take(size).collect()
            } else {
                Vec::new()
            };
            latents = trajectory
                .advance(&latents, &outputs[here], &noise)
                .unwrap();
            let next = (step + 1) * size..(step + 2) * size;
            difference = difference.max(relative_difference(&latents, &states[next]));
        }
        assert!(trajectory.is_done());
        worst = worst.max(difference);
        if difference.is_nan() || difference > 1e-4 {
            failures.push(format!("{}: {difference:e}", case.case));
        }
    }
    println!("largest relative difference {worst:e}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
