"""Put the outputs of a chapter's last run into its page.

`site/build.py` runs the chapters and leaves `_build/run/NAME.json` for each. The notebook in
`chapters/` stays without outputs: they are joined here, while Sphinx reads the source, and the
download button gives the clean file. A missing record, a record of another number of cells, and a
figure without alternative text are build errors.
"""

import hashlib
import json
import re
import struct
from binascii import a2b_base64
from datetime import datetime
from pathlib import Path

from data_frames import mend_table
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
DENSITY = 2  # pixels of a figure per pixel of the page
STATUS_PAGE = "chapters/status"
_ACTIVE = re.compile(r"<script\b|<[^>]*\son\w+\s*=", re.IGNORECASE)


def record_path(app: Sphinx, docname: str) -> Path:
    """Return where the record of a chapter's last run lies."""
    return Path(app.srcdir) / "_build" / "run" / f"{docname.rsplit('/', 1)[-1]}.json"


def is_notebook(app: Sphinx, docname: str) -> bool:
    """Tell whether a page comes from a notebook."""
    return str(app.env.doc2path(docname)).endswith(".ipynb")


def describe_run(record: dict) -> str:
    """Say in one sentence what the run cost."""
    when = datetime.fromisoformat(record["finished"])
    day = f"{when.day} {when:%B %Y}"
    seconds, peak = record["seconds"], record["peak_mb"]
    took = f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return (
        f"This page ran in {took} and used {peak:,.0f} MB at most "
        f"({day}, Python {record['python']})."
    )


def _join(data: str | list[str]) -> str:
    return data if isinstance(data, str) else "".join(data)


def _image_bytes(mime: str, data: str | list[str]) -> bytes:
    if mime == "image/svg+xml":
        return "\n".join(_join(data).splitlines()).encode()
    return a2b_base64(_join(data))


def _png_size(data: bytes) -> tuple[int, int]:
    return struct.unpack(">II", data[16:24])


def without_scripts(output: dict) -> dict:
    """Return an output whose HTML runs no script: where it would, its plain text stands alone.

    scikit-learn shows an estimator as a small application; the page's policy forbids that.
    """
    data = output.get("data", {})
    if "text/plain" not in data or not _ACTIVE.search(_join(data.get("text/html", ""))):
        return output
    return output | {"data": {mime: data[mime] for mime in data if mime != "text/html"}}


def with_table(output: dict) -> dict:
    """Return an output whose data frame is made readable."""
    data = output.get("data", {})
    if "text/html" not in data:
        return output
    return output | {"data": data | {"text/html": mend_table(_join(data["text/html"]))}}


def _collect_figures(app: Sphinx, docname: str, outputs: list[list[dict]]) -> None:
    """Note alternative text, caption and size of each picture under the digest of its bytes.

    MyST-NB names the file of a picture after that digest, so `_dress_figures` finds it again.
    """
    figures = app.env.temp_data["recbook_figures"] = {}
    for number, cell in enumerate(outputs, start=1):
        for output in cell:
            images = {
                mime: data
                for mime, data in output.get("data", {}).items()
                if mime.startswith("image/")
            }
            if not images:
                continue
            words = output.get("metadata", {}).get("recbook", {})
            if not str(words.get("alt", "")).strip():
                LOGGER.error(
                    "code cell %d shows a figure without alternative text; "
                    "show it with an alt text that says what is to be seen",
                    number,
                    location=docname,
                )
            for mime, data in images.items():
                content = _image_bytes(mime, data)
                size = _png_size(content) if mime == "image/png" else None
                digest = hashlib.sha256(content).hexdigest()
                figures.setdefault(digest, []).append(words | {"size": size})


def _name_fold(cell: dict) -> None:
    """Say on a folded cell what is behind the fold; a claim is shown smaller, by its class."""
    tags = cell["metadata"].setdefault("tags", [])
    if re.search(r"^claim\(", _join(cell["source"]), re.MULTILINE):
        tags.append("claim")
    if "solution" in tags and "hide-input" in tags:  # what it shows would give it away
        tags[tags.index("hide-input")] = "hide-cell"
    kind = next((kind for kind in ("solution", "check", "claim", "hide-input") if kind in tags), "")
    word = {"claim": "check", "hide-input": "code"}.get(kind, kind)
    if not word:
        return
    prompts = {"code_prompt_show": f"Show the {word}", "code_prompt_hide": f"Hide the {word}"}
    cell["metadata"].setdefault("mystnb", {}).update(prompts)


def _join_outputs(app: Sphinx, docname: str, source: list[str]) -> None:
    if not is_notebook(app, docname):
        return
    path = record_path(app, docname)
    app.env.note_dependency(str(path))
    if not path.is_file():
        LOGGER.error(
            "no record of a run of this chapter; run `make book`, which runs the chapters first",
            location=docname,
        )
        return
    record = json.loads(path.read_text(encoding="utf-8"))
    notebook = json.loads(source[0])
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if len(cells) != len(record["outputs"]):
        LOGGER.error(
            "the record of the last run holds %d code cells, the chapter has %d; run `make book`",
            len(record["outputs"]),
            len(cells),
            location=docname,
        )
        return
    for cell, outputs in zip(cells, record["outputs"], strict=True):
        cell["outputs"] = [with_table(without_scripts(output)) for output in outputs]
        _name_fold(cell)
    _collect_figures(app, docname, record["outputs"])
    app.env.temp_data["recbook_run"] = record
    source[0] = json.dumps(notebook)


def _dress_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Give each picture its words and its size; one with a caption becomes a figure."""
    figures = app.env.temp_data.get("recbook_figures", {})
    for number, image in enumerate(list(doctree.findall(nodes.image)), start=1):
        known = figures.get(Path(image["uri"]).stem)
        if not known:
            continue
        words = known.pop(0) if len(known) > 1 else known[0]
        image["alt"] = str(words.get("alt", ""))
        if words["size"]:
            image["width"], image["height"] = (str(round(side / DENSITY)) for side in words["size"])
        if words.get("caption"):
            caption = nodes.caption("", str(words["caption"]))
            figure = nodes.figure("", image.deepcopy(), caption, ids=[f"figure-{number}"])
            image.replace_self(figure)


def _append_run(app: Sphinx, doctree: nodes.document) -> None:
    """Close the page with what its run cost."""
    record = app.env.temp_data.get("recbook_run")
    sections = [node for node in doctree.children if isinstance(node, nodes.section)]
    if record is None or not sections:
        return
    line = nodes.paragraph("", describe_run(record) + " ", classes=["run-record"])
    if STATUS_PAGE in app.env.found_docs:
        line += addnodes.pending_xref(
            "",
            nodes.inline("", "All chapters"),
            refdomain="std",
            reftype="doc",
            reftarget=f"/{STATUS_PAGE}",
            refdoc=app.env.docname,
            refexplicit=True,
            refwarn=True,
        )
    sections[0] += line


def _finish_document(app: Sphinx, doctree: nodes.document) -> None:
    _dress_figures(app, doctree)
    _append_run(app, doctree)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("source-read", _join_outputs)
    # Before Sphinx collects images (priority 500), which it knows by their nodes.
    app.connect("doctree-read", _finish_document, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
