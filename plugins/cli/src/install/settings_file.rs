//! Settings files of applications: sections in brackets, lines of `key=value`.

/// The bytes of such a file, of which everything but one line stays as it is.
#[derive(Debug)]
pub struct SettingsFile {
    bytes: Vec<u8>,
}

impl SettingsFile {
    /// A file's bytes. They need not be UTF-8.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The bytes now.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Sets a key of a section, or takes it out; a section that is empty then
    /// goes too.
    pub fn set(&mut self, section: &str, key: &str, value: Option<&str>) {
        let ending: &[u8] = if self.bytes.windows(2).any(|pair| pair == b"\r\n") {
            b"\r\n"
        } else {
            b"\n"
        };
        let mut lines: Vec<Vec<u8>> = self
            .bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let heading = format!("[{section}]");
        let start = lines
            .iter()
            .position(|line| line.trim_ascii() == heading.as_bytes());
        let line = value.map(|value| [format!("{key}={value}").as_bytes(), ending].concat());
        match (start, line) {
            (None, None) => return,
            (None, Some(line)) => {
                end_last(&mut lines, ending);
                if lines
                    .last()
                    .is_some_and(|last| !last.trim_ascii().is_empty())
                {
                    lines.push(ending.to_vec());
                }
                lines.push([heading.as_bytes(), ending].concat());
                lines.push(line);
            }
            (Some(start), line) => {
                let end = (start + 1..lines.len())
                    .find(|at| lines[*at].trim_ascii_start().starts_with(b"["))
                    .unwrap_or(lines.len());
                let held = (start + 1..end).find(|at| key_of(&lines[*at]) == key.as_bytes());
                match (held, line) {
                    (Some(at), Some(line)) => lines[at] = line,
                    (None, Some(line)) => {
                        end_last(&mut lines, ending);
                        lines.insert(start + 1, line);
                    }
                    (Some(at), None) => {
                        lines.remove(at);
                        take_if_empty(&mut lines, start, end - 1);
                    }
                    (None, None) => return,
                }
            }
        }
        self.bytes = lines.concat();
    }
}

/// The last line gets an end, so that another can follow it.
fn end_last(lines: &mut [Vec<u8>], ending: &[u8]) {
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with(b"\n")) {
        last.extend_from_slice(ending);
    }
}

/// Takes a section out in which nothing is left, and the empty line before it.
fn take_if_empty(lines: &mut Vec<Vec<u8>>, start: usize, end: usize) {
    let blank = |line: &Vec<u8>| line.trim_ascii().is_empty();
    if !lines[start + 1..end].iter().all(blank) {
        return;
    }
    lines.drain(start..=start);
    if start > 0 && blank(&lines[start - 1]) {
        lines.remove(start - 1);
    }
}

fn key_of(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| *byte == b'=');
    end.map_or(b"".as_slice(), |end| line[..end].trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(before: &str, value: Option<&str>) -> String {
        let mut file = SettingsFile::new(before.into());
        file.set("python", "enable_x", value);
        String::from_utf8(file.bytes().to_vec()).unwrap()
    }

    #[test]
    fn one_line_is_set_and_the_rest_stays() {
        for (before, set) in [
            ("", "[python]\nenable_x=true\n"),
            ("[a]\nb=1\n", "[a]\nb=1\n\n[python]\nenable_x=true\n"),
            ("[a]\nb=1", "[a]\nb=1\n\n[python]\nenable_x=true\n"),
            (
                "[python]\nenable_y=true\n\n[z]\nenable_x=false\n",
                "[python]\nenable_x=true\nenable_y=true\n\n[z]\nenable_x=false\n",
            ),
            (
                "[python]\nenable_x = false\nq=1\n",
                "[python]\nenable_x=true\nq=1\n",
            ),
            (
                "[a]\r\nb=1\r\n",
                "[a]\r\nb=1\r\n\r\n[python]\r\nenable_x=true\r\n",
            ),
        ] {
            assert_eq!(after(before, Some("true")), set, "{before:?}");
            assert_eq!(after(set, Some("true")), set, "twice is once");
        }
    }

    #[test]
    fn taking_it_out_gives_back_what_was_there() {
        for before in [
            "",
            "[a]\nb=1\n",
            "[a]\r\nb=1\r\n",
            "[python]\nenable_y=true\n\n[z]\nenable_x=false\n",
            "key=without a section\n[b]\n\n\n[c]\nd=ä\n",
        ] {
            assert_eq!(after(&after(before, Some("true")), None), before);
            assert_eq!(after(before, None), before, "it was not there");
        }
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let before = b"[a]\nb=\xff\xfe\n".to_vec();
        let mut file = SettingsFile::new(before.clone());
        file.set("python", "enable_x", Some("true"));
        assert!(file.bytes().starts_with(&before));
        file.set("python", "enable_x", None);
        assert_eq!(file.bytes(), before);
    }
}
