"""What only chapters use: claims, sentences with numbers, results, figures, exercises."""

from recbook.book.claims import BrokenClaim, Claim, claim, say
from recbook.book.exercises import Exercise, near
from recbook.book.figures import COLOURS, show, use_style
from recbook.book.recorded import recorded
from recbook.book.results import board, report, report_ratings

__all__ = [
    "COLOURS",
    "BrokenClaim",
    "Claim",
    "Exercise",
    "board",
    "claim",
    "near",
    "recorded",
    "report",
    "report_ratings",
    "say",
    "show",
    "use_style",
]
