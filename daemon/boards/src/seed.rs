//! Seeds as board files write them.

use serde::{Deserialize, Deserializer, de};
use toml_edit::Value;

/// Seed of the noise. TOML has no integers above 2^63 - 1: those are written
/// as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

impl Seed {
    /// As it stands in the file.
    pub(crate) fn to_toml(self) -> Value {
        i64::try_from(self.0).map_or_else(|_| self.0.to_string().into(), Value::from)
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Seed;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a seed from 0 to 2^64 - 1")
            }

            fn visit_i64<E: de::Error>(self, seed: i64) -> Result<Seed, E> {
                let wrong = |_| E::custom("a seed is 0 or above");
                u64::try_from(seed).map(Seed).map_err(wrong)
            }

            fn visit_u64<E: de::Error>(self, seed: u64) -> Result<Seed, E> {
                Ok(Seed(seed))
            }

            fn visit_str<E: de::Error>(self, seed: &str) -> Result<Seed, E> {
                let wrong = |_| E::custom("a seed is a number from 0 to 2^64 - 1");
                seed.parse().map(Seed).map_err(wrong)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
