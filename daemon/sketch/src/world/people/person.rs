//! What a person is, wears and does.

use serde::{Deserialize, Serialize};

use crate::world::colour::{HairColour, NamedColour, SkinTone};
use crate::world::dice::Dice;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $phrase:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $phrase)] $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As captions and annotations say it.
            pub fn phrase(self) -> &'static str {
                match self { $(Self::$variant => $phrase),+ }
            }
        }
    };
}

named! {
    /// The class that captions name.
    Class {
        /// A man.
        Man = "man",
        /// A woman.
        Woman = "woman",
    }
}

named! {
    /// How long the hair is.
    HairLength {
        /// Above the collar.
        Short = "short",
        /// Beyond the shoulders.
        Long = "long",
    }
}

named! {
    /// What the body does.
    Pose {
        /// Upright, at ease.
        Standing = "standing",
        /// In mid-stride.
        Walking = "walking",
        /// One arm up, palm open.
        Waving = "waving",
        /// On a seat of [`Person::seat_height`].
        Sitting = "sitting",
        /// Upright, with [`Person::held`] in the hand.
        Holding = "holding",
    }
}

named! {
    /// Where the face points, as the frame shows it.
    Facing {
        /// Three-quarter view to the frame's left.
        Left = "left",
        /// To the camera.
        Front = "front",
        /// Three-quarter view to the frame's right.
        Right = "right",
        /// The left side of the frame, at a right angle.
        ProfileLeft = "profile left",
        /// The right side of the frame, at a right angle.
        ProfileRight = "profile right",
        /// Away from the camera.
        Behind = "behind",
    }
}

named! {
    /// What the face says.
    Mood {
        /// At rest.
        Neutral = "neutral",
        /// A smile.
        Smiling = "smiling",
        /// Drooping mouth, brows raised inside.
        Sad = "sad",
        /// Open mouth, brows up.
        Surprised = "surprised",
    }
}

named! {
    /// What may be in a hand.
    Held {
        /// An open book.
        Book = "book",
        /// A steaming cup.
        Cup = "cup",
        /// A flashlight, switched on.
        Flashlight = "flashlight",
        /// An open umbrella.
        Umbrella = "umbrella",
    }
}

/// A person: everything that a caption can say, and the seed of the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Man or woman.
    pub class: Class,
    /// Skin.
    pub skin: SkinTone,
    /// Hair colour; brows and beard follow it.
    pub hair: HairColour,
    /// Hair length.
    pub hair_length: HairLength,
    /// Colour of the top.
    pub top: NamedColour,
    /// Colour of the trousers.
    pub trousers: NamedColour,
    /// Wears glasses.
    pub glasses: bool,
    /// Wears a hat.
    pub hat: bool,
    /// Has a beard.
    pub beard: bool,
    /// What the body does.
    pub pose: Pose,
    /// Where the face points.
    pub facing: Facing,
    /// What the face says.
    pub mood: Mood,
    /// What is in the hand. Any pose but waving with both hands allows it.
    pub held: Option<Held>,
    /// Height standing, without hat, metres.
    pub height: f32,
    /// Height of the seat in metres; used by [`Pose::Sitting`] only.
    pub seat_height: f32,
    /// Seed of what captions never say: the cut of hair and clothes, the face.
    /// Equal looks make the same person in every scene.
    pub look: u64,
}

impl Person {
    /// A random person of any class, neutral, standing and facing the camera.
    /// Top and trousers never share a colour.
    pub fn sample(dice: &Dice) -> Self {
        let mut dice = dice.split("person");
        let class = *dice.pick(Class::ALL);
        let man = class == Class::Man;
        let top = *dice.pick(&NamedColour::ALL);
        let mut trousers = *dice.pick(&NamedColour::ALL);
        while trousers == top {
            trousers = *dice.pick(&NamedColour::ALL);
        }
        Self {
            class,
            skin: *dice.pick(&SkinTone::ALL),
            hair: *dice.pick(&HairColour::ALL),
            hair_length: if dice.chance(if man { 0.12 } else { 0.7 }) {
                HairLength::Long
            } else {
                HairLength::Short
            },
            top,
            trousers,
            glasses: dice.chance(0.18),
            hat: dice.chance(0.15),
            beard: man && dice.chance(0.35),
            pose: Pose::Standing,
            facing: Facing::Front,
            mood: Mood::Neutral,
            held: None,
            height: Self::usual_height(class, &mut dice),
            seat_height: 0.45,
            look: dice.bits(),
        }
    }

    /// A height in metres that a person of this class may well have.
    pub fn usual_height(class: Class, dice: &mut Dice) -> f32 {
        match class {
            Class::Man => 1.78 + dice.range(-0.05..0.05),
            Class::Woman => 1.66 + dice.range(-0.05..0.05),
        }
    }
}
