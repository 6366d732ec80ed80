//! Colours, their names, and what each light makes of them.

use serde::{Deserialize, Serialize};

/// A colour in sRGB, 8 bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

fn to_linear(v: u8) -> f32 {
    let v = f32::from(v) / 255.0;
    if v <= 0.040_45 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

fn from_linear(v: f32) -> u8 {
    let v = v.clamp(0.0, 1.0);
    let v = if v <= 0.003_130_8 {
        v * 12.92
    } else {
        1.055 * v.powf(1.0 / 2.4) - 0.055
    };
    (v * 255.0).round() as u8
}

impl Rgb {
    /// A colour from its channels.
    pub const fn new(r: u8, g: u8, b: u8) -> Self {
        Self(r, g, b)
    }

    /// Linear-light channels, 0..1.
    pub fn linear(self) -> [f32; 3] {
        [to_linear(self.0), to_linear(self.1), to_linear(self.2)]
    }

    /// The colour of linear-light channels; values outside 0..1 are clamped.
    pub fn from_linear(c: [f32; 3]) -> Self {
        Self(from_linear(c[0]), from_linear(c[1]), from_linear(c[2]))
    }

    /// `t` of the way to `other`, mixed as light mixes.
    pub fn mix(self, other: Self, t: f32) -> Self {
        let (a, b) = (self.linear(), other.linear());
        Self::from_linear([0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t))
    }

    /// Darker (`f` < 1) or lighter (`f` > 1) as perceived: the encoded
    /// channels are multiplied.
    pub fn shade(self, f: f32) -> Self {
        let apply = |v: u8| (f32::from(v) * f).round().clamp(0.0, 255.0) as u8;
        Self(apply(self.0), apply(self.1), apply(self.2))
    }
}

/// The light of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// An overcast noon: colours as they are.
    SoftDaylight,
    /// A low sun: warm keys, violet shadows.
    GoldenSunset,
    /// One weak warm lamp.
    LowLight,
    /// Moon and street lamps: cool and dim.
    Night,
}

/// What a light does to a surface: encoded channels are multiplied by `gain`,
/// then `lift` is added.
struct Tint {
    gain: [f32; 3],
    lift: [f32; 3],
}

impl Tint {
    fn apply(&self, c: Rgb) -> Rgb {
        let channel = |v: u8, i: usize| {
            (f32::from(v) * self.gain[i] + self.lift[i])
                .round()
                .clamp(0.0, 255.0) as u8
        };
        Rgb(channel(c.0, 0), channel(c.1, 1), channel(c.2, 2))
    }
}

impl Light {
    /// Every light.
    pub const ALL: [Self; 4] = [
        Self::SoftDaylight,
        Self::GoldenSunset,
        Self::LowLight,
        Self::Night,
    ];

    /// As a prompt says it.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::SoftDaylight => "soft daylight",
            Self::GoldenSunset => "golden sunset light",
            Self::LowLight => "low light",
            Self::Night => "night light",
        }
    }

    fn key(self) -> Tint {
        match self {
            Self::SoftDaylight => Tint {
                gain: [1.0; 3],
                lift: [0.0; 3],
            },
            Self::GoldenSunset => Tint {
                gain: [1.0, 0.88, 0.70],
                lift: [6.0, 0.0, 0.0],
            },
            Self::LowLight => Tint {
                gain: [0.78, 0.71, 0.60],
                lift: [0.0; 3],
            },
            Self::Night => Tint {
                gain: [0.66, 0.69, 0.81],
                lift: [0.0, 2.0, 12.0],
            },
        }
    }

    fn fill(self) -> Tint {
        match self {
            Self::SoftDaylight => Tint {
                gain: [0.80, 0.80, 0.84],
                lift: [0.0, 0.0, 4.0],
            },
            Self::GoldenSunset => Tint {
                gain: [0.78, 0.64, 0.62],
                lift: [4.0, 0.0, 12.0],
            },
            Self::LowLight => Tint {
                gain: [0.53, 0.50, 0.48],
                lift: [0.0, 0.0, 6.0],
            },
            Self::Night => Tint {
                gain: [0.42, 0.48, 0.64],
                lift: [0.0, 2.0, 14.0],
            },
        }
    }

    /// A surface that the key light meets.
    pub fn lit(self, c: Rgb) -> Rgb {
        self.key().apply(c)
    }

    /// The second tone: a surface turned away from the key light.
    pub fn shadow(self, c: Rgb) -> Rgb {
        self.fill().apply(c)
    }

    /// The sky, straight up and at the horizon. Already lit.
    pub fn sky(self) -> (Rgb, Rgb) {
        match self {
            Self::SoftDaylight => (Rgb(126, 186, 232), Rgb(222, 238, 246)),
            Self::GoldenSunset => (Rgb(112, 104, 160), Rgb(255, 190, 112)),
            Self::LowLight => (Rgb(70, 80, 98), Rgb(140, 138, 138)),
            Self::Night => (Rgb(14, 20, 52), Rgb(52, 66, 118)),
        }
    }

    /// Aerial perspective: an already lit colour `metres` away, out of doors.
    pub fn haze(self, c: Rgb, metres: f32) -> Rgb {
        let air = 1.0 - (-metres.max(0.0) / 90.0).exp();
        c.mix(self.sky().1, air)
    }

    /// Whether the key light comes from the frame's left.
    pub fn from_left(self) -> bool {
        matches!(self, Self::SoftDaylight | Self::LowLight)
    }
}

/// The colours that clothes have in captions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedColour {
    /// Red.
    Red,
    /// Blue.
    Blue,
    /// Green.
    Green,
    /// Yellow.
    Yellow,
    /// White.
    White,
    /// Black.
    Black,
    /// Purple.
    Purple,
    /// Orange.
    Orange,
    /// Grey.
    Grey,
    /// Brown.
    Brown,
}

impl NamedColour {
    /// Every named colour.
    pub const ALL: [Self; 10] = [
        Self::Red,
        Self::Blue,
        Self::Green,
        Self::Yellow,
        Self::White,
        Self::Black,
        Self::Purple,
        Self::Orange,
        Self::Grey,
        Self::Brown,
    ];

    /// As a prompt says it.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Blue => "blue",
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::White => "white",
            Self::Black => "black",
            Self::Purple => "purple",
            Self::Orange => "orange",
            Self::Grey => "grey",
            Self::Brown => "brown",
        }
    }

    /// The colour in plain daylight.
    pub fn rgb(self) -> Rgb {
        match self {
            Self::Red => Rgb(206, 38, 48),
            Self::Blue => Rgb(34, 100, 206),
            Self::Green => Rgb(46, 148, 72),
            Self::Yellow => Rgb(250, 210, 50),
            Self::White => Rgb(246, 246, 242),
            Self::Black => Rgb(30, 30, 36),
            Self::Purple => Rgb(158, 58, 168),
            Self::Orange => Rgb(244, 132, 34),
            Self::Grey => Rgb(146, 150, 156),
            Self::Brown => Rgb(112, 70, 42),
        }
    }
}

/// Hair colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HairColour {
    /// Black.
    Black,
    /// Brown.
    Brown,
    /// Blond.
    Blond,
    /// Red.
    Red,
    /// White.
    White,
}

impl HairColour {
    /// Every hair colour.
    pub const ALL: [Self; 5] = [
        Self::Black,
        Self::Brown,
        Self::Blond,
        Self::Red,
        Self::White,
    ];

    /// As a prompt says it.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Brown => "brown",
            Self::Blond => "blond",
            Self::Red => "red",
            Self::White => "white",
        }
    }

    /// The colour in plain daylight.
    pub fn rgb(self) -> Rgb {
        match self {
            Self::Black => Rgb(30, 28, 38),
            Self::Brown => Rgb(110, 66, 34),
            Self::Blond => Rgb(236, 190, 84),
            Self::Red => Rgb(200, 74, 26),
            Self::White => Rgb(236, 236, 240),
        }
    }
}

/// A skin tone, 0 (lightest) to 4 (darkest).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SkinTone(pub u8);

impl SkinTone {
    /// Every skin tone.
    pub const ALL: [Self; 5] = [Self(0), Self(1), Self(2), Self(3), Self(4)];

    /// The colour in plain daylight; numbers above 4 are the darkest tone.
    pub fn rgb(self) -> Rgb {
        match self.0 {
            0 => Rgb(255, 228, 212),
            1 => Rgb(242, 184, 136),
            2 => Rgb(198, 128, 76),
            3 => Rgb(137, 76, 42),
            _ => Rgb(76, 40, 31),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(c: Rgb) -> [f64; 3] {
        let [r, g, b] = c.linear().map(f64::from);
        let x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47;
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83;
        let f = |t: f64| {
            if t > 0.008_856 {
                t.cbrt()
            } else {
                7.787 * t + 16.0 / 116.0
            }
        };
        [
            116.0 * f(y) - 16.0,
            500.0 * (f(x) - f(y)),
            200.0 * (f(y) - f(z)),
        ]
    }

    /// CIEDE2000 (Sharma, Wu, Dalal 2005), all weights 1.
    fn delta_e(one: Rgb, two: Rgb) -> f64 {
        let ([l1, a1, b1], [l2, a2, b2]) = (lab(one), lab(two));
        let c_mean = (a1.hypot(b1) + a2.hypot(b2)) / 2.0;
        let g = 0.5 * (1.0 - (c_mean.powi(7) / (c_mean.powi(7) + 25f64.powi(7))).sqrt());
        let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
        let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
        let hue = |a: f64, b: f64| b.atan2(a).to_degrees().rem_euclid(360.0);
        let (h1, h2) = (hue(a1, b1), hue(a2, b2));
        let mut dh = h2 - h1;
        if dh > 180.0 {
            dh -= 360.0;
        } else if dh < -180.0 {
            dh += 360.0;
        }
        let big_h = 2.0 * (c1 * c2).sqrt() * (dh / 2.0).to_radians().sin();
        let l = (l1 + l2) / 2.0;
        let c = (c1 + c2) / 2.0;
        let h = if (h1 - h2).abs() > 180.0 {
            (h1 + h2 + 360.0) / 2.0
        } else {
            (h1 + h2) / 2.0
        };
        let cos = |deg: f64| deg.to_radians().cos();
        let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0)
            - 0.20 * cos(4.0 * h - 63.0);
        let s_l = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
        let s_c = 1.0 + 0.045 * c;
        let s_h = 1.0 + 0.015 * c * t;
        let theta = 30.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
        let r_c = 2.0 * (c.powi(7) / (c.powi(7) + 25f64.powi(7))).sqrt();
        let r_t = -(2.0 * theta).to_radians().sin() * r_c;
        let (dl, dc, dh) = ((l2 - l1) / s_l, (c2 - c1) / s_c, big_h / s_h);
        (dl * dl + dc * dc + dh * dh + r_t * dc * dh).sqrt()
    }

    /// CIE76, the plain distance in Lab.
    fn distance(one: Rgb, two: Rgb) -> f64 {
        let (a, b) = (lab(one), lab(two));
        (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
    }

    fn assert_apart(group: &str, colours: &[(String, Rgb)], measure: fn(Rgb, Rgb) -> f64) {
        let mut close = Vec::new();
        for light in Light::ALL {
            for (i, (name_a, a)) in colours.iter().enumerate() {
                for (name_b, b) in &colours[..i] {
                    let e = measure(light.lit(*a), light.lit(*b));
                    if e < 15.0 {
                        close.push(format!("{} {name_a}/{name_b} {e:.1}", light.phrase()));
                    }
                }
            }
        }
        assert!(close.is_empty(), "{group}: {close:#?}");
    }

    #[test]
    fn ciede2000_agrees_with_the_published_behaviour() {
        assert!((delta_e(Rgb(0, 0, 0), Rgb(255, 255, 255)) - 100.0).abs() < 0.5);
        // Saturated blues look closer together than CIE76 says.
        let e = delta_e(Rgb(0, 0, 255), Rgb(40, 40, 255));
        assert!((1.0..12.0).contains(&e), "{e}");
    }

    #[test]
    fn clothes_hair_and_skin_stay_apart_under_every_light() {
        // Clothes and hair by CIEDE2000. Skin tones share one hue, where five
        // natural tones do not fit 15 of its units apart: they are by CIE76.
        let clothes = NamedColour::ALL.map(|c| (c.phrase().into(), c.rgb()));
        assert_apart("clothes", &clothes, delta_e);
        let hair = HairColour::ALL.map(|c| (c.phrase().into(), c.rgb()));
        assert_apart("hair", &hair, delta_e);
        let skin = SkinTone::ALL.map(|c| (c.0.to_string(), c.rgb()));
        assert_apart("skin", &skin, distance);
    }

    #[test]
    fn shadows_are_darker_than_lit_surfaces_but_keep_their_place() {
        for light in Light::ALL {
            for colour in NamedColour::ALL {
                let (lit, shadow) = (
                    lab(light.lit(colour.rgb())),
                    lab(light.shadow(colour.rgb())),
                );
                assert!(
                    shadow[0] < lit[0] + 1.0,
                    "{} {}",
                    light.phrase(),
                    colour.phrase()
                );
            }
        }
    }

    #[test]
    fn mixing_is_done_in_linear_light() {
        assert_eq!(
            Rgb(0, 0, 0).mix(Rgb(255, 255, 255), 0.5),
            Rgb(188, 188, 188)
        );
    }
}
