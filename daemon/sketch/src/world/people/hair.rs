//! Hair as shaped masses. Units as in the head.

use tiny_skia::Path;

use super::body::View;
use super::pen::{Part, Pen, Place, Pt};
use super::person::{Class, HairLength, Person};
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

/// The cut of the hair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Man, short: parted at one side.
    SidePart,
    /// Man, short: brushed up.
    Quiff,
    /// Man, short: close-cropped.
    Crop,
    /// Man, long: swept back to the shoulders.
    SweptBack,
    /// Woman, short: to the jaw, with a fringe.
    Bob,
    /// Woman, short: swept to one side over the brow.
    Pixie,
    /// Woman, long: parted, straight.
    Straight,
    /// Woman, long: a fringe, wavy ends.
    Wavy,
}

/// The hair of one head.
pub(super) struct Hair {
    style: Style,
    view: View,
    place: Place,
    base: Rgb,
}

impl Hair {
    pub(super) fn new(person: &Person, view: View, place: Place) -> Self {
        let mut dice = Dice::new(person.look).split("hair");
        let styles: &[Style] = match (person.class, person.hair_length) {
            (Class::Man, HairLength::Short) => &[Style::SidePart, Style::Quiff, Style::Crop],
            (Class::Man, HairLength::Long) => &[Style::SweptBack],
            (Class::Woman, HairLength::Short) => &[Style::Bob, Style::Bob, Style::Pixie],
            (Class::Woman, HairLength::Long) => &[Style::Straight, Style::Wavy],
        };
        let style = *dice.pick(styles);
        // Partings lie on either side, except in side views, where the drawn
        // side is fixed.
        let place = if dice.chance(0.5) && matches!(view, View::Front | View::Back) {
            place.mirrored()
        } else {
            place
        };
        Self {
            style,
            view,
            place,
            base: person.hair.rgb(),
        }
    }

    fn px(&self, heads: f32) -> f32 {
        heads * self.place.scale()
    }

    fn long(&self) -> bool {
        matches!(self.style, Style::Straight | Style::Wavy | Style::SweptBack)
    }

    fn mass(&self, pen: &mut Pen, path: &Path, depth: f32) {
        pen.part(Part::Hair);
        pen.shaded(path, self.base, self.px(depth));
    }

    /// The strands that catch the light, inside `mass`.
    fn sheen(&self, pen: &mut Pen, mass: &Path, strands: &[&[Pt]]) {
        if self.place.scale() < 14.0 {
            return;
        }
        let lit = pen.lit(self.base);
        // White hair has no lighter strands; its darker ones show the form.
        let white = self.base.0.min(self.base.2) > 200;
        let glow = if white {
            lit.mix(pen.dark(self.base), 0.45)
        } else {
            lit.mix(pen.lit(Rgb(255, 244, 220)), 0.16)
        };
        let width = self.px(0.040);
        pen.part(Part::Hair);
        pen.inside(mass, |pen| {
            for strand in strands {
                pen.canvas
                    .stroke(&self.place.open(strand), width, glow, true);
            }
        });
    }

    fn parting(&self, pen: &mut Pen, mass: &Path, lines: &[&[Pt]]) {
        if self.place.scale() < 26.0 {
            return;
        }
        let dark = pen.dark(self.base.shade(0.9));
        let width = self.px(0.014);
        pen.part(Part::Hair);
        pen.inside(mass, |pen| {
            for line in lines {
                pen.canvas.stroke(&self.place.open(line), width, dark, true);
            }
        });
    }

    /// The hair behind neck and shoulders; drawn before the torso.
    pub(super) fn back(&self, pen: &mut Pen) {
        pen.part(Part::Hair);
        let dark = pen.dark(self.base);
        let points: Vec<Pt> = match (self.style, self.view) {
            (_, View::Back) => return,
            (Style::Bob, View::Front) => vec![
                (0.0, 1.04),
                (0.40, 0.84),
                (0.47, 0.50),
                (0.46, 0.16),
                (0.40, 0.00),
                (0.20, 0.02),
                (-0.20, 0.02),
                (-0.40, 0.00),
                (-0.46, 0.16),
                (-0.47, 0.50),
                (-0.40, 0.84),
            ],
            (Style::Bob, View::Quarter) => vec![
                (0.0, 1.02),
                (0.30, 0.80),
                (0.34, 0.40),
                (0.30, 0.08),
                (0.0, 0.05),
                (-0.36, -0.02),
                (-0.50, 0.16),
                (-0.52, 0.52),
                (-0.42, 0.88),
            ],
            (Style::SweptBack, View::Front) => vec![
                (0.0, 1.04),
                (0.40, 0.84),
                (0.46, 0.45),
                (0.47, 0.05),
                (0.50, -0.28),
                (0.20, -0.34),
                (-0.20, -0.34),
                (-0.50, -0.28),
                (-0.47, 0.05),
                (-0.46, 0.45),
                (-0.40, 0.84),
            ],
            (Style::SweptBack, View::Quarter) => vec![
                (0.0, 1.02),
                (0.25, 0.80),
                (0.20, 0.30),
                (0.14, -0.20),
                (-0.10, -0.32),
                (-0.50, -0.30),
                (-0.56, 0.05),
                (-0.52, 0.50),
                (-0.42, 0.88),
            ],
            (Style::Straight | Style::Wavy, View::Front) => vec![
                (0.0, 1.05),
                (0.42, 0.84),
                (0.50, 0.45),
                (0.53, 0.0),
                (0.58, -0.50),
                (0.52, -0.86),
                (0.25, -0.90),
                (-0.25, -0.90),
                (-0.52, -0.86),
                (-0.58, -0.50),
                (-0.53, 0.0),
                (-0.50, 0.45),
                (-0.42, 0.84),
            ],
            (Style::Straight | Style::Wavy, View::Quarter) => vec![
                (0.0, 1.03),
                (0.30, 0.80),
                (0.34, 0.35),
                (0.36, -0.10),
                (0.40, -0.62),
                (0.20, -0.80),
                (-0.30, -0.88),
                (-0.62, -0.84),
                (-0.64, -0.40),
                (-0.58, 0.10),
                (-0.53, 0.52),
                (-0.43, 0.88),
            ],
            _ => return,
        };
        let path = self.place.closed(&points, &[]);
        pen.canvas.fill(&path, pen.lit(self.base).mix(dark, 0.85));
    }

    /// The whole head of hair, seen from behind.
    pub(super) fn behind_view(&self, pen: &mut Pen) {
        let right: &[Pt] = match self.style {
            Style::Crop => &[
                (0.0, 1.03),
                (0.28, 0.98),
                (0.41, 0.80),
                (0.42, 0.55),
                (0.34, 0.30),
                (0.20, 0.16),
                (0.0, 0.13),
            ],
            Style::SidePart | Style::Quiff | Style::Pixie => &[
                (0.0, 1.07),
                (0.28, 1.02),
                (0.43, 0.82),
                (0.43, 0.55),
                (0.36, 0.26),
                (0.22, 0.08),
                (0.0, 0.04),
            ],
            Style::Bob => &[
                (0.0, 1.06),
                (0.30, 1.00),
                (0.46, 0.78),
                (0.50, 0.40),
                (0.49, 0.08),
                (0.38, -0.04),
                (0.0, -0.02),
            ],
            Style::SweptBack => &[
                (0.0, 1.06),
                (0.30, 1.00),
                (0.45, 0.78),
                (0.48, 0.35),
                (0.50, -0.10),
                (0.42, -0.36),
                (0.0, -0.42),
            ],
            Style::Straight | Style::Wavy => &[
                (0.0, 1.06),
                (0.30, 1.00),
                (0.46, 0.78),
                (0.51, 0.35),
                (0.56, -0.30),
                (0.54, -0.85),
                (0.30, -1.02),
                (0.0, -1.06),
            ],
        };
        let path = self.place.symmetric(right, &[]);
        self.mass(pen, &path, 0.12);
        self.sheen(pen, &path, &[&[(-0.28, 0.82), (-0.08, 0.90), (0.16, 0.86)]]);
        let low = if self.long() { -0.5 } else { 0.3 };
        self.parting(
            pen,
            &path,
            &[
                &[(0.02, 0.95), (0.10, 0.5), (0.12, low)],
                &[(-0.05, 0.95), (-0.18, 0.5), (-0.20, low)],
                &[(-0.10, 0.97), (-0.32, 0.6), (-0.36, low)],
            ],
        );
    }

    /// The hair over forehead and temples.
    pub(super) fn front(&self, pen: &mut Pen) {
        match self.view {
            View::Front => self.front_view(pen),
            View::Quarter => self.quarter_view(pen),
            View::Profile => self.profile_view(pen),
            View::Back => {}
        }
    }

    fn front_view(&self, pen: &mut Pen) {
        let p = &self.place;
        let path = match self.style {
            Style::SidePart => p.closed(
                &[
                    (0.372, 0.47),
                    (0.425, 0.64),
                    (0.415, 0.86),
                    (0.28, 1.03),
                    (0.0, 1.09),
                    (-0.28, 1.04),
                    (-0.425, 0.86),
                    (-0.425, 0.64),
                    (-0.372, 0.47),
                    (-0.345, 0.62),
                    (-0.325, 0.76),
                    (-0.19, 0.885),
                    (-0.02, 0.80),
                    (0.16, 0.755),
                    (0.315, 0.745),
                    (0.345, 0.62),
                ],
                &[0, 8, 10, 11, 14],
            ),
            Style::Quiff => p.closed(
                &[
                    (0.372, 0.48),
                    (0.415, 0.64),
                    (0.41, 0.84),
                    (0.36, 1.02),
                    (0.16, 1.15),
                    (-0.10, 1.16),
                    (-0.32, 1.06),
                    (-0.41, 0.86),
                    (-0.415, 0.64),
                    (-0.372, 0.48),
                    (-0.345, 0.62),
                    (-0.317, 0.78),
                    (-0.14, 0.835),
                    (0.10, 0.85),
                    (0.317, 0.78),
                    (0.345, 0.62),
                ],
                &[0, 9, 11, 14],
            ),
            Style::Crop => p.closed(
                &[
                    (0.375, 0.50),
                    (0.405, 0.66),
                    (0.392, 0.85),
                    (0.26, 0.99),
                    (0.0, 1.035),
                    (-0.26, 0.99),
                    (-0.392, 0.85),
                    (-0.405, 0.66),
                    (-0.375, 0.50),
                    (-0.352, 0.64),
                    (-0.320, 0.755),
                    (-0.20, 0.815),
                    (0.0, 0.825),
                    (0.20, 0.815),
                    (0.320, 0.755),
                    (0.352, 0.64),
                ],
                &[0, 8, 10, 14],
            ),
            Style::SweptBack => p.symmetric(
                &[
                    (0.0, 1.10),
                    (0.28, 1.05),
                    (0.43, 0.86),
                    (0.46, 0.55),
                    (0.47, 0.22),
                    (0.49, -0.06),
                    (0.38, -0.02),
                    (0.395, 0.25),
                    (0.352, 0.62),
                    (0.27, 0.80),
                    (0.04, 0.875),
                ],
                &[5],
            ),
            Style::Bob => p.closed(
                &[
                    (0.0, 1.08),
                    (0.30, 1.02),
                    (0.45, 0.82),
                    (0.49, 0.48),
                    (0.475, 0.14),
                    (0.385, 0.04),
                    (0.335, 0.14),
                    (0.352, 0.42),
                    (0.315, 0.665),
                    (0.10, 0.685),
                    (-0.12, 0.685),
                    (-0.315, 0.665),
                    (-0.352, 0.42),
                    (-0.335, 0.14),
                    (-0.385, 0.04),
                    (-0.475, 0.14),
                    (-0.49, 0.48),
                    (-0.45, 0.82),
                    (-0.30, 1.02),
                ],
                &[8, 11],
            ),
            Style::Pixie => p.closed(
                &[
                    (0.355, 0.30),
                    (0.425, 0.56),
                    (0.43, 0.84),
                    (0.29, 1.04),
                    (0.0, 1.10),
                    (-0.29, 1.04),
                    (-0.43, 0.84),
                    (-0.425, 0.56),
                    (-0.350, 0.32),
                    (-0.335, 0.52),
                    (-0.305, 0.70),
                    (-0.22, 0.80),
                    (0.02, 0.66),
                    (0.20, 0.60),
                    (0.335, 0.585),
                    (0.345, 0.45),
                ],
                &[0, 8, 11, 14],
            ),
            Style::Straight => p.closed(
                &[
                    (0.0, 1.08),
                    (0.30, 1.02),
                    (0.45, 0.82),
                    (0.50, 0.45),
                    (0.525, 0.0),
                    (0.555, -0.50),
                    (0.48, -0.84),
                    (0.36, -0.80),
                    (0.345, -0.30),
                    (0.375, 0.10),
                    (0.362, 0.40),
                    (0.30, 0.66),
                    (0.12, 0.82),
                    (-0.06, 0.90),
                    (-0.22, 0.80),
                    (-0.345, 0.60),
                    (-0.370, 0.35),
                    (-0.375, 0.10),
                    (-0.345, -0.30),
                    (-0.36, -0.80),
                    (-0.48, -0.84),
                    (-0.555, -0.50),
                    (-0.525, 0.0),
                    (-0.50, 0.45),
                    (-0.45, 0.82),
                    (-0.30, 1.02),
                ],
                &[13],
            ),
            Style::Wavy => p.symmetric(
                &[
                    (0.0, 1.09),
                    (0.31, 1.03),
                    (0.47, 0.82),
                    (0.53, 0.50),
                    (0.50, 0.22),
                    (0.57, -0.06),
                    (0.54, -0.34),
                    (0.60, -0.62),
                    (0.46, -0.80),
                    (0.36, -0.60),
                    (0.40, -0.30),
                    (0.33, -0.04),
                    (0.385, 0.22),
                    (0.352, 0.45),
                    (0.317, 0.66),
                    (0.12, 0.70),
                    (0.0, 0.705),
                ],
                &[14],
            ),
        };
        self.cast_on_face(pen, &path);
        self.mass(pen, &path, 0.075);
        self.sheen(
            pen,
            &path,
            &[
                &[(-0.34, 0.80), (-0.20, 0.91), (-0.06, 0.95)],
                &[(0.02, 0.955), (0.07, 0.95), (0.12, 0.94)],
            ],
        );
        match self.style {
            Style::Bob | Style::Wavy => self.parting(
                pen,
                &path,
                &[
                    &[(-0.16, 0.70), (-0.14, 0.80), (-0.06, 0.92)],
                    &[(0.14, 0.70), (0.12, 0.82), (0.05, 0.92)],
                    &[(0.42, 0.70), (0.44, 0.40), (0.42, 0.12)],
                    &[(-0.42, 0.70), (-0.44, 0.40), (-0.42, 0.12)],
                ],
            ),
            Style::Straight => self.parting(
                pen,
                &path,
                &[
                    &[(-0.06, 0.90), (-0.04, 0.98), (0.0, 1.08)],
                    &[(0.38, 0.70), (0.43, 0.30), (0.44, -0.60)],
                    &[(-0.38, 0.70), (-0.43, 0.30), (-0.44, -0.60)],
                ],
            ),
            Style::SidePart => self.parting(
                pen,
                &path,
                &[
                    &[(-0.19, 0.885), (-0.19, 0.96), (-0.16, 1.06)],
                    &[(0.0, 0.82), (0.12, 0.90), (0.28, 0.94)],
                ],
            ),
            Style::Quiff => self.parting(
                pen,
                &path,
                &[
                    &[(-0.14, 0.84), (-0.10, 0.98), (0.0, 1.08)],
                    &[(0.10, 0.86), (0.14, 0.98), (0.22, 1.06)],
                ],
            ),
            Style::Pixie => self.parting(
                pen,
                &path,
                &[
                    &[(-0.20, 0.80), (0.02, 0.76), (0.24, 0.66)],
                    &[(-0.20, 0.82), (0.06, 0.86), (0.32, 0.78)],
                ],
            ),
            Style::SweptBack => self.parting(
                pen,
                &path,
                &[
                    &[(-0.10, 0.87), (-0.12, 0.96), (-0.10, 1.06)],
                    &[(0.16, 0.85), (0.18, 0.94), (0.16, 1.04)],
                    &[(0.41, 0.60), (0.43, 0.25), (0.44, -0.1)],
                ],
            ),
            Style::Crop => {}
        }
    }

    /// The shadow of the fringe on the face.
    fn cast_on_face(&self, pen: &mut Pen, mass: &Path) {
        if self.place.scale() < 20.0 {
            return;
        }
        let down = tiny_skia::Transform::from_translate(
            self.px(if pen.canvas.from_left { 0.012 } else { -0.012 }),
            self.px(0.030),
        );
        let face = match self.view {
            View::Front => self.place.ellipse((0.0, 0.52), 0.355, 0.46),
            View::Quarter => self.place.ellipse((0.06, 0.52), 0.262, 0.46),
            _ => return,
        };
        if let Some(moved) = mass.clone().transform(down) {
            pen.inside(&face, |pen| pen.glaze(&moved, Rgb(70, 30, 40), 0.20));
        }
    }

    fn quarter_view(&self, pen: &mut Pen) {
        let p = &self.place;
        let path = match self.style {
            Style::SidePart | Style::Crop => {
                let up = if self.style == Style::Crop {
                    -0.05
                } else {
                    0.0
                };
                p.closed(
                    &[
                        (0.336, 0.66),
                        (0.345, 0.82 + up),
                        (0.20, 1.03 + up),
                        (-0.06, 1.09 + up),
                        (-0.32, 1.03 + up),
                        (-0.47, 0.82),
                        (-0.47, 0.54),
                        (-0.36, 0.28),
                        (-0.29, 0.30),
                        (-0.325, 0.50),
                        (-0.235, 0.52),
                        (-0.215, 0.42),
                        (-0.19, 0.60),
                        (-0.12, 0.76),
                        (0.06, 0.82 + up * 0.5),
                        (0.28, 0.79 + up * 0.4),
                    ],
                    &[0, 8, 11, 15],
                )
            }
            Style::Quiff => p.closed(
                &[
                    (0.336, 0.66),
                    (0.38, 0.88),
                    (0.36, 1.08),
                    (0.14, 1.16),
                    (-0.16, 1.11),
                    (-0.36, 1.00),
                    (-0.47, 0.80),
                    (-0.47, 0.54),
                    (-0.36, 0.28),
                    (-0.29, 0.30),
                    (-0.325, 0.50),
                    (-0.235, 0.52),
                    (-0.215, 0.42),
                    (-0.19, 0.62),
                    (-0.10, 0.80),
                    (0.10, 0.86),
                    (0.28, 0.82),
                ],
                &[0, 9, 12, 16],
            ),
            Style::Pixie => p.closed(
                &[
                    (0.325, 0.58),
                    (0.37, 0.80),
                    (0.22, 1.04),
                    (-0.06, 1.10),
                    (-0.33, 1.04),
                    (-0.49, 0.82),
                    (-0.49, 0.50),
                    (-0.37, 0.20),
                    (-0.28, 0.24),
                    (-0.27, 0.42),
                    (-0.20, 0.28),
                    (-0.185, 0.50),
                    (-0.16, 0.70),
                    (-0.04, 0.80),
                    (0.14, 0.66),
                    (0.28, 0.615),
                ],
                &[0, 8, 10, 13],
            ),
            Style::SweptBack => p.closed(
                &[
                    (0.29, 0.78),
                    (0.30, 0.92),
                    (0.16, 1.05),
                    (-0.08, 1.09),
                    (-0.34, 1.02),
                    (-0.50, 0.80),
                    (-0.54, 0.40),
                    (-0.58, -0.02),
                    (-0.58, -0.32),
                    (-0.42, -0.30),
                    (-0.30, -0.05),
                    (-0.25, 0.30),
                    (-0.17, 0.56),
                    (-0.06, 0.77),
                    (0.12, 0.86),
                ],
                &[0, 8],
            ),
            Style::Bob => p.closed(
                &[
                    (0.345, 0.60),
                    (0.375, 0.82),
                    (0.20, 1.04),
                    (-0.06, 1.08),
                    (-0.34, 1.02),
                    (-0.51, 0.80),
                    (-0.55, 0.44),
                    (-0.52, 0.12),
                    (-0.36, 0.00),
                    (-0.22, 0.08),
                    (-0.215, 0.34),
                    (-0.17, 0.62),
                    (-0.06, 0.695),
                    (0.14, 0.70),
                    (0.30, 0.675),
                ],
                &[0, 11],
            ),
            Style::Straight => p.closed(
                &[
                    (0.35, 0.56),
                    (0.385, 0.80),
                    (0.22, 1.03),
                    (-0.06, 1.08),
                    (-0.35, 1.02),
                    (-0.52, 0.80),
                    (-0.57, 0.40),
                    (-0.61, -0.05),
                    (-0.64, -0.52),
                    (-0.54, -0.86),
                    (-0.34, -0.84),
                    (-0.24, -0.45),
                    (-0.225, 0.05),
                    (-0.21, 0.40),
                    (-0.12, 0.68),
                    (0.06, 0.86),
                    (0.22, 0.80),
                ],
                &[0, 15],
            ),
            Style::Wavy => p.closed(
                &[
                    (0.35, 0.58),
                    (0.385, 0.82),
                    (0.22, 1.05),
                    (-0.06, 1.10),
                    (-0.36, 1.03),
                    (-0.54, 0.80),
                    (-0.60, 0.46),
                    (-0.56, 0.18),
                    (-0.65, -0.10),
                    (-0.60, -0.38),
                    (-0.66, -0.66),
                    (-0.50, -0.84),
                    (-0.32, -0.66),
                    (-0.36, -0.34),
                    (-0.20, -0.06),
                    (-0.245, 0.22),
                    (-0.20, 0.48),
                    (-0.16, 0.66),
                    (0.02, 0.71),
                    (0.18, 0.71),
                    (0.30, 0.68),
                ],
                &[0, 17],
            ),
        };
        self.cast_on_face(pen, &path);
        self.mass(pen, &path, 0.075);
        self.sheen(
            pen,
            &path,
            &[
                &[(-0.40, 0.80), (-0.26, 0.92), (-0.10, 0.96)],
                &[(-0.02, 0.965), (0.04, 0.96), (0.09, 0.95)],
            ],
        );
        if self.long() || self.style == Style::Bob {
            self.parting(
                pen,
                &path,
                &[
                    &[(-0.16, 0.90), (-0.36, 0.60), (-0.40, 0.10)],
                    &[(-0.05, 0.92), (-0.24, 0.70), (-0.30, 0.30)],
                ],
            );
        } else {
            self.parting(
                pen,
                &path,
                &[
                    &[(0.06, 0.84), (-0.10, 0.90), (-0.30, 0.86)],
                    &[(-0.16, 0.72), (-0.26, 0.76), (-0.38, 0.66)],
                ],
            );
        }
    }

    fn profile_view(&self, pen: &mut Pen) {
        let p = &self.place;
        let path = match self.style {
            Style::SidePart | Style::Crop | Style::Quiff => {
                let up = match self.style {
                    Style::Crop => -0.05,
                    Style::Quiff => 0.07,
                    _ => 0.0,
                };
                p.closed(
                    &[
                        (0.300, 0.80),
                        (0.345, 0.94 + up),
                        (0.20, 1.06 + up),
                        (-0.04, 1.09 + up * 0.5),
                        (-0.32, 1.00),
                        (-0.485, 0.76),
                        (-0.470, 0.48),
                        (-0.345, 0.20),
                        (-0.20, 0.20),
                        (-0.155, 0.40),
                        (-0.12, 0.55),
                        (-0.03, 0.555),
                        (0.015, 0.42),
                        (0.050, 0.44),
                        (0.06, 0.62),
                        (0.14, 0.76),
                    ],
                    &[0, 7, 8, 12, 13],
                )
            }
            Style::Pixie => p.closed(
                &[
                    (0.335, 0.62),
                    (0.375, 0.84),
                    (0.24, 1.05),
                    (-0.04, 1.10),
                    (-0.34, 1.01),
                    (-0.505, 0.76),
                    (-0.480, 0.42),
                    (-0.340, 0.12),
                    (-0.22, 0.18),
                    (-0.15, 0.40),
                    (-0.10, 0.50),
                    (0.0, 0.46),
                    (0.035, 0.30),
                    (0.075, 0.44),
                    (0.10, 0.62),
                    (0.20, 0.68),
                ],
                &[0, 7, 12],
            ),
            Style::SweptBack => p.closed(
                &[
                    (0.290, 0.82),
                    (0.27, 0.96),
                    (0.12, 1.06),
                    (-0.10, 1.08),
                    (-0.36, 0.98),
                    (-0.51, 0.72),
                    (-0.54, 0.30),
                    (-0.58, -0.06),
                    (-0.60, -0.34),
                    (-0.38, -0.32),
                    (-0.20, -0.04),
                    (-0.08, 0.26),
                    (0.05, 0.56),
                    (0.14, 0.76),
                ],
                &[0, 8],
            ),
            Style::Bob => p.closed(
                &[
                    (0.335, 0.645),
                    (0.375, 0.86),
                    (0.22, 1.05),
                    (-0.06, 1.09),
                    (-0.36, 1.00),
                    (-0.535, 0.72),
                    (-0.565, 0.36),
                    (-0.50, 0.06),
                    (-0.30, -0.03),
                    (-0.06, 0.02),
                    (0.055, 0.12),
                    (0.075, 0.40),
                    (0.13, 0.62),
                    (0.24, 0.665),
                ],
                &[0, 10, 12],
            ),
            Style::Straight => p.closed(
                &[
                    (0.300, 0.80),
                    (0.33, 0.94),
                    (0.20, 1.05),
                    (-0.06, 1.09),
                    (-0.36, 1.00),
                    (-0.54, 0.72),
                    (-0.59, 0.30),
                    (-0.64, -0.25),
                    (-0.66, -0.72),
                    (-0.50, -0.92),
                    (-0.28, -0.82),
                    (-0.14, -0.35),
                    (-0.02, 0.10),
                    (0.055, 0.45),
                    (0.14, 0.70),
                ],
                &[0],
            ),
            Style::Wavy => p.closed(
                &[
                    (0.340, 0.655),
                    (0.38, 0.86),
                    (0.23, 1.06),
                    (-0.06, 1.10),
                    (-0.37, 1.01),
                    (-0.56, 0.72),
                    (-0.58, 0.40),
                    (-0.66, 0.10),
                    (-0.60, -0.20),
                    (-0.70, -0.50),
                    (-0.62, -0.82),
                    (-0.40, -0.88),
                    (-0.20, -0.62),
                    (-0.22, -0.32),
                    (-0.02, -0.06),
                    (-0.04, 0.22),
                    (0.075, 0.44),
                    (0.13, 0.64),
                    (0.24, 0.675),
                ],
                &[0, 17],
            ),
        };
        self.mass(pen, &path, 0.075);
        self.sheen(
            pen,
            &path,
            &[
                &[(-0.30, 0.90), (-0.14, 0.97), (0.02, 0.985)],
                &[(0.09, 0.975), (0.13, 0.965), (0.17, 0.95)],
            ],
        );
        let low = if self.long() { -0.3 } else { 0.42 };
        self.parting(
            pen,
            &path,
            &[
                &[(0.16, 0.82), (-0.06, 0.84), (-0.30, low + 0.1)],
                &[(0.10, 0.92), (-0.20, 0.88), (-0.42, low)],
            ],
        );
    }
}
