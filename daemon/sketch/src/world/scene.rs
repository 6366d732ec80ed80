//! A scene: what is sampled from a seed, and how it is put into a frame.

use serde::{Deserialize, Serialize};

use super::annotations::{Extent, Extents, Part, VisibleParts};
use super::camera::Camera;
use super::canvas::{Canvas, Frame};
use super::caption;
use super::colour::Light;
use super::dice::Dice;
use super::framing::{Framing, Shot};
use super::people::{self, Class, Facing, Held, Landmarks, Mood, Person, Pose};
use super::settings::{Backdrop, Setting};

/// Where in the frame a person is. The bands of the offset from the middle, as
/// fractions of the frame's width: centre up to 0.05, left and right from 0.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// Left of the middle.
    Left,
    /// In the middle.
    Centre,
    /// Right of the middle.
    Right,
}

impl Position {
    /// Every position.
    pub const ALL: [Self; 3] = [Self::Left, Self::Centre, Self::Right];
}

/// The greatest offset of a person in the centre, as a fraction of the frame's
/// width.
pub const CENTRE_OFFSET: f32 = 0.05;
/// The least offset of a person on the left or on the right.
pub const SIDE_OFFSET: f32 = 0.12;

/// A person and their place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Who, and what they do.
    pub person: Person,
    /// Where in the frame.
    pub position: Position,
    /// Metres from the setting's middle.
    pub x: f32,
    /// Metres from the picture plane.
    pub z: f32,
}

/// What a detail shot shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetailSubject {
    /// A thing that belongs to the setting, by its name.
    Prop(String),
    /// The hand of the first person with what it holds.
    Held(Held),
}

/// The camera without the frame's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// x and y of the eye in metres.
    pub eye: (f32, f32),
    /// Metres from the eye to the picture plane z = 0.
    pub distance: f32,
    /// The point of the picture plane in the frame's middle.
    pub centre: (f32, f32),
    /// Metres of the picture plane that the frame's height shows.
    pub view_height: f32,
    /// Radius of the background's blur, as a fraction of the frame's height.
    pub blur: f32,
}

impl View {
    /// The camera that shows this view on `width` × `height` pixels.
    pub fn camera(&self, width: u32, height: u32) -> Camera {
        Camera {
            width,
            height,
            eye: self.eye,
            distance: self.distance,
            centre: self.centre,
            view_height: self.view_height,
        }
    }
}

/// What a sampled scene must have; `None` leaves it to the seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The shot type.
    pub shot: Option<Shot>,
    /// The setting.
    pub setting: Option<Setting>,
    /// The light.
    pub light: Option<Light>,
    /// Whether it rains (out of doors and in the bus).
    pub rain: Option<bool>,
    /// How many people: 0, 1 or 2; a detail shot ignores it.
    pub people: Option<usize>,
    /// The position of one person alone.
    pub position: Option<Position>,
    /// One of the people, whatever the seed says: a character. Pose,
    /// facing, mood and held object are still the scene's.
    pub character: Option<Person>,
    /// Whether the pose is left to the seed (`None`) or fixed.
    pub pose: Option<Pose>,
    /// The facing of everyone.
    pub facing: Option<Facing>,
    /// Width over height of the frame; 0 means 1.
    pub aspect: f32,
}

/// A scene that can be drawn at any size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// The seed that it comes from.
    pub seed: u64,
    /// The shot type.
    pub shot: Shot,
    /// The setting.
    pub setting: Setting,
    /// The light.
    pub light: Light,
    /// Whether it rains.
    pub rain: bool,
    /// Nobody, one person, or two from left to right.
    pub people: Vec<Placed>,
    /// What a detail shot shows.
    pub detail: Option<DetailSubject>,
    /// Where it is seen from.
    pub view: View,
}

/// One person in a [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// What the person is, wears and does.
    #[serde(flatten)]
    pub person: Person,
    /// Where in the frame.
    pub position: Position,
    /// The box of the visible pixels.
    #[serde(rename = "box")]
    pub bounds: Option<[u32; 4]>,
    /// Visible pixels by part.
    pub visible: VisibleParts,
}

/// A prop in a [`Record`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropRecord {
    /// The id in the id map.
    pub id: u8,
    /// What it is.
    pub name: String,
    /// Box and number of its visible pixels.
    #[serde(flatten)]
    pub extent: Extent,
}

/// Everything that is known of a rendered frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The scene's seed.
    pub seed: u64,
    /// The shot type.
    pub shot: Shot,
    /// The setting, as captions say it.
    pub setting: String,
    /// The light, as captions say it.
    pub light: String,
    /// Whether it rains.
    pub rain: bool,
    /// The people, from left to right.
    pub people: Vec<PersonRecord>,
    /// The props that the frame shows.
    pub props: Vec<PropRecord>,
    /// What a detail shot shows.
    pub detail: Option<DetailSubject>,
    /// The complete caption.
    pub caption: String,
    /// Captions for training.
    pub captions: Vec<String>,
}

/// The seed of scene `index` in a series; 53 bits, so that every JSON reader
/// keeps it whole.
pub fn scene_seed(series: u64, index: u64) -> u64 {
    Dice::new(series).split(&format!("scene {index}")).bits() >> 11
}

impl Scene {
    /// The scene of a seed. Equal seeds and options give equal scenes.
    pub fn sample(seed: u64, options: &Options) -> Self {
        let dice = Dice::new(seed);
        let shot = options.shot.unwrap_or_else(|| {
            let mut dice = dice.split("shot");
            if dice.chance(0.06) {
                Shot::DetailShot
            } else {
                *dice.pick(&Shot::FIGURE)
            }
        });
        let setting = options
            .setting
            .unwrap_or_else(|| *dice.split("setting").pick(&Setting::ALL));
        let light = options
            .light
            .unwrap_or_else(|| match dice.split("light").unit() {
                u if u < 0.34 => Light::SoftDaylight,
                u if u < 0.58 => Light::GoldenSunset,
                u if u < 0.78 => Light::LowLight,
                _ => Light::Night,
            });
        // The bus has its rain behind the windows; a stop is a place to be wet.
        let wet = !setting.indoors() || setting == Setting::BusInterior;
        let likely = if setting == Setting::BusStop {
            0.5
        } else {
            0.25
        };
        let rain = wet
            && options
                .rain
                .unwrap_or_else(|| dice.split("rain").chance(likely));
        let aspect = if options.aspect > 0.0 {
            options.aspect
        } else {
            1.0
        };

        let mut scene = Self {
            seed,
            shot,
            setting,
            light,
            rain,
            people: Vec::new(),
            detail: None,
            view: View {
                eye: (0.0, 1.5),
                distance: 3.0,
                centre: (0.0, 1.0),
                view_height: 2.2,
                blur: 0.0,
            },
        };
        if shot == Shot::DetailShot {
            scene.choose_detail(options, aspect, &dice);
        } else {
            let count = options.people.unwrap_or_else(|| {
                let mut dice = dice.split("people");
                match (dice.unit(), dice.unit()) {
                    (u, _) if shot == Shot::ExtremeLongShot && u < 0.12 => 0,
                    (_, u) if u < 0.30 => 2,
                    _ => 1,
                }
            });
            scene.place_people(count.min(2), options, aspect, &dice);
        }
        scene
    }

    /// Samples the people of a figure shot, frames them and sets the view.
    fn place_people(&mut self, count: usize, options: &Options, aspect: f32, dice: &Dice) {
        let seat = self.setting.seat();
        let mut people: Vec<Person> = (0..count)
            .map(|i| self.person(i, count, options, dice))
            .collect();
        // An office chair holds one.
        if seat.is_some_and(|seat| seat.half_width < 0.5)
            && let [first, second] = people.as_mut_slice()
            && first.pose == Pose::Sitting
        {
            stand_up(second);
        }
        let seated_apart = people.iter().any(|p| p.pose == Pose::Sitting)
            && people.iter().any(|p| p.pose != Pose::Sitting);
        // Someone on a seat and someone on their feet share a wide frame only.
        if seated_apart && self.shot < Shot::LongShot {
            people.iter_mut().for_each(stand_up);
        }
        if count == 2 && self.shot < Shot::FullShot {
            match_heights(&mut people, &mut dice.split("matched heights"));
        }
        let bodies: Vec<Landmarks> = people.iter().map(people::landmarks).collect();
        let framing = Framing::of(self.shot, &bodies, dice);
        let width = framing.view_height * aspect;

        let mut aim = dice.split("position");
        let offsets: Vec<(Position, f32)> = match count {
            0 => vec![(Position::Centre, aim.range(-0.05..0.05))],
            1 => {
                let mut position = *aim.pick(&Position::ALL);
                // A face that fills the frame looks into it, not out of it.
                if self.shot <= Shot::CloseUp {
                    position = match (people[0].facing, position) {
                        (Facing::Left | Facing::ProfileLeft, Position::Left) => Position::Right,
                        (Facing::Right | Facing::ProfileRight, Position::Right) => Position::Left,
                        (_, position) => position,
                    };
                }
                vec![(options.position.unwrap_or(position), 0.0)]
            }
            _ => vec![(Position::Left, 0.0), (Position::Right, 0.0)],
        };
        let mut offsets: Vec<(Position, f32)> = offsets
            .into_iter()
            .map(|(position, _)| {
                let size = match (self.shot, count) {
                    (Shot::ExtremeCloseUp, 2) => aim.range(0.27..0.32),
                    (Shot::CloseUp | Shot::MediumCloseUp, 2) => aim.range(0.23..0.28),
                    (_, 2) if self.shot < Shot::LongShot => aim.range(0.20..0.27),
                    (Shot::LongShot, 2) => aim.range(0.13..0.24),
                    (_, 2) => aim.range(0.125..0.25),
                    (Shot::ExtremeCloseUp, _) => aim.range(0.13..0.20),
                    _ if self.shot < Shot::LongShot => aim.range(0.15..0.25),
                    _ => aim.range(0.15..0.32),
                };
                let small = aim.range(-CENTRE_OFFSET * 0.9..CENTRE_OFFSET * 0.9);
                let offset = match position {
                    Position::Left => -size,
                    Position::Centre => small,
                    Position::Right => size,
                };
                (position, offset)
            })
            .collect();

        // The place of the frame's middle in the setting: near a seat that is
        // sat on, else free.
        let spread = match self.shot {
            Shot::LongShot | Shot::ExtremeLongShot => 0.8,
            _ => 0.5,
        };
        let mut middle = aim.range(-spread..spread);
        let mut depth = 0.0;
        if let Some(seat) = seat
            && people.iter().any(|p| p.pose == Pose::Sitting)
        {
            depth = seat.at.1;
            let sitting: Vec<usize> = (0..count)
                .filter(|i| people[*i].pose == Pose::Sitting)
                .collect();
            if let [one] = sitting.as_slice() {
                middle = seat.at.0 - offsets[*one].1 * width;
            } else {
                // Two on one seat sit as close as it is wide; the frame's own
                // guard band still holds.
                let apart = seat.half_width.clamp(0.55, 0.8);
                let fraction = (apart / width / 2.0).clamp(SIDE_OFFSET + 0.005, 0.30);
                offsets = vec![(Position::Left, -fraction), (Position::Right, fraction)];
                middle = seat.at.0;
            }
        }
        let mut lens = dice.split("eye");
        let eye_x = middle + lens.range(-0.06..0.06) * width;
        let camera = framing.camera(1, 1, middle, eye_x, depth);
        self.view = View {
            eye: camera.eye,
            distance: camera.distance,
            centre: camera.centre,
            view_height: camera.view_height,
            blur: framing.blur,
        };
        self.people = people
            .into_iter()
            .zip(offsets)
            .map(|(person, (position, offset))| Placed {
                person,
                position,
                x: middle + offset * width,
                z: depth,
            })
            .collect();
    }

    /// Person `index` of `count` with pose, facing and mood.
    fn person(&self, index: usize, count: usize, options: &Options, dice: &Dice) -> Person {
        // On the left as often as on the right.
        let chosen = usize::from(count == 2 && dice.split("character").unit() < 0.5);
        let dice = dice.split(&format!("person {index}"));
        let mut person = Person::sample(&dice);
        if index == chosen
            && let Some(character) = &options.character
        {
            person = character.clone();
        }
        let seat = self.setting.seat();
        let mut act = dice.split("act");
        let (pose_roll, held_roll, seat_roll) = (act.unit(), act.unit(), act.unit());
        person.held = None;
        person.pose = match pose_roll {
            u if u < 0.36 => Pose::Standing,
            u if u < 0.54 => Pose::Walking,
            u if u < 0.72 => Pose::Waving,
            _ => Pose::Holding,
        };
        // A seat that is cut off by the frame's lower edge says nothing, and
        // a sitting thigh has no height to cut at.
        if seat.is_some()
            && seat_roll < 0.28
            && !matches!(self.shot, Shot::AmericanShot | Shot::ExtremeCloseUp)
        {
            person.pose = Pose::Sitting;
        }
        // Closer than this, what is in the hand is out of the frame.
        if person.pose == Pose::Holding && self.shot <= Shot::CloseUp {
            person.pose = Pose::Standing;
        }
        if let Some(pose) = options.pose {
            person.pose = if pose == Pose::Sitting && seat.is_none() {
                Pose::Standing
            } else {
                pose
            };
        }
        if let Some(seat) = seat {
            person.seat_height = seat.height;
        }
        if person.pose == Pose::Holding {
            person.held = Some(match held_roll {
                // An umbrella needs a frame that its canopy fits into.
                u if self.shot < Shot::MediumShot => *[Held::Book, Held::Cup, Held::Flashlight]
                    .get((u * 3.0) as usize)
                    .unwrap_or(&Held::Cup),
                u if self.rain && !self.setting.indoors() && u < 0.6 => Held::Umbrella,
                u if u < 0.28 => Held::Book,
                u if u < 0.54 => Held::Cup,
                u if u < 0.78 => Held::Flashlight,
                _ => Held::Umbrella,
            });
        }
        let mut face = dice.split("face");
        person.facing = options.facing.unwrap_or_else(|| {
            let inward = if index == 0 {
                Facing::Right
            } else {
                Facing::Left
            };
            let profile = if index == 0 {
                Facing::ProfileRight
            } else {
                Facing::ProfileLeft
            };
            match (face.unit(), face.unit()) {
                // Two people mostly turn to each other or to the camera.
                (u, v) if count == 2 && u < 0.6 => {
                    if v < 0.45 {
                        Facing::Front
                    } else if v < 0.85 {
                        inward
                    } else {
                        profile
                    }
                }
                (_, v) if v < 0.36 => Facing::Front,
                (_, v) if v < 0.54 => Facing::Left,
                (_, v) if v < 0.72 => Facing::Right,
                (_, v) if v < 0.80 => Facing::ProfileLeft,
                (_, v) if v < 0.88 => Facing::ProfileRight,
                // Close framings are about the face.
                _ if self.shot <= Shot::MediumCloseUp => Facing::Front,
                _ => Facing::Behind,
            }
        });
        if options.facing.is_none() {
            // A back hides the book that is read.
            if person.facing == Facing::Behind && person.held == Some(Held::Book) {
                person.facing = Facing::Front;
            }
            person.facing = self.close_facing(person.facing, index, count);
        }
        person.mood = *dice.split("mood").pick(Mood::ALL);
        person
    }

    /// The facing that suits the frame: a close one is about the face, so its
    /// people do not look out of it, and a profile does not fit where the head
    /// fills the frame.
    fn close_facing(&self, facing: Facing, index: usize, count: usize) -> Facing {
        let facing = match (self.shot, facing) {
            (Shot::ExtremeCloseUp, Facing::ProfileLeft) => Facing::Left,
            (Shot::ExtremeCloseUp, Facing::ProfileRight) => Facing::Right,
            (_, facing) => facing,
        };
        let outward = match index {
            0 => matches!(facing, Facing::Left | Facing::ProfileLeft),
            _ => matches!(facing, Facing::Right | Facing::ProfileRight),
        };
        if self.shot <= Shot::CloseUp && count == 2 && outward {
            Facing::Front
        } else {
            facing
        }
    }

    /// Chooses what a detail shot shows and aims the view at it.
    fn choose_detail(&mut self, options: &Options, aspect: f32, dice: &Dice) {
        let mut choice = dice.split("detail");
        let wants_prop = choice.chance(0.6);
        if wants_prop && self.aim_at_a_prop(aspect, &mut choice) {
            return;
        }
        // A hand: the whole person is framed, then the view closes in on what
        // they hold.
        let facing = *choice.pick(&[Facing::Front, Facing::Left, Facing::Right]);
        let shot = std::mem::replace(&mut self.shot, Shot::FullShot);
        let one = Options {
            pose: Some(Pose::Holding),
            facing: Some(options.facing.unwrap_or(facing)),
            position: Some(Position::Centre),
            ..options.clone()
        };
        self.place_people(1, &one, aspect, dice);
        self.shot = shot;
        let held = *choice.pick(&[Held::Book, Held::Cup, Held::Flashlight]);
        self.people[0].person.held = Some(held);
        self.detail = Some(DetailSubject::Held(held));
        let wide = self.draw(DETAIL_PROBE, DETAIL_PROBE);
        let extents = Extents::of(&wide);
        let middle = [
            DETAIL_PROBE * 2 / 5,
            DETAIL_PROBE / 3,
            DETAIL_PROBE * 3 / 5,
            DETAIL_PROBE / 2,
        ];
        let bounds = extents.part(0, Part::Held).bounds.unwrap_or(middle);
        self.close_in(bounds, choice.range(1.5..2.0), aspect);
        self.view.view_height = self.view.view_height.max(0.24);
        self.view.blur = 0.006;
    }

    /// Aims at a prop of the setting; false if none can be seen well.
    fn aim_at_a_prop(&mut self, aspect: f32, choice: &mut Dice) -> bool {
        self.view = View {
            eye: (0.0, 1.45),
            distance: 3.4,
            centre: (0.0, 1.05),
            view_height: 2.9,
            blur: 0.0,
        };
        let wide = self.draw(DETAIL_PROBE, DETAIL_PROBE);
        let extents = Extents::of(&wide);
        let edge = DETAIL_PROBE;
        let candidates: Vec<(&'static str, [u32; 4])> = self
            .backdrop()
            .props()
            .into_iter()
            .filter_map(|(id, name)| {
                // Several things may share a name: the largest one in one piece.
                let extent = extents.largest_piece(&wide, id)?;
                let bounds = extent.bounds?;
                let whole = bounds[0] > 0 && bounds[1] > 0 && bounds[2] < edge && bounds[3] < edge;
                let size = (bounds[2] - bounds[0]).max(bounds[3] - bounds[1]);
                (whole && (8..edge * 6 / 10).contains(&size)).then_some((name, bounds))
            })
            .collect();
        if candidates.is_empty() {
            return false;
        }
        let (name, bounds) = *choice.pick(&candidates);
        self.detail = Some(DetailSubject::Prop(name.to_owned()));
        self.close_in(bounds, choice.range(1.15..1.6), aspect);
        true
    }

    /// Crops the view to a box of the probe frame, `margin` times its size.
    fn close_in(&mut self, bounds: [u32; 4], margin: f32, aspect: f32) {
        let [left, top, right, bottom] = bounds.map(|v| v as f32);
        let metres = self.view.view_height / DETAIL_PROBE as f32;
        let half = DETAIL_PROBE as f32 / 2.0;
        self.view.centre = (
            self.view.centre.0 + ((left + right) / 2.0 - half) * metres,
            self.view.centre.1 - ((top + bottom) / 2.0 - half) * metres,
        );
        let size = (bottom - top).max((right - left) / aspect);
        self.view.view_height = size * metres * margin;
    }

    fn backdrop(&self) -> Backdrop {
        Backdrop::new(
            self.setting,
            self.rain,
            Dice::new(self.seed).split("backdrop"),
        )
    }

    /// Draws the scene at `width` × `height` pixels.
    ///
    /// Sides of 1 to 8192 pixels; others are brought to the nearest of these.
    /// The shape should be that of [`Options::aspect`], else people on the left
    /// or right may leave a narrower frame.
    pub fn draw(&self, width: u32, height: u32) -> Frame {
        let camera = self
            .view
            .camera(width.clamp(1, 8192), height.clamp(1, 8192));
        let mut canvas = Canvas::new(camera, self.light);
        let backdrop = self.backdrop();
        backdrop.behind(&mut canvas);
        canvas.blur_background(self.view.blur * camera.height as f32);
        let mut order: Vec<usize> = (0..self.people.len()).collect();
        let mut dice = Dice::new(self.seed).split("drawing order");
        if dice.chance(0.5) {
            order.reverse();
        }
        for i in order {
            let Placed { person, x, z, .. } = &self.people[i];
            let dice = Dice::new(self.seed).split(&format!("drawing person {i}"));
            people::draw(&mut canvas, person, i, *x, *z, &dice);
        }
        backdrop.in_front(&mut canvas);
        canvas.finish()
    }

    /// Captions and annotations of the scene as `frame` shows it.
    pub fn record(&self, frame: &Frame, captions: usize) -> Record {
        let extents = Extents::of(frame);
        let people = self
            .people
            .iter()
            .enumerate()
            .map(|(i, placed)| PersonRecord {
                person: placed.person.clone(),
                position: placed.position,
                bounds: extents.person(i).bounds,
                visible: VisibleParts::of(&extents, i),
            })
            .collect();
        let props = self
            .backdrop()
            .props()
            .into_iter()
            .map(|(id, name)| PropRecord {
                id,
                name: name.to_owned(),
                extent: extents.id(id),
            })
            .filter(|prop| prop.extent.pixels > 0)
            .collect();
        Record {
            seed: self.seed,
            shot: self.shot,
            setting: self.setting.phrase().to_owned(),
            light: self.light.phrase().to_owned(),
            rain: self.rain,
            people,
            props,
            detail: self.detail.clone(),
            caption: caption::full(self, &extents),
            captions: caption::variants(self, &extents, captions),
        }
    }
}

/// Side in pixels of the frame in which a detail is looked for.
const DETAIL_PROBE: u32 = 192;

fn stand_up(person: &mut Person) {
    if person.pose == Pose::Sitting {
        person.pose = Pose::Standing;
    }
}

/// Brings two people to nearly one height, so that one lower edge suits both:
/// directors put the shorter one on a box.
fn match_heights(people: &mut [Person], dice: &mut Dice) {
    let women = people.iter().filter(|p| p.class == Class::Woman).count();
    let common = match women {
        0 => 1.78,
        2 => 1.66,
        _ => 1.72,
    } + dice.range(-0.03..0.03);
    for person in people {
        person.height = common + dice.range(-0.004..0.004);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::colour::{HairColour, NamedColour};

    fn scene(seed: u64) -> Scene {
        Scene::sample(scene_seed(1, seed), &Options::default())
    }

    #[test]
    fn a_seed_is_a_scene_and_a_frame() {
        for seed in 0..12 {
            assert_eq!(scene(seed), scene(seed));
            assert_eq!(scene(seed).draw(64, 64), scene(seed).draw(64, 64));
            let frame = scene(seed).draw(64, 64);
            assert_eq!(scene(seed).record(&frame, 4), scene(seed).record(&frame, 4));
        }
        assert_ne!(scene(1), scene(2));
        let text = serde_json::to_string(&scene(3)).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Scene>(&text).ok(), Some(scene(3)));
    }

    #[test]
    fn people_stand_where_their_position_says() {
        for seed in 0..400 {
            let scene = scene(seed);
            if scene.shot == Shot::DetailShot {
                continue;
            }
            let camera = scene.view.camera(1000, 1000);
            for placed in &scene.people {
                let at = camera
                    .project(placed.x, 1.0, placed.z)
                    .map_or(f32::NAN, |p| p.0);
                let offset = at / 1000.0 - 0.5;
                let holds = match placed.position {
                    Position::Left => (-0.33..=-SIDE_OFFSET).contains(&offset),
                    Position::Centre => offset.abs() <= CENTRE_OFFSET,
                    Position::Right => (SIDE_OFFSET..=0.33).contains(&offset),
                };
                assert!(holds, "seed {seed} {:?} {offset}", placed.position);
            }
            if let [first, second] = scene.people.as_slice() {
                assert_eq!(
                    (first.position, second.position),
                    (Position::Left, Position::Right)
                );
            }
        }
    }

    #[test]
    fn shots_counts_settings_and_lights_come_in_their_shares() {
        let scenes: Vec<Scene> = (0..1_500).map(sampled_without_detail).collect();
        let share = |holds: &dyn Fn(&Scene) -> bool| {
            scenes.iter().filter(|s| holds(s)).count() as f32 / scenes.len() as f32
        };
        for shot in Shot::FIGURE {
            let share = share(&|s| s.shot == shot);
            assert!((0.09..0.16).contains(&share), "{shot:?} {share}");
        }
        for setting in Setting::ALL {
            let share = share(&|s| s.setting == setting);
            assert!((0.04..0.11).contains(&share), "{setting:?} {share}");
        }
        for light in Light::ALL {
            assert!(share(&|s| s.light == light) > 0.15, "{light:?}");
        }
        let pairs = share(&|s| s.people.len() == 2);
        assert!((0.25..0.35).contains(&pairs), "{pairs}");
        let empty = share(&|s| s.people.is_empty());
        assert!((0.005..0.04).contains(&empty), "{empty}");
        assert!(
            scenes
                .iter()
                .all(|s| !s.people.is_empty() || s.shot == Shot::ExtremeLongShot)
        );
        assert!(
            scenes
                .iter()
                .all(|s| { !s.rain || !s.setting.indoors() || s.setting == Setting::BusInterior })
        );
        assert!(
            scenes
                .iter()
                .flat_map(|s| &s.people)
                .all(|p| { (p.person.pose == Pose::Holding) == p.person.held.is_some() })
        );
    }

    /// Detail shots draw probe frames; shares need many scenes, not those.
    fn sampled_without_detail(index: u64) -> Scene {
        let shot = Some(Shot::FIGURE[(Dice::new(index).split("test").bits() % 8) as usize]);
        Scene::sample(
            scene_seed(2, index),
            &Options {
                shot,
                ..Options::default()
            },
        )
    }

    #[test]
    fn options_decide_what_they_name() {
        for seed in 0..10 {
            let options = Options {
                shot: Some(Shot::MediumShot),
                setting: Some(Setting::Park),
                light: Some(Light::Night),
                rain: Some(true),
                people: Some(2),
                facing: Some(Facing::Front),
                ..Options::default()
            };
            let scene = Scene::sample(seed, &options);
            assert_eq!(
                (scene.shot, scene.setting),
                (Shot::MediumShot, Setting::Park)
            );
            assert_eq!(
                (scene.light, scene.rain, scene.people.len()),
                (Light::Night, true, 2)
            );
            assert!(
                scene
                    .people
                    .iter()
                    .all(|p| p.person.facing == Facing::Front)
            );
        }
        let indoors = Options {
            setting: Some(Setting::Kitchen),
            rain: Some(true),
            shot: Some(Shot::LongShot),
            ..Options::default()
        };
        assert!(!Scene::sample(4, &indoors).rain);
        let character = Person::sample(&Dice::new(77));
        let known = Options {
            character: Some(character.clone()),
            shot: Some(Shot::FullShot),
            ..Options::default()
        };
        let seen = &Scene::sample(5, &known).people[0].person;
        assert_eq!(
            (seen.top, seen.hair, seen.look),
            (character.top, character.hair, character.look)
        );
        let beside_another = Options {
            people: Some(2),
            ..known
        };
        let mut on_the_left = 0;
        for seed in 0..40 {
            let people = Scene::sample(seed, &beside_another).people;
            let is_there: Vec<_> = people
                .iter()
                .map(|p| p.person.look == character.look)
                .collect();
            assert_eq!(is_there.iter().filter(|there| **there).count(), 1);
            on_the_left += usize::from(is_there[0]);
        }
        assert!((10..=30).contains(&on_the_left), "{on_the_left} of 40");
    }

    #[test]
    fn boxes_and_counts_agree_with_the_id_map() {
        for seed in 0..60 {
            let scene = scene(seed);
            let frame = scene.draw(96, 96);
            let record = scene.record(&frame, 0);
            for (i, person) in record.people.iter().enumerate() {
                let mask = crate::world::annotations::person_mask(&frame, i);
                let inside = |at: usize, [left, top, right, bottom]: [u32; 4]| {
                    let (x, y) = (at as u32 % 96, at as u32 / 96);
                    (left..right).contains(&x) && (top..bottom).contains(&y)
                };
                let set: Vec<usize> = mask
                    .iter()
                    .enumerate()
                    .filter(|(_, v)| **v > 0)
                    .map(|(at, _)| at)
                    .collect();
                match person.bounds {
                    None => assert!(set.is_empty()),
                    Some(bounds) => {
                        assert!(set.iter().all(|at| inside(*at, bounds)), "seed {seed}");
                    }
                }
                assert!(person.visible.top <= set.len() as u32);
                if scene.shot != Shot::DetailShot {
                    assert!(
                        set.len() > 8,
                        "seed {seed} {:?}: person {i} is not there",
                        scene.shot
                    );
                }
            }
            // An id is nobody else's than that of the people and props listed.
            for id in &frame.ids {
                let known = *id == 0
                    || (*id < 128 && usize::from((id - 1) / 16) < record.people.len())
                    || record.props.iter().any(|prop| prop.id == *id);
                assert!(known, "seed {seed}: id {id}");
            }
        }
    }

    #[test]
    fn trousers_are_seen_below_the_waist_only() {
        for seed in 0..80 {
            let scene = sampled_without_detail(seed);
            let record = scene.record(&scene.draw(96, 96), 0);
            for person in &record.people {
                match scene.shot {
                    Shot::ExtremeCloseUp | Shot::CloseUp | Shot::MediumCloseUp => {
                        assert_eq!(person.visible.trousers, 0, "seed {seed} {:?}", scene.shot);
                    }
                    Shot::AmericanShot | Shot::FullShot if record.people.len() == 1 => {
                        assert!(person.visible.trousers > 0, "seed {seed} {:?}", scene.shot);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Every claim that a caption's words make holds for the scene.
    fn check(words: &str, scene: &Scene) {
        let told = |what: &str| words.contains(what);
        let people = || scene.people.iter().map(|p| &p.person);
        for class in Class::ALL {
            let says = words
                .split([' ', ',', ';', ':'])
                .any(|w| w == class.phrase());
            assert!(!says || people().any(|p| p.class == *class), "{words}");
        }
        for colour in NamedColour::ALL {
            let top = format!("{} top", colour.phrase());
            assert!(!told(&top) || people().any(|p| p.top == colour), "{words}");
            let trousers = format!("{} trousers", colour.phrase());
            assert!(
                !told(&trousers) || people().any(|p| p.trousers == colour),
                "{words}"
            );
        }
        for hair in HairColour::ALL {
            let hair_words = format!("{} hair", hair.phrase());
            assert!(
                !told(&hair_words) || people().any(|p| p.hair == hair),
                "{words}"
            );
        }
        for held in Held::ALL {
            let holding = ["a", "an"].map(|a| format!("holding {a} {}", held.phrase()));
            let says = holding.iter().any(|h| words.contains(h));
            assert!(!says || people().any(|p| p.held == Some(*held)), "{words}");
        }
        for (said, holds) in [
            (
                "glasses",
                people().any(|p| p.glasses && p.facing != Facing::Behind),
            ),
            (
                "beard",
                people().any(|p| p.beard && p.facing != Facing::Behind),
            ),
            ("a hat", people().any(|p| p.hat)),
            ("waving", people().any(|p| p.pose == Pose::Waving)),
            ("walking", people().any(|p| p.pose == Pose::Walking)),
            ("sitting", people().any(|p| p.pose == Pose::Sitting)),
            ("smiling", people().any(|p| p.mood == Mood::Smiling)),
            ("sad,", people().any(|p| p.mood == Mood::Sad)),
            ("surprised", people().any(|p| p.mood == Mood::Surprised)),
            ("from behind", people().any(|p| p.facing == Facing::Behind)),
            ("in the rain", scene.rain),
            ("two people", scene.people.len() == 2),
            (
                "on the left",
                scene.people.iter().any(|p| p.position == Position::Left),
            ),
            (
                "on the right",
                scene.people.iter().any(|p| p.position == Position::Right),
            ),
            (
                "in the middle",
                scene.people.iter().any(|p| p.position == Position::Centre),
            ),
        ] {
            assert!(!told(said) || holds, "{said}: {words}");
        }
        for light in Light::ALL {
            assert!(!told(light.phrase()) || scene.light == light, "{words}");
        }
        for setting in Setting::ALL {
            let said = format!("{} {}", setting.preposition(), setting.phrase());
            assert!(!told(&said) || scene.setting == setting, "{words}");
        }
        assert!(!words.contains("  ") && !words.contains(",,") && !words.ends_with(", "));
    }

    #[test]
    fn captions_say_nothing_but_the_truth() {
        for seed in 0..150 {
            let scene = scene(seed);
            let frame = scene.draw(64, 64);
            let record = scene.record(&frame, 6);
            check(&record.caption, &scene);
            assert!(
                record.caption.contains(scene.light.phrase()),
                "{}",
                record.caption
            );
            assert!(
                record.caption.contains(scene.setting.phrase()),
                "{}",
                record.caption
            );
            assert!(
                Shot::ALL
                    .iter()
                    .all(|s| !record.caption.contains(s.phrase()))
            );
            for words in &record.captions {
                check(words, &scene);
            }
        }
    }

    #[test]
    fn shot_phrases_tell_nothing_about_the_framing() {
        let mut spoken = 0;
        let mut right = 0;
        let mut named = 0;
        let mut total = 0;
        for seed in 0..250 {
            let scene = sampled_without_detail(seed);
            if scene.people.len() != 1 {
                continue;
            }
            let frame = scene.draw(32, 32);
            for words in scene.record(&frame, 6).captions {
                total += 1;
                let longest = Shot::FIGURE
                    .into_iter()
                    .filter(|shot| words.starts_with(shot.phrase()))
                    .max_by_key(|shot| shot.phrase().len());
                if let Some(shot) = longest {
                    spoken += 1;
                    right += usize::from(shot == scene.shot);
                }
                let classes = [" man", " woman", " person"];
                let article = ["a man", "a woman", "a person"];
                named += usize::from(
                    classes.iter().any(|c| words.contains(c))
                        && !article.iter().any(|a| words.contains(a)),
                );
            }
        }
        let share = |n: usize, of: usize| n as f32 / of as f32;
        assert!(
            (0.45..0.55).contains(&share(spoken, total)),
            "{spoken} of {total}"
        );
        assert!(
            (0.08..0.17).contains(&share(right, spoken)),
            "{right} of {spoken}"
        );
        assert!(
            (0.25..0.36).contains(&share(named, total)),
            "{named} of {total}"
        );
    }

    #[test]
    fn some_captions_say_next_to_nothing() {
        let mut bare = 0;
        for seed in 0..200 {
            let scene = sampled_without_detail(seed);
            let frame = scene.draw(32, 32);
            bare += scene
                .record(&frame, 6)
                .captions
                .iter()
                .filter(|words| {
                    ["picture of a man", "picture of a woman"].contains(&words.as_str())
                })
                .count();
        }
        assert!(bare >= 5, "{bare} bare captions");
    }
}
