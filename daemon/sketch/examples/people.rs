//! Draws a contact sheet of people: `people OUT.png SIZE COLUMNS ROWS MODE [LIGHT]`.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use framewright_sketch::world::camera::Camera;
use framewright_sketch::world::canvas::Canvas;
use framewright_sketch::world::colour::{HairColour, Light, Rgb, SkinTone};
use framewright_sketch::world::dice::Dice;
use framewright_sketch::world::people::{
    Class, Facing, HairLength, Held, Mood, Person, Pose, draw, landmarks,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let out = args.get(1).map_or("people.png", String::as_str);
    let number = |i: usize, or: usize| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(or);
    let (size, columns, rows) = (number(2, 256), number(3, 6), number(4, 4));
    let mode = args.get(5).map_or("mixed", String::as_str);
    let light = Light::ALL[number(6, 0) % 4];
    let seed = number(7, 0) as u64;
    let mut sheet = vec![0u8; size * size * columns * rows * 3];
    let start = std::time::Instant::now();
    for n in 0..columns * rows {
        let dice = Dice::new(n as u64 + seed * 1000).split(mode);
        let mut person = Person::sample(&dice);
        let mut more = dice.split("more");
        let (column, row) = (n % columns, n / columns);
        let mut bottom_top = None;
        match mode {
            "faces" | "heads" => {
                person.class = Class::ALL[n % 2];
                person.beard &= person.class == Class::Man;
                person.facing = Facing::ALL[column % 6];
                person.mood = Mood::ALL[row % 4];
                person.skin = SkinTone::ALL[more.int(0..5)];
                person.hair = HairColour::ALL[more.int(0..5)];
                let l = landmarks(&person);
                let head = l.top_of_head - l.chin;
                let pad = if mode == "faces" { 0.15 } else { 0.75 };
                bottom_top = Some((l.chin - head * pad, l.top_of_head + head * 0.15));
            }
            "moods" => {
                person.class = Class::ALL[row % 2];
                person.beard = false;
                person.hat = false;
                person.mood = Mood::ALL[column % 4];
                person.facing = Facing::ALL[(row / 2) * 2 % 4];
                let l = landmarks(&person);
                bottom_top = Some((l.chin - 0.05, l.top_of_head + 0.05));
            }
            "poses" => {
                person.pose = Pose::ALL[row % 5];
                person.facing = Facing::ALL[column % 6];
                if person.pose == Pose::Holding {
                    person.held = Some(Held::ALL[more.int(0..4)]);
                }
            }
            "held" => {
                person.pose = Pose::Holding;
                person.held = Some(Held::ALL[row % 4]);
                person.facing = Facing::ALL[column % 6];
            }
            "classes" => {
                person.class = Class::ALL[column % 2];
                person.hair_length = HairLength::ALL[(column / 2) % 2];
                person.beard = false;
                person.hat = false;
                person.facing = Facing::ALL[row % 6];
                let l = landmarks(&person);
                bottom_top = Some((l.waist, l.top_of_head + 0.1));
            }
            _ => {
                person.pose = *more.pick(Pose::ALL);
                person.facing = *more.pick(Facing::ALL);
                person.mood = *more.pick(Mood::ALL);
                if person.pose == Pose::Holding {
                    person.held = Some(*more.pick(Held::ALL));
                }
            }
        }
        let (bottom, top) = bottom_top.unwrap_or((-0.15, 2.2));
        let camera = Camera {
            width: size as u32,
            height: size as u32,
            eye: (0.0, 1.4),
            distance: 5.0,
            centre: (0.0, (bottom + top) / 2.0),
            view_height: top - bottom,
        };
        let mut canvas = Canvas::new(camera, light);
        let wall = light.lit(Rgb(206, 212, 206));
        canvas.face(
            &[
                (-9.0, -3.0, 1.0),
                (9.0, -3.0, 1.0),
                (9.0, 9.0, 1.0),
                (-9.0, 9.0, 1.0),
            ],
            wall,
        );
        let floor = light.lit(Rgb(176, 160, 140));
        canvas.face(
            &[
                (-9.0, 0.0, -4.0),
                (9.0, 0.0, -4.0),
                (9.0, 0.0, 1.0),
                (-9.0, 0.0, 1.0),
            ],
            floor,
        );
        if person.pose == Pose::Sitting {
            canvas.cuboid(
                (-0.5, 0.0, -0.02),
                (0.5, person.seat_height, 0.4),
                Rgb(150, 120, 90),
            );
        }
        draw(&mut canvas, &person, 0, 0.0, 0.0, &dice);
        let frame = canvas.finish();
        for y in 0..size {
            let at = ((row * size + y) * columns + column) * size * 3;
            sheet[at..at + size * 3].copy_from_slice(&frame.rgb[y * size * 3..][..size * 3]);
        }
    }
    eprintln!(
        "{:.2} ms a frame",
        start.elapsed().as_secs_f64() * 1e3 / (columns * rows) as f64
    );
    let file = BufWriter::new(File::create(out)?);
    let mut encoder = png::Encoder::new(file, (size * columns) as u32, (size * rows) as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&sheet)?;
    Ok(())
}
