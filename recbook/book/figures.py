"""Figures: one style for the whole book, and alternative text on every picture."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito (2008), in an order whose neighbours differ in lightness too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
DENSITY = 200  # dots per inch: twice what a screen shows, so that phones stay sharp


def use_style() -> None:
    """Set matplotlib to the book's style for this notebook.

    A figure is 5.6 inches wide, so that its 11-point letters are still readable when a phone shows
    it at a third of the page.
    """
    import matplotlib.pyplot as plt
    from cycler import cycler

    plt.rcParams.update(
        {
            "figure.figsize": (5.6, 3.5),
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#e3e3e3",
            "grid.linewidth": 0.7,
            "lines.linewidth": 2,
            "image.cmap": "viridis",
            "legend.frameon": False,
            "svg.hashsalt": "recbook",
        }
    )


def show(figure: Figure, alt: str, *, caption: str = "") -> None:
    """Display a figure with its alternative text and caption, and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What is to be seen, for a reader who cannot see it: the shape and the message, with the
        numbers that matter. At least 20 characters.
    caption : str, optional
        A line under the figure, as Markdown without links.

    Raises
    ------
    ValueError
        If the alternative text is too short to say anything.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    if len(alt.strip()) < 20:
        raise ValueError(f"alt must say what is to be seen in the figure, got {alt!r}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DENSITY, metadata={"Software": None})
    plt.close(figure)
    described = {"alt": " ".join(alt.split()), "caption": caption}
    display(
        {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": described["alt"]},
        metadata={"recbook": described, "image/png": {"alt": described["alt"]}},
        raw=True,
    )
