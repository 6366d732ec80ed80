//! Heights of the body, for framing.

use super::person::{Held, Person, Pose};

/// Metres above the ground of what framing cuts at, as the person poses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Landmarks {
    /// The highest point of head, hair and hat.
    pub top_of_head: f32,
    /// Between the eyes.
    pub eyes: f32,
    /// Under the chin.
    pub chin: f32,
    /// The shoulder line.
    pub shoulder: f32,
    /// Half way between shoulders and waist.
    pub mid_torso: f32,
    /// The waist, where the frame of a medium shot ends.
    pub waist: f32,
    /// The hip joints.
    pub hip: f32,
    /// Half way down the thigh.
    pub mid_thigh: f32,
    /// The knee.
    pub knee: f32,
    /// Height of the seat; 0 unless sitting.
    pub seat: f32,
    /// The highest point of the whole figure, raised hand and umbrella included.
    pub reach: f32,
    /// Metres from the body's middle to its outermost point sideways.
    pub half_width: f32,
}

/// How far a sitting body is below its standing height, in body heights.
pub(super) fn drop(person: &Person) -> f32 {
    match person.pose {
        Pose::Sitting => HIP - (person.seat_height / person.height + 0.05),
        _ => 0.0,
    }
}

/// Heights of a standing body in units of its height.
pub(super) const CHIN: f32 = 0.846;
pub(super) const SHOULDER: f32 = 0.806;
pub(super) const WAIST: f32 = 0.625;
pub(super) const HIP: f32 = 0.505;
pub(super) const KNEE: f32 = 0.283;
/// Height of the head from the chin to the crown of the skull.
pub(super) const HEAD: f32 = 0.140;

/// Where the parts of a posed person are.
pub fn landmarks(person: &Person) -> Landmarks {
    let (h, drop) = (person.height, drop(person));
    let at = |y: f32| (y - drop) * h;
    let top: f32 = if person.hat { 1.04 } else { 1.0 };
    let sitting = person.pose == Pose::Sitting;
    let knee = if sitting {
        person.seat_height + 0.03 * h
    } else {
        KNEE * h
    };
    let reach = match (person.held, person.pose) {
        (Some(Held::Umbrella), _) => 1.23,
        (_, Pose::Waving) => top.max(1.03),
        _ => top,
    };
    Landmarks {
        top_of_head: at(top),
        eyes: at(CHIN + 0.47 * HEAD),
        chin: at(CHIN),
        shoulder: at(SHOULDER),
        mid_torso: at((SHOULDER + WAIST) / 2.0),
        waist: at(WAIST),
        hip: at(HIP),
        mid_thigh: if sitting {
            (at(HIP) + knee) / 2.0
        } else {
            (HIP + KNEE) / 2.0 * h
        },
        knee,
        seat: if sitting { person.seat_height } else { 0.0 },
        reach: at(reach),
        half_width: h * match (person.held, person.pose) {
            (Some(Held::Umbrella), _) => 0.32,
            (Some(Held::Flashlight), _) | (_, Pose::Waving) => 0.30,
            _ => 0.20,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::dice::Dice;

    #[test]
    fn the_parts_of_a_body_are_in_order_in_every_pose() {
        for seed in 0..40 {
            for &pose in Pose::ALL {
                let person = Person {
                    pose,
                    ..Person::sample(&Dice::new(seed))
                };
                let l = landmarks(&person);
                let down = [
                    l.top_of_head,
                    l.eyes,
                    l.chin,
                    l.shoulder,
                    l.mid_torso,
                    l.waist,
                    l.hip,
                    l.mid_thigh,
                    l.knee,
                    0.0,
                ];
                assert!(down.windows(2).all(|p| p[0] > p[1]), "{pose:?} {l:?}");
                assert!(l.reach >= l.top_of_head);
            }
        }
    }

    #[test]
    fn a_sitting_person_is_lower_by_what_the_seat_asks() {
        let person = Person::sample(&Dice::new(3));
        let low = Person {
            pose: Pose::Sitting,
            seat_height: 0.35,
            ..person.clone()
        };
        let high = Person {
            seat_height: 0.50,
            ..low.clone()
        };
        let rise = landmarks(&high).top_of_head - landmarks(&low).top_of_head;
        assert!((rise - 0.15).abs() < 1e-4, "{rise}");
        assert!(landmarks(&high).top_of_head < landmarks(&person).top_of_head);
    }
}
