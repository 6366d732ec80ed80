//! The characters of the tests, in the form of the library's manifests.

use std::sync::LazyLock;

use framewright_story::{Character, Defaults, Vocabulary};

pub const NAMES: [(&str, &str); 7] = [
    ("kaitoyosuke", "man"),
    ("jiyeonmun", "woman"),
    ("petkotomov", "man"),
    ("margojobeth", "woman"),
    ("pogosmandla", "man"),
    ("cathrinannett", "woman"),
    ("oldrichvane", "man"),
];

pub fn characters() -> Vec<Character> {
    let mut characters: Vec<Character> = NAMES
        .iter()
        .map(|(token, class)| {
            toml::from_str(&format!(
                "token = '{token}'\nclass = '{class}'\n\
                 [family.sd15]\nlora = '{token}-sd15'\nnegative_prompt = 'blurry, not {token}'\n"
            ))
            .unwrap()
        })
        .collect();
    characters[0].aliases = vec!["Kaito".to_owned(), "the detective".to_owned()];
    characters
}

pub fn vocabulary() -> &'static Vocabulary {
    static VOCABULARY: LazyLock<Vocabulary> =
        LazyLock::new(|| Vocabulary::new(Defaults::shipped().unwrap(), characters()).unwrap());
    &VOCABULARY
}
