//! Ground truth: what each pixel shows, as masks, boxes and counts.

use serde::{Deserialize, Serialize};

use super::canvas::{Frame, Tag};

/// A part of a person that the id map tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Skin of the head and neck, with the face, glasses and a beard.
    Head,
    /// Hair of the head.
    Hair,
    /// The top, sleeves with it.
    Top,
    /// The trousers.
    Trousers,
    /// Hands and bare arms.
    Hands,
    /// The shoes.
    Shoes,
    /// A hat.
    Hat,
    /// What the person holds.
    Held,
}

impl Part {
    /// Every part, in the order of their tags.
    pub const ALL: [Self; 8] = [
        Self::Head,
        Self::Hair,
        Self::Top,
        Self::Trousers,
        Self::Hands,
        Self::Shoes,
        Self::Hat,
        Self::Held,
    ];

    /// The name used in data and file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Hair => "hair",
            Self::Top => "top",
            Self::Trousers => "trousers",
            Self::Hands => "hands",
            Self::Shoes => "shoes",
            Self::Hat => "hat",
            Self::Held => "held",
        }
    }

    /// The tag that marks this part of person `person`.
    pub const fn tag(self, person: usize) -> Tag {
        Tag(1 + person as u8 * 16 + self as u8)
    }
}

/// Whether an id belongs to person `person`.
pub const fn is_person(id: u8, person: usize) -> bool {
    id >= 1 && id < 128 && (id - 1) / 16 == person as u8
}

/// A box in pixels: left, top, right, bottom; the last two are exclusive.
pub type PixelBox = [u32; 4];

/// The pixels of a frame that belong to one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// The smallest box around them; `None` if there are none.
    #[serde(rename = "box")]
    pub bounds: Option<PixelBox>,
    /// How many there are.
    pub pixels: u32,
}

impl Extent {
    fn add(&mut self, x: u32, y: u32) {
        self.pixels += 1;
        self.bounds = Some(match self.bounds {
            None => [x, y, x + 1, y + 1],
            Some([left, top, right, bottom]) => {
                [left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)]
            }
        });
    }

    fn join(&mut self, other: &Self) {
        self.pixels += other.pixels;
        self.bounds = match (self.bounds, other.bounds) {
            (Some(a), Some(b)) => Some([
                a[0].min(b[0]),
                a[1].min(b[1]),
                a[2].max(b[2]),
                a[3].max(b[3]),
            ]),
            (a, b) => a.or(b),
        };
    }
}

/// Where every thing of a frame is: one [`Extent`] an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extents {
    of: Box<[Extent; 256]>,
    frame_pixels: u32,
}

impl Extents {
    /// Reads a frame's id map.
    pub fn of(frame: &Frame) -> Self {
        let mut of = Box::new([Extent::default(); 256]);
        let width = frame.width as usize;
        for (y, row) in frame.ids.chunks_exact(width.max(1)).enumerate() {
            for (x, id) in row.iter().enumerate() {
                of[usize::from(*id)].add(x as u32, y as u32);
            }
        }
        Self {
            of,
            frame_pixels: frame.width * frame.height,
        }
    }

    /// The extent of one id.
    pub fn id(&self, id: u8) -> Extent {
        self.of[usize::from(id)]
    }

    /// The extent of a part of a person.
    pub fn part(&self, person: usize, part: Part) -> Extent {
        self.id(part.tag(person).0)
    }

    /// The extent of a whole person, with clothes and what they hold.
    pub fn person(&self, person: usize) -> Extent {
        let mut whole = Extent::default();
        for id in 1..128u8 {
            if is_person(id, person) {
                whole.join(&self.id(id));
            }
        }
        whole
    }

    /// The largest connected piece (through edges, not corners) of the pixels
    /// with the id `id`; `None` if there are none. `frame` is the frame that
    /// these extents were read from.
    pub fn largest_piece(&self, frame: &Frame, id: u8) -> Option<Extent> {
        let [left, top, right, bottom] = self.id(id).bounds?;
        let width = frame.width;
        let at = |x: u32, y: u32| (y * width + x) as usize;
        let mut seen = vec![false; frame.ids.len()];
        let mut largest = None::<Extent>;
        for start in (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))) {
            let mut open = vec![start];
            let mut piece = Extent::default();
            while let Some((x, y)) = open.pop() {
                let here = at(x, y);
                if seen[here] || frame.ids[here] != id {
                    continue;
                }
                seen[here] = true;
                piece.add(x, y);
                // The box of all pieces holds every neighbour of this id.
                open.extend([
                    (x.max(left + 1) - 1, y),
                    ((x + 1).min(right - 1), y),
                    (x, y.max(top + 1) - 1),
                    (x, (y + 1).min(bottom - 1)),
                ]);
            }
            if piece.pixels > largest.map_or(0, |l| l.pixels) {
                largest = Some(piece);
            }
        }
        largest
    }

    /// Whether a thing takes enough of the frame (0.1 %) to be recognised.
    pub fn is_noticeable(&self, extent: &Extent) -> bool {
        extent.pixels as f32 >= self.frame_pixels as f32 * 0.001
    }
}

/// The mask (255 inside, 0 outside, row by row) of the visible pixels whose id
/// satisfies `belongs`.
pub fn mask(frame: &Frame, belongs: impl Fn(u8) -> bool) -> Vec<u8> {
    frame
        .ids
        .iter()
        .map(|id| if belongs(*id) { 255 } else { 0 })
        .collect()
}

/// The mask of a person's visible pixels.
pub fn person_mask(frame: &Frame, person: usize) -> Vec<u8> {
    mask(frame, |id| is_person(id, person))
}

/// The mask of the visible pixels of a part of a person.
pub fn part_mask(frame: &Frame, person: usize, part: Part) -> Vec<u8> {
    mask(frame, |id| id == part.tag(person).0)
}

/// Visible pixels of the parts that captions speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibleParts {
    /// Head and face.
    pub head: u32,
    /// Hair.
    pub hair: u32,
    /// Top.
    pub top: u32,
    /// Trousers.
    pub trousers: u32,
    /// What the person holds.
    pub held: u32,
}

impl VisibleParts {
    /// Counts for person `person`.
    pub fn of(extents: &Extents, person: usize) -> Self {
        let count = |part| extents.part(person, part).pixels;
        Self {
            head: count(Part::Head),
            hair: count(Part::Hair),
            top: count(Part::Top),
            trousers: count(Part::Trousers),
            held: count(Part::Held),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_and_masks_hold_just_the_pixels_of_their_thing() {
        let mut ids = vec![0u8; 8 * 6];
        let hair = Part::Hair.tag(1).0;
        ids[8 + 2] = hair;
        ids[3 * 8 + 5] = hair;
        ids[4 * 8 + 5] = Part::Top.tag(1).0;
        ids[0] = 130;
        let frame = Frame {
            width: 8,
            height: 6,
            rgb: vec![0; 8 * 6 * 3],
            ids,
        };
        let extents = Extents::of(&frame);
        assert_eq!(
            extents.part(1, Part::Hair),
            Extent {
                bounds: Some([2, 1, 6, 4]),
                pixels: 2
            }
        );
        assert_eq!(
            extents.person(1),
            Extent {
                bounds: Some([2, 1, 6, 5]),
                pixels: 3
            }
        );
        assert_eq!(extents.person(0), Extent::default());
        assert_eq!(extents.id(130).pixels, 1);
        assert_eq!(
            person_mask(&frame, 1).iter().filter(|v| **v == 255).count(),
            3
        );
        assert_eq!(
            part_mask(&frame, 1, Part::Top)
                .iter()
                .filter(|v| **v == 255)
                .count(),
            1
        );
    }

    #[test]
    fn the_largest_of_several_pieces_is_found() {
        let mut ids = vec![0u8; 10 * 4];
        ids[1] = 140;
        for at in [15, 16, 26, 27] {
            ids[at] = 140;
        }
        // Only a corner touches: another piece.
        ids[38] = 140;
        let frame = Frame {
            width: 10,
            height: 4,
            rgb: vec![0; 120],
            ids,
        };
        let extents = Extents::of(&frame);
        let piece = extents.largest_piece(&frame, 140);
        assert_eq!(
            piece,
            Some(Extent {
                bounds: Some([5, 1, 8, 3]),
                pixels: 4
            })
        );
        assert_eq!(extents.largest_piece(&frame, 141), None);
    }

    #[test]
    fn tags_of_people_never_meet() {
        let mut seen = std::collections::BTreeSet::new();
        for person in 0..2 {
            for part in Part::ALL {
                let tag = part.tag(person).0;
                assert!(seen.insert(tag) && (1..128).contains(&tag));
                assert!(is_person(tag, person) && !is_person(tag, 1 - person));
            }
        }
    }
}
