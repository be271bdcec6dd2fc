"""Render the book: Jupyter Book, then the finishing pass, into `_build/html`.

`render(root)` is quick when nothing changed. Sphinx works in `_build/sphinx`; the finished site is
moved into place in one step, and after a failed build there is no site at all rather than one that
no longer matches its sources.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import yaml

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent / "ext")]

import downloads  # noqa: E402
from finish import SiteError, finish  # noqa: E402
from repository import public_address, read_address  # noqa: E402

_INPUTS = (
    "_config.yml",
    "_toc.yml",
    "pyproject.toml",
    "chapters/*",
    "chapters/images/**/*",
    "site/*",
    "site/ext/*",
    "site/static/**/*",
    "site/templates/*",
    "site/diagrams/*",
    "site/vendor/**/*",
    "_build/run/*.json",
    "_build/claims.json",
    "_build/leaderboard.json",
    "_build/build.json",
    "_build/explorer/*",
)
_TROUBLE = re.compile(r"\b(WARNING|ERROR|CRITICAL|Error|Exception)\b")


class RenderError(Exception):
    """The book could not be rendered; the message says why, a line for each fault."""


def _digest_inputs(root: Path) -> str:
    digest = hashlib.sha256()
    for pattern in _INPUTS:
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                digest.update(path.relative_to(root).as_posix().encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    installed = sorted(f"{d.name} {d.version}" for d in metadata.distributions())
    digest.update("\n".join(installed).encode())
    return digest.hexdigest()


def _list_outputs(html: Path) -> list[list]:
    """List the pages and their files, without the downloads: those come and go beside them."""
    return sorted(
        [path.relative_to(html).as_posix(), path.stat().st_size, path.stat().st_mtime_ns]
        for path in html.rglob("*")
        if path.is_file()
        and path.relative_to(html).parts[0] != downloads.FOLDER
        and path.relative_to(html).as_posix() != downloads.PAGE
    )


def _is_current(stamp: Path, html: Path, digest: str) -> bool:
    try:
        known = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return known == {"inputs": digest, "outputs": _list_outputs(html)}


def _complaints(text: str, root: Path) -> str:
    """Return the lines of Sphinx's report that say what is wrong."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = [line.strip() for line in text.splitlines() if _TROUBLE.search(line)]
    lines = [line for line in lines if "Look above for the cause" not in line]
    lines = list(dict.fromkeys(line.replace(f"{root}/", "") for line in lines))
    return "\n".join(lines[:40]) or text.strip()[-2000:] or "Jupyter Book stopped without a message"


def _run_jupyter_book(root: Path, work: Path) -> None:
    code = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
    options = ["-W", "-n", "--keep-going", "-q", "--path-output", str(work)]
    command = [sys.executable, "-c", code, "build", str(root), *options]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise RenderError(_complaints(done.stdout + "\n" + done.stderr, root))


def render(root: Path, *, quiet: bool = True) -> None:
    """Render the book into `root/_build/html`.

    Parameters
    ----------
    root : Path
        The folder of `_config.yml`. The chapters must have run: their records lie in `_build/run`.
    quiet : bool
        Print nothing. Otherwise one line says what was done.

    Raises
    ------
    RenderError
        If anything at all is wrong: a warning of Sphinx, a bad formula, a figure without
        alternative text, a page that asks another host. There is no `_build/html` then.
    """
    root = Path(root).resolve()
    build = root / "_build"
    work, html, stamp = build / "sphinx", build / "html", build / "render.json"
    digest = _digest_inputs(root)
    if _is_current(stamp, html, digest):
        downloads.publish(root)
        if not quiet:
            print("the site is up to date")
        return
    staging = build / "html.new"
    shutil.rmtree(staging, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    try:
        _run_jupyter_book(root, work)
        config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
        toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
        finish(
            work / "_build" / "html",
            staging,
            first_page=f"{toc['root']}.html",
            base=public_address(read_address(root)),
            title=config["title"],
        )
    except (RenderError, SiteError) as error:
        # Sphinx does not repeat the warnings of pages it has read: it must read all again.
        for folder in (work, html, staging):
            shutil.rmtree(folder, ignore_errors=True)
        raise RenderError(str(error)) from None
    shutil.rmtree(html, ignore_errors=True)
    staging.rename(html)
    stamp.write_text(json.dumps({"inputs": digest, "outputs": _list_outputs(html)}), "utf-8")
    downloads.publish(root)
    if not quiet:
        print(f"rendered {len(list(html.rglob('*.html')))} pages into {html}")


if __name__ == "__main__":
    try:
        render(Path(__file__).resolve().parent.parent, quiet=False)
    except RenderError as error:
        raise SystemExit(f"The book was not rendered:\n{error}") from None
