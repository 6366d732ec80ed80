//! The skeleton: where joints are for a class, a pose and a view.

use super::landmarks::{CHIN, HIP, KNEE, SHOULDER, drop};
use super::pen::Pt;
use super::person::{Class, Facing, Held, Person, Pose};
use crate::world::dice::Dice;

/// How the body is turned, drawn as if to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Front,
    Quarter,
    Profile,
    Back,
}

impl View {
    /// The view of a facing, and whether it is mirrored.
    pub(super) fn of(facing: Facing) -> (Self, bool) {
        match facing {
            Facing::Front => (Self::Front, false),
            Facing::Right => (Self::Quarter, false),
            Facing::Left => (Self::Quarter, true),
            Facing::ProfileRight => (Self::Profile, false),
            Facing::ProfileLeft => (Self::Profile, true),
            Facing::Behind => (Self::Back, false),
        }
    }
}

/// An arm: shoulder, elbow, wrist, and the direction of the hand in radians
/// from straight down, towards +x.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arm {
    pub(super) joints: [Pt; 3],
    pub(super) hand: f32,
    pub(super) grip: Grip,
    /// Whether the arm is drawn before the torso.
    pub(super) behind_torso: bool,
}

/// What a hand does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grip {
    Relaxed,
    Open,
    Fist,
}

/// A leg: hip, knee, ankle, and how far the toes point up (radians).
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub(super) joints: [Pt; 3],
    pub(super) toes: f32,
}

/// The posed body in units of its height; x to the right of its middle, as if
/// facing right, y above the ground.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) view: View,
    pub(super) man: bool,
    /// How far below its standing height the upper body is.
    pub(super) drop: f32,
    /// `[-x side, +x side]`; in profile `[near, far]`.
    pub(super) arms: [Arm; 2],
    pub(super) legs: [Leg; 2],
    /// The arm that holds or waves.
    pub(super) active: usize,
    pub(super) sitting: bool,
}

pub(super) const UPPER_ARM: f32 = 0.152;
pub(super) const FOREARM: f32 = 0.142;

fn reach(from: Pt, angle: f32, length: f32) -> Pt {
    (from.0 + length * angle.sin(), from.1 - length * angle.cos())
}

impl Body {
    /// The pose of a person; `dice` varies it a little.
    pub(super) fn new(person: &Person, dice: &Dice) -> Self {
        let mut dice = dice.split("pose");
        let (view, flip) = View::of(person.facing);
        let man = person.class == Class::Man;
        let drop = drop(person);
        let sitting = person.pose == Pose::Sitting;
        let shoulder_x = if man { 0.103 } else { 0.080 };
        let shoulder_y = SHOULDER - 0.036 - drop;
        let shoulders = match view {
            View::Front | View::Back => [(-shoulder_x, shoulder_y), (shoulder_x, shoulder_y)],
            View::Quarter => [
                (-shoulder_x * 0.92, shoulder_y),
                (shoulder_x * 0.80, shoulder_y + 0.002),
            ],
            View::Profile => [(-0.012, shoulder_y), (0.006, shoulder_y)],
        };
        // The light and the setting want variety: either hand may be busy. A
        // hand near the camera is never hidden by the body.
        let active = match view {
            View::Front | View::Back => usize::from(dice.chance(0.5) != flip),
            View::Quarter => usize::from(person.pose == Pose::Waving && dice.chance(0.5)),
            View::Profile => 0,
        };
        let mut body = Self {
            view,
            man,
            drop,
            arms: shoulders.map(|s| Arm {
                joints: [s; 3],
                hand: 0.0,
                grip: Grip::Relaxed,
                behind_torso: false,
            }),
            legs: [Leg {
                joints: [(0.0, 0.0); 3],
                toes: 0.0,
            }; 2],
            active,
            sitting,
        };
        body.pose_legs(person, &mut dice);
        body.pose_arms(person, &mut dice);
        body
    }

    fn set_arm(&mut self, i: usize, upper: f32, fore: f32, hand: f32, grip: Grip) {
        let shoulder = self.arms[i].joints[0];
        let elbow = reach(shoulder, upper, UPPER_ARM);
        let wrist = reach(elbow, fore, FOREARM);
        self.arms[i].joints = [shoulder, elbow, wrist];
        self.arms[i].hand = hand;
        self.arms[i].grip = grip;
    }

    fn pose_arms(&mut self, person: &Person, dice: &mut Dice) {
        let profile = self.view == View::Profile;
        let walking = person.pose == Pose::Walking;
        for i in 0..2 {
            let side = if i == 0 { -1.0 } else { 1.0 };
            let ease = dice.range(-0.03..0.05);
            let (upper, fore) = if self.sitting {
                match self.view {
                    View::Profile => (0.32, 1.12),
                    View::Quarter => (0.22 + side * 0.12, 0.78),
                    _ => (side * 0.22, -side * 0.30),
                }
            } else if walking {
                let swing = if i == 0 { -1.0 } else { 1.0 };
                match self.view {
                    View::Profile | View::Quarter => (swing * 0.46, swing * 0.40 + 0.42),
                    _ => (side * 0.22, if i == 0 { 0.18 } else { 0.10 }),
                }
            } else {
                match self.view {
                    View::Profile => (-0.04 + ease, 0.16 + ease),
                    View::Quarter => (side * 0.13 + 0.02 + ease, side * 0.02 + 0.12),
                    _ => (side * (0.16 + ease), side * (0.04 + ease)),
                }
            };
            self.set_arm(i, upper, fore, fore * 0.8, Grip::Relaxed);
            self.arms[i].behind_torso = match self.view {
                View::Front => walking && i == 0,
                View::Quarter => i == 1,
                View::Profile => i == 1,
                View::Back => false,
            };
        }
        let hip_hand = !self.sitting
            && person.pose == Pose::Standing
            && !profile
            && self.view != View::Back
            && dice.chance(0.3);
        let busy = person.held.is_some() || person.pose == Pose::Waving;
        if hip_hand {
            let i = 1 - self.active;
            let side = if i == 0 { -1.0 } else { 1.0 };
            let other = person.held != Some(Held::Book);
            if other {
                self.set_arm(i, side * 0.66, -side * 0.86, -side * 1.2, Grip::Fist);
            }
        }
        if !busy {
            return;
        }
        let i = self.active;
        let side = if i == 0 { -1.0 } else { 1.0 };
        let back = self.view == View::Back;
        if person.pose == Pose::Waving {
            let (upper, fore) = match self.view {
                View::Profile => (2.0, 2.75),
                _ => (side * 1.35, side * (2.85 + dice.range(-0.2..0.2))),
            };
            self.set_arm(i, upper, fore, fore + side * 0.1, Grip::Open);
            self.arms[i].behind_torso = false;
        } else if let Some(held) = person.held {
            let (upper, fore, hand) = match (held, self.view) {
                (Held::Cup | Held::Book, View::Back) => (side * 0.75, side * 1.9, side * 1.7),
                (Held::Book, View::Profile) => (0.25, 1.75, 1.8),
                (Held::Book, View::Quarter) => (0.0, 1.50, 1.6),
                (Held::Book, _) => (side * 0.36, -side * 1.62, -side * 1.9),
                (Held::Cup, View::Profile) => (0.35, 2.0, 1.9),
                (Held::Cup, View::Quarter) => (0.02, 2.05, 1.9),
                (Held::Cup, _) => (side * 0.26, -side * 1.92, -side * 1.9),
                (Held::Flashlight, View::Profile) => (0.55, 1.40, 1.5),
                (Held::Flashlight, View::Quarter) => (0.35, 1.45, 1.5),
                (Held::Flashlight, _) => (side * 0.45, side * 1.45, side * 1.5),
                (Held::Umbrella, View::Profile) => (0.50, 2.15, 2.4),
                (Held::Umbrella, View::Quarter) => (0.50, 2.10, 2.3),
                (Held::Umbrella, _) => (side * 0.30, side * 2.75, side * 2.9),
            };
            self.set_arm(i, upper, fore, hand, Grip::Fist);
            self.arms[i].behind_torso = false;
            if held == Held::Book && !profile && !back {
                let j = 1 - i;
                let (upper, fore, hand) = if self.view == View::Quarter {
                    (-0.12, 1.30, 1.6)
                } else {
                    (-side * 0.36, side * 1.62, side * 1.9)
                };
                self.set_arm(j, upper, fore, hand, Grip::Fist);
                self.arms[j].behind_torso = self.view == View::Quarter;
            }
        }
    }

    fn pose_legs(&mut self, person: &Person, dice: &mut Dice) {
        let hip_x = if self.man { 0.043 } else { 0.045 };
        let ankle_y = 0.045;
        let hip_y = HIP - self.drop;
        if self.sitting {
            let knee_y = person.seat_height / person.height + 0.022;
            for i in 0..2 {
                let side = if i == 0 { -1.0 } else { 1.0 };
                let apart = if self.man { 0.078 } else { 0.056 };
                let joints = match self.view {
                    View::Front => [
                        (side * hip_x, hip_y),
                        (side * apart, knee_y),
                        (side * (apart - 0.006), ankle_y),
                    ],
                    View::Back => [
                        (side * hip_x, hip_y),
                        (side * apart, knee_y),
                        (side * apart, ankle_y),
                    ],
                    View::Quarter => {
                        let forth = if i == 0 { 0.10 } else { 0.16 };
                        let x = side * 0.03 + forth;
                        [
                            (side * hip_x * 0.8, hip_y),
                            (x, knee_y - 0.004),
                            (x - 0.01, ankle_y),
                        ]
                    }
                    View::Profile => {
                        let forth = if i == 0 { 0.215 } else { 0.225 };
                        let tuck = if i == 0 { 0.02 } else { -0.03 };
                        [(0.0, hip_y), (forth, knee_y), (forth - tuck, ankle_y)]
                    }
                };
                self.legs[i] = Leg { joints, toes: 0.0 };
            }
            return;
        }
        let stride = person.pose == Pose::Walking;
        let contrapposto = dice.range(-0.004..0.010);
        for i in 0..2 {
            let side = if i == 0 { -1.0 } else { 1.0 };
            let (joints, toes) = match (self.view, stride) {
                (View::Front | View::Back, false) => {
                    let foot = side * (hip_x + 0.012 + contrapposto);
                    (
                        [
                            (side * hip_x, hip_y),
                            (side * (hip_x + 0.003), KNEE),
                            (foot, ankle_y),
                        ],
                        0.0,
                    )
                }
                (View::Quarter, false) => {
                    let foot = side * (hip_x + 0.006) * 0.85 + 0.006;
                    let y = if i == 0 { ankle_y } else { ankle_y + 0.008 };
                    (
                        [
                            (side * hip_x * 0.82, hip_y),
                            (side * hip_x * 0.85 + 0.012, KNEE),
                            (foot, y),
                        ],
                        0.0,
                    )
                }
                (View::Profile, false) => {
                    let x = if i == 0 { -0.006 } else { 0.014 };
                    let y = if i == 0 { ankle_y } else { ankle_y + 0.008 };
                    ([(x, hip_y), (x + 0.012, KNEE), (x - 0.006, y)], 0.0)
                }
                (View::Front | View::Back, true) => {
                    // Foreshortened: one foot comes forward and is lower in the
                    // frame, the other is lifted behind.
                    if i == 1 {
                        (
                            [
                                (hip_x, hip_y),
                                (hip_x + 0.004, KNEE + 0.008),
                                (hip_x - 0.012, ankle_y),
                            ],
                            0.0,
                        )
                    } else {
                        (
                            [
                                (-hip_x, hip_y),
                                (-hip_x + 0.002, KNEE - 0.01),
                                (-hip_x + 0.020, 0.105),
                            ],
                            -0.9,
                        )
                    }
                }
                (_, true) => {
                    let squeeze = if self.view == View::Quarter { 0.8 } else { 1.0 };
                    if i == 0 {
                        // Near leg forward, heel down.
                        (
                            [
                                (0.004, hip_y),
                                (0.085 * squeeze, KNEE + 0.012),
                                (0.128 * squeeze, ankle_y + 0.006),
                            ],
                            0.22,
                        )
                    } else {
                        (
                            [
                                (0.0, hip_y),
                                (-0.022 * squeeze, KNEE),
                                (-0.140 * squeeze, 0.105),
                            ],
                            -0.75,
                        )
                    }
                }
            };
            self.legs[i] = Leg { joints, toes };
        }
    }

    /// The chin in the units of the body.
    pub(super) fn chin(&self) -> Pt {
        let x = match self.view {
            View::Quarter => 0.012,
            View::Profile => 0.026,
            _ => 0.0,
        };
        (x, CHIN - self.drop)
    }
}
