"""Mend the PDF that Chromium printed and write it smaller; pikepdf knows the format.

What is mended: headings in the outline get their words with the spaces that line breaks have taken,
formulas are tagged `Formula` instead of `Figure`, and the dates are those of the run, so that the
same book gives the same file. What makes it small: tags without meaning go, figures get a palette,
text is placed to a thousandth, and objects are packed into compressed streams.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator

import pikepdf
from pictures import few_colours
from pikepdf import Array, Dictionary, Name, Object, ObjectStreamMode, Pdf, Stream, String

FORMULA = "formula: "  # how the page marks the words of a formula
_SMALL = 10_000  # pixels; a palette gains nothing below
# Chromium places each letter by numbers finer than any printer.
_STEP = re.compile(rb"(-?\d+\.\d{3})\d+ 0 Td ")
_OF_TAG = {"/Type", "/S", "/P", "/Pg", "/K"}


class PdfError(ValueError):
    """The PDF could not be made; the message says why and what to do."""


class PdfFile:
    """A PDF as Chromium printed it."""

    def __init__(self, content: bytes) -> None:
        try:
            self.pdf = Pdf.open(io.BytesIO(content))
        except pikepdf.PdfError as error:
            raise PdfError(f"Chromium wrote no PDF that can be read ({error})") from None

    # ---- looking ---------------------------------------------------------------------------------
    def page_count(self) -> int:
        """Return how many pages there are."""
        return len(self.pdf.pages)

    def places(self) -> dict[str, int]:
        """Return on which page (from 1) each place lies that a link leads to."""
        page = {sheet.objgen: count for count, sheet in enumerate(self.pdf.pages, start=1)}
        found = self.pdf.Root.get("/Dests", {})
        return {name[1:]: page[target[0].objgen] for name, target in found.items()}

    def outline(self) -> Iterator[Object]:
        """Return the outline's entries, in the order in which they are shown."""
        waiting = [self.pdf.Root.get("/Outlines", Dictionary()).get("/First")]
        while waiting:
            entry = waiting.pop()
            if entry is not None:
                yield entry
                waiting += [entry.get("/Next"), entry.get("/First")]

    # ---- mending ---------------------------------------------------------------------------------
    def date(self, when: str, **words: str) -> None:
        """Set both dates (an ISO time in UTC) and words of the document's information."""
        day = f"D:{re.sub(r'[^0-9]', '', when[:19])}+00'00'"
        for key, value in {**words, "CreationDate": day, "ModDate": day}.items():
            self.pdf.docinfo[f"/{key}"] = value

    def name_outline(self, titles: list[str]) -> None:
        """Give the entries of the outline their words, in the order of the document."""
        entries = list(self.outline())
        if len(entries) != len(titles):
            raise PdfError(
                f"the outline has {len(entries)} entries and the document {len(titles)} headings"
            )
        for entry, title in zip(entries, titles, strict=True):
            entry.Title = title

    def tag_formulas(self) -> int:
        """Tag as formulas what was tagged as figures only for the sake of its words."""
        done = 0
        for tag in self.pdf.objects:
            if isinstance(tag, Dictionary) and tag.get("/S") == Name.Figure:
                words = str(tag.get("/Alt", ""))
                if words.startswith(FORMULA):
                    tag.S, tag.Alt = Name.Formula, words.removeprefix(FORMULA)
                    done += 1
        return done

    def simplify_tags(self) -> int:
        """Hand the text of tags without meaning to the tag around them; return how many went.

        Chromium makes a tag for each run of text: of a book's quarter of a million, four in five.
        """
        tree = self.pdf.Root.get("/StructTreeRoot")
        if tree is None:
            return 0
        moved: dict[tuple[int, int], Object] = {}
        waiting = list(_kids(tree))
        while waiting:
            tag = waiting.pop()
            parts = list(_parts(tag, tag, moved))
            page = next((page for kid, page in parts if page is not None), None)
            kids = []
            for kid, at in parts:
                if _is_tag(kid):
                    kid.P = tag
                    waiting.append(kid)
                elif isinstance(kid, int) and at.objgen != page.objgen:
                    kid = Dictionary(Type=Name.MCR, Pg=at, MCID=kid)
                elif not isinstance(kid, int) and "/Pg" not in kid:
                    kid.Pg = at
                kids.append(kid)
            tag.K = Array(kids)
            if page is not None:
                tag.Pg = page
        for _, listed in pikepdf.NumberTree(tree.ParentTree).items():
            if isinstance(listed, Array):
                for index, tag in enumerate(listed):
                    if isinstance(tag, Dictionary) and tag.objgen in moved:
                        listed[index] = moved[tag.objgen]
        return len(moved)

    def shrink_pictures(self) -> int:
        """Give each plain RGB picture a palette where that is not seen; return how many got one."""
        done = 0
        for stream in self.pdf.objects:
            if not isinstance(stream, Stream) or stream.get("/Subtype") != Name.Image:
                continue
            if stream.get("/Filter") != Name.FlateDecode or stream.Width * stream.Height < _SMALL:
                continue
            picture = pikepdf.PdfImage(stream).as_pil_image()
            reduced = few_colours(picture) if picture.mode == "RGB" else None
            if reduced is None:
                continue
            palette = bytes(reduced.getpalette())
            packed = zlib.compress(reduced.tobytes(), 9)
            if len(packed) + len(palette) < stream.Length:
                stream.write(packed, filter=Name.FlateDecode)
                colours = [Name.Indexed, Name.DeviceRGB, len(palette) // 3 - 1, String(palette)]
                stream.ColorSpace = Array(colours)
                done += 1
        return done

    # ---- writing ---------------------------------------------------------------------------------
    def packed(self) -> bytes:
        """Return the file; the same book gives the same bytes."""
        for sheet in self.pdf.pages:
            sheet.contents_coalesce()
            sheet.Contents.write(_STEP.sub(rb"\1 0 Td ", sheet.Contents.read_bytes()))
        pikepdf.settings.set_flate_compression_level(9)
        out = io.BytesIO()
        self.pdf.save(
            out,
            object_stream_mode=ObjectStreamMode.generate,
            recompress_flate=True,
            deterministic_id=True,
        )
        return out.getvalue()


def _kids(tag: Object) -> list:
    kids = tag.get("/K", [])
    return list(kids) if isinstance(kids, Array | list) else [kids]


def _is_tag(kid: Object | int) -> bool:
    return isinstance(kid, Dictionary) and kid.get("/Type") == Name.StructElem


def _parts(
    tag: Object, keeper: Object, moved: dict[tuple[int, int], Object]
) -> Iterator[tuple[Object | int, Object | None]]:
    """Give what is in a tag, and what is in tags without meaning there; text with its page."""
    for kid in _kids(tag):
        if not _is_tag(kid):
            yield kid, tag.get("/Pg")
        elif kid.get("/S") == Name.NonStruct and kid.keys() <= _OF_TAG:
            moved[kid.objgen] = keeper
            yield from _parts(kid, keeper, moved)
        else:
            yield kid, None
