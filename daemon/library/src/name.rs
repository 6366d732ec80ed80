//! Names that are safe as file names on every system.

/// The longest name, bytes.
const LONGEST: usize = 100;

/// Why a name is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing in it.
    #[error("the name is empty")]
    Empty,
    /// It is over the limit.
    #[error("the name is longer than {LONGEST} bytes")]
    TooLong,
    /// It could leave the folder, or mean something to a file system.
    #[error("the name holds {0:?}; use letters, digits, spaces and `.-_()+`")]
    Character(char),
    /// It begins or ends with a dot or a space.
    #[error("the name begins or ends with a dot or a space")]
    Edge,
    /// Windows takes it for a device, whatever extension follows.
    #[error("the name is a device's on Windows")]
    Device,
}

/// Checks that `name` names something inside a folder and nothing else.
///
/// # Errors
/// See [`NameError`].
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > LONGEST {
        return Err(NameError::TooLong);
    }
    let fits = |letter: char| letter.is_alphanumeric() || " .-_()+".contains(letter);
    if let Some(letter) = name.chars().find(|letter| !fits(*letter)) {
        return Err(NameError::Character(letter));
    }
    let edge = |letter: char| letter == '.' || letter == ' ';
    if name.starts_with(edge) || name.ends_with(edge) {
        return Err(NameError::Edge);
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let is_numbered = |device: &str| {
        let number = stem
            .get(..3)
            .filter(|start| start.eq_ignore_ascii_case(device));
        number.is_some() && stem.len() == 4 && stem.ends_with(|digit: char| digit.is_ascii_digit())
    };
    let devices = ["con", "prn", "aux", "nul"];
    if devices
        .iter()
        .any(|device| stem.eq_ignore_ascii_case(device))
        || is_numbered("com")
        || is_numbered("lpt")
    {
        return Err(NameError::Device);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "sketch",
            "Realistic_Vision_V5.1",
            "modèle (2)",
            "絵+1",
            "console",
            "com",
            "comma",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in [
            "..",
            ".",
            "../secret",
            "a/b",
            "a\\b",
            "/etc",
            "C:",
            "a\0b",
            " a",
            "a.",
            "con",
            "NUL.old",
            "Com1",
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name(&"a".repeat(101)), Err(NameError::TooLong));
    }
}
