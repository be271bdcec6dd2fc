"""Take in the finished pages of the site, for the one page that becomes the PDF.

Chapters and appendices follow the table of contents. What would give an exercise away (its check,
its solution, the answers of a self-test) moves to "Solutions" at the very end, with links there and
back; code that the site keeps behind a fold moves to "Code behind the folds". Every id is made
unique, links between pages become links inside the document, and a formula gets a name in words,
made from its MathML, which the PDF keeps as its alternative text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import yaml
from bs4 import BeautifulSoup, Comment, Tag
from pdf_file import PdfError
from pdf_speech import name_formulas
from repository import public_address, read_address

NOT_PRINTED = {
    "explorer": "This page is a program that answers in a browser, so it is not printed.",
    "downloads": "This page holds files, so it is not printed.",
}
# In print, code has the colours of keywords, strings and comments; each further colour would cost
# tens of thousands of pieces of text.
_PLAIN = re.compile(
    r'<span class="(?:w|n|p|o|nn|mi|mf|mh|il|nb|bp|ne|nd|vm|pre|std std-doc|doc)">([^<]*)</span>'
)
_STRING = re.compile(r'<span class="(?:sa|si|se|s1|sd|sh|dl)">')
_TWO_STRINGS = re.compile(r'(<span class="s2">[^<]*)</span><span class="s2">')
_ARTICLE = re.compile(r'<article class="bd-article">(.*)</article>', re.DOTALL)
_POINTERS = ("for", "aria-labelledby", "aria-describedby", "headers")


def page_names(root: Path) -> list[tuple[str, str]]:
    """Return (part of the book, page) in the order of the table of contents."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    names = [("", toc["root"])]
    for part in toc.get("parts", [toc]):
        names += [(part.get("caption", ""), entry["file"]) for entry in part.get("chapters", [])]
    return names


def anchor(page: str, fragment: str = "") -> str:
    """Return the id inside the document of a page or of a place on it; plain letters only."""
    name = page.rsplit("/", 1)[-1] + (f"--{fragment}" if fragment else "")
    return "p-" + re.sub(r"[^A-Za-z0-9_-]", lambda found: f"_{ord(found[0]):x}", name)


class Joiner:
    """Takes pages in, for `pdf_document.write_document`."""

    def __init__(self, root: Path) -> None:
        self.root, self.site = root, root / "_build" / "html"
        self.base = public_address(read_address(root))
        self.pages = page_names(root)
        self.known = {name for _, name in self.pages}
        self.bodies: list[tuple[str, Tag]] = []
        self.solutions: list[tuple[str, str, list[Tag]]] = []  # page, title, sections
        self.folded: list[tuple[str, str, list[Tag]]] = []

    def add(self, part: str, page: str) -> None:
        """Take in one page of the site."""
        text = (self.site / f"{page}.html").read_text(encoding="utf-8")
        article = _ARTICLE.search(text)
        if article is None:
            raise PdfError(f"{page}.html has no article; build the book again with `make book`")
        text = _STRING.sub('<span class="s2">', _PLAIN.sub(r"\1", article[1]))
        while _TWO_STRINGS.search(text):
            text = _TWO_STRINGS.sub(r"\1", text)
        text = name_formulas(text)
        stem = page.rsplit("/", 1)[-1]
        text = re.sub(r"\bdiagram-(\d+)", rf"diagram-{anchor(stem)}-\1", text)
        soup = BeautifulSoup(f'<article class="bd-article">{text}</article>', "html.parser")
        body = soup.article
        if stem in NOT_PRINTED:
            self._shorten(soup, body, page)
        self._strip(body)
        self._own_ids(body, page)
        self._own_links(body, page)
        title = body.h1.get_text().strip()
        body["id"], body["data-title"] = anchor(page), title
        body["class"] = [*body["class"], "page", stem.lstrip("0123456789_")]
        self._move_answers(soup, body, page, title)
        self._move_code(soup, body, page, title)
        self._open_folds(soup, body)
        self.bodies.append((part, body))

    def _shorten(self, soup: BeautifulSoup, body: Tag, page: str) -> None:
        stem = page.rsplit("/", 1)[-1]
        heading = body.h1.extract()
        first = body.find("p")
        kept = [heading] + ([first.extract()] if first else [])
        body.clear()
        note = soup.new_tag("p")
        link = soup.new_tag("a", href=f"{self.base}{page}.html")
        link.string = f"{self.base}{page}.html"
        note.extend([f"{NOT_PRINTED[stem]} It stands at ", link, "."])
        body.extend([*kept, note])

    def _strip(self, body: Tag) -> None:
        for node in body.select("a.headerlink, button, script, noscript, iframe, form"):
            node.decompose()
        for comment in body.find_all(string=lambda text: isinstance(text, Comment)):
            comment.extract()
        for cell in body.select("div.cell"):
            code = cell.select_one("div.cell_input")
            if code and "google.colab" in code.get_text() and not cell.select("div.cell_output"):
                cell.decompose()  # what installs the package in Colab
        for box in body.select("[tabindex], [data-scroll-label]"):
            del box["tabindex"], box["data-scroll-label"]

    def _own_ids(self, body: Tag, page: str) -> None:
        for node in body.select("[id]"):
            node["id"] = anchor(page, node["id"])
        for key in _POINTERS:
            for node in body.select(f"[{key}]"):
                ids = node[key] if isinstance(node[key], list) else node[key].split()
                node[key] = " ".join(anchor(page, name) for name in ids)
        for svg in body.select("svg"):  # markers and styles point to ids of their own
            for node in [svg, *svg.find_all(True)]:
                for key, value in list(node.attrs.items()):
                    if isinstance(value, str) and "url(#" in value:
                        node[key] = re.sub(
                            r"url\(#([^)]+)\)", lambda m: f"url(#{anchor(page, m[1])})", value
                        )
            for style in svg.select("style"):
                ids = r"#([A-Za-z][\w-]*diagram-[\w-]*|diagram-[\w-]*)"
                text = re.sub(ids, lambda m: "#" + anchor(page, m[1]), style.string or "")
                style.string = text
        # A link leads to the heading, not to a section that may begin at the foot of a page.
        for section in body.select("section[id]"):
            heading = section.find(re.compile("^h[1-6]$"), recursive=False)
            if heading is not None and not heading.get("id"):
                heading["id"] = section["id"]
                del section["id"]

    def _own_links(self, body: Tag, page: str) -> None:
        for link in body.select("a[href]"):
            link["href"] = self.target(page, link["href"])
            link.attrs.pop("target", None)
            if link["href"].startswith("#"):
                link["class"] = ["internal"]
        for picture in body.select("img[src]"):
            path = posixpath.join(posixpath.dirname(page), unquote(picture["src"]))
            picture["src"] = f"../html/{posixpath.normpath(path)}"
            picture.attrs.pop("loading", None)

    def target(self, page: str, href: str) -> str:
        """Return where a link of a page leads in the document, or on the public site."""
        parts = urlsplit(href)
        if parts.scheme or parts.netloc:
            return href
        path = urljoin(f"{page}.html", unquote(parts.path)) if parts.path else f"{page}.html"
        name = path.removesuffix(".html")
        if name in self.known:
            fragment = unquote(parts.fragment)
            return "#" + (anchor(name, fragment) if fragment else anchor(name))
        return urljoin(self.base, path) + (f"#{parts.fragment}" if parts.fragment else "")

    # ---- what moves to the end -------------------------------------------------------------------
    def _move_answers(self, soup: BeautifulSoup, body: Tag, page: str, title: str) -> None:
        sections: list[Tag] = []
        found = body.select("div.cell.tag_check, div.cell.tag_solution")
        found += [
            fold
            for fold in body.select("details")
            if not fold.find_parent("div", class_="cell") and self._in_self_test(fold)
        ]
        homes: dict[int, Tag] = {}
        for node in found:
            heading = node.find_previous(re.compile("^h[1-6]$"))
            home = homes.get(id(heading))
            if home is None:
                name = f"{heading['id']}-solution"
                home = self._section(soup, 3, heading.get_text().strip(), name, heading["id"])
                homes[id(heading)] = home
                sections.append(home)
                word = "Answers" if node.name == "details" else "Solution"
                heading["data-answered"] = "yes"
                here = soup.new_tag("p", attrs={"class": "to-answer"})
                here.extend([_link(soup, name, word), ", page ", _page_of(soup, name), "."])
                if node.name == "details":
                    heading.insert_after(here)
                else:
                    heading.parent.append(here)
            if node.name == "details":
                self._fold(soup, node, home, node.find_previous(["p", "li"]))
                continue
            kind = "check" if "tag_check" in node["class"] else "solution"
            label = soup.new_tag("p", attrs={"class": "kind"})
            label.string = {"check": "What checks your answer", "solution": "Solution"}[kind]
            home.append(label)
            for part in node.select("div.cell_input"):
                home.append(part.extract())
            if kind == "solution":
                for part in node.select("div.cell_output"):
                    home.append(part.extract())
            node.decompose()
        if sections:
            self.solutions.append((page, title, sections))

    @staticmethod
    def _in_self_test(fold: Tag) -> bool:
        heading = fold.find_previous("h2")
        return heading is not None and heading.get_text().strip().lower().startswith("self-test")

    @staticmethod
    def _fold(soup: BeautifulSoup, fold: Tag, home: Tag, question: Tag | None) -> None:
        words = fold.summary.get_text().strip() if fold.summary else ""
        if fold.summary:
            fold.summary.decompose()
        lead = question.get_text().strip() if question else words
        label = soup.new_tag("p", attrs={"class": "kind"})
        label.string = lead.split("\n\n")[0]
        home.append(label)
        for child in list(fold.children):
            home.append(child.extract())
        fold.decompose()

    def _move_code(self, soup: BeautifulSoup, body: Tag, page: str, title: str) -> None:
        sections: list[Tag] = []
        for fold in body.select("div.cell details"):
            cell = fold.find_parent("div", class_="cell")
            code = fold.select_one("div.cell_input")
            if code is None or "tag_hide-cell" in cell["class"]:
                continue
            output = cell.select_one("div.cell_output")
            name = f"{anchor(page)}-code-{len(sections) + 1}"
            cell["id"] = name + "-here"
            shown = self._section(soup, 0, "", name, cell["id"])
            shown["class"] = ["code-there"]
            label = soup.new_tag("p", attrs={"class": "kind"})
            back = _link(soup, cell["id"], self._about(cell, output))
            label.extend([back, ", page ", _page_of(soup, cell["id"])])
            shown.extend([label, code.extract()])
            sections.append(shown)
            word = soup.new_tag("span", attrs={"class": "to-code"})
            word.extend([_link(soup, name, "code"), " p. ", _page_of(soup, name)])
            fold.replace_with(word)
            last = output.find_all("p")[-1] if output and output.find("p") else None
            if last is not None:  # the word stands at the end of the line that it belongs to
                last.extend([" ", word.extract()])
        if sections:
            self.folded.append((page, title, sections))

    @staticmethod
    def _about(cell: Tag, output: Tag | None) -> str:
        if "tag_claim" in cell["class"] and output is not None and output.select("code"):
            return "Check of " + output.select("code")[-1].get_text().strip()
        caption = output.select_one("figcaption") if output is not None else None
        if caption is not None:
            return "Figure: " + caption.get_text().strip()
        picture = output.select_one("img") if output is not None else None
        if picture is not None:
            return "Figure: " + picture.get("alt", "").split(". ")[0].rstrip(".")
        heading = cell.find_previous(re.compile("^h[1-6]$"))
        return "In " + heading.get_text().strip() if heading else "Code"

    @staticmethod
    def _open_folds(soup: BeautifulSoup, body: Tag) -> None:
        for fold in body.select("details"):
            fold.name = "div"
            fold.attrs = {"class": "opened"}
            if fold.summary:
                fold.summary.name = "p"
                fold.p.attrs = {"class": "kind"}

    @staticmethod
    def _section(soup: BeautifulSoup, level: int, title: str, name: str, back: str) -> Tag:
        section = soup.new_tag("section")
        if not level:
            section["id"] = name
            return section
        heading = soup.new_tag(f"h{level}", id=name)
        heading.string = title
        section.append(heading)
        line = soup.new_tag("p", attrs={"class": "to-answer"})
        line.extend([_link(soup, back, "Back to the question"), ", page ", _page_of(soup, back)])
        section.append(line)
        return section


def _link(soup: BeautifulSoup, name: str, words: str) -> Tag:
    link = soup.new_tag("a", href=f"#{name}", attrs={"class": "internal"})
    link.string = words
    return link


def _page_of(soup: BeautifulSoup, name: str) -> Tag:
    number = soup.new_tag("span", attrs={"class": "page-of", "data-of": name})
    number.string = "000"
    return number
