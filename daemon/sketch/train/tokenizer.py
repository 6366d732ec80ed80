"""Makes the BPE vocabulary of the captions in CLIPTokenizer's own format.

Every frequent word of the grammar becomes one token; whatever else a user writes (the invented
names, say) falls into pieces, since the byte alphabet is complete.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

# Words that users write though the captions may lack them.
EXTRA = (
    "extreme close up medium american shot full body long view detailed detail closeup picture "
    "photo of a an the person people two one man woman left right centre middle on in at with and "
    "is are nobody empty legs feet lower fullbody cropped out frame cut off missing head deformed "
    "low quality extra limbs fused face hybrid creature blurry cup book flashlight umbrella "
    "glasses hat beard smiling sad surprised neutral profile behind facing front short long "
    "golden sunset light soft daylight night rain walking standing sitting waving holding"
)
START, END = "<|startoftext|>", "<|endoftext|>"


def byte_alphabet() -> list[str]:
    """The 256 printable stand-ins for bytes, in the order of CLIP's vocabulary."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    extra = [chr(256 + n) for n in range(256 - len(printable))]
    return [chr(code) for code in printable] + extra


def learn_merges(words: Counter[str]) -> list[tuple[str, str]]:
    """Byte pair merges, most frequent pair first, until each word is one token."""
    pieces = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
    merges: list[tuple[str, str]] = []
    while True:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, parts in pieces.items():
            for pair in pairwise(parts):
                pairs[pair] += 1 + words[word].bit_length()
        if not pairs:
            return merges
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word, parts in pieces.items():
            joined, i = [], 0
            while i < len(parts):
                if tuple(parts[i : i + 2]) == best:
                    joined.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    joined.append(parts[i])
                    i += 1
            pieces[word] = joined


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=2e-4, help="rarer words are left in pieces")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    captions = 0
    for folder in args.data:
        with (folder / "scenes.jsonl").open() as lines:
            for line in lines:
                scene = json.loads(line)
                for caption in [scene["caption"], *scene["captions"]]:
                    counts.update(set(re.findall(r"[a-z]+", caption.lower())))
                    captions += 1
    words = Counter({w: n for w, n in counts.items() if n > args.share * captions})
    words.update(EXTRA.split())
    merges = learn_merges(words)
    alphabet = byte_alphabet()
    tokens = [*alphabet, *(c + "</w>" for c in alphabet), *(a + b for a, b in merges), START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        raise ValueError("a token stands twice in the vocabulary")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "vocab.json").write_text(json.dumps(vocabulary))
    lines = "\n".join(f"{a} {b}" for a, b in merges)
    (args.out / "merges.txt").write_text(f"#version: 0.2\n{lines}\n")
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    (args.out / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
    config = special | {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "do_lower_case": True,
        "errors": "replace",
        "add_prefix_space": False,
    }
    (args.out / "tokenizer_config.json").write_text(json.dumps(config, indent=2))

    from transformers import CLIPTokenizer  # seconds to import, and only this check needs it

    tokenizer = CLIPTokenizer.from_pretrained(args.out)
    split = [w for w in words if len(tokenizer(w)["input_ids"]) != 3]
    longest = max(len(tokenizer(s)["input_ids"]) for s in [scene["caption"]])
    print(
        f"{len(words)} words, {len(vocabulary)} tokens; not whole: {split}; last caption {longest}"
    )


if __name__ == "__main__":
    main()
