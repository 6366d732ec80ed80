//! The header of a safetensors file: what it holds, without its weights.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// The longest header that is read, bytes. The format allows 100 MB; the
/// largest in use have a few.
pub const LONGEST_HEADER: u64 = 32 << 20;

/// Where the header begins.
const START: u64 = 8;

/// A tensor as the header tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorInfo {
    /// The type of its numbers: `F16`, `F32`, `BF16` …
    pub dtype: String,
    /// Its dimensions, outermost first.
    pub shape: Vec<u64>,
    /// Where its bytes begin and end, counted from the end of the header.
    pub data_offsets: [u64; 2],
}

/// What a safetensors file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The tensors by name.
    pub tensors: BTreeMap<String, TensorInfo>,
    /// What the writer noted.
    pub metadata: BTreeMap<String, String>,
    /// Where the tensors' bytes begin in the file.
    pub data_start: u64,
}

/// Why a file cannot be used as safetensors.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is a folder, a pipe or a device.
    #[error("it is no ordinary file")]
    NoFile,
    /// It ends before what its header promises.
    #[error("it has {there} bytes and its header promises {promised}")]
    Unfinished {
        /// Bytes that the file has.
        there: u64,
        /// Bytes that it must have at least.
        promised: u64,
    },
    /// It begins with zeros, as a file does whose space was set aside before
    /// it is copied.
    #[error("it begins with zeros where its header should be")]
    Blank,
    /// It goes on after what its header promises.
    #[error("it has {there} bytes and its header promises only {promised}")]
    Excess {
        /// Bytes that the file has.
        there: u64,
        /// Bytes that it should have.
        promised: u64,
    },
    /// The header is longer than any in use.
    #[error("its header would have {0} bytes; {LONGEST_HEADER} are the most that is read")]
    TooLong(u64),
    /// The header is not what the format asks for.
    #[error("its header is no safetensors header: {0}")]
    Content(String),
}

impl HeaderError {
    /// Whether the file may still be being written.
    pub fn is_unfinished(&self) -> bool {
        matches!(self, Self::Unfinished { .. } | Self::Blank)
    }
}

/// How many bytes a number of the type takes, eighths counted as a whole.
fn bytes_of(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F64" | "I64" | "U64" | "C64" => 8,
        "F32" | "I32" | "U32" => 4,
        "F16" | "BF16" | "I16" | "U16" => 2,
        "I8" | "U8" | "BOOL" | "F8_E4M3" | "F8_E5M2" | "F8_E8M0" => 1,
        _ => return None,
    })
}

impl TensorInfo {
    /// How many bytes it takes in the file.
    pub fn bytes(&self) -> u64 {
        let [start, end] = self.data_offsets;
        end.saturating_sub(start)
    }

    fn check(&self) -> Result<(), String> {
        let [start, end] = self.data_offsets;
        if start > end {
            return Err(format!("ends at {end}, before its start at {start}"));
        }
        let Some(size) = bytes_of(&self.dtype) else {
            // A type that is newer than this program: the offsets must do.
            return Ok(());
        };
        let mut numbers = Some(size);
        for side in &self.shape {
            numbers = numbers.and_then(|numbers| numbers.checked_mul(*side));
        }
        if numbers != Some(end - start) {
            return Err(format!(
                "has the shape {:?} of {} and {} bytes",
                self.shape,
                self.dtype,
                end - start
            ));
        }
        Ok(())
    }
}

impl Header {
    /// Reads the header of the file at `path`, and checks that all that it
    /// promises is there.
    ///
    /// # Errors
    /// See [`HeaderError`].
    pub fn read(path: &Path) -> Result<Self, HeaderError> {
        // A pipe would keep the reader waiting for ever.
        if !std::fs::metadata(path)?.is_file() {
            return Err(HeaderError::NoFile);
        }
        let mut file = File::open(path)?;
        let there = file.metadata()?.len();
        Self::from_reader(&mut file, there)
    }

    /// Reads the header from the first bytes of a file that has `there` bytes.
    ///
    /// # Errors
    /// See [`HeaderError`].
    pub fn from_reader(reader: &mut impl Read, there: u64) -> Result<Self, HeaderError> {
        let unfinished = |promised| HeaderError::Unfinished { there, promised };
        if there < START {
            return Err(unfinished(START));
        }
        let mut length = [0; START as usize];
        read_whole(reader, &mut length, || unfinished(START))?;
        let length = u64::from_le_bytes(length);
        if length == 0 {
            return Err(HeaderError::Blank);
        }
        if length > LONGEST_HEADER {
            return Err(HeaderError::TooLong(length));
        }
        let data_start = START + length;
        if data_start > there {
            return Err(unfinished(data_start));
        }
        let mut bytes = vec![0; length as usize];
        read_whole(reader, &mut bytes, || unfinished(data_start))?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(HeaderError::Blank);
        }
        let Entries { tensors, metadata } = serde_json::from_slice(&bytes)
            .map_err(|error| HeaderError::Content(error.to_string()))?;
        let header = Self {
            tensors,
            metadata,
            data_start,
        };
        let promised = data_start.saturating_add(header.check()?);
        match there.cmp(&promised) {
            std::cmp::Ordering::Less => Err(unfinished(promised)),
            std::cmp::Ordering::Greater => Err(HeaderError::Excess { there, promised }),
            std::cmp::Ordering::Equal => Ok(header),
        }
    }

    /// Checks that the tensors lie one after the other without gaps; tells
    /// where the last one ends.
    fn check(&self) -> Result<u64, HeaderError> {
        let mut spans = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &self.tensors {
            tensor
                .check()
                .map_err(|reason| HeaderError::Content(format!("{name:?} {reason}")))?;
            spans.push((tensor.data_offsets, name));
        }
        spans.sort_unstable();
        let mut at = 0;
        for ([start, end], name) in spans {
            if start != at {
                return Err(HeaderError::Content(format!(
                    "{name:?} begins at {start}, and the tensor before it ends at {at}"
                )));
            }
            at = end;
        }
        Ok(at)
    }
}

/// Fills `bytes`; a file that shrinks meanwhile is unfinished.
fn read_whole(
    reader: &mut impl Read,
    bytes: &mut [u8],
    unfinished: impl FnOnce() -> HeaderError,
) -> Result<(), HeaderError> {
    reader.read_exact(bytes).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            unfinished()
        } else {
            HeaderError::Read(error)
        }
    })
}

/// The header's JSON: tensors, and the writer's notes under a key of their own.
struct Entries {
    tensors: BTreeMap<String, TensorInfo>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Entries;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Entries {
                    tensors: BTreeMap::new(),
                    metadata: BTreeMap::new(),
                };
                while let Some(key) = map.next_key::<String>()? {
                    if key == "__metadata__" {
                        entries.metadata = map.next_value()?;
                        continue;
                    }
                    match entries.tensors.entry(key) {
                        Entry::Vacant(place) => {
                            place.insert(map.next_value()?);
                        }
                        Entry::Occupied(there) => {
                            let twice = format!("{:?} is there twice", there.key());
                            return Err(de::Error::custom(twice));
                        }
                    }
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::safetensors;

    fn read(bytes: &[u8]) -> Result<Header, HeaderError> {
        Header::from_reader(&mut &*bytes, bytes.len() as u64)
    }

    fn with_header(json: &str, data: usize) -> Vec<u8> {
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(json.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    #[test]
    fn tensors_and_notes_are_read() {
        let bytes = safetensors(&[("b", &[2, 3]), ("a", &[4])], &[("made by", "a test")]);
        let header = read(&bytes).expect("a header");
        assert_eq!(header.tensors["b"].shape, [2, 3]);
        assert_eq!(header.metadata["made by"], "a test");
        assert_eq!(header.tensors["a"].bytes(), 16);
    }

    #[test]
    fn a_file_that_ends_too_early_is_unfinished() {
        let bytes = safetensors(&[("b", &[2, 3]), ("a", &[4])], &[]);
        for length in 0..bytes.len() {
            let error = read(&bytes[..length]).expect_err("too short");
            assert!(error.is_unfinished(), "{length} bytes: {error}");
        }
        assert!(read(&[0; 4096]).expect_err("blank").is_unfinished());
        let mut excess = bytes.clone();
        excess.push(0);
        assert!(matches!(read(&excess), Err(HeaderError::Excess { .. })));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let tensor = |shape: &str, from: u64, to: u64| {
            format!("{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}")
        };
        for json in [
            "[1]".to_owned(),
            "{".to_owned(),
            format!("{{\"a\":{}}}", tensor("[2]", 0, 4)),
            format!("{{\"a\":{}}}", tensor("[2]", 8, 0)),
            format!("{{\"a\":{}}}", tensor("[2]", 8, 16)),
            format!("{{\"a\":{}}}", tensor("[18446744073709551615,9]", 0, 16)),
            format!("{{\"a\":{0},\"b\":{0}}}", tensor("[4]", 0, 16)),
            format!("{{\"a\":{0},\"a\":{0}}}", tensor("[4]", 0, 16)),
            "{\"__metadata__\":{\"a\":{}}}".to_owned(),
        ] {
            let outcome = read(&with_header(&json, 16));
            assert!(
                matches!(outcome, Err(HeaderError::Content(_))),
                "{json}: {outcome:?}"
            );
        }
        let mut huge = (LONGEST_HEADER + 1).to_le_bytes().to_vec();
        huge.push(b'{');
        assert!(matches!(read(&huge), Err(HeaderError::TooLong(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_changed_byte_never_reads_beyond_the_file(at in 0_usize..400, byte in any::<u8>()) {
            let mut bytes = safetensors(&[("a", &[4]), ("b", &[2, 2])], &[("k", "v")]);
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(header) = read(&bytes) {
                for tensor in header.tensors.values() {
                    let end = header.data_start + tensor.data_offsets[1];
                    prop_assert!(end <= bytes.len() as u64);
                }
            }
        }
    }
}
