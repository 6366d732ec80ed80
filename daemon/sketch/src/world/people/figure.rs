//! Torso, legs, arms and what they wear.

use tiny_skia::Path;

use super::body::{Arm, Body, Grip, Leg, View};
use super::landmarks::HIP;
use super::pen::{Part, Pen, Place, Pt};
use super::person::Person;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

/// The cut of a top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Tee,
    Sweater,
    Shirt,
    VNeck,
}

/// What of the clothes is the person's own and never said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clothes {
    cut: Cut,
    top: Rgb,
    trousers: Rgb,
    /// Radius of the trousers at knee and ankle, body heights.
    legs: (f32, f32),
    shoes: Rgb,
    long_sleeves: bool,
}

const SHOES: [Rgb; 4] = [
    Rgb(58, 44, 38),
    Rgb(34, 34, 42),
    Rgb(228, 226, 220),
    Rgb(142, 92, 54),
];

impl Clothes {
    pub(super) fn new(person: &Person, man: bool) -> Self {
        let mut dice = Dice::new(person.look).split("clothes");
        let cuts: &[Cut] = if man {
            &[Cut::Tee, Cut::Sweater, Cut::Shirt]
        } else {
            &[Cut::VNeck, Cut::VNeck, Cut::Tee, Cut::Sweater]
        };
        let cut = *dice.pick(cuts);
        let legs = if man {
            *dice.pick(&[(0.042, 0.035), (0.040, 0.031)])
        } else {
            *dice.pick(&[(0.035, 0.024), (0.038, 0.028), (0.044, 0.050)])
        };
        Self {
            cut,
            top: person.top.rgb(),
            trousers: person.trousers.rgb(),
            legs,
            shoes: *dice.pick(&SHOES),
            long_sleeves: match cut {
                Cut::Tee => false,
                Cut::Sweater => true,
                Cut::Shirt | Cut::VNeck => dice.chance(0.6),
            },
        }
    }
}

/// Draws one body without its head.
pub(super) struct Figure<'a> {
    pub(super) body: &'a Body,
    pub(super) clothes: Clothes,
    pub(super) skin: Rgb,
    /// Body units standing on the ground.
    pub(super) place: Place,
    /// Body units lowered by the seat: what the torso is drawn in.
    pub(super) upper: Place,
    torso: Path,
    /// The torso without its neckline: what the light models.
    form: Path,
}

impl<'a> Figure<'a> {
    pub(super) fn new(person: &Person, body: &'a Body, place: Place) -> Self {
        let clothes = Clothes::new(person, body.man);
        let upper = place.sub((0.0, -body.drop), 1.0, 0.0);
        let neckline = if clothes.cut == Cut::VNeck {
            0.768
        } else {
            0.806
        };
        let outline = torso(body, &upper, neckline);
        let form = torso(body, &upper, 0.850);
        Self {
            body,
            clothes,
            skin: person.skin.rgb(),
            place,
            upper,
            torso: outline,
            form,
        }
    }

    fn px(&self, body_heights: f32) -> f32 {
        body_heights * self.place.scale()
    }

    /// Both legs, far one first, and the seat of the trousers.
    pub(super) fn legs(&self, pen: &mut Pen) {
        let sideways = matches!(self.body.view, View::Quarter | View::Profile);
        for i in [1, 0] {
            let leg = &self.body.legs[i];
            let far = i == 1 && sideways;
            self.shoe(pen, leg, i, far);
            self.leg(pen, leg, far);
        }
        if !self.body.sitting {
            self.pelvis(pen);
        }
    }

    fn leg(&self, pen: &mut Pen, leg: &Leg, far: bool) {
        pen.part(Part::Trousers);
        let (knee, ankle) = self.clothes.legs;
        let thigh = if self.body.man { 0.052 } else { 0.054 };
        let [a, b, c] = leg.joints;
        // The shoe shows below the hem, which is cut square.
        let hem: Pt = (c.0 + (b.0 - c.0) * 0.02, c.1 + (b.1 - c.1) * 0.02);
        let knee = if self.body.sitting {
            knee + 0.008
        } else {
            knee
        };
        let path = self.place.sleeve(&[a, b, hem], &[thigh, knee, ankle]);
        let base = if far {
            self.clothes.trousers.shade(0.86)
        } else {
            self.clothes.trousers
        };
        pen.shaded(&path, base, self.px(if far { 0.034 } else { 0.024 }));
        if self.place.scale() > 150.0 {
            let fold = pen.dark(base);
            let width = self.px(0.004);
            let bend = self.place.open(&[
                (b.0 - knee * 0.8, b.1 + 0.004),
                (b.0 - knee * 0.1, b.1 - 0.008),
                (b.0 + knee * 0.5, b.1 - 0.002),
            ]);
            let cuff = self.place.open(&[
                (hem.0 - ankle, hem.1 + 0.012),
                (hem.0, hem.1 + 0.007),
                (hem.0 + ankle, hem.1 + 0.012),
            ]);
            pen.inside(&path, |pen| {
                pen.canvas.stroke(&bend, width, fold, true);
                pen.canvas.stroke(&cuff, width, fold, true);
            });
        }
    }

    fn pelvis(&self, pen: &mut Pen) {
        pen.part(Part::Trousers);
        let hips = if self.body.man { 0.086 } else { 0.093 };
        let path = match self.body.view {
            View::Profile => {
                let back = if self.body.man { -0.058 } else { -0.066 };
                let points = [
                    (0.040, 0.54),
                    (0.052, 0.50),
                    (0.050, 0.44),
                    (-0.046, 0.44),
                    (back, 0.50),
                    (-0.044, 0.54),
                ];
                self.place.closed(&points, &[0, 5])
            }
            View::Quarter => {
                let points = [
                    (-hips * 0.72, 0.54),
                    (-hips * 0.96, 0.50),
                    (-hips * 0.88, 0.44),
                    (0.0, 0.452),
                    (hips * 0.76, 0.44),
                    (hips * 0.80, 0.50),
                    (hips * 0.56, 0.54),
                ];
                self.place.closed(&points, &[0, 6])
            }
            _ => {
                let right = [
                    (0.0, 0.545),
                    (hips * 0.7, 0.54),
                    (hips * 1.0, 0.50),
                    (hips * 0.97, 0.45),
                    (0.004, 0.448),
                ];
                self.place.symmetric(&right, &[1, 4])
            }
        };
        pen.shaded(&path, self.clothes.trousers, self.px(0.016));
    }

    fn shoe(&self, pen: &mut Pen, leg: &Leg, i: usize, far: bool) {
        pen.part(Part::Shoes);
        let ankle = leg.joints[2];
        let side = if i == 0 { -1.0 } else { 1.0 };
        let size = if self.body.man { 1.0 } else { 0.86 };
        let base = if far {
            self.clothes.shoes.shade(0.88)
        } else {
            self.clothes.shoes
        };
        let foot = self.place.sub(ankle, size, leg.toes);
        let path = match self.body.view {
            View::Front if leg.toes < -0.3 => foot.ellipse((0.0, -0.012), 0.026, 0.036),
            View::Front => foot.closed(
                &[
                    (-0.022, 0.014),
                    (0.022, 0.014),
                    (0.030 + side * 0.008, -0.022),
                    (0.026 + side * 0.014, -0.046),
                    (side * 0.012, -0.056),
                    (-0.026 + side * 0.014, -0.046),
                    (-0.030 + side * 0.008, -0.022),
                ],
                &[],
            ),
            View::Back => foot.closed(
                &[
                    (-0.022, 0.014),
                    (0.022, 0.014),
                    (0.026, -0.03),
                    (0.020, -0.048),
                    (-0.020, -0.048),
                    (-0.026, -0.03),
                ],
                &[],
            ),
            View::Quarter => foot.closed(
                &[
                    (-0.026, 0.016),
                    (-0.030, -0.02),
                    (-0.026, -0.046),
                    (0.030, -0.052),
                    (0.072, -0.052),
                    (0.076, -0.036),
                    (0.050, -0.016),
                    (0.024, 0.012),
                ],
                &[],
            ),
            View::Profile => foot.closed(
                &[
                    (-0.028, 0.016),
                    (-0.036, -0.012),
                    (-0.034, -0.045),
                    (0.094, -0.045),
                    (0.102, -0.030),
                    (0.074, -0.012),
                    (0.026, 0.014),
                ],
                &[2, 3],
            ),
        };
        pen.shaded(&path, base, self.px(0.012));
        if self.place.scale() > 120.0 {
            let sole = pen.lit(if base.0 > 150 {
                Rgb(150, 146, 140)
            } else {
                base.shade(0.6)
            });
            let y = if self.body.view == View::Quarter {
                -0.050
            } else {
                -0.047
            };
            let line = foot.open(&[(-0.06, y + 0.004), (0.02, y), (0.12, y)]);
            let width = self.px(0.011);
            pen.inside(&path, |pen| pen.canvas.stroke(&line, width, sole, false));
        }
    }

    /// The neck and the skin that the neckline shows.
    pub(super) fn neck(&self, pen: &mut Pen) {
        pen.part(Part::Head);
        let radius = if self.body.man { 0.034 } else { 0.026 };
        let (base, chin): (Pt, Pt) = match self.body.view {
            View::Profile => ((-0.014, 0.80), (0.000, 0.893)),
            View::Quarter => ((0.0, 0.80), (0.003, 0.897)),
            _ => ((0.0, 0.80), (0.0, 0.885)),
        };
        let wide = radius
            * if self.body.view == View::Profile {
                0.95
            } else {
                1.25
            };
        let neck = self.upper.closed(
            &[
                (base.0 - wide, base.1),
                (chin.0 - radius, 0.842),
                (chin.0 - radius * 0.98, chin.1),
                (chin.0 + radius * 0.98, chin.1),
                (chin.0 + radius, 0.842),
                (base.0 + wide, base.1),
            ],
            &[2, 3],
        );
        let across = if self.body.view == View::Profile {
            0.030
        } else {
            0.056
        };
        let chest = self.upper.ellipse((base.0, 0.788), across, 0.050);
        pen.fill(&chest, self.skin);
        pen.shaded_skin(&neck, self.skin, self.px(0.012));
        if self.body.view != View::Back {
            // The head's own shadow.
            let dark = pen.skin_dark(self.skin);
            let shade = self.upper.ellipse((chin.0 + 0.004, 0.868), 0.052, 0.042);
            pen.inside(&neck, |pen| pen.canvas.fill(&shade, dark));
        }
    }

    /// The top without its sleeves.
    pub(super) fn torso(&self, pen: &mut Pen) {
        pen.part(Part::Top);
        let top = self.clothes.top;
        let (lit, dark) = (pen.lit(top), pen.dark(top));
        pen.modelled(&self.torso, &self.form, lit, dark, self.px(0.034));
        self.torso_details(pen);
    }

    fn torso_details(&self, pen: &mut Pen) {
        let scale = self.upper.scale();
        if scale < 110.0 {
            return;
        }
        let view = self.body.view;
        let (dark, width) = (pen.dark(self.clothes.top), self.px(0.005));
        let at = |points: &[Pt]| self.upper.open(points);
        let middle = match view {
            View::Quarter => 0.024,
            View::Profile => 0.05,
            _ => 0.0,
        };
        let mut lines: Vec<(Path, f32)> = vec![];
        // Hem, and folds at the waist.
        lines.push((
            at(&[
                (-0.12, HIP + 0.012),
                (0.0, HIP + 0.003),
                (0.12, HIP + 0.012),
            ]),
            width,
        ));
        if view != View::Profile {
            let waist = if self.body.man { 0.085 } else { 0.062 };
            lines.push((
                at(&[
                    (-waist, 0.640),
                    (-waist + 0.03, 0.628),
                    (-waist + 0.045, 0.630),
                ]),
                width,
            ));
            lines.push((
                at(&[
                    (waist, 0.618),
                    (waist - 0.026, 0.604),
                    (waist - 0.04, 0.606),
                ]),
                width,
            ));
        }
        if view == View::Front || view == View::Quarter {
            let squeeze = if view == View::Quarter { 0.9 } else { 1.0 };
            if !self.body.man {
                let bust = [(-0.074, 0.705), (-0.044, 0.682), (-0.012, 0.694)];
                lines.push((at(&bust.map(|p| (p.0 * squeeze + middle, p.1))), width));
                lines.push((at(&bust.map(|p| (-p.0 * squeeze + middle, p.1))), width));
            }
        } else if view == View::Back {
            lines.push((at(&[(0.0, 0.79), (0.002, 0.70), (0.0, 0.60)]), width * 0.8));
            lines.push((
                at(&[(-0.06, 0.76), (-0.04, 0.72), (-0.05, 0.69)]),
                width * 0.8,
            ));
            lines.push((at(&[(0.06, 0.76), (0.04, 0.72), (0.05, 0.69)]), width * 0.8));
        }
        if self.clothes.cut == Cut::Shirt && (view == View::Front || view == View::Quarter) {
            lines.push((
                at(&[(middle, 0.80), (middle + 0.004, 0.65), (middle * 0.6, HIP)]),
                width,
            ));
        }
        let torso = self.torso.clone();
        pen.inside(&torso, |pen| {
            for (line, width) in &lines {
                pen.canvas.stroke(line, *width, dark, true);
            }
        });
        self.collar(pen, middle);
    }

    fn collar(&self, pen: &mut Pen, middle: f32) {
        let view = self.body.view;
        let (lit, dark) = (pen.lit(self.clothes.top), pen.dark(self.clothes.top));
        let rim = if self.body.man { 0.041 } else { 0.036 };
        let width = self.px(0.016);
        match (self.clothes.cut, view) {
            (Cut::Shirt, View::Front | View::Quarter) => {
                for side in [-1.0, 1.0] {
                    let wing = self.upper.polygon(&[
                        (middle * 0.3 + side * 0.040, 0.846),
                        (middle * 0.7 + side * 0.002, 0.800),
                        (middle * 0.7 + side * 0.034, 0.784),
                        (middle * 0.3 + side * 0.058, 0.822),
                    ]);
                    pen.canvas.fill(&wing, lit.mix(Rgb(255, 255, 255), 0.05));
                    let edge = self.upper.open(&[
                        (middle * 0.7 + side * 0.002, 0.800),
                        (middle * 0.7 + side * 0.034, 0.784),
                        (middle * 0.3 + side * 0.058, 0.822),
                    ]);
                    pen.canvas.stroke(&edge, self.px(0.004), dark, true);
                }
                for y in [0.755, 0.70, 0.645, 0.59] {
                    let button = self.upper.ellipse((middle, y), 0.005, 0.005);
                    pen.canvas.fill(&button, dark);
                }
            }
            (Cut::Shirt, _) => {
                let band = self
                    .upper
                    .open(&[(-0.036, 0.842), (0.0, 0.834), (0.030, 0.834)]);
                pen.canvas.stroke(
                    &band,
                    self.px(0.018),
                    lit.mix(Rgb(255, 255, 255), 0.05),
                    true,
                );
            }
            (Cut::VNeck, View::Front | View::Quarter) => {
                let line = self.upper.open(&[
                    (middle * 0.4 - rim - 0.004, 0.834),
                    (middle - 0.016, 0.785),
                    (middle, 0.769),
                ]);
                let other = self.upper.open(&[
                    (middle * 0.4 + rim + 0.004, 0.834),
                    (middle + 0.016, 0.785),
                    (middle, 0.769),
                ]);
                let (torso, width) = (self.torso.clone(), self.px(0.009));
                pen.inside(&torso, |pen| {
                    pen.canvas.stroke(&line, width, dark, true);
                    pen.canvas.stroke(&other, width, dark, true);
                });
            }
            (_, View::Front | View::Quarter) => {
                let line = self.upper.open(&[
                    (middle * 0.4 - rim, 0.833),
                    (middle * 0.7 - rim * 0.55, 0.812),
                    (middle * 0.8, 0.806),
                    (middle * 0.7 + rim * 0.55, 0.812),
                    (middle * 0.4 + rim, 0.833),
                ]);
                let torso = self.torso.clone();
                pen.inside(&torso, |pen| {
                    pen.canvas.stroke(&line, width, lit.mix(dark, 0.6), false)
                });
            }
            _ => {}
        }
    }

    /// The arm numbered `i`, with its sleeve and hand.
    pub(super) fn arm(&self, pen: &mut Pen, i: usize) {
        let arm = &self.body.arms[i];
        let far = arm.behind_torso && self.body.view != View::Front;
        let [shoulder, elbow, wrist] = arm.joints;
        let (r0, r1, r2) = if self.body.man {
            (0.033, 0.027, 0.020)
        } else {
            (0.026, 0.021, 0.016)
        };
        let dim = if far { 0.9 } else { 1.0 };
        let depth = self.px(0.016);
        let top = self.clothes.top.shade(dim);
        let sleeve = if self.clothes.long_sleeves {
            let end = (
                wrist.0 + (elbow.0 - wrist.0) * 0.06,
                wrist.1 + (elbow.1 - wrist.1) * 0.06,
            );
            self.place.sleeve(
                &[shoulder, elbow, end],
                &[r0 + 0.003, r1 + 0.004, r2 + 0.005],
            )
        } else {
            let t = 0.62;
            let end = (
                shoulder.0 + (elbow.0 - shoulder.0) * t,
                shoulder.1 + (elbow.1 - shoulder.1) * t,
            );
            let mid = ((shoulder.0 + end.0) / 2.0, (shoulder.1 + end.1) / 2.0);
            self.place
                .sleeve(&[shoulder, mid, end], &[r0 + 0.003, r0 + 0.002, r0 + 0.001])
        };
        if !arm.behind_torso && self.body.view != View::Back {
            self.cast_on_torso(pen, &sleeve, arm);
        }
        if self.clothes.long_sleeves {
            self.hand(pen, i, dim);
        } else {
            pen.part(Part::Hands);
            let bare = self
                .place
                .tube(&[shoulder, elbow, wrist], &[r0 - 0.003, r1, r2]);
            pen.shaded_skin(&bare, self.skin.shade(dim), depth);
            self.hand(pen, i, dim);
        }
        pen.part(Part::Top);
        pen.shaded(&sleeve, top, depth);
        if self.place.scale() > 150.0 {
            self.sleeve_details(pen, arm, &sleeve, top);
        }
    }

    fn sleeve_details(&self, pen: &mut Pen, arm: &Arm, sleeve: &Path, top: Rgb) {
        let [_, elbow, wrist] = arm.joints;
        let dark = pen.dark(top);
        let (dx, dy) = (wrist.0 - elbow.0, wrist.1 - elbow.1);
        let length = dx.hypot(dy).max(1e-4);
        let (ux, uy) = (dx / length, dy / length);
        let width = self.px(0.004);
        let mut lines = vec![self.place.open(&[
            (elbow.0 - uy * 0.03, elbow.1 + ux * 0.03),
            (elbow.0 + ux * 0.006, elbow.1 + uy * 0.006),
            (elbow.0 + uy * 0.012, elbow.1 - ux * 0.012),
        ])];
        if self.clothes.long_sleeves {
            let cuff = (wrist.0 - ux * 0.024, wrist.1 - uy * 0.024);
            lines.push(self.place.open(&[
                (cuff.0 - uy * 0.04, cuff.1 + ux * 0.04),
                (cuff.0 + uy * 0.04, cuff.1 - ux * 0.04),
            ]));
        }
        pen.inside(sleeve, |pen| {
            for line in &lines {
                pen.canvas.stroke(line, width, dark, true);
            }
        });
    }

    /// The shadow an arm throws on the top that it lies before.
    fn cast_on_torso(&self, pen: &mut Pen, sleeve: &Path, _arm: &Arm) {
        let shift = self.px(if pen.canvas.from_left { 0.010 } else { -0.010 });
        let down = self.px(0.006);
        let moved = sleeve
            .clone()
            .transform(tiny_skia::Transform::from_translate(shift, down));
        let dark = pen.dark(self.clothes.top);
        if let Some(moved) = moved {
            let torso = self.torso.clone();
            pen.part(Part::Top);
            pen.inside(&torso, |pen| pen.canvas.fill(&moved, dark));
        }
    }

    fn hand(&self, pen: &mut Pen, i: usize, dim: f32) {
        pen.part(Part::Hands);
        let arm = &self.body.arms[i];
        let skin = self.skin.shade(dim);
        let size = if self.body.man { 1.0 } else { 0.86 };
        let mut place = self.place.sub(arm.joints[2], size, arm.hand);
        let thumb_right = match self.body.view {
            View::Quarter | View::Profile => true,
            View::Back => i == 1,
            View::Front => i == 0,
        };
        // A raised hand turns its thumb the other way.
        let raised = arm.hand.cos() < -0.3;
        if thumb_right == (raised && self.body.view != View::Profile) {
            place = place.mirrored();
        }
        let depth = self.px(0.009);
        let thumb = place.tube(
            &[(0.010, -0.006), (0.026, -0.032), (0.026, -0.052)],
            &[0.010, 0.009, 0.006],
        );
        match arm.grip {
            Grip::Relaxed => {
                pen.shaded_skin(&thumb, skin, depth * 0.4);
                let palm = place.closed(
                    &[
                        (-0.015, 0.008),
                        (-0.021, -0.028),
                        (-0.020, -0.056),
                        (-0.011, -0.084),
                        (0.002, -0.090),
                        (0.014, -0.074),
                        (0.020, -0.044),
                        (0.015, 0.008),
                    ],
                    &[],
                );
                pen.shaded_skin(&palm, skin, depth);
                if self.place.scale() > 260.0 {
                    let dark = pen.skin_dark(skin);
                    for x in [-0.009, 0.000, 0.009] {
                        let line = place.open(&[(x, -0.050), (x * 0.9, -0.066), (x * 0.7, -0.080)]);
                        pen.canvas.stroke(&line, self.px(0.0025), dark, true);
                    }
                }
            }
            Grip::Open => {
                let spread = [
                    (-0.030, -0.078),
                    (-0.012, -0.094),
                    (0.006, -0.096),
                    (0.023, -0.084),
                ];
                let roots = [
                    (-0.015, -0.040),
                    (-0.006, -0.046),
                    (0.004, -0.046),
                    (0.014, -0.040),
                ];
                for (tip, root) in spread.into_iter().zip(roots) {
                    let middle = ((tip.0 + root.0) / 2.0, (tip.1 + root.1) / 2.0);
                    let finger = place.tube(&[root, middle, tip], &[0.0075, 0.007, 0.0058]);
                    pen.fill(&finger, skin);
                }
                let thumb = place.tube(
                    &[(0.006, -0.010), (0.030, -0.030), (0.044, -0.050)],
                    &[0.011, 0.009, 0.006],
                );
                pen.fill(&thumb, skin);
                let palm = place.closed(
                    &[
                        (-0.014, 0.008),
                        (-0.021, -0.024),
                        (-0.020, -0.048),
                        (0.0, -0.054),
                        (0.018, -0.046),
                        (0.020, -0.022),
                        (0.014, 0.008),
                    ],
                    &[],
                );
                pen.shaded_skin(&palm, skin, depth * 0.8);
            }
            Grip::Fist => {
                let fist = place.closed(
                    &[
                        (-0.014, 0.006),
                        (-0.024, -0.020),
                        (-0.022, -0.044),
                        (-0.004, -0.054),
                        (0.018, -0.048),
                        (0.024, -0.026),
                        (0.014, 0.006),
                    ],
                    &[],
                );
                pen.shaded_skin(&fist, skin, depth);
                if self.place.scale() > 220.0 {
                    let dark = pen.skin_dark(skin);
                    for (x, y) in [(-0.012, -0.028), (0.000, -0.034), (0.011, -0.034)] {
                        let line =
                            place.open(&[(x, y + 0.006), (x + 0.001, y - 0.006), (x, y - 0.016)]);
                        pen.canvas.stroke(&line, self.px(0.003), dark, true);
                    }
                }
            }
        }
    }
}

fn torso(body: &Body, place: &Place, neckline: f32) -> Path {
    let v = neckline;
    let pointed = neckline < 0.79;
    let hem = HIP - 0.006;
    let man = [
        (0.041, 0.836),
        (0.084, 0.820),
        (0.122, 0.798),
        (0.126, 0.755),
        (0.100, 0.650),
        (0.094, 0.570),
        (0.097, hem),
    ];
    let woman = [
        (0.034, 0.834),
        (0.066, 0.818),
        (0.096, 0.797),
        (0.094, 0.755),
        (0.092, 0.712),
        (0.066, 0.634),
        (0.099, hem + 0.01),
    ];
    let outline: &[Pt] = if body.man { &man } else { &woman };
    match body.view {
        View::Front => {
            let mut right = vec![(0.0, v)];
            right.extend_from_slice(outline);
            right.push((0.0, hem - 0.009));
            let corners: &[usize] = if pointed { &[0, 1, 7] } else { &[1, 7] };
            place.symmetric(&right, corners)
        }
        View::Back => {
            let mut right = vec![(0.0, 0.832)];
            right.extend_from_slice(outline);
            right.push((0.0, hem - 0.009));
            place.symmetric(&right, &[7])
        }
        View::Quarter => {
            let mut points = vec![(0.024, v)];
            for (i, p) in outline.iter().enumerate() {
                let bulge = match (i, body.man) {
                    (4, false) => 0.012,
                    (3, false) => 0.004,
                    (3, true) => 0.002,
                    _ => 0.0,
                };
                let forward = if i == 0 { 0.007 } else { 0.0 };
                points.push((p.0 * 0.80 + bulge + forward, p.1));
            }
            points.push((0.0, hem - 0.010));
            for p in outline.iter().rev() {
                points.push((-p.0 * 0.93, p.1));
            }
            let last = points.len() - 1;
            let mut corners = vec![1, 7, last, last - 6];
            if pointed {
                corners.push(0);
            }
            place.closed(&points, &corners)
        }
        View::Profile => {
            let points: [Pt; 12] = if body.man {
                [
                    (0.026, 0.826),
                    (0.050, 0.795),
                    (0.066, 0.735),
                    (0.056, 0.650),
                    (0.056, 0.570),
                    (0.060, hem),
                    (-0.064, hem),
                    (-0.062, 0.545),
                    (-0.046, 0.640),
                    (-0.064, 0.740),
                    (-0.056, 0.800),
                    (-0.034, 0.838),
                ]
            } else {
                [
                    (0.020, 0.822),
                    (0.044, 0.785),
                    (0.078, 0.718),
                    (0.046, 0.640),
                    (0.050, 0.570),
                    (0.056, hem),
                    (-0.074, hem),
                    (-0.072, 0.535),
                    (-0.040, 0.640),
                    (-0.056, 0.745),
                    (-0.050, 0.795),
                    (-0.032, 0.836),
                ]
            };
            place.closed(&points, &[0, 5, 6, 11])
        }
    }
}
