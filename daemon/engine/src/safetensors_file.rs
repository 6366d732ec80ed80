//! One safetensors file, checked before anything in it is believed.
//!
//! Format: a u64 little-endian length, a JSON header of that length, then the
//! tensors' bytes (<https://github.com/huggingface/safetensors>).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use serde::Deserialize;

use crate::error::LoadError;

/// Longest header believed, the format's own limit. A whole SD 1.5 checkpoint
/// has one of 130 kB.
const LONGEST_HEADER: u64 = 100 << 20;
/// More dimensions than any network's tensor has.
const MOST_DIMENSIONS: usize = 8;

/// What the header says of one tensor.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// A header's values: tensors, and one map of free text.
#[derive(Deserialize)]
#[serde(untagged)]
enum HeaderValue {
    Tensor(Entry),
    Metadata(BTreeMap<String, serde_json::Value>),
}

/// What a header says.
struct Header {
    /// Where the tensors' bytes begin.
    data_start: usize,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

/// The bytes of a file: mapped into memory, or given.
#[derive(Clone)]
enum FileBytes {
    Mapped(Arc<memmap2::Mmap>),
    Given(Cow<'static, [u8]>),
}

impl std::ops::Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Given(bytes) => bytes,
        }
    }
}

/// A safetensors file whose header was found sound.
pub struct SafetensorsFile {
    path: PathBuf,
    bytes: FileBytes,
    header: Header,
}

impl std::fmt::Debug for SafetensorsFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SafetensorsFile")
            .field("path", &self.path)
            .field("tensors", &self.header.entries.len())
            .finish_non_exhaustive()
    }
}

impl SafetensorsFile {
    /// Maps the file into memory and checks its header.
    ///
    /// # Errors
    /// If it cannot be read, is a pickle file, is truncated, or its header does
    /// not agree with itself or with the file's length.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        if has_pickle_extension(path) {
            return Err(LoadError::Pickle {
                path: path.to_owned(),
            });
        }
        let bytes = map_file(path)?;
        Self::check(path.to_owned(), FileBytes::Mapped(Arc::new(bytes)))
    }

    /// The same for bytes in memory; `path` is for messages.
    pub fn from_bytes(path: PathBuf, bytes: Cow<'static, [u8]>) -> Result<Self, LoadError> {
        Self::check(path, FileBytes::Given(bytes))
    }

    fn check(path: PathBuf, bytes: FileBytes) -> Result<Self, LoadError> {
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02") {
            return Err(LoadError::Pickle { path });
        }
        match check_header(&bytes) {
            Ok(header) => Ok(Self {
                path,
                bytes,
                header,
            }),
            Err(reason) => Err(LoadError::Safetensors { path, reason }),
        }
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.entries.keys().map(String::as_str)
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header
            .entries
            .get(name)
            .map(|entry| entry.shape.as_slice())
    }

    /// What the file's maker noted.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.header.metadata
    }

    /// BLAKE3 of the whole file, in hex.
    pub fn hash(&self) -> String {
        blake3::hash(&self.bytes).to_hex().to_string()
    }

    /// The value of a tensor of one number; `None` where there is none of that
    /// name, or it is no single number.
    pub fn scalar(&self, name: &str) -> Option<f64> {
        let entry = self.header.entries.get(name)?;
        let (begin, end) = entry.data_offsets;
        let start = self.header.data_start;
        let data = self.bytes.get(start + begin..start + end)?;
        match (entry.dtype.as_str(), data) {
            ("F64", _) => Some(f64::from_le_bytes(data.try_into().ok()?)),
            ("F32", _) => Some(f32::from_le_bytes(data.try_into().ok()?).into()),
            ("F16", _) => Some(half::f16::from_le_bytes(data.try_into().ok()?).into()),
            ("BF16", _) => Some(half::bf16::from_le_bytes(data.try_into().ok()?).into()),
            ("I64", _) => Some(i64::from_le_bytes(data.try_into().ok()?) as f64),
            ("I32", _) => Some(i32::from_le_bytes(data.try_into().ok()?).into()),
            _ => None,
        }
    }

    /// Copies a tensor to `device`, in the number format in which it is stored.
    pub fn read(&self, name: &str, device: &Device) -> Result<Tensor, LoadError> {
        let Some(entry) = self.header.entries.get(name) else {
            return Err(candle_core::Error::CannotFindTensor {
                path: name.to_owned(),
            }
            .into());
        };
        let dtype = match entry.dtype.as_str() {
            "F16" => DType::F16,
            "BF16" => DType::BF16,
            "F32" => DType::F32,
            "F64" => DType::F64,
            _ => {
                return Err(LoadError::DType {
                    path: self.path.clone(),
                    tensor: name.to_owned(),
                    dtype: entry.dtype.clone(),
                });
            }
        };
        let (begin, end) = entry.data_offsets;
        let data = &self.bytes[self.header.data_start + begin..self.header.data_start + end];
        Ok(Tensor::from_raw_buffer(data, dtype, &entry.shape, device)?)
    }
}

/// Whether the file's name says that it is a pickle.
pub fn has_pickle_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        ["ckpt", "pt", "pth", "bin", "pkl", "pickle"]
            .iter()
            .any(|pickle| extension.eq_ignore_ascii_case(pickle))
    })
}

/// Maps a file for reading.
#[expect(
    unsafe_code,
    reason = "mapping a file is unsafe: others may change it meanwhile"
)]
pub(crate) fn map_file(path: &Path) -> Result<memmap2::Mmap, LoadError> {
    let io = |source| LoadError::Io {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(io(std::io::Error::other("it is not a file")));
    }
    // SAFETY: the map is read-only and private to this process. It is read
    // through `&[u8]` only, for as long as it takes to copy a tensor out or to
    // hash the file; nothing relies on two reads giving the same bytes, and any
    // bytes are a valid f16, bf16, f32 or f64. A file cut short meanwhile ends
    // the process by a signal instead of giving out foreign memory.
    unsafe { memmap2::Mmap::map(&file) }.map_err(io)
}

/// What the header says, or what is wrong with it.
fn check_header(bytes: &[u8]) -> Result<Header, String> {
    const AGAIN: &str = "Copy or download it again";
    if bytes.starts_with(b"version https://git-lfs") {
        return Err("it is a Git LFS pointer, not the file. Fetch it with `git lfs pull`".into());
    }
    if bytes.starts_with(b"GGUF") {
        return Err("it is a GGUF file. Use the model's safetensors version".into());
    }
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(format!(
            "it is truncated, it has only {} bytes. {AGAIN}",
            bytes.len()
        ));
    };
    let length = u64::from_le_bytes(*length);
    if length > LONGEST_HEADER {
        return Err(format!(
            "its header would be {length} bytes long, more than the format allows. \
             It is damaged or of another format"
        ));
    }
    // At most 100 MiB: fits any usize.
    let length = length as usize;
    let Some((header, data)) = rest.split_at_checked(length) else {
        return Err(format!(
            "it is truncated: its header alone is {length} bytes, the file has {}. {AGAIN}",
            bytes.len()
        ));
    };
    let header: BTreeMap<String, HeaderValue> =
        serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;

    let mut entries = BTreeMap::new();
    let mut metadata = BTreeMap::new();
    let mut needed = 0;
    for (name, value) in header {
        let entry = match value {
            HeaderValue::Tensor(entry) => entry,
            HeaderValue::Metadata(notes) if name == "__metadata__" => {
                metadata.extend(notes.into_iter().filter_map(|(key, value)| match value {
                    serde_json::Value::String(text) => Some((key, text)),
                    _ => None,
                }));
                continue;
            }
            HeaderValue::Metadata(_) => return Err(format!("its header does not describe {name}")),
        };
        let (begin, end) = entry.data_offsets;
        let elements = entry
            .shape
            .iter()
            .try_fold(1usize, |all, &size| all.checked_mul(size));
        let sound = begin <= end
            && entry.shape.len() <= MOST_DIMENSIONS
            && match (elements, bytes_per_element(&entry.dtype)) {
                (Some(elements), Some(size)) => elements.checked_mul(size) == Some(end - begin),
                (elements, None) => elements.is_some(),
                (None, _) => false,
            };
        if !sound {
            return Err(format!(
                "its header contradicts itself: {name} is {} {:?} at bytes {begin}..{end}",
                entry.dtype, entry.shape
            ));
        }
        needed = needed.max(end);
        entries.insert(name, entry);
    }
    if needed > data.len() {
        return Err(format!(
            "it is truncated: its tensors need {needed} bytes, the file has {}. {AGAIN}",
            data.len()
        ));
    }
    Ok(Header {
        data_start: 8 + length,
        entries,
        metadata,
    })
}

/// Size of the format's element types; None for those we do not know.
fn bytes_per_element(dtype: &str) -> Option<usize> {
    match dtype {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => Some(1),
        "U16" | "I16" | "F16" | "BF16" => Some(2),
        "U32" | "I32" | "F32" => Some(4),
        "U64" | "I64" | "F64" => Some(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn refusal(bytes: Vec<u8>) -> String {
        SafetensorsFile::from_bytes("model.safetensors".into(), Cow::Owned(bytes))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_sound_file_is_read() {
        let header = r#"{"__metadata__":{"format":"pt"},
            "a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},
            "b":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}"#;
        let mut bytes = file(header, 12);
        let start = bytes.len() - 12;
        bytes[start..start + 4].copy_from_slice(&[0x00, 0x3c, 0x00, 0xc0]);
        let file = SafetensorsFile::from_bytes("m".into(), Cow::Owned(bytes)).unwrap();
        assert_eq!(file.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(file.shape("a"), Some([2, 1].as_slice()));
        assert_eq!(file.metadata()["format"], "pt");
        assert_eq!(file.scalar("b"), Some(0.0));
        assert_eq!((file.scalar("a"), file.scalar("c")), (None, None));
        let a = file
            .read("a", &Device::Cpu)
            .unwrap()
            .to_dtype(DType::F32)
            .unwrap();
        assert_eq!(a.to_vec2::<f32>().unwrap(), [[1.0], [-2.0]]);
        let refused = file.read("b", &Device::Cpu).unwrap_err();
        assert!(matches!(refused, LoadError::DType { .. }), "{refused}");
    }

    #[test]
    fn truncated_files_say_so() {
        let header = r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#;
        let whole = file(header, 16);
        for length in [0, 5, 8, 20, whole.len() - 1] {
            let message = refusal(whole[..length].to_vec());
            assert!(message.contains("truncated"), "{length} bytes: {message}");
        }
        assert!(SafetensorsFile::from_bytes("m".into(), Cow::Owned(whole)).is_ok());
    }

    #[test]
    fn a_huge_header_is_refused_before_it_is_read() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        bytes.extend_from_slice(b"{}");
        assert!(refusal(bytes).contains("more than the format allows"));
    }

    #[test]
    fn headers_that_contradict_themselves_are_refused() {
        for entry in [
            r#"{"dtype":"F32","shape":[4],"data_offsets":[0,8]}"#,
            r#"{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#,
            r#"{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}"#,
            r#"{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8]}"#,
        ] {
            let message = refusal(file(&format!("{{\"a\":{entry}}}"), 8));
            assert!(message.contains("contradicts itself"), "{entry}: {message}");
        }
        assert!(refusal(file("{\"a\":{\"dtype\":\"F32\"}}", 8)).contains('a'));
        assert!(refusal(file("not json", 8)).contains("header"));
    }

    #[test]
    fn pickles_are_refused_by_name_and_by_content() {
        for name in ["model.ckpt", "model.PT", "pytorch_model.bin"] {
            let refused = SafetensorsFile::open(Path::new(name)).unwrap_err();
            assert!(
                matches!(refused, LoadError::Pickle { .. }),
                "{name}: {refused}"
            );
        }
        let disguised = refusal(b"PK\x03\x04 a zip archive".to_vec());
        assert!(disguised.contains("pickle"), "{disguised}");
    }
}
