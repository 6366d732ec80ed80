//! Frames a second, and the time codes that count them.

use serde::{Deserialize, Deserializer, de};

/// Frames a second: a whole number from 1 to 120, or one of the rates of NTSC
/// video: 23.976, 29.97, 47.952, 59.94, 119.88.
///
/// Time codes are non-drop: they count frames as if the rate were the next
/// whole number, so at the rates of NTSC video they run slower than the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameRate(f64);

/// The rates of NTSC video.
const NTSC: [f64; 5] = [23.976, 29.97, 47.952, 59.94, 119.88];

impl Default for FrameRate {
    fn default() -> Self {
        Self(24.0)
    }
}

impl FrameRate {
    /// That many frames a second; `None` for a rate that editors do not know.
    pub fn new(rate: f64) -> Option<Self> {
        let whole = rate.fract() == 0.0 && (1.0..=120.0).contains(&rate);
        (whole || NTSC.contains(&rate)).then_some(Self(rate))
    }

    /// Frames a second.
    pub fn rate(self) -> f64 {
        self.0
    }

    /// The frames that a time code counts in a second.
    pub fn nominal(self) -> u64 {
        self.0.round() as u64
    }

    /// How many frames last about so many seconds; 1 at least.
    pub fn frames(self, seconds: f64) -> u64 {
        ((seconds * self.0).round() as u64).max(1)
    }

    /// The non-drop time code of a frame, `HH:MM:SS:FF`; hours go on from 0
    /// after 23.
    pub fn timecode(self, frame: u64) -> String {
        let nominal = self.nominal();
        let seconds = frame / nominal;
        format!(
            "{:02}:{:02}:{:02}:{:02}",
            seconds / 3_600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            frame % nominal
        )
    }
}

impl std::fmt::Display for FrameRate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for FrameRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rate = f64::deserialize(deserializer)?;
        let wrong =
            "fps must be a whole number from 1 to 120, or 23.976, 29.97, 47.952, 59.94, 119.88";
        Self::new(rate).ok_or_else(|| de::Error::custom(wrong))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn time_codes_count_frames() {
        let at = |rate: f64, frame| FrameRate::new(rate).expect("a rate").timecode(frame);
        assert_eq!(at(24.0, 0), "00:00:00:00");
        assert_eq!(at(24.0, 23), "00:00:00:23");
        assert_eq!(at(24.0, 24), "00:00:01:00");
        assert_eq!(at(25.0, 25 * 3_600 + 49), "01:00:01:24");
        assert_eq!(at(30.0, 30 * 60 - 1), "00:00:59:29");
        assert_eq!(at(29.97, 30 * 60), "00:01:00:00", "non-drop");
        assert_eq!(at(24.0, 24 * 86_400), "00:00:00:00");
        for rate in [0.0, -24.0, 24.5, 1_000.0, f64::NAN, f64::INFINITY] {
            assert_eq!(FrameRate::new(rate), None, "{rate}");
        }
    }

    proptest! {
        #[test]
        fn a_time_code_is_read_back(rate in 1_u64..=120, frame in 0_u64..120 * 80_000) {
            let frame = frame % (rate * 86_400);
            let code = FrameRate::new(rate as f64).expect("a rate").timecode(frame);
            let parts: Vec<u64> = code.split(':').map(|part| part.parse().expect("digits")).collect();
            let seconds = parts[0] * 3_600 + parts[1] * 60 + parts[2];
            prop_assert_eq!(seconds * rate + parts[3], frame);
            prop_assert!(parts[3] < rate);
        }
    }
}
