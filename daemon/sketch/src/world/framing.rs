//! Shot types and the frame each of them cuts out of the world.
//!
//! A close framing is defined by where its lower edge meets the figure, a wide
//! one by how much of the frame's height the figure takes. Both are measured
//! in units that fit every body:
//!
//! * the **cut level** of a height: 0 at the chin, 1 at the shoulders, 2 at
//!   half the torso, 3 at the waist, 4 at mid-thigh, 5 at the ground, linear in
//!   between (and -1 at the top of the head);
//! * the **figure fraction**: the figure's height over the frame's height.
//!
//! | shot | lower edge, cut level | figure fraction |
//! |---|---|---|
//! | extreme close-up | -0.12 … 0.25, frame at most 1.15 heads high | > 1 |
//! | close-up | 0.60 … 1.10, frame at least 1.30 heads high | > 1 |
//! | medium close-up | 1.80 … 2.20 | > 1 |
//! | medium shot | 2.85 … 3.15 | > 1 |
//! | american shot | 3.75 … 4.15 | > 1 |
//! | full shot | whole figure | 0.70 … 0.90 |
//! | long shot | whole figure | 0.37 … 0.60 |
//! | extreme long shot | whole figure, or nobody | 0.10 … 0.27 |
//!
//! The gaps between the bands are guard bands: no frame falls into one.

use serde::{Deserialize, Serialize};

use super::camera::Camera;
use super::dice::Dice;
use super::people::Landmarks;

/// How much of the world a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shot {
    /// The face, or part of it, from the chin up.
    ExtremeCloseUp,
    /// From above the shoulders up.
    CloseUp,
    /// From half the torso up.
    MediumCloseUp,
    /// From the waist up.
    MediumShot,
    /// From mid-thigh, above the knee, up.
    AmericanShot,
    /// The whole figure, more than two thirds of the frame.
    FullShot,
    /// The whole figure in its surroundings, a third to two thirds of the frame.
    LongShot,
    /// A wide environment; the figure under a third of the frame, or none.
    ExtremeLongShot,
    /// An object, or a hand with one.
    DetailShot,
}

impl Shot {
    /// The eight framings of a figure, from the closest to the widest.
    pub const FIGURE: [Self; 8] = [
        Self::ExtremeCloseUp,
        Self::CloseUp,
        Self::MediumCloseUp,
        Self::MediumShot,
        Self::AmericanShot,
        Self::FullShot,
        Self::LongShot,
        Self::ExtremeLongShot,
    ];

    /// The eight framings of a figure and the detail shot.
    pub const ALL: [Self; 9] = [
        Self::ExtremeCloseUp,
        Self::CloseUp,
        Self::MediumCloseUp,
        Self::MediumShot,
        Self::AmericanShot,
        Self::FullShot,
        Self::LongShot,
        Self::ExtremeLongShot,
        Self::DetailShot,
    ];

    /// The name used in data and on the command line, as in `close-up`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::ExtremeCloseUp => "extreme-close-up",
            Self::CloseUp => "close-up",
            Self::MediumCloseUp => "medium-close-up",
            Self::MediumShot => "medium-shot",
            Self::AmericanShot => "american-shot",
            Self::FullShot => "full-shot",
            Self::LongShot => "long-shot",
            Self::ExtremeLongShot => "extreme-long-shot",
            Self::DetailShot => "detail-shot",
        }
    }

    /// The shot that [`id`](Self::id) names, if there is one.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shot| shot.id() == id)
    }

    /// The words that open a prompt, as in `close up of`.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::ExtremeCloseUp => "extreme close up of",
            Self::CloseUp => "close up of",
            Self::MediumCloseUp => "medium close up of",
            Self::MediumShot => "medium shot picture of",
            Self::AmericanShot => "american shot picture of",
            Self::FullShot => "full body picture of",
            Self::LongShot => "long shot picture of",
            Self::ExtremeLongShot => "extreme long shot view of",
            Self::DetailShot => "detailed shot of",
        }
    }

    /// Whether the frame cuts the figure rather than showing all of it.
    pub const fn cuts_the_figure(self) -> bool {
        matches!(
            self,
            Self::ExtremeCloseUp
                | Self::CloseUp
                | Self::MediumCloseUp
                | Self::MediumShot
                | Self::AmericanShot
        )
    }

    /// Cut levels that the frame's lower edge may have; `None` where the whole
    /// figure is in the frame.
    pub const fn cut_band(self) -> Option<(f32, f32)> {
        match self {
            Self::ExtremeCloseUp => Some((-0.12, 0.25)),
            Self::CloseUp => Some((0.60, 1.10)),
            Self::MediumCloseUp => Some((1.80, 2.20)),
            Self::MediumShot => Some((2.85, 3.15)),
            Self::AmericanShot => Some((3.75, 4.15)),
            _ => None,
        }
    }

    /// Figure fractions that the shot may have; `None` where the frame cuts the
    /// figure.
    pub const fn fraction_band(self) -> Option<(f32, f32)> {
        match self {
            Self::FullShot => Some((0.70, 0.90)),
            Self::LongShot => Some((0.37, 0.60)),
            Self::ExtremeLongShot => Some((0.10, 0.27)),
            _ => None,
        }
    }
}

/// The greatest height of an extreme close-up's frame, in heads.
pub const EXTREME_CLOSE_UP_HEADS: f32 = 1.15;
/// The least height of a close-up's frame, in heads.
pub const CLOSE_UP_HEADS: f32 = 1.30;

/// Height of the head from the chin to the crown of the skull, without hair and
/// hat, in metres.
pub fn head_height(body: &Landmarks) -> f32 {
    // The eyes lie a little under the middle of the skull.
    (body.eyes - body.chin) / 0.47
}

/// The cut level of the height `y` (metres) on a body; see the module's table.
pub fn cut_level(body: &Landmarks, y: f32) -> f32 {
    let marks = marks(body);
    for (i, pair) in marks.windows(2).enumerate() {
        let (upper, lower) = (pair[0], pair[1]);
        if y >= lower || i == marks.len() - 2 {
            return i as f32 - 1.0 + (upper - y) / (upper - lower).max(1e-4);
        }
    }
    f32::NAN
}

/// The height in metres at which a body has the given cut level.
pub fn height_at_level(body: &Landmarks, level: f32) -> f32 {
    let marks = marks(body);
    let i = ((level + 1.0).floor().max(0.0) as usize).min(marks.len() - 2);
    let t = level + 1.0 - i as f32;
    marks[i] + (marks[i + 1] - marks[i]) * t
}

fn marks(body: &Landmarks) -> [f32; 7] {
    [
        body.top_of_head,
        body.chin,
        body.shoulder,
        body.mid_torso,
        body.waist,
        body.mid_thigh,
        0.0,
    ]
}

/// A frame in the plane that the people stand in, before it is aimed sideways.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Framing {
    /// Metres of the people's plane that the frame's height shows.
    pub view_height: f32,
    /// Metres above the ground of the frame's lower edge in the people's plane.
    pub bottom: f32,
    /// Metres above the ground of the eye, and so of the horizon.
    pub eye_height: f32,
    /// Metres from the eye to the people's plane.
    pub distance: f32,
    /// Radius of the background's blur, as a fraction of the frame's height.
    pub blur: f32,
}

impl Framing {
    /// The framing of `shot` around `bodies`, seeded.
    ///
    /// Every body is inside the shot's band; where bodies differ so much that
    /// no frame fits them all, the first one decides. Without bodies the frame
    /// is that of an extreme long shot with nobody in it.
    pub fn of(shot: Shot, bodies: &[Landmarks], dice: &Dice) -> Self {
        let mut size = dice.split("frame size");
        let mut aim = dice.split("frame aim");
        let mut lens = dice.split("lens");
        if bodies.is_empty() {
            let view_height = size.range(4.6..8.5);
            return Self {
                view_height,
                bottom: -view_height * aim.range(0.16..0.26),
                eye_height: lens.range(1.4..1.9),
                distance: view_height * lens.range(1.05..1.25),
                blur: 0.0,
            };
        }
        let (view_height, bottom) = if let Some(band) = shot.cut_band() {
            Self::cutting(shot, band, bodies, &mut size, &mut aim)
        } else {
            let band = shot.fraction_band().unwrap_or((0.37, 0.60));
            Self::whole(shot, band, bodies, &mut size, &mut aim)
        };
        let top = bodies.iter().map(|b| b.top_of_head).fold(0.0, f32::max);
        let chin = bodies.iter().map(|b| b.chin).fold(0.0, f32::max);
        // Close framings look level into the face through a longer lens; wide
        // ones stand at a person's own eye height and show more of the ground.
        let (eye_height, lengths, blur) = match shot {
            Shot::ExtremeCloseUp => (chin + lens.range(0.02..0.12), 2.5..3.0, 0.011),
            Shot::CloseUp => (chin + lens.range(-0.02..0.10), 2.1..2.5, 0.009),
            Shot::MediumCloseUp => (top - lens.range(0.15..0.35), 1.7..2.0, 0.006),
            Shot::MediumShot => (top - lens.range(0.20..0.40), 1.5..1.8, 0.0035),
            Shot::AmericanShot => (top - lens.range(0.25..0.45), 1.4..1.65, 0.0),
            Shot::FullShot => (lens.range(1.15..1.45), 1.35..1.6, 0.0),
            Shot::LongShot => (lens.range(1.35..1.6), 1.2..1.4, 0.0),
            _ => (lens.range(1.45..1.9), 1.05..1.25, 0.0),
        };
        Self {
            view_height,
            bottom,
            eye_height,
            distance: view_height * lens.range(lengths),
            blur,
        }
    }

    /// View height and lower edge of a frame that cuts the figure.
    fn cutting(
        shot: Shot,
        (low, high): (f32, f32),
        bodies: &[Landmarks],
        size: &mut Dice,
        aim: &mut Dice,
    ) -> (f32, f32) {
        // A margin inside the band keeps rounding out of the guard bands.
        let margin = (high - low) * 0.04;
        let (upper, lower) = common(
            bodies,
            |b| height_at_level(b, high - margin),
            |b| height_at_level(b, low + margin),
        );
        let bottom = aim.range(upper..lower);
        let top = bodies.iter().map(|b| b.top_of_head).fold(0.0, f32::max);
        let head = bodies.iter().map(head_height).fold(f32::INFINITY, f32::min);
        // An umbrella or a raised hand that the frame is wide enough for is not
        // cut off.
        let top = match shot {
            Shot::MediumShot | Shot::AmericanShot => {
                bodies.iter().map(|b| b.reach).fold(top, f32::max)
            }
            _ => top,
        };
        let pair = bodies.len() > 1;
        let view_height = match shot {
            Shot::ExtremeCloseUp if pair => head * size.range(0.98..EXTREME_CLOSE_UP_HEADS - 0.02),
            Shot::ExtremeCloseUp => head * size.range(0.80..1.02),
            // Two heads need a wider frame: it grows upwards, so that the
            // lower edge stays in its band.
            Shot::CloseUp if pair => (top - bottom) / (1.0 - size.range(0.16..0.24)),
            Shot::MediumCloseUp if pair => (top - bottom) / (1.0 - size.range(0.10..0.18)),
            Shot::CloseUp => (top - bottom) / (1.0 - size.range(0.06..0.14)),
            _ => (top - bottom) / (1.0 - size.range(0.07..0.14)),
        };
        let view_height = if shot == Shot::CloseUp {
            view_height.max(head * (CLOSE_UP_HEADS + 0.02))
        } else {
            view_height
        };
        (view_height, bottom)
    }

    /// View height and lower edge of a frame that holds the whole figure.
    fn whole(
        shot: Shot,
        (low, high): (f32, f32),
        bodies: &[Landmarks],
        size: &mut Dice,
        aim: &mut Dice,
    ) -> (f32, f32) {
        let margin = (high - low) * 0.04;
        let (least, greatest) = common(
            bodies,
            // A raised hand or an umbrella stays in the frame as well.
            |b| (b.top_of_head / (high - margin)).max(b.reach / 0.95),
            |b| b.top_of_head / (low + margin),
        );
        // Even in the fraction, not in metres: else the widest frames crowd.
        let view_height = 1.0 / size.range(1.0 / greatest..1.0 / least);
        let tallest = bodies.iter().map(|b| b.reach).fold(0.0, f32::max);
        let below = match shot {
            // The spare height is shared between feet and headroom.
            Shot::FullShot => (1.0 - tallest / view_height) * aim.range(0.35..0.55),
            Shot::LongShot => aim.range(0.10..0.20),
            _ => aim.range(0.18..0.30),
        };
        (view_height, -below * view_height)
    }

    /// The camera that shows this framing of the plane at depth `z` (metres),
    /// with `centre_x` (metres) in the middle and the eye `eye_x`.
    pub fn camera(&self, width: u32, height: u32, centre_x: f32, eye_x: f32, z: f32) -> Camera {
        let middle = self.bottom + self.view_height / 2.0;
        let distance = (self.distance - z).max(0.05);
        let shrink = distance / self.distance;
        Camera {
            width,
            height,
            eye: (eye_x, self.eye_height),
            distance,
            centre: (
                eye_x + (centre_x - eye_x) * shrink,
                self.eye_height + (middle - self.eye_height) * shrink,
            ),
            view_height: self.view_height * shrink,
        }
    }
}

/// The interval that suits every body; the first body's own where none does.
fn common(
    bodies: &[Landmarks],
    least: impl Fn(&Landmarks) -> f32,
    greatest: impl Fn(&Landmarks) -> f32,
) -> (f32, f32) {
    let low = bodies.iter().map(&least).fold(f32::NEG_INFINITY, f32::max);
    let high = bodies.iter().map(&greatest).fold(f32::INFINITY, f32::min);
    if low <= high {
        (low, high)
    } else {
        (least(&bodies[0]), greatest(&bodies[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::people::{Person, Pose, landmarks};

    fn bodies(seed: u64, count: usize, shot: Shot) -> Vec<Landmarks> {
        let dice = Dice::new(seed);
        (0..count)
            .map(|i| {
                let dice = dice.split(&format!("{i}"));
                let mut person = Person::sample(&dice);
                let mut pose = dice.split("pose");
                person.pose = *pose.pick(Pose::ALL);
                if person.pose == Pose::Sitting && (count > 1 || shot == Shot::AmericanShot) {
                    person.pose = Pose::Standing;
                }
                if count > 1 && shot.cuts_the_figure() {
                    person.height = 1.7;
                }
                landmarks(&person)
            })
            .collect()
    }

    /// The bands as the product's glossary of shots has them, wider than ours:
    /// a frame must be in its own and in no other.
    fn shot_of(body: &Landmarks, bottom: f32, view_height: f32) -> Option<Shot> {
        let fraction = body.top_of_head / view_height;
        if bottom < 0.0 && bottom + view_height > body.top_of_head {
            return match fraction {
                f if (2.0 / 3.0 + 0.03..0.95).contains(&f) => Some(Shot::FullShot),
                f if (1.0 / 3.0 + 0.03..2.0 / 3.0 - 0.03).contains(&f) => Some(Shot::LongShot),
                f if f < 1.0 / 3.0 - 0.03 => Some(Shot::ExtremeLongShot),
                _ => None,
            };
        }
        let cut = |at: f32| bottom - at;
        let neck = body.chin - body.shoulder;
        let torso = body.shoulder - body.waist;
        let thigh = body.waist - body.mid_thigh;
        if cut(body.chin).abs() < 0.35 * neck || (cut(body.chin) > 0.0 && cut(body.eyes) < 0.0) {
            Some(Shot::ExtremeCloseUp)
        } else if bottom < body.chin - 0.5 * neck && cut(body.shoulder) > -0.2 * torso {
            Some(Shot::CloseUp)
        } else if cut(body.mid_torso).abs() < 0.15 * torso {
            Some(Shot::MediumCloseUp)
        } else if cut(body.waist).abs() < 0.2 * thigh {
            Some(Shot::MediumShot)
        } else if cut(body.mid_thigh).abs() < 0.3 * thigh && bottom > body.knee {
            Some(Shot::AmericanShot)
        } else {
            None
        }
    }

    #[test]
    fn every_frame_is_of_its_own_shot_type_and_of_no_other() {
        for seed in 0..2_000 {
            let shot = Shot::FIGURE[seed as usize % 8];
            let count = 1 + (seed as usize / 8) % 2;
            let bodies = bodies(seed, count, shot);
            let framing = Framing::of(shot, &bodies, &Dice::new(seed));
            for body in &bodies {
                let (bottom, view) = (framing.bottom, framing.view_height);
                assert_eq!(
                    shot_of(body, bottom, view),
                    Some(shot),
                    "seed {seed}: {framing:?} {body:?}"
                );
                let level = cut_level(body, bottom);
                let fraction = body.top_of_head / view;
                match (shot.cut_band(), shot.fraction_band()) {
                    (Some((low, high)), _) => {
                        assert!(
                            (low..=high).contains(&level),
                            "seed {seed} {shot:?}: {level}"
                        );
                        // Not even the nearest neighbour's band is touched.
                        for other in Shot::FIGURE.into_iter().filter(|other| *other != shot) {
                            if let Some((low, high)) = other.cut_band() {
                                assert!(
                                    level < low - 0.3 || level > high + 0.3,
                                    "{shot:?} {level}"
                                );
                            }
                        }
                    }
                    (None, Some((low, high))) => {
                        assert!((low..=high).contains(&fraction), "seed {seed}: {fraction}");
                    }
                    (None, None) => panic!("{shot:?} has no band"),
                }
                let heads = view / head_height(body);
                assert_eq!(
                    heads <= EXTREME_CLOSE_UP_HEADS,
                    shot == Shot::ExtremeCloseUp
                );
                assert_eq!(heads < CLOSE_UP_HEADS, shot == Shot::ExtremeCloseUp);
                // Only an extreme close-up may cut the head.
                if shot != Shot::ExtremeCloseUp {
                    assert!(
                        bottom + view > body.top_of_head + 0.02 * view,
                        "seed {seed}"
                    );
                }
            }
        }
    }

    #[test]
    fn heights_and_cut_levels_are_each_others_inverse() {
        let body = landmarks(&Person::sample(&Dice::new(5)));
        for level in [-0.5, 0.0, 0.4, 1.0, 1.7, 2.5, 3.0, 3.9, 4.6] {
            let back = cut_level(&body, height_at_level(&body, level));
            assert!((back - level).abs() < 1e-3, "{level} {back}");
        }
        assert!((cut_level(&body, body.waist) - 3.0).abs() < 1e-3);
    }

    #[test]
    fn the_camera_shows_the_framing_at_any_depth_of_the_people() {
        let bodies = [landmarks(&Person::sample(&Dice::new(9)))];
        let framing = Framing::of(Shot::MediumShot, &bodies, &Dice::new(9));
        for z in [0.0, 0.4, -0.3] {
            let camera = framing.camera(300, 300, 0.7, 0.6, z);
            assert!((camera.bottom_at(z) - framing.bottom).abs() < 1e-3);
            let top = framing.bottom + framing.view_height;
            assert!((camera.top_at(z) - top).abs() < 1e-3);
            let middle = (camera.left_at(z) + camera.right_at(z)) / 2.0;
            assert!((middle - 0.7).abs() < 1e-3, "{middle}");
        }
    }

    #[test]
    fn ids_name_their_shot() {
        for shot in Shot::ALL {
            assert_eq!(Shot::from_id(shot.id()), Some(shot));
        }
        assert_eq!(Shot::from_id("closeup"), None);
    }
}
