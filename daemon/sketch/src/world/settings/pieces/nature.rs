//! Trees, bushes, hills, grass.

use super::super::brush::{Brush, hex};
use crate::world::canvas::Canvas;
use crate::world::colour::Rgb;
use crate::world::dice::Dice;

type Point = (f32, f32, f32);

/// A broad-leaved tree: trunk and a crown of puffs in two tones.
pub(in crate::world::settings) fn tree(
    canvas: &mut Canvas,
    foot: Point,
    height: f32,
    leaf: Rgb,
    dice: &Dice,
) {
    let (x, y, z) = foot;
    let spread = height * 0.34;
    if !canvas.sees(
        (x - spread * 1.5, x + spread * 1.5),
        (y, y + height * 1.1),
        z,
    ) {
        return;
    }
    let mut dice = dice.split("tree");
    let bark = hex(0x77583f);
    let fork = y + height * 0.46;
    let half = (height * 0.034).max(0.09);
    canvas.contact_shadow((x, y + 0.002, z), spread * 0.8, spread * 0.28);
    let (lit, dim) = (canvas.far(bark, z), canvas.far_dim(bark, z));
    canvas.flat(
        z,
        &[
            (x - half * 1.5, y),
            (x + half * 1.5, y),
            (x + half * 0.8, fork),
            (x - half * 0.8, fork),
        ],
        lit,
    );
    let s = -canvas.sun_side();
    canvas.flat(
        z,
        &[
            (x, y),
            (x + s * half * 1.5, y),
            (x + s * half * 0.8, fork),
            (x, fork),
        ],
        dim,
    );
    canvas.flat(
        z,
        &[
            (x - half * 0.7, fork - height * 0.08),
            (x, fork - height * 0.08),
            (x + spread * 0.5, fork + spread * 0.4),
        ],
        dim,
    );
    let centre = y + height * 0.68;
    let puffs: Vec<_> = [
        (-0.62, -0.18, 0.5),
        (0.62, -0.14, 0.5),
        (-0.3, 0.28, 0.56),
        (0.34, 0.32, 0.52),
        (0.0, -0.22, 0.62),
        (0.0, 0.58, 0.44),
    ]
    .iter()
    .map(|&(dx, dy, r)| {
        let (dx, dy): (f32, f32) = (dx + dice.range(-0.1..0.1), dy + dice.range(-0.08..0.08));
        (
            x + dx * spread,
            centre + dy * spread,
            r * spread * dice.range(0.92..1.1),
        )
    })
    .collect();
    crown(canvas, z, &puffs, leaf, spread);
}

/// Puffs of leaves: the second tone below, the lit tone towards the light.
fn crown(canvas: &mut Canvas, z: f32, puffs: &[Point], leaf: Rgb, spread: f32) {
    canvas.puffs(z, puffs, canvas.far_dim(leaf, z));
    let side = canvas.sun_side();
    let lit: Vec<_> = puffs
        .iter()
        .map(|&(x, y, r)| (x + side * spread * 0.09, y + spread * 0.1, r * 0.83))
        .collect();
    canvas.puffs(z, &lit, canvas.far(leaf, z));
    let bright: Vec<_> = puffs
        .iter()
        .skip(2)
        .step_by(2)
        .map(|&(x, y, r)| (x + side * spread * 0.2, y + spread * 0.2, r * 0.46))
        .collect();
    canvas.puffs(z, &bright, canvas.far(leaf.mix(hex(0xf4f6b0), 0.22), z));
}

/// A round bush.
pub(in crate::world::settings) fn bush(
    canvas: &mut Canvas,
    foot: Point,
    size: f32,
    leaf: Rgb,
    dice: &Dice,
) {
    let (x, y, z) = foot;
    if !canvas.sees((x - size, x + size), (y, y + size * 1.2), z) {
        return;
    }
    let mut dice = dice.split("bush");
    canvas.contact_shadow((x, y + 0.002, z), size * 0.8, size * 0.25);
    let puffs: Vec<_> = [
        (-0.52, 0.24, 0.34),
        (0.52, 0.22, 0.34),
        (-0.2, 0.44, 0.42),
        (0.24, 0.4, 0.4),
        (0.0, 0.22, 0.4),
    ]
    .iter()
    .map(|&(dx, dy, r): &Point| {
        (
            x + (dx + dice.range(-0.06..0.06)) * size,
            y + dy * size,
            r * size * dice.range(0.9..1.08),
        )
    })
    .collect();
    crown(canvas, z, &puffs, leaf, size * 0.6);
}

/// A trunk that leaves the frame at the top: for woods. `tones` are its final
/// lit and second tone.
pub(in crate::world::settings) fn trunk(
    canvas: &mut Canvas,
    foot: Point,
    half: f32,
    height: f32,
    tones: (Rgb, Rgb),
    lean: f32,
) {
    let (x, y, z) = foot;
    if !canvas.sees(
        (x - half * 3.0 - lean.abs(), x + half * 3.0 + lean.abs()),
        (y, y + height),
        z,
    ) {
        return;
    }
    canvas.contact_shadow((x, y + 0.002, z), half * 2.6, half * 1.1);
    let top = x + lean;
    let (lit, dim) = tones;
    let roots = half * 1.9;
    canvas.flat(
        z,
        &[
            (x - roots, y - 0.02),
            (x + roots, y - 0.02),
            (x + half * 1.05, y + 0.5),
            (top + half * 0.7, y + height),
            (top - half * 0.7, y + height),
            (x - half * 1.05, y + 0.5),
        ],
        lit,
    );
    let s = -canvas.sun_side();
    canvas.flat(
        z,
        &[
            (x + s * half * 0.2, y - 0.02),
            (x + s * roots, y - 0.02),
            (x + s * half * 1.05, y + 0.5),
            (top + s * half * 0.7, y + height),
            (top + s * half * 0.1, y + height),
        ],
        dim,
    );
    // Two knots give the bark away.
    for (up, wide) in [(1.15, 0.3), (2.6, 0.26)] {
        let at = (x + lean * up / height - s * half * 0.35, y + up, z);
        canvas.ellipse3(at, half * wide, half * wide * 1.5, dim);
    }
}

/// A row of hills across the horizon.
pub(in crate::world::settings) fn hills(
    canvas: &mut Canvas,
    z: f32,
    height: f32,
    base: Rgb,
    dice: &Dice,
) {
    let mut dice = dice.split("hills");
    let (phase, second) = (
        dice.range(0.0..std::f32::consts::TAU),
        dice.range(0.0..std::f32::consts::TAU),
    );
    let (left, right) = (
        canvas.camera.left_at(z) - 1.0,
        canvas.camera.right_at(z) + 1.0,
    );
    let eye = canvas.camera.eye.1;
    let steps = 24;
    let mut points = vec![(right, eye - z * 0.2 - 30.0), (left, eye - z * 0.2 - 30.0)];
    for step in 0..=steps {
        let x = left + (right - left) * step as f32 / steps as f32;
        let t = x / z * 9.0;
        let y = 0.55 + 0.3 * (t + phase).sin() + 0.15 * (t * 2.3 + second).sin();
        points.push((x, 1.5 + height * y));
    }
    canvas.flat(z, &points, canvas.far(base, z));
}

/// Covers the ground from the frame's lower edge to the horizon.
pub(in crate::world::settings) fn ground(canvas: &mut Canvas, base: Rgb) {
    ground_between(canvas, (canvas.ground_from(), 400.0), base);
}

/// Covers the ground between two depths, over the frame's whole width. The
/// far part takes the colour of the air.
pub(in crate::world::settings) fn ground_between(canvas: &mut Canvas, z: (f32, f32), base: Rgb) {
    let near = z.0.max(canvas.ground_from());
    if near >= z.1 {
        return;
    }
    let camera = canvas.camera;
    let x = |at: f32| (camera.left_at(at) - 0.5, camera.right_at(at) + 0.5);
    let (front, back) = (x(near), x(z.1));
    let corners = [
        (front.0, 0.0, near),
        (front.1, 0.0, near),
        (back.1, 0.0, z.1),
        (back.0, 0.0, z.1),
    ];
    let rows = (
        camera.project(0.0, 0.0, near + 1e-3),
        camera.project(0.0, 0.0, z.1),
    );
    if let (Some(path), (Some(low), Some(high))) = (canvas.outline(&corners), rows) {
        let (from, to) = (canvas.far(base, near.max(0.0)), canvas.far(base, z.1 * 0.6));
        canvas.fill_gradient(&path, (0.0, low.1, from), (0.0, high.1, to));
    }
}

/// A tuft of broad blades.
pub(in crate::world::settings) fn tuft(
    canvas: &mut Canvas,
    foot: Point,
    height: f32,
    leaf: Rgb,
    dice: &mut Dice,
) {
    let (x, y, z) = foot;
    if !canvas.sees((x - height, x + height), (y, y + height), z) {
        return;
    }
    for index in 0..5 {
        let lean = (index as f32 - 2.0) * 0.3 + dice.range(-0.1..0.1);
        let tip = height * (1.0 - 0.12 * (index as f32 - 2.0).abs());
        let base = x + lean * height * 0.25;
        let tone = if index % 2 == 0 {
            canvas.far(leaf, z)
        } else {
            canvas.far_dim(leaf, z)
        };
        canvas.flat(
            z,
            &[
                (base - height * 0.09, y),
                (base + height * 0.09, y),
                (x + lean * height, y + tip),
            ],
            tone,
        );
    }
}

/// A palm.
pub(in crate::world::settings) fn palm(canvas: &mut Canvas, foot: Point, height: f32, lean: f32) {
    let (x, y, z) = foot;
    if !canvas.sees((x - 2.5, x + 2.5 + lean.abs()), (y, y + height + 1.5), z) {
        return;
    }
    canvas.contact_shadow((x, y + 0.003, z), 0.5, 0.2);
    let bark = hex(0xa37a50);
    let (lit, dim) = (canvas.far(bark, z), canvas.far_dim(bark, z));
    let top = (x + lean, y + height);
    let bend = (x + lean * 0.25, y + height * 0.55);
    canvas.flat(
        z,
        &[
            (x - 0.2, y),
            (x + 0.2, y),
            (bend.0 + 0.14, bend.1),
            (top.0 + 0.1, top.1),
            (top.0 - 0.1, top.1),
            (bend.0 - 0.14, bend.1),
        ],
        lit,
    );
    let s = -canvas.sun_side();
    canvas.flat(
        z,
        &[
            (x + s * 0.04, y),
            (x + s * 0.2, y),
            (bend.0 + s * 0.14, bend.1),
            (top.0 + s * 0.1, top.1),
            (top.0, top.1),
            (bend.0, bend.1),
        ],
        dim,
    );
    let leaf = hex(0x4f9a52);
    for (index, (dx, dy)) in [
        (-1.7, -0.5),
        (1.7, -0.45),
        (-1.35, 0.35),
        (1.35, 0.4),
        (-0.6, 0.8),
        (0.65, 0.78),
        (-1.2, -1.1),
        (1.15, -1.05),
    ]
    .into_iter()
    .enumerate()
    {
        let tone = if index % 2 == 0 {
            canvas.far(leaf, z)
        } else {
            canvas.far_dim(leaf, z)
        };
        let tip = (top.0 + dx, top.1 + dy);
        let arch = (top.0 + dx * 0.5, top.1 + dy * 0.5 + 0.5);
        canvas.smooth(
            z,
            &[
                top,
                (arch.0, arch.1 + 0.16),
                tip,
                tip,
                (arch.0, arch.1 - 0.22),
                top,
            ],
            tone,
        );
    }
    canvas.puffs(
        z,
        &[
            (top.0 - 0.12, top.1 - 0.12, 0.12),
            (top.0 + 0.12, top.1 - 0.14, 0.12),
        ],
        canvas.far_dim(hex(0x7a5230), z),
    );
}
