"""Draw the picture that a shared link shows: `python site/social_card.py` writes
site/static/social-card.png.

1200 × 630 pixels. Drawn by hand of its author when the words change, and committed.
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

OUT = Path(__file__).resolve().parent / "static" / "social-card.png"
PAPER, INK, SOFT, ACCENT = "#fdfcf9", "#1b1f25", "#565c66", "#14617a"
# Scores of three models for eight products, and their fusion below.
SCORES = (
    (0.9, 0.2, 0.6, 0.1, 0.4, 0.7, 0.3, 0.5),
    (0.5, 0.1, 0.8, 0.3, 0.2, 0.9, 0.4, 0.6),
    (0.7, 0.4, 0.5, 0.2, 0.1, 0.8, 0.2, 0.3),
)


def draw() -> Figure:
    """Return the card."""
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 1200), ylim=(0, 630))
    axes.axis("off")
    axes.add_patch(FancyBboxPatch((0, 0), 18, 630, boxstyle="square,pad=0", color=ACCENT, lw=0))
    axes.text(90, 430, "recbook", family="serif", size=64, weight="bold", color=INK)
    axes.text(90, 350, "Search and recommendation", family="serif", size=27, color=INK)
    axes.text(90, 300, "by model fusion", family="serif", size=27, color=INK)
    axes.text(90, 110, "An executable book that checks itself", size=17, color=SOFT)
    fused = [sum(column) / len(column) for column in zip(*SCORES, strict=True)]
    rows = [*((row, 440 - 62 * i, SOFT) for i, row in enumerate(SCORES)), (fused, 190, ACCENT)]
    for row, y, colour in rows:
        for i, score in enumerate(row):
            box = FancyBboxPatch(
                (742 + 46 * i, y), 36, 36, boxstyle="round,pad=0,rounding_size=7", lw=0
            )
            box.set(facecolor=colour, alpha=0.08 + 0.92 * score)
            axes.add_patch(box)
    axes.annotate(
        "", (922, 236), (922, 300), arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 2}
    )
    return figure


if __name__ == "__main__":
    draw().savefig(OUT, metadata={"Software": None})
    print(OUT)
