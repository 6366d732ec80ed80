//! Byte pair encoding of one word.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

/// Marks the last symbol of a word.
pub(super) const END_OF_WORD: &str = "</w>";

/// A vocabulary and its merges, read from a model's files.
#[derive(Debug)]
pub(super) struct Bpe {
    /// Token ids of the byte alphabet, inside and at the end of a word.
    inner: [u32; 256],
    last: [u32; 256],
    /// (left, right) → (rank, merged).
    merges: HashMap<(u32, u32), (u32, u32)>,
    pieces: HashMap<u32, String>,
}

/// Why a vocabulary and its merges do not fit together.
#[derive(Debug)]
pub(super) struct MergeError {
    pub(super) line: usize,
    pub(super) missing: String,
}

impl Bpe {
    /// `unknown` stands for bytes that the vocabulary has no symbol for.
    pub(super) fn new(
        vocabulary: HashMap<String, u32>,
        merges: &[(String, String)],
        unknown: u32,
    ) -> Result<Self, MergeError> {
        let id = |piece: &str| vocabulary.get(piece).copied();
        let mut inner = [unknown; 256];
        let mut last = [unknown; 256];
        for (byte, symbol) in byte_alphabet().into_iter().enumerate() {
            inner[byte] = id(&symbol.to_string()).unwrap_or(unknown);
            last[byte] = id(&format!("{symbol}{END_OF_WORD}")).unwrap_or(unknown);
        }
        let mut table = HashMap::with_capacity(merges.len());
        for (rank, (left, right)) in merges.iter().enumerate() {
            let known = |piece: &str| {
                id(piece).ok_or_else(|| MergeError {
                    line: rank + 1,
                    missing: piece.to_owned(),
                })
            };
            let pair = (known(left)?, known(right)?);
            let merged = known(&format!("{left}{right}"))?;
            table.insert(pair, (rank as u32, merged));
        }
        let pieces = vocabulary
            .into_iter()
            .map(|(piece, id)| (id, piece))
            .collect();
        Ok(Self {
            inner,
            last,
            merges: table,
            pieces,
        })
    }

    /// The vocabulary's text of a token.
    pub(super) fn piece(&self, id: u32) -> Option<&str> {
        self.pieces.get(&id).map(String::as_str)
    }

    /// The tokens of a word, each with the bytes of the word that it covers.
    ///
    /// Pairs are merged by rank, leftmost first, in O(n log n).
    pub(super) fn encode(&self, word: &str) -> Vec<(u32, Range<usize>)> {
        struct Symbol {
            id: u32,
            end: usize,
            previous: Option<usize>,
            next: Option<usize>,
        }
        let bytes = word.as_bytes();
        let count = bytes.len();
        // Symbol i starts at byte i for good; merging moves its end.
        let mut symbols: Vec<Symbol> = bytes
            .iter()
            .enumerate()
            .map(|(i, &byte)| Symbol {
                id: if i + 1 == count {
                    self.last[usize::from(byte)]
                } else {
                    self.inner[usize::from(byte)]
                },
                end: i + 1,
                previous: i.checked_sub(1),
                next: (i + 1 < count).then_some(i + 1),
            })
            .collect();
        let mut queue = BinaryHeap::new();
        let candidate = |symbols: &[Symbol], left: usize| {
            let right = symbols[left].next?;
            let pair = (symbols[left].id, symbols[right].id);
            let &(rank, _) = self.merges.get(&pair)?;
            Some(Reverse((rank, left, pair)))
        };
        queue.extend((0..count).filter_map(|left| candidate(&symbols, left)));
        while let Some(Reverse((_, left, pair))) = queue.pop() {
            let Some(right) = symbols[left].next else {
                continue;
            };
            // A symbol that was merged away has no bytes, and one that grew
            // since has another id.
            if symbols[left].end == left || (symbols[left].id, symbols[right].id) != pair {
                continue;
            }
            let (_, merged) = self.merges[&pair];
            let after = symbols[right].next;
            symbols[left].id = merged;
            symbols[left].end = symbols[right].end;
            symbols[left].next = after;
            symbols[right].end = right;
            symbols[right].next = None;
            if let Some(after) = after {
                symbols[after].previous = Some(left);
            }
            queue.extend(candidate(&symbols, left));
            if let Some(previous) = symbols[left].previous {
                queue.extend(candidate(&symbols, previous));
            }
        }
        let mut tokens = Vec::new();
        let mut at = (count > 0).then_some(0);
        while let Some(start) = at {
            tokens.push((symbols[start].id, start..symbols[start].end));
            at = symbols[start].next;
        }
        tokens
    }
}

/// The printable character that stands for each byte in a vocabulary file
/// (GPT-2's alphabet): itself where it is printable, else the next one from
/// U+0100.
fn byte_alphabet() -> [char; 256] {
    let mut next = 0x100;
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        if matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF) {
            char::from(byte)
        } else {
            next += 1;
            char::from_u32(next - 1).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Bpe {
        let mut pieces: Vec<String> = byte_alphabet().iter().map(char::to_string).collect();
        pieces.extend(byte_alphabet().iter().map(|c| format!("{c}{END_OF_WORD}")));
        let merges = [("a", "b"), ("ab", "ab"), ("b", "c</w>"), ("a", "bc</w>")];
        pieces.extend(merges.iter().map(|(l, r)| format!("{l}{r}")));
        let vocabulary = pieces
            .into_iter()
            .enumerate()
            .map(|(id, piece)| (piece, id as u32))
            .collect();
        let merges: Vec<_> = merges
            .iter()
            .map(|(l, r)| ((*l).to_owned(), (*r).to_owned()))
            .collect();
        Bpe::new(vocabulary, &merges, 0).unwrap()
    }

    fn pieces(bpe: &Bpe, word: &str) -> Vec<String> {
        bpe.encode(word)
            .into_iter()
            .map(|(id, _)| bpe.piece(id).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_alphabet_has_a_character_for_every_byte() {
        let alphabet = byte_alphabet();
        let distinct: std::collections::HashSet<char> = alphabet.into_iter().collect();
        assert_eq!(distinct.len(), 256);
        assert_eq!(alphabet[usize::from(b' ')], 'Ġ');
        assert_eq!(alphabet[0xAD], '\u{143}');
    }

    #[test]
    fn the_lowest_rank_is_merged_first() {
        let bpe = small();
        // "b" + "c</w>" would give "a" + "bc</w>", but "a" + "b" comes first.
        assert_eq!(pieces(&bpe, "abc"), ["ab", "c</w>"]);
        assert_eq!(pieces(&bpe, "xbc"), ["x", "bc</w>"]);
        assert_eq!(pieces(&bpe, "ababac"), ["abab", "a", "c</w>"]);
        assert_eq!(pieces(&bpe, "ababab"), ["abab", "a", "b</w>"]);
        assert!(pieces(&bpe, "").is_empty());
    }

    #[test]
    fn tokens_cover_the_word_without_a_gap() {
        let bpe = small();
        let word = "ababcabé".repeat(50);
        let mut end = 0;
        for (_, range) in bpe.encode(&word) {
            assert_eq!(range.start, end);
            end = range.end;
        }
        assert_eq!(end, word.len());
    }

    #[test]
    fn a_very_long_word_takes_no_time() {
        let word = "ab".repeat(200_000);
        let started = std::time::Instant::now();
        assert_eq!(small().encode(&word).len(), 100_002);
        assert!(started.elapsed().as_secs() < 20);
    }

    #[test]
    fn a_merge_of_unknown_pieces_is_named() {
        let merges = [("x".to_owned(), "y".to_owned())];
        let error = Bpe::new(HashMap::new(), &merges, 0).unwrap_err();
        assert_eq!((error.line, error.missing.as_str()), (1, "x"));
    }
}
