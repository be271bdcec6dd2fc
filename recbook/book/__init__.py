"""What only chapters use: claims, sentences with measured numbers, figures, exercises."""

from recbook.book.claims import BrokenClaim, Claim, claim, say
from recbook.book.exercises import Exercise, near
from recbook.book.figures import COLOURS, show, use_style

__all__ = [
    "COLOURS",
    "BrokenClaim",
    "Claim",
    "Exercise",
    "claim",
    "near",
    "say",
    "show",
    "use_style",
]
