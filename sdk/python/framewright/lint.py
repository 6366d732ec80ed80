"""What the daemon finds in a prompt, in positions that Python and Qt count in.

The protocol counts bytes of UTF-8, Python characters, and Qt (as Java and JavaScript) units of
UTF-16.
"""

from dataclasses import dataclass
from typing import Optional

from .results import PromptFinding


@dataclass(frozen=True)
class Mark:
    """A finding, in characters of the prompt: `prompt[start:end]`.

    `severity` is `hint`, `warning` or `error`; `replacement`, where there is one, is what to write
    in place of `prompt[replace_start:replace_end]`.
    """

    code: str
    severity: str
    start: int
    end: int
    reason: str
    replacement: Optional[str] = None
    replace_start: int = 0
    replace_end: int = 0

    def fixed(self, prompt: str) -> str:
        """The prompt with the replacement, or as it is where there is none."""
        if self.replacement is None:
            return prompt
        return prompt[: self.replace_start] + self.replacement + prompt[self.replace_end :]


def mark(prompt: str, finding: PromptFinding) -> Mark:
    """A finding about a prompt as a mark in it."""
    data = prompt.encode("utf-8", "replace")

    def characters(offset: int) -> int:
        return len(data[: max(offset, 0)].decode("utf-8", "ignore"))

    rewrite = finding.rewrite
    return Mark(
        finding.code,
        finding.severity,
        characters(finding.start),
        characters(finding.end),
        finding.reason,
        None if rewrite is None else rewrite.replacement,
        0 if rewrite is None else characters(rewrite.start),
        0 if rewrite is None else characters(rewrite.end),
    )


def utf16(text: str, index: int) -> int:
    """The position in units of UTF-16 of a character of the text."""
    return len(text[:index].encode("utf-16-le", "surrogatepass")) // 2


def from_utf16(text: str, position: int) -> int:
    """The character of the text that begins at a position in units of UTF-16."""
    data = text.encode("utf-16-le", "surrogatepass")[: 2 * max(position, 0)]
    return len(data.decode("utf-16-le", "ignore"))
