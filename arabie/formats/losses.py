"""What a conversion could not carry, counted by cause."""

from __future__ import annotations

from dataclasses import dataclass, field

from arabie.document import Document
from arabie.errors import ArabieError


class LossError(ArabieError):
    """A conversion asked to be strict would have lost something."""


def name_of(document: Document) -> str:
    """How a loss report calls a document."""
    return "a document without id" if document.id is None else f"document {document.id!r}"


@dataclass
class Losses:
    """A count for each cause of loss, with a few examples; ``strict`` turns the first loss into a LossError.

    >>> losses = Losses()
    >>> losses.add("relation not carried by this format", "d1: FROM 0–4 → 5–9")
    >>> losses.counts
    {'relation not carried by this format': 1}
    """

    strict: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    keep: int = 3

    def add(self, cause: str, example: str = "", count: int = 1) -> None:
        """Count a loss; ``example`` says where, for the report."""
        if self.strict:
            raise LossError(f"{cause}{f' ({example})' if example else ''}; drop --strict to convert what can be carried")
        self.counts[cause] = self.counts.get(cause, 0) + count
        kept = self.examples.setdefault(cause, [])
        if example and len(kept) < self.keep:
            kept.append(example)

    def __bool__(self) -> bool:
        return bool(self.counts)

    def lines(self) -> list[str]:
        """One line a cause, most frequent first, ready to print."""
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        return [f"{count:,} × {cause}" + (f" (such as {'; '.join(self.examples[cause])})" if self.examples.get(cause) else "")
                for cause, count in ranked]
