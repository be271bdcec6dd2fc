"""Draw the book's Mermaid diagrams: `python site/diagrams.py` (or `make diagrams`).

Each fenced `mermaid` block of the chapters becomes `site/diagrams/DIGEST.svg`, drawn in a Chromium
with Mermaid from npm (fetched once into `_build/mermaid`). Its colours are CSS variables, so one
picture serves the light and the dark pages. Pictures that are there already are kept, pictures no
chapter uses are removed. The pictures are committed: building the book needs neither a browser nor
npm.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SITE = Path(__file__).resolve().parent
sys.path[:0] = [str(SITE), str(SITE / "ext")]

from browser import COMMAND, FLAGS, find_browser  # noqa: E402
from diagram_svg import ID, diagram_key, missing_words, normalise  # noqa: E402

MERMAID = "11.17.2"
MERMAID_SHA256 = "581ed7d74bd9048d0e3a91363927d72ef22942d7722546b27f7cc29e35390eb8"
FONT = 'Arial, Helvetica, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
_FENCE = re.compile(
    r"^(`{3,}|~{3,})[ \t]*\{?mermaid\}?[ \t]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE
)

# Mermaid gets for each part a colour nobody uses; in the picture it becomes the page's variable.
COLOURS = {
    "#a10b01": "node",
    "#a10b02": "line",
    "#a10b03": "text",
    "#a10b04": "group",
    "#a10b05": "note",
    "#a10b06": "paper",
    "#a10b07": "accent",
}
NODE, LINE, TEXT, GROUP, NOTE, PAPER, ACCENT = COLOURS
# Colours that Mermaid writes whatever its theme says (sequence and state diagrams).
FIXED = {
    "#eaeaea": NODE,
    "#EDF2AE": NOTE,
    "#666": LINE,
    "#999": LINE,
    "#333": LINE,
    "#000000": TEXT,
    "black": TEXT,
    "white": PAPER,
}
THEME = {
    "background": PAPER,
    "primaryColor": NODE,
    "primaryBorderColor": LINE,
    "primaryTextColor": TEXT,
    "secondaryColor": GROUP,
    "secondaryBorderColor": LINE,
    "secondaryTextColor": TEXT,
    "tertiaryColor": GROUP,
    "tertiaryBorderColor": LINE,
    "tertiaryTextColor": TEXT,
    "mainBkg": NODE,
    "nodeBorder": LINE,
    "nodeTextColor": TEXT,
    "textColor": TEXT,
    "titleColor": TEXT,
    "lineColor": LINE,
    "arrowheadColor": LINE,
    "defaultLinkColor": LINE,
    "edgeLabelBackground": PAPER,
    "clusterBkg": GROUP,
    "clusterBorder": LINE,
    "noteBkgColor": NOTE,
    "noteBorderColor": LINE,
    "noteTextColor": TEXT,
    "actorBkg": NODE,
    "actorBorder": LINE,
    "actorTextColor": TEXT,
    "actorLineColor": LINE,
    "signalColor": LINE,
    "signalTextColor": TEXT,
    "labelBoxBkgColor": GROUP,
    "labelBoxBorderColor": LINE,
    "labelTextColor": TEXT,
    "loopTextColor": TEXT,
    "activationBkgColor": GROUP,
    "activationBorderColor": LINE,
    "sequenceNumberColor": PAPER,
    "classText": TEXT,
    "stateBkg": NODE,
    "stateLabelColor": TEXT,
    "transitionColor": LINE,
    "transitionLabelColor": TEXT,
    "labelColor": TEXT,
    "altBackground": GROUP,
    "compositeBackground": GROUP,
    "compositeTitleBackground": GROUP,
    "compositeBorder": LINE,
    "innerEndBackground": LINE,
    "specialStateColor": LINE,
    "dropShadow": "none",
    "fontFamily": FONT,
    "fontSize": "16px",
}
OPTIONS = {
    "startOnLoad": False,
    "securityLevel": "strict",
    "deterministicIds": True,
    "theme": "base",
    "themeVariables": THEME,
    "htmlLabels": False,
    "flowchart": {
        "htmlLabels": False,
        "curve": "basis",
        "padding": 10,
        "nodeSpacing": 30,
        "rankSpacing": 32,
        "useMaxWidth": False,
    },
    "sequence": {"useMaxWidth": False},
    "state": {"useMaxWidth": False},
    "class": {"htmlLabels": False, "useMaxWidth": False},
}
# Runs in the page: draw, then keep only the style rules that something in the picture matches.
DRAW = """async ([text, options, id]) => {
  mermaid.initialize(options);
  document.body.innerHTML = '';
  const { svg } = await mermaid.render(id, text);
  document.body.innerHTML = svg;
  const root = document.body.querySelector('svg');
  const box = root.viewBox.baseVal;
  root.removeAttribute('style');
  root.setAttribute('width', Math.ceil(box.width));
  root.setAttribute('height', Math.ceil(box.height));
  root.setAttribute('role', 'img');
  for (const name of ['aria-roledescription', 'class']) root.removeAttribute(name);
  const kept = [];
  root.querySelectorAll('style').forEach((style) => {
    for (const rule of style.sheet.cssRules) {
      if (!(rule instanceof CSSStyleRule)) continue;
      rule.style.removeProperty('animation');
      const selectors = rule.selectorText.split(/,(?![^(]*\\))/).map((part) => part.trim());
      const used = selectors.filter((part) => {
        if (part.includes(':hover')) return false;
        try { return document.querySelector(part) !== null; } catch { return false; }
      });
      if (used.length && rule.style.length) kept.push(`${used.join(',')}{${rule.style.cssText}}`);
    }
    style.remove();
  });
  root.querySelectorAll('filter').forEach((node) => node.remove());
  const sheet = document.createElementNS('http://www.w3.org/2000/svg', 'style');
  sheet.textContent = kept.join('\\n');
  root.insertBefore(sheet, root.firstChild);
  // The title must come first to be the accessible name everywhere.
  root.querySelectorAll(':scope > desc, :scope > title').forEach((node) => root.prepend(node));
  return new XMLSerializer().serializeToString(root);
}"""


def find_diagrams(root: Path) -> dict[str, tuple[str, Path]]:
    """Return every diagram of the chapters: its digest, its text and the file it stands in."""
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted((root / "chapters").glob("*")):
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
        elif path.suffix == ".md":
            texts = [path.read_text(encoding="utf-8")]
        else:
            continue
        for text in texts:
            for _, diagram in _FENCE.findall(text):
                found[diagram_key(diagram)] = (normalise(diagram), path)
    return found


def _mermaid_script(root: Path) -> Path:
    script = root / "_build" / "mermaid" / f"mermaid-{MERMAID}.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("Drawing diagrams needs npm, to fetch Mermaid: install Node.js")
        with tempfile.TemporaryDirectory() as folder:
            command = [npm, "pack", "--silent", f"mermaid@{MERMAID}"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                content = archive.extractfile("package/dist/mermaid.min.js").read()
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_bytes(content)
    if hashlib.sha256(script.read_bytes()).hexdigest() != MERMAID_SHA256:
        sys.exit(f"{script} is not Mermaid {MERMAID}: delete it and try again")
    return script


def colour_by_variables(svg: str) -> str:
    """Replace the marker colours by CSS variables; a colour that is no marker is an error."""
    for fixed, marker in FIXED.items():
        svg = re.sub(rf'((?:fill|stroke)(?:="|: ?)){fixed}\b', rf"\g<1>{marker}", svg)
    for marker, name in COLOURS.items():
        rgb = ", ".join(str(int(marker[i : i + 2], 16)) for i in (1, 3, 5))
        for written in (marker, f"rgb({rgb})"):
            svg = svg.replace(written, f"var(--diagram-{name})")
    left = set(
        re.findall(r"(?<![\w-])(?:#[0-9a-fA-F]{3,8}\b(?=[;\"'!}\s])|(?:rgba?|hsla?)\([^)]*\))", svg)
    )
    left = {c for c in left if not c.startswith("#" + ID)}
    if left:
        raise ValueError(
            f"colours of its own: {', '.join(sorted(left))}; use none, the page "
            "colours diagrams itself (no style, classDef or theme lines)"
        )
    return svg


def draw(texts: dict[str, str], script: Path, browser: str) -> dict[str, str]:
    """Return the SVG of each diagram, by digest."""
    from playwright.sync_api import Error, sync_playwright

    drawn = {}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(FLAGS))
        page = chromium.new_page()
        page.set_content("<!DOCTYPE html><meta charset='utf-8'><body></body>")
        page.add_script_tag(path=script)
        for key, text in texts.items():
            try:
                svg = page.evaluate(DRAW, [text, OPTIONS, ID])
                drawn[key] = colour_by_variables(svg)
            except (Error, ValueError) as error:
                first = str(error).strip().splitlines()[0]
                raise ValueError(f"{first}\n{text}") from None
        chromium.close()
    return drawn


def update(root: Path) -> tuple[int, int]:
    """Draw what is missing and remove what is unused; return how many of each.

    Raises
    ------
    ValueError
        If a diagram has no description or Mermaid cannot read it.
    """
    folder = root / "site" / "diagrams"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = find_diagrams(root)
    for text, path in wanted.values():
        if missing_words(text):
            lines = " and ".join(missing_words(text))
            raise ValueError(f"{path}: this diagram needs a line {lines}\n{text}")
    unused = [path for path in folder.glob("*.svg") if path.stem not in wanted]
    for path in unused:
        path.unlink()
    missing = {k: text for k, (text, _) in wanted.items() if not (folder / f"{k}.svg").is_file()}
    if missing:
        browser = find_browser()
        if browser is None:
            sys.exit(f"Drawing diagrams needs a Chromium: run `{COMMAND}`")
        for key, svg in draw(missing, _mermaid_script(root), browser).items():
            (folder / f"{key}.svg").write_text(svg + "\n", encoding="utf-8")
    return len(missing), len(unused)


def main() -> None:
    """Draw the diagrams of the book."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=SITE.parent, help="the folder of _config.yml")
    parser.add_argument("--again", action="store_true", help="draw every diagram again")
    options = parser.parse_args()
    root = options.root.resolve()
    if options.again:
        for path in (root / "site" / "diagrams").glob("*.svg"):
            path.unlink()
    try:
        drawn, removed = update(root)
    except ValueError as error:
        sys.exit(f"A diagram could not be drawn: {error}")
    print(f"diagrams: {drawn} drawn, {removed} removed")


if __name__ == "__main__":
    main()
