//! Where scenes take place.
//!
//! A [`Backdrop`] is one seeded layout of a [`Setting`]. It is drawn in two
//! passes, [`behind`](Backdrop::behind) the people and
//! [`in_front`](Backdrop::in_front) of them; its named props carry tags from
//! [`FIRST_PROP`] on and know where they stand.

mod abandoned_house;
mod beach;
mod bedroom;
mod brush;
mod bus_interior;
mod bus_stop;
mod city_street;
mod corridor;
mod forest;
mod kitchen;
mod library;
mod living_room;
mod neighbourhood;
mod office;
mod park;
mod pieces;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::canvas::{Canvas, Tag};
use super::dice::Dice;

/// The tag of a setting's first prop; the others follow.
pub const FIRST_PROP: u8 = 128;

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Cupboards, stove, a table with cookies.
    Kitchen,
    /// A bench before a row of small houses.
    Neighbourhood,
    /// A glass shelter on a street.
    BusStop,
    /// Seats, poles and windows of a bus.
    BusInterior,
    /// Boarded windows, broken plaster, debris.
    AbandonedHouse,
    /// A bed under a wide window.
    Bedroom,
    /// Walls of books and dust in the light.
    DustyLibrary,
    /// Tall blocks, shops, cars, a crossing.
    CityStreet,
    /// Trunks in rows that fade away.
    Forest,
    /// Lawn, path, trees, a pond.
    Park,
    /// Sand, sea, parasols.
    Beach,
    /// Desks, monitors, blinds.
    Office,
    /// Doors on both sides, lamps overhead.
    Corridor,
    /// Sofa, pictures, fireplace.
    LivingRoom,
}

/// Where one may sit in the plane of the people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seat {
    /// Height of the seat in metres.
    pub height: f32,
    /// x and z of the middle of the seat's front edge.
    pub at: (f32, f32),
    /// How far the seat reaches to either side, in metres.
    pub half_width: f32,
}

impl Setting {
    /// Every setting.
    pub const ALL: [Self; 14] = [
        Self::Kitchen,
        Self::Neighbourhood,
        Self::BusStop,
        Self::BusInterior,
        Self::AbandonedHouse,
        Self::Bedroom,
        Self::DustyLibrary,
        Self::CityStreet,
        Self::Forest,
        Self::Park,
        Self::Beach,
        Self::Office,
        Self::Corridor,
        Self::LivingRoom,
    ];

    /// As a prompt names it, without article.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Kitchen => "kitchen with cookies",
            Self::Neighbourhood => "bench on a neighbourhood street",
            Self::BusStop => "bus stop",
            Self::BusInterior => "bus interior",
            Self::AbandonedHouse => "abandoned house",
            Self::Bedroom => "bedroom",
            Self::DustyLibrary => "dusty library",
            Self::CityStreet => "city street",
            Self::Forest => "forest",
            Self::Park => "park",
            Self::Beach => "beach",
            Self::Office => "office",
            Self::Corridor => "corridor",
            Self::LivingRoom => "living room",
        }
    }

    /// What a prompt puts before the phrase.
    pub fn preposition(self) -> &'static str {
        match self {
            Self::Neighbourhood | Self::BusStop => "at a",
            Self::CityStreet | Self::Beach => "on a",
            Self::AbandonedHouse | Self::Office => "in an",
            _ => "in a",
        }
    }

    /// Whether there is a roof overhead.
    pub fn indoors(self) -> bool {
        !matches!(
            self,
            Self::Neighbourhood
                | Self::BusStop
                | Self::CityStreet
                | Self::Forest
                | Self::Park
                | Self::Beach
        )
    }

    /// What a person can sit on at z ≈ 0, if anything.
    pub fn seat(self) -> Option<Seat> {
        let half_width = match self {
            Self::CityStreet | Self::Corridor | Self::AbandonedHouse | Self::DustyLibrary => {
                return None;
            }
            Self::Office => 0.0,
            Self::Bedroom | Self::Kitchen => 0.7,
            _ => 0.85,
        };
        Some(Seat {
            height: 0.45,
            at: (0.0, 0.02),
            half_width,
        })
    }
}

/// x, y, z in metres.
type Point = (f32, f32, f32);

/// A named thing that stands in a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prop {
    /// Its tag in the map of tags.
    pub id: u8,
    /// As a prompt names it.
    pub name: &'static str,
    /// Its left, lower, nearest corner in metres.
    pub min: Point,
    /// Its right, upper, farthest corner in metres.
    pub max: Point,
}

/// Numbers props in the order they are listed.
fn list_props(boxes: &[(&'static str, Point, Point)]) -> Vec<Prop> {
    boxes
        .iter()
        .zip(FIRST_PROP..)
        .map(|(&(name, min, max), id)| Prop { id, name, min, max })
        .collect()
}

/// One layout of a place. What it draws depends on its seed and the camera
/// only.
trait Place {
    fn behind(&self, canvas: &mut Canvas);

    fn in_front(&self, _canvas: &mut Canvas) {}

    fn props(&self) -> Vec<Prop>;
}

/// A seeded layout of a setting, ready to be drawn from any camera.
pub struct Backdrop {
    place: Box<dyn Place + Send + Sync>,
}

impl Backdrop {
    /// Lays out `setting`. With `rain` it rains, outside or at the windows.
    pub fn new(setting: Setting, rain: bool, dice: Dice) -> Self {
        let dice = dice.split(setting.phrase());
        let place: Box<dyn Place + Send + Sync> = match setting {
            Setting::Kitchen => Box::new(kitchen::Kitchen::new(rain, dice)),
            Setting::Neighbourhood => Box::new(neighbourhood::Neighbourhood::new(rain, dice)),
            Setting::BusStop => Box::new(bus_stop::BusStop::new(rain, dice)),
            Setting::BusInterior => Box::new(bus_interior::BusInterior::new(rain, dice)),
            Setting::AbandonedHouse => Box::new(abandoned_house::AbandonedHouse::new(rain, dice)),
            Setting::Bedroom => Box::new(bedroom::Bedroom::new(rain, dice)),
            Setting::DustyLibrary => Box::new(library::Library::new(rain, dice)),
            Setting::CityStreet => Box::new(city_street::CityStreet::new(rain, dice)),
            Setting::Forest => Box::new(forest::Forest::new(rain, dice)),
            Setting::Park => Box::new(park::Park::new(rain, dice)),
            Setting::Beach => Box::new(beach::Beach::new(rain, dice)),
            Setting::Office => Box::new(office::Office::new(rain, dice)),
            Setting::Corridor => Box::new(corridor::Corridor::new(dice)),
            Setting::LivingRoom => Box::new(living_room::LivingRoom::new(rain, dice)),
        };
        Self { place }
    }

    /// Draws the ground and everything behind the people.
    pub fn behind(&self, canvas: &mut Canvas) {
        canvas.set_tag(Tag(0));
        self.place.behind(canvas);
        canvas.set_tag(Tag(0));
    }

    /// Draws what stands before the people, and the rain.
    pub fn in_front(&self, canvas: &mut Canvas) {
        canvas.set_tag(Tag(0));
        self.place.in_front(canvas);
        canvas.set_tag(Tag(0));
    }

    /// Tag and name of each named prop.
    pub fn props(&self) -> Vec<(u8, &'static str)> {
        self.place
            .props()
            .iter()
            .map(|prop| (prop.id, prop.name))
            .collect()
    }

    /// The named props with the boxes they fill, for detail shots.
    pub fn prop_boxes(&self) -> Vec<Prop> {
        self.place.props()
    }
}
