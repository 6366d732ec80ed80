//! The head: skull, face, ears, glasses, beard, hat. Units: head heights,
//! chin at y = 0, crown of the skull at y = 1.

use tiny_skia::Path;

use super::body::View;
use super::hair::Hair;
use super::pen::{Part, Pen, Place, Pt};
use super::person::{Class, Mood, Person};
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

/// Draws one head.
pub(super) struct Head<'a> {
    pub(super) person: &'a Person,
    pub(super) view: View,
    pub(super) place: Place,
    pub(super) man: bool,
    skull: Path,
    iris: Rgb,
    gaze: f32,
}

const LINE: Rgb = Rgb(44, 30, 34);

impl<'a> Head<'a> {
    pub(super) fn new(person: &'a Person, view: View, place: Place) -> Self {
        let man = person.class == Class::Man;
        let mut dice = Dice::new(person.look).split("face");
        let iris = *dice.pick(&[
            Rgb(74, 46, 30),
            Rgb(64, 104, 148),
            Rgb(72, 112, 70),
            Rgb(52, 38, 34),
        ]);
        let gaze = match view {
            View::Quarter => 0.012,
            _ => 0.0,
        };
        Self {
            person,
            view,
            place,
            man,
            skull: skull(view, man, &place),
            iris,
            gaze,
        }
    }

    fn px(&self, heads: f32) -> f32 {
        heads * self.place.scale()
    }

    fn skin(&self) -> Rgb {
        self.person.skin.rgb()
    }

    /// Everything of the head but the hair behind it.
    pub(super) fn draw(&self, pen: &mut Pen, hair: &Hair) {
        pen.part(Part::Head);
        if self.view != View::Profile {
            self.ears(pen);
        }
        let skin = self.skin();
        let (lit, dark) = (pen.lit(skin), pen.skin_dark(skin));
        pen.two_tone(&self.skull, lit, lit.mix(dark, 0.8), self.px(0.085));
        if self.view == View::Back {
            hair.behind_view(pen);
            self.hat(pen);
            return;
        }
        if self.place.scale() > 9.0 {
            self.cheeks(pen);
            if self.person.beard {
                self.beard(pen);
            } else if self.man {
                self.stubble(pen);
            }
            self.nose(pen);
            self.mouth(pen);
            for (at, outer, squeeze) in self.eyes() {
                self.eye(pen, at, outer, squeeze);
            }
        } else if self.person.beard {
            self.beard(pen);
        }
        if self.view == View::Profile {
            self.ears(pen);
        }
        pen.part(Part::Hair);
        hair.front(pen);
        if self.place.scale() > 9.0 {
            for (at, outer, squeeze) in self.eyes() {
                self.brow(pen, at, outer, squeeze);
            }
        }
        if self.person.glasses {
            self.glasses(pen);
        }
        self.hat(pen);
    }

    /// Eye centres, whether +x is their outer side, and their foreshortening.
    fn eyes(&self) -> Vec<(Pt, bool, f32)> {
        let y = 0.465;
        match self.view {
            View::Front => vec![((-0.160, y), false, 1.0), ((0.160, y), true, 1.0)],
            View::Quarter => vec![((-0.020, y), false, 0.96), ((0.248, y), true, 0.72)],
            View::Profile => vec![((0.225, y), true, 0.70)],
            View::Back => vec![],
        }
    }

    fn ears(&self, pen: &mut Pen) {
        let at: &[(Pt, f32)] = match self.view {
            View::Front | View::Back => &[((-0.385, 0.42), -1.0), ((0.385, 0.42), 1.0)],
            View::Quarter => &[((-0.300, 0.42), -0.9)],
            View::Profile => &[((-0.060, 0.42), -0.9)],
        };
        let skin = self.skin();
        for &((x, y), side) in at {
            let outline = self.place.closed(
                &[
                    (x - side * 0.03, y + 0.075),
                    (x + side * 0.035, y + 0.11),
                    (x + side * 0.066, y + 0.05),
                    (x + side * 0.036, y - 0.05),
                    (x - side * 0.005, y - 0.105),
                    (x - side * 0.04, y - 0.05),
                ],
                &[],
            );
            pen.shaded_skin(&outline, skin, self.px(0.02));
            if self.place.scale() > 24.0 {
                let inner = self.place.open(&[
                    (x, y + 0.06),
                    (x + side * 0.032, y + 0.04),
                    (x + side * 0.010, y - 0.03),
                ]);
                let dark = pen.skin_dark(skin.shade(0.92));
                pen.canvas.stroke(&inner, self.px(0.018), dark, true);
            }
            if !self.man && self.view != View::Back {
                pen.part(Part::Other);
                let ring = self
                    .place
                    .ellipse((x + side * 0.012, y - 0.125), 0.024, 0.030);
                pen.fill(&ring, Rgb(244, 206, 96));
                pen.part(Part::Head);
            }
        }
    }

    fn cheeks(&self, pen: &mut Pen) {
        let at: &[Pt] = match self.view {
            View::Front => &[(-0.225, 0.29), (0.225, 0.29)],
            View::Quarter => &[(-0.06, 0.28), (0.27, 0.29)],
            View::Profile => &[(0.17, 0.27)],
            View::Back => &[],
        };
        let blush = pen.lit(Rgb(226, 84, 74));
        let strength = if self.man { 0.08 } else { 0.14 };
        let skull = self.skull.clone();
        for &centre in at {
            let spot = self.place.ellipse(centre, 0.085, 0.06);
            pen.inside(&skull, |pen| pen.glaze(&spot, blush, strength));
        }
    }

    fn eye(&self, pen: &mut Pen, at: Pt, outer: bool, squeeze: f32) {
        let place = self.place.sub(at, 1.0, 0.0);
        let place = if outer { place } else { place.mirrored() };
        let open = match self.person.mood {
            Mood::Surprised => 1.35,
            Mood::Smiling => 0.86,
            Mood::Sad => 0.82,
            Mood::Neutral => 1.0,
        };
        let w = 0.082 * squeeze;
        let h = open * if self.man { 0.040 } else { 0.047 };
        let droop = if self.person.mood == Mood::Sad {
            -0.012
        } else {
            0.004
        };
        let profile = self.view == View::Profile;
        let white = if profile {
            // Seen from the side an eye is a wedge, open to the front.
            place.closed(
                &[
                    (w * 0.8, h * 0.7),
                    (w * 0.9, -h * 0.2),
                    (w * 0.6, -h * 0.85),
                    (-w, droop),
                ],
                &[0, 3],
            )
        } else {
            place.closed(
                &[
                    (-w, -h * 0.25),
                    (-w * 0.45, h * 0.75),
                    (w * 0.25, h),
                    (w, droop + h * 0.15),
                    (w * 0.45, -h * 0.75),
                    (-w * 0.35, -h * 0.8),
                ],
                &[0, 3],
            )
        };
        let sclera = pen.lit(Rgb(252, 250, 246));
        pen.canvas.fill(&white, sclera);
        let shift = if outer { self.gaze } else { -self.gaze };
        let x = if profile { w * 0.52 } else { shift };
        let rx = if profile {
            0.026
        } else {
            0.046 * squeeze.max(0.85)
        };
        let iris = place.ellipse((x, 0.004), rx, 0.049);
        let pupil = place.ellipse((x, 0.004), rx * 0.52, 0.026);
        let glint = self.place.ellipse(
            (at.0 + if outer { x } else { -x } - 0.014, at.1 + 0.020),
            0.012,
            0.012,
        );
        let (iris_colour, line) = (pen.lit(self.iris), pen.lit(LINE));
        let bright = pen.lit(Rgb(255, 255, 255));
        let shade = place.closed(
            &[
                (-w * 1.2, h * 1.4),
                (w * 1.2, h * 1.4),
                (w, h * 0.45),
                (0.0, h * 0.62),
                (-w, h * 0.2),
            ],
            &[0, 1],
        );
        pen.inside(&white, |pen| {
            pen.canvas.fill(&iris, iris_colour);
            pen.canvas.fill(&pupil, line);
            pen.glaze(&shade, Rgb(40, 30, 50), 0.22);
            pen.canvas.fill(&glint, bright);
        });
        let lid: Vec<Pt> = if profile {
            vec![(w * 0.95, h * 0.72), (w * 0.2, h * 0.72), (-w, droop)]
        } else {
            vec![
                (-w, -h * 0.25),
                (-w * 0.45, h * 0.75),
                (w * 0.25, h),
                (w, droop + h * 0.15),
            ]
        };
        let width = if self.man { 0.020 } else { 0.028 };
        pen.canvas
            .stroke(&place.open(&lid), self.px(width), line, true);
        if !self.man {
            let flick = if profile {
                place.closed(
                    &[(w * 0.6, h * 0.8), (w * 1.5, h * 1.35), (w * 1.0, h * 0.55)],
                    &[0, 1, 2],
                )
            } else {
                place.closed(
                    &[
                        (w * 0.45, h * 1.05),
                        (w * 1.36, h * 0.95),
                        (w * 0.98, droop),
                    ],
                    &[0, 1, 2],
                )
            };
            pen.canvas.fill(&flick, line);
        }
        if self.place.scale() > 34.0 {
            let dark = pen.skin_dark(self.skin());
            let crease = place.open(&[(-w * 0.7, h * 1.35), (0.0, h * 1.75), (w * 0.85, h * 1.25)]);
            pen.canvas.stroke(&crease, self.px(0.010), dark, true);
            let under = place.open(&[
                (-w * 0.5, -h * 1.2),
                (w * 0.1, -h * 1.35),
                (w * 0.6, -h * 1.05),
            ]);
            pen.canvas.stroke(&under, self.px(0.008), dark, true);
        }
    }

    fn brow(&self, pen: &mut Pen, at: Pt, outer: bool, squeeze: f32) {
        pen.part(Part::Head);
        let place = self.place.sub(at, 1.0, 0.0);
        let place = if outer { place } else { place.mirrored() };
        let (lift, inner, tail) = match self.person.mood {
            Mood::Neutral => (0.0, 0.0, 0.0),
            Mood::Smiling => (0.012, 0.0, 0.0),
            Mood::Sad => (0.0, 0.045, -0.028),
            Mood::Surprised => (0.062, 0.006, 0.0),
        };
        let thick = if self.man { 0.034 } else { 0.020 };
        let base = if self.man { 0.100 } else { 0.112 } + lift;
        let s = squeeze;
        let shape = if self.view == View::Profile {
            place.closed(
                &[
                    (0.085, base + inner - thick * 0.4),
                    (0.080, base + inner + thick * 0.6),
                    (0.0, base + 0.035),
                    (-0.085, base - 0.005 + tail),
                    (0.0, base + 0.035 - thick),
                ],
                &[0, 1, 3],
            )
        } else {
            place.closed(
                &[
                    (-0.105 * s, base + inner - thick * 0.45),
                    (-0.100 * s, base + inner + thick * 0.55),
                    (0.02 * s, base + 0.032),
                    (0.125 * s, base - 0.012 + tail),
                    (0.02 * s, base + 0.032 - thick),
                ],
                &[0, 1, 3],
            )
        };
        let hair = self.person.hair.rgb();
        let tone = if hair.0 > 215 {
            hair.shade(0.68)
        } else {
            hair.shade(0.8)
        };
        pen.fill(&shape, tone);
    }

    fn nose(&self, pen: &mut Pen) {
        let skin = self.skin();
        let dark = pen.skin_dark(skin);
        let deep = pen.skin_dark(skin.shade(0.80));
        let wide = if self.man { 0.066 } else { 0.052 };
        let from_left = pen.canvas.from_left;
        match self.view {
            View::Front => {
                let side = if from_left { 1.0 } else { -1.0 };
                let plane = self.place.closed(
                    &[
                        (side * 0.022, 0.49),
                        (side * 0.030, 0.40),
                        (side * wide, 0.315),
                        (side * wide * 0.7, 0.282),
                        (0.0, 0.270),
                        (side * 0.012, 0.34),
                    ],
                    &[0],
                );
                pen.canvas.fill(&plane, dark);
                let under = self.place.open(&[
                    (-wide, 0.305),
                    (-wide * 0.62, 0.278),
                    (0.0, 0.268),
                    (wide * 0.62, 0.278),
                    (wide, 0.305),
                ]);
                pen.canvas.stroke(&under, self.px(0.014), deep, true);
            }
            View::Quarter => {
                let plane = self.place.closed(
                    &[
                        (0.155, 0.50),
                        (0.185, 0.42),
                        (0.245 + wide * 0.3, 0.315),
                        (0.225, 0.278),
                        (0.150, 0.276),
                        (0.165, 0.34),
                    ],
                    &[0],
                );
                let lit = pen.lit(skin);
                // The far side is the dark one, or the near one.
                pen.canvas.fill(
                    &plane,
                    if self.near_is_lit(from_left) {
                        lit
                    } else {
                        dark
                    },
                );
                let ridge = self.place.open(&[
                    (0.175, 0.48),
                    (0.195, 0.41),
                    (0.250 + wide * 0.3, 0.317),
                    (0.228, 0.276),
                    (0.150, 0.270),
                ]);
                pen.canvas.stroke(&ridge, self.px(0.015), deep, true);
            }
            View::Profile => {
                let wing = self
                    .place
                    .open(&[(0.325, 0.325), (0.300, 0.290), (0.335, 0.268)]);
                pen.canvas.stroke(&wing, self.px(0.014), deep, true);
            }
            View::Back => {}
        }
    }

    fn near_is_lit(&self, from_left: bool) -> bool {
        // Facing right with the light from the left, the near cheek is lit.
        let facing_right = self.place.px((1.0, 0.0)).0 > self.place.px((0.0, 0.0)).0;
        facing_right == from_left
    }

    fn mouth(&self, pen: &mut Pen) {
        let (cx, y, squeeze) = match self.view {
            View::Front => (0.0, 0.158, 1.0),
            View::Quarter => (0.140, 0.158, 0.82),
            View::Profile => (0.285, 0.160, 0.55),
            View::Back => return,
        };
        let place = self.place.sub((cx, y), 1.0, 0.0);
        let profile = self.view == View::Profile;
        let skin = self.skin();
        let lip = if self.man {
            skin.mix(Rgb(150, 62, 58), 0.38).shade(0.92)
        } else {
            skin.mix(Rgb(196, 34, 62), 0.72)
        };
        let (lip_colour, line) = (pen.lit(lip), pen.lit(skin.mix(Rgb(84, 24, 30), 0.72)));
        let w = squeeze * if self.man { 0.115 } else { 0.100 };
        let thick = if self.man { 0.022 } else { 0.038 };
        let inner = pen.lit(Rgb(112, 36, 42));
        let width = self.px(0.016);
        let lips = |curve: f32| {
            place.closed(
                &[
                    (-w, curve),
                    (-w * 0.35, thick * 0.8),
                    (0.0, thick * 0.5),
                    (w * 0.35, thick * 0.8),
                    (w, curve),
                    (w * 0.4, -thick * 1.25),
                    (-w * 0.4, -thick * 1.25),
                ],
                &[0, 2, 4],
            )
        };
        match self.person.mood {
            Mood::Neutral => {
                pen.canvas.fill(&lips(0.002), lip_colour);
                let parting = place.open(&[
                    (-w, 0.002),
                    (-w * 0.4, -0.002),
                    (w * 0.4, -0.002),
                    (w, 0.002),
                ]);
                pen.canvas.stroke(&parting, width, line, true);
            }
            Mood::Sad => {
                pen.canvas.fill(&lips(-0.030), lip_colour);
                let parting = place.open(&[
                    (-w, -0.036),
                    (-w * 0.4, 0.004),
                    (w * 0.4, 0.004),
                    (w, -0.036),
                ]);
                pen.canvas.stroke(&parting, width * 1.15, line, true);
            }
            Mood::Smiling => {
                let wide = w * 1.28;
                let open = if profile {
                    place.closed(
                        &[
                            (-wide * 0.9, 0.046),
                            (w * 0.9, 0.010),
                            (w * 0.9, -0.022),
                            (0.0, -0.036),
                        ],
                        &[0, 1, 2],
                    )
                } else {
                    place.closed(
                        &[
                            (-wide, 0.046),
                            (0.0, 0.014),
                            (wide, 0.046),
                            (wide * 0.5, -0.040),
                            (-wide * 0.5, -0.040),
                        ],
                        &[0, 2],
                    )
                };
                let rim = self.px(if self.man { 0.014 } else { 0.026 });
                pen.canvas.stroke(&open, rim, lip_colour, true);
                pen.canvas.fill(&open, inner);
                let teeth = pen.lit(Rgb(250, 248, 240));
                let row = place.closed(
                    &[
                        (-wide, 0.056),
                        (0.0, 0.030),
                        (wide, 0.056),
                        (wide * 0.6, 0.002),
                        (0.0, -0.010),
                        (-wide * 0.6, 0.002),
                    ],
                    &[0, 2],
                );
                pen.inside(&open, |pen| pen.canvas.fill(&row, teeth));
                if self.place.scale() > 34.0 && !profile {
                    let dark = pen.skin_dark(skin);
                    for side in [-1.0, 1.0] {
                        let fold = place.open(&[
                            (side * wide * 1.12, 0.085),
                            (side * wide * 1.24, 0.050),
                            (side * wide * 1.18, 0.018),
                        ]);
                        pen.canvas.stroke(&fold, self.px(0.010), dark, true);
                    }
                }
            }
            Mood::Surprised => {
                let open = place.ellipse(
                    (if profile { w * 0.35 } else { 0.0 }, -0.012),
                    w * 0.52,
                    0.062,
                );
                let rim = self.px(if self.man { 0.018 } else { 0.032 });
                pen.canvas.stroke(&open, rim, lip_colour, true);
                pen.canvas.fill(&open, inner);
                let tongue = pen.lit(Rgb(202, 84, 84));
                let low = place.ellipse((0.0, -0.062), w * 0.5, 0.030);
                pen.inside(&open, |pen| pen.canvas.fill(&low, tongue));
            }
        }
        if self.place.scale() > 30.0 && !profile && !self.person.beard {
            let dark = pen.skin_dark(skin);
            let chin = place.open(&[(-0.035, -0.088), (0.0, -0.097), (0.035, -0.088)]);
            pen.canvas.stroke(&chin, self.px(0.010), dark, true);
        }
    }

    /// The shade of a shaved jaw.
    fn stubble(&self, pen: &mut Pen) {
        let jaw = match self.view {
            View::Front => self.place.symmetric(
                &[
                    (0.0, 0.255),
                    (0.12, 0.25),
                    (0.22, 0.20),
                    (0.40, 0.40),
                    (0.45, 0.0),
                    (0.0, -0.2),
                ],
                &[3, 4],
            ),
            View::Quarter => self.place.closed(
                &[
                    (0.150, 0.255),
                    (0.26, 0.22),
                    (0.40, 0.30),
                    (0.40, -0.20),
                    (-0.40, -0.10),
                    (-0.280, 0.40),
                    (-0.10, 0.20),
                    (0.04, 0.23),
                ],
                &[2, 3, 4, 5],
            ),
            View::Profile => self.place.closed(
                &[
                    (0.45, 0.252),
                    (0.45, -0.20),
                    (-0.10, 0.0),
                    (-0.070, 0.40),
                    (0.08, 0.21),
                    (0.24, 0.225),
                ],
                &[0, 1, 2, 3],
            ),
            View::Back => return,
        };
        let skull = self.skull.clone();
        let tone = pen.dark(self.person.hair.rgb().mix(Rgb(70, 66, 84), 0.6));
        pen.inside(&skull, |pen| pen.glaze(&jaw, tone, 0.15));
    }

    fn beard(&self, pen: &mut Pen) {
        let full = Dice::new(self.person.look).split("beard").chance(0.6);
        let shape = match (self.view, full) {
            (View::Front, true) => self.place.symmetric(
                &[
                    (0.0, 0.248),
                    (0.075, 0.258),
                    (0.150, 0.215),
                    (0.235, 0.235),
                    (0.345, 0.43),
                    (0.392, 0.44),
                    (0.366, 0.20),
                    (0.285, 0.02),
                    (0.140, -0.075),
                    (0.0, -0.095),
                ],
                &[4, 5],
            ),
            (View::Front, false) => self.place.symmetric(
                &[
                    (0.0, 0.248),
                    (0.075, 0.256),
                    (0.165, 0.200),
                    (0.175, 0.10),
                    (0.150, 0.0),
                    (0.095, -0.060),
                    (0.0, -0.080),
                ],
                &[],
            ),
            (View::Quarter, true) => self.place.closed(
                &[
                    (0.160, 0.248),
                    (0.245, 0.245),
                    (0.275, 0.20),
                    (0.345, 0.30),
                    (0.345, 0.18),
                    (0.285, 0.00),
                    (0.150, -0.090),
                    (-0.04, -0.04),
                    (-0.225, 0.10),
                    (-0.270, 0.43),
                    (-0.215, 0.43),
                    (-0.060, 0.235),
                    (0.045, 0.215),
                ],
                &[3, 9, 10],
            ),
            (View::Quarter, false) => self.place.closed(
                &[
                    (0.150, 0.246),
                    (0.235, 0.235),
                    (0.280, 0.16),
                    (0.275, 0.02),
                    (0.160, -0.080),
                    (0.040, -0.03),
                    (0.005, 0.10),
                    (0.040, 0.205),
                ],
                &[],
            ),
            (View::Profile, true) => self.place.closed(
                &[
                    (0.350, 0.248),
                    (0.375, 0.18),
                    (0.365, 0.04),
                    (0.270, -0.085),
                    (0.080, 0.0),
                    (-0.060, 0.16),
                    (-0.040, 0.42),
                    (0.020, 0.42),
                    (0.110, 0.24),
                    (0.225, 0.215),
                ],
                &[0, 6, 7],
            ),
            (View::Profile, false) => self.place.closed(
                &[
                    (0.350, 0.248),
                    (0.375, 0.18),
                    (0.365, 0.03),
                    (0.270, -0.075),
                    (0.180, 0.0),
                    (0.190, 0.14),
                    (0.230, 0.215),
                ],
                &[0],
            ),
            (View::Back, _) => return,
        };
        let hair = self.person.hair.rgb();
        pen.shaded(&shape, hair.shade(0.94), self.px(0.06));
    }

    fn glasses(&self, pen: &mut Pen) {
        pen.part(Part::Other);
        let mut dice = Dice::new(self.person.look).split("glasses");
        let frame = pen.lit(*dice.pick(&[Rgb(34, 30, 34), Rgb(110, 58, 34), Rgb(44, 48, 80)]));
        let square = dice.chance(0.5);
        let width = self.px(0.026).max(0.8);
        let glass = pen.lit(Rgb(226, 240, 250));
        let eyes = self.eyes();
        for &((x, y), outer, squeeze) in &eyes {
            let (rx, ry) = (0.132 * squeeze, 0.108);
            let y = y - 0.010;
            let x = if self.view == View::Profile {
                x + 0.05
            } else {
                x
            };
            let lens = if square {
                self.place.closed(
                    &[
                        (x - rx, y + ry * 0.75),
                        (x, y + ry * 0.88),
                        (x + rx, y + ry * 0.75),
                        (x + rx * 0.9, y - ry * 0.7),
                        (x, y - ry * 0.9),
                        (x - rx * 0.9, y - ry * 0.7),
                    ],
                    &[],
                )
            } else {
                self.place.ellipse((x, y), rx, ry)
            };
            pen.glaze(&lens, glass, 0.12);
            pen.canvas.stroke(&lens, width, frame, true);
            let near_ear = match self.view {
                View::Front => Some(if outer { 0.375 } else { -0.375 }),
                View::Quarter if !outer => Some(-0.29),
                View::Profile => Some(-0.05),
                _ => None,
            };
            if let Some(ear) = near_ear {
                let edge = if self.view == View::Profile || !outer {
                    x - rx
                } else {
                    x + rx
                };
                let temple = self.place.open(&[
                    (edge, y + 0.03),
                    ((edge + ear) / 2.0, y + 0.035),
                    (ear, y + 0.03),
                ]);
                pen.canvas.stroke(&temple, width * 0.9, frame, true);
            }
        }
        if let [(left, _, sl), (right, _, sr)] = eyes[..] {
            let bridge = self.place.open(&[
                (left.0 + 0.132 * sl, left.1),
                ((left.0 + right.0) / 2.0, left.1 + 0.025),
                (right.0 - 0.132 * sr, right.1),
            ]);
            pen.canvas.stroke(&bridge, width, frame, true);
        }
    }

    fn hat(&self, pen: &mut Pen) {
        if !self.person.hat {
            return;
        }
        pen.part(Part::Hat);
        let mut dice = Dice::new(self.person.look).split("hat");
        let felt = *dice.pick(&[Rgb(72, 62, 60), Rgb(168, 134, 92), Rgb(58, 66, 84)]);
        let knit = dice.chance(if self.man { 0.35 } else { 0.3 });
        let lean = match self.view {
            View::Quarter => 0.02,
            View::Profile => -0.02,
            _ => 0.0,
        };
        let place = self.place.sub((lean, 0.0), 1.0, 0.0);
        let line_width = self.px(0.016);
        if knit {
            let cap = place.symmetric(
                &[
                    (0.0, 1.20),
                    (0.24, 1.15),
                    (0.41, 0.98),
                    (0.445, 0.78),
                    (0.0, 0.75),
                ],
                &[3],
            );
            pen.shaded(&cap, felt, self.px(0.10));
            let band = place.symmetric(
                &[(0.0, 0.87), (0.45, 0.90), (0.455, 0.74), (0.0, 0.70)],
                &[1, 2],
            );
            pen.shaded(&band, felt.shade(1.18), self.px(0.08));
            let bobble = place.ellipse((0.0, 1.22), 0.10, 0.085);
            pen.shaded(&bobble, felt.shade(1.25), self.px(0.04));
            if self.place.scale() > 26.0 {
                let dark = pen.dark(felt.shade(1.1));
                for i in -4..=4 {
                    let x = i as f32 * 0.095;
                    let rib = place.open(&[
                        (x, 0.865 + x.abs() * 0.06),
                        (x, 0.79),
                        (x, 0.725 + x.abs() * 0.06),
                    ]);
                    pen.canvas.stroke(&rib, line_width, dark, true);
                }
            }
            return;
        }
        let brim_width = if self.man { 0.60 } else { 0.74 };
        let crown = place.symmetric(
            &[
                (0.0, 1.20),
                (0.16, 1.25),
                (0.31, 1.18),
                (0.40, 0.86),
                (0.0, 0.80),
            ],
            &[3],
        );
        pen.shaded(&crown, felt, self.px(0.10));
        let band = place.symmetric(
            &[(0.0, 0.93), (0.395, 0.97), (0.415, 0.86), (0.0, 0.82)],
            &[1, 2],
        );
        pen.fill(&band, felt.shade(0.55));
        let brim = place.symmetric(
            &[
                (0.0, 0.86),
                (brim_width * 0.7, 0.875),
                (brim_width, 0.86),
                (brim_width * 0.72, 0.775),
                (0.0, 0.745),
            ],
            &[],
        );
        pen.shaded(&brim, felt.shade(1.08), self.px(0.05));
    }
}

fn skull(view: View, man: bool, place: &Place) -> Path {
    match view {
        View::Front | View::Back => {
            let jaw: &[Pt] = if man {
                &[
                    (0.0, 1.0),
                    (0.23, 0.96),
                    (0.365, 0.80),
                    (0.385, 0.55),
                    (0.368, 0.34),
                    (0.300, 0.130),
                    (0.150, 0.010),
                    (0.0, -0.008),
                ]
            } else {
                &[
                    (0.0, 1.0),
                    (0.22, 0.96),
                    (0.350, 0.80),
                    (0.372, 0.55),
                    (0.345, 0.33),
                    (0.235, 0.115),
                    (0.100, 0.010),
                    (0.0, -0.004),
                ]
            };
            place.symmetric(jaw, &[])
        }
        View::Quarter => {
            let points: &[Pt] = if man {
                &[
                    (-0.04, 1.0),
                    (0.17, 0.955),
                    (0.300, 0.82),
                    (0.338, 0.62),
                    (0.317, 0.50),
                    (0.348, 0.38),
                    (0.325, 0.18),
                    (0.262, 0.025),
                    (0.150, -0.012),
                    (0.00, 0.035),
                    (-0.200, 0.140),
                    (-0.280, 0.36),
                    (-0.40, 0.54),
                    (-0.41, 0.74),
                    (-0.27, 0.94),
                ]
            } else {
                &[
                    (-0.04, 1.0),
                    (0.17, 0.955),
                    (0.295, 0.82),
                    (0.330, 0.62),
                    (0.306, 0.50),
                    (0.338, 0.37),
                    (0.295, 0.17),
                    (0.218, 0.020),
                    (0.138, -0.008),
                    (0.02, 0.035),
                    (-0.165, 0.150),
                    (-0.270, 0.36),
                    (-0.38, 0.54),
                    (-0.40, 0.74),
                    (-0.27, 0.94),
                ]
            };
            place.closed(points, &[])
        }
        View::Profile => {
            let (tip, chin) = if man { (0.455, 0.345) } else { (0.435, 0.315) };
            let points = [
                (0.0, 1.0),
                (0.20, 0.95),
                (0.315, 0.80),
                (0.335, 0.60),
                (if man { 0.335 } else { 0.322 }, 0.545),
                (0.312, 0.475),
                (0.375, 0.40),
                (tip, 0.317),
                (0.425, 0.280),
                (0.348, 0.262),
                (0.365, 0.205),
                (0.335, 0.162),
                (0.355, 0.120),
                (0.322, 0.085),
                (chin, 0.035),
                (chin - 0.085, -0.020),
                (0.110, 0.030),
                (-0.060, 0.130),
                (-0.120, 0.22),
                (-0.30, 0.26),
                (-0.430, 0.46),
                (-0.440, 0.70),
                (-0.30, 0.92),
            ];
            place.closed(&points, &[9, 11, 19])
        }
    }
}
