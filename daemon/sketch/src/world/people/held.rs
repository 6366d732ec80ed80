//! What is in a hand: book, cup, flashlight, umbrella.

use super::body::{Body, View};
use super::pen::{Part, Pen, Place, Pt};
use super::person::Held;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

/// Draws what is held, before the hand closes over it.
pub(super) fn draw(pen: &mut Pen, held: Held, body: &Body, place: &Place, look: u64) {
    let arm = &body.arms[body.active];
    let wrist = arm.joints[2];
    let grip: Pt = (
        wrist.0 + 0.032 * arm.hand.sin(),
        wrist.1 - 0.032 * arm.hand.cos(),
    );
    let mut dice = Dice::new(look).split("held");
    match held {
        Held::Book => book(pen, body, place, grip, &mut dice),
        Held::Cup => cup(pen, body, place, grip, &mut dice),
        Held::Flashlight => flashlight(pen, body, place, grip),
        Held::Umbrella => umbrella(pen, body, place, grip, &mut dice),
    }
}

fn book(pen: &mut Pen, body: &Body, place: &Place, grip: Pt, dice: &mut Dice) {
    pen.part(Part::Held);
    let cover = *dice.pick(&[
        Rgb(150, 40, 52),
        Rgb(34, 86, 120),
        Rgb(40, 104, 74),
        Rgb(116, 70, 132),
    ]);
    let page = Rgb(250, 244, 226);
    let px = place.scale();
    let (at, half, flat) = match body.view {
        View::Profile => ((grip.0 + 0.035, grip.1 + 0.035), 0.050, true),
        View::Back => ((grip.0 * 1.12, grip.1 + 0.056), 0.062, false),
        View::Quarter => ((grip.0 + 0.070, grip.1 + 0.044), 0.088, false),
        _ => ((0.0, grip.1 + 0.050), 0.098, false),
    };
    let b = place.sub(at, 1.12, 0.0);
    if flat {
        // From the side: an open V.
        let near = b.polygon(&[
            (0.0, -0.065),
            (0.022, -0.070),
            (0.085, 0.055),
            (0.060, 0.066),
        ]);
        let pages = b.polygon(&[
            (-0.006, -0.060),
            (0.006, -0.062),
            (0.062, 0.062),
            (-0.028, 0.070),
        ]);
        pen.fill(&pages, page);
        pen.shaded(&near, cover, px * 0.008);
        let far = b.polygon(&[
            (-0.016, -0.066),
            (0.0, -0.070),
            (-0.026, 0.072),
            (-0.046, 0.066),
        ]);
        pen.fill_dark(&far, cover);
        return;
    }
    // The pages stand out above the covers, whose backs face the camera.
    let tall = 0.074;
    for side in [-1.0, 1.0] {
        let pages = b.closed(
            &[
                (0.0, tall - 0.004),
                (side * half * 0.5, tall + 0.014),
                (side * half * 0.96, tall + 0.006),
                (side * half * 0.96, -tall),
                (0.0, -tall),
            ],
            &[0, 2, 3, 4],
        );
        pen.fill(&pages, page);
        let board = b.closed(
            &[
                (0.0, tall - 0.012),
                (side * half * 0.5, tall),
                (side * half, tall - 0.006),
                (side * half, -tall),
                (side * half * 0.5, -tall + 0.004),
                (0.0, -tall - 0.006),
            ],
            &[0, 2, 3, 5],
        );
        let lit_side = (side < 0.0) == pen.canvas.from_left;
        if lit_side {
            pen.fill(&board, cover);
        } else {
            pen.fill_dark(&board, cover);
        }
        if px > 120.0 {
            let frame = b.open(&[
                (side * half * 0.22, tall - 0.024),
                (side * half * 0.80, tall - 0.020),
                (side * half * 0.80, -tall + 0.018),
                (side * half * 0.22, -tall + 0.014),
            ]);
            let gold = pen.lit(Rgb(226, 186, 92));
            pen.canvas.stroke(&frame, px * 0.004, gold, true);
        }
    }
    let spine = b.polygon(&[
        (-0.008, tall - 0.012),
        (0.008, tall - 0.012),
        (0.008, -tall - 0.006),
        (-0.008, -tall - 0.006),
    ]);
    pen.fill(&spine, cover.shade(0.7));
}

fn cup(pen: &mut Pen, body: &Body, place: &Place, grip: Pt, dice: &mut Dice) {
    pen.part(Part::Held);
    let glaze = *dice.pick(&[Rgb(244, 240, 232), Rgb(64, 150, 160), Rgb(226, 92, 76)]);
    let px = place.scale();
    let ahead = match body.view {
        View::Profile | View::Quarter => 0.018,
        _ => 0.0,
    };
    let c = place.sub((grip.0 + ahead, grip.1 - 0.014), 1.22, 0.0);
    let side = if body.active == 1 { -1.0 } else { 1.0 };
    let handle = c.open(&[
        (side * 0.026, 0.050),
        (side * 0.056, 0.044),
        (side * 0.052, 0.012),
        (side * 0.024, 0.006),
    ]);
    pen.line(&handle, px * 0.011, glaze.shade(0.92));
    let cup = c.closed(
        &[
            (-0.036, 0.066),
            (0.036, 0.066),
            (0.031, 0.000),
            (0.022, -0.014),
            (-0.022, -0.014),
            (-0.031, 0.000),
        ],
        &[0, 1, 3, 4],
    );
    pen.shaded(&cup, glaze, px * 0.018);
    let rim = c.ellipse((0.0, 0.066), 0.036, 0.010);
    pen.fill(&rim, glaze.shade(1.08));
    let drink = c.ellipse((0.0, 0.065), 0.030, 0.0075);
    pen.fill(&drink, Rgb(92, 54, 32));
    if px > 60.0 {
        let steam = pen.lit(Rgb(255, 255, 255));
        for (x, bend) in [(-0.012, 0.010), (0.012, 0.013)] {
            let wisp = c.open(&[
                (x, 0.082),
                (x + bend, 0.104),
                (x - bend * 0.6, 0.126),
                (x + bend * 0.5, 0.148),
            ]);
            pen.canvas.stroke_alpha(&wisp, px * 0.008, steam, 0.55);
        }
    }
}

fn flashlight(pen: &mut Pen, body: &Body, place: &Place, grip: Pt) {
    let px = place.scale();
    let out = match body.view {
        View::Front | View::Back if body.active == 0 => -1.0,
        _ => 1.0,
    };
    let turn = 0.05;
    let f = place.sub(grip, 1.25, 0.0);
    let f = if out < 0.0 { f.mirrored() } else { f }.sub((0.0, 0.0), 1.0, -turn);
    // The beam fans out in steps, soft at the rim.
    for (half, alpha) in [(0.28, 0.13), (0.21, 0.13), (0.13, 0.16)] {
        let beam = f.polygon(&[
            (0.098, 0.022),
            (0.098, -0.022),
            (0.98, -half - 0.06),
            (0.98, half - 0.06),
        ]);
        pen.glaze(&beam, Rgb(255, 240, 170), alpha);
    }
    pen.part(Part::Held);
    let barrel = f.polygon(&[
        (-0.048, 0.015),
        (0.064, 0.015),
        (0.064, -0.015),
        (-0.048, -0.015),
    ]);
    pen.shaded(&barrel, Rgb(66, 70, 82), px * 0.010);
    let head = f.closed(
        &[
            (0.060, 0.016),
            (0.078, 0.029),
            (0.098, 0.030),
            (0.098, -0.030),
            (0.078, -0.029),
            (0.060, -0.016),
        ],
        &[0, 2, 3, 5],
    );
    pen.shaded(&head, Rgb(214, 74, 48), px * 0.012);
    let lens = f.ellipse((0.099, 0.0), 0.009, 0.029);
    pen.canvas.fill(&lens, Rgb(255, 250, 214));
}

fn umbrella(pen: &mut Pen, body: &Body, place: &Place, grip: Pt, dice: &mut Dice) {
    pen.part(Part::Held);
    let cloth = *dice.pick(&[
        Rgb(178, 40, 60),
        Rgb(40, 78, 130),
        Rgb(48, 118, 104),
        Rgb(232, 168, 48),
    ]);
    let px = place.scale();
    let top = 1.165 - body.drop;
    // The stick leans so that the canopy is above the head.
    let lean = grip.0 * 0.72;
    let u = |x: f32, y: f32| -> Pt { (x, y) };
    let pole = place.open(&[u(grip.0, grip.1 - 0.055), u(lean, top + 0.075)]);
    pen.line(&pole, (px * 0.013).max(0.8), Rgb(70, 60, 62));
    let hook = place.open(&[
        u(grip.0, grip.1 - 0.050),
        u(grip.0 + 0.004, grip.1 - 0.078),
        u(grip.0 + 0.022, grip.1 - 0.080),
        u(grip.0 + 0.028, grip.1 - 0.064),
    ]);
    pen.line(&hook, (px * 0.015).max(0.8), Rgb(120, 72, 40));
    let c = place.sub((lean, top), 1.0, -lean * 0.25);
    let half = 0.31;
    let low = -0.125;
    // The far side of the canopy shows below its front rim.
    let inside = c.closed(
        &[
            (-half * 0.98, low + 0.004),
            (-half * 0.5, low - 0.004),
            (0.0, low - 0.006),
            (half * 0.5, low - 0.004),
            (half * 0.98, low + 0.004),
            (0.0, low + 0.08),
        ],
        &[0, 4],
    );
    pen.fill_dark(&inside, cloth.shade(0.72));
    let rim: Vec<Pt> = vec![
        (-half, low),
        (-half * 0.93, low + 0.082),
        (-half * 0.56, low + 0.152),
        (0.0, low + 0.178),
        (half * 0.56, low + 0.152),
        (half * 0.93, low + 0.082),
        (half, low),
        (half * 0.80, low + 0.030),
        (half * 0.56, low + 0.018),
        (half * 0.28, low + 0.042),
        (0.0, low + 0.026),
        (-half * 0.28, low + 0.042),
        (-half * 0.56, low + 0.018),
        (-half * 0.80, low + 0.030),
    ];
    let dome = c.closed(&rim, &[0, 6, 8, 10, 12]);
    pen.shaded(&dome, cloth, px * 0.030);
    let seam = pen.dark(cloth);
    let ribs: [[Pt; 3]; 3] = [
        [
            (0.0, low + 0.178),
            (-half * 0.36, low + 0.13),
            (-half * 0.56, low + 0.018),
        ],
        [(0.0, low + 0.178), (0.004, low + 0.08), (0.0, low + 0.026)],
        [
            (0.0, low + 0.178),
            (half * 0.36, low + 0.13),
            (half * 0.56, low + 0.018),
        ],
    ];
    for rib in ribs {
        pen.canvas.stroke(&c.open(&rib), px * 0.005, seam, true);
    }
}
