"""Run chapters once each, two at a time, and keep what came out under a key.

The key covers the chapter's code, the package's source, the committed data, the lock file and the
interpreter. A run whose key still fits is used again; so the outputs that are tested are the ones
that are rendered, and a stale result cannot be published.

A run is `_build/run/NAME.json`: key, seconds, peak_mb, finished, python, outputs (a list for every
code cell), claims and results. It is written only when the chapter ran to its end.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import psutil
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

AT_ONCE = 2
CELL_SECONDS = 300
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class ChapterFailed(Exception):
    """A chapter stopped at a cell; the message names chapter, cell and what went wrong."""


@dataclass(frozen=True)
class Book:
    """Where a book's parts lie; tests point it at small books of their own."""

    root: Path
    package: Path
    cache: Path | None = None

    @property
    def build(self) -> Path:
        return self.root / "_build"

    @property
    def notebooks(self) -> list[Path]:
        """The notebooks of the table of contents, in its order."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        names = [toc["root"]]
        for part in [toc, *toc.get("parts", [])]:
            names += [entry["file"] for entry in part.get("chapters", [])]
        paths = [self.root / f"{name}.ipynb" for name in names]
        return [path for path in paths if path.exists()]

    def record(self, notebook: Path) -> Path:
        return self.build / "run" / f"{notebook.stem}.json"


def code_cells(notebook: Path) -> list[str]:
    """Return the source of every code cell; edits of prose or tags do not change it."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def surroundings(book: Book) -> str:
    """Return a hash over everything but the chapter that a result can depend on."""
    digest = hashlib.sha256(f"{platform.python_version()} {platform.machine()}".encode())
    data = book.root / "data"
    committed = [p for p in data.rglob("*") if "cache" not in p.parts and p.suffix != ".md"]
    package = [p for kind in ("*.py", "*.json") for p in book.package.rglob(kind)]
    files = [*package, *committed, book.root / "requirements.lock"]
    for path in sorted(path for path in files if path.is_file()):
        digest.update(path.as_posix().removeprefix(book.root.as_posix()).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def key(notebook: Path, around: str) -> str:
    """Return the key of a chapter's run."""
    text = json.dumps([notebook.stem, code_cells(notebook), around])
    return hashlib.sha256(text.encode()).hexdigest()


def run_all(
    book: Book, tell: Callable[[str], None] = print, *, again: bool = False
) -> list[tuple[dict, bool]]:
    """Run every chapter whose key has changed; return (record, was run now) in the book's order.

    Raises
    ------
    ChapterFailed
        After the chapters under way have ended, with the message of every one that failed.
    """
    notebooks, around = book.notebooks, surroundings(book)
    (book.build / "run").mkdir(parents=True, exist_ok=True)
    done: dict[Path, tuple[dict, bool]] = {}
    waiting = []
    for notebook in notebooks:
        record = read_record(book.record(notebook))
        if record and record["key"] == key(notebook, around) and not again:
            done[notebook] = record, False
        else:
            waiting.append(notebook)
    failures = []

    def start(notebook: Path) -> dict:
        tell(f"  running {notebook.stem} …")
        return run_one(book, notebook, around)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {pool.submit(start, notebook): notebook for notebook in waiting}
        for number, run in enumerate(as_completed(runs), start=1):
            notebook = runs[run]
            if run.cancelled():
                continue
            try:
                record = run.result()
            except ChapterFailed as failure:
                failures.append(str(failure))
                for other in runs:
                    other.cancel()
                continue
            done[notebook] = record, True
            tell(f"  [{number}/{len(waiting)}] {summary(record)}")
    if failures:
        raise ChapterFailed("\n\n".join(failures))
    return [done[notebook] for notebook in notebooks]


def run_one(book: Book, notebook: Path, around: str) -> dict:
    """Run one chapter in a fresh kernel and write its record."""
    before = key(notebook, around)
    node = nbformat.read(notebook, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        claims, results = Path(folder) / "claims.jsonl", Path(folder) / "results.jsonl"
        claims.touch()
        results.touch()
        client = NotebookClient(
            node,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            record_timing=False,
            extra_arguments=["--Application.log_level='ERROR'"],
            resources={"metadata": {"path": str(notebook.parent)}},
        )
        started = time.perf_counter()
        with Memory(client) as memory:
            try:
                client.execute(env=environment(book, notebook, claims, results))
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                raise ChapterFailed(failure(notebook, node, error)) from error
        seconds = time.perf_counter() - started
        entered = [
            [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            for path in (claims, results)
        ]
    record = {
        "chapter": notebook.stem,
        "key": before,
        "seconds": round(seconds, 1),
        "peak_mb": round(memory.peak / 2**20),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "outputs": [plain(cell.outputs) for cell in node.cells if cell.cell_type == "code"],
        "claims": entered[0],
        "results": entered[1],
    }
    write_json(book.record(notebook), record)
    return record


def environment(book: Book, notebook: Path, claims: Path, results: Path) -> dict[str, str]:
    """Return the environment of a chapter's kernel: no network, fixed hash seed, one thread.

    One thread a chapter, because two chapters share the machine and a sum's order decides its last
    digits.
    """
    paths = [str(Path(__file__).parent / "kernel"), os.environ.get("PYTHONPATH", "")]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(threads, "1"),
        "RECBOOK_CHAPTER": notebook.stem,
        "RECBOOK_LEDGER": str(claims),
        "RECBOOK_RESULTS": str(results),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        **({"RECBOOK_CACHE": str(book.cache)} if book.cache else {}),
    }


class Memory:
    """Watches how much memory the kernel and its children hold at most, in bytes."""

    def __init__(self, client: NotebookClient, every: float = 0.1) -> None:
        self.client, self.every, self.peak = client, every, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self.every):
            provisioner = getattr(self.client.km, "provisioner", None)
            pid = getattr(provisioner, "pid", None)
            if pid is None:
                continue
            try:
                root = psutil.Process(pid)
                tree = [root, *root.children(recursive=True)]
                self.peak = max(self.peak, sum(process.memory_info().rss for process in tree))
            except psutil.Error:  # a process ended between being listed and being read
                continue


def failure(notebook: Path, node: nbformat.NotebookNode, error: Exception) -> str:
    """Say which chapter stopped at which cell, and why."""
    number, at = 0, None
    for cell in node.cells:
        if cell.cell_type != "code":
            continue
        number += 1
        broken = [o for o in cell.get("outputs", []) if o.output_type == "error"]
        if broken or (cell.source.strip() and cell.execution_count is None):
            at = cell
            break
    lines = at.source.strip().splitlines() if at else []
    where = f"{notebook.name}, code cell {number}" + (f" (`{lines[0]}`)" if lines else "")
    if at is not None and broken:
        trace = ANSI.sub("", "\n".join(broken[0].get("traceback", [])))
        return f"{where}: {broken[0].ename}: {broken[0].evalue}\n{trace}"
    return f"{where}: {type(error).__name__}: {ANSI.sub('', str(error)).strip()}"


def plain(outputs: Iterable[nbformat.NotebookNode]) -> list[dict]:
    """Return outputs as plain JSON values without execution counts."""
    kept = json.loads(json.dumps(list(outputs)))
    for output in kept:
        if "execution_count" in output:
            output["execution_count"] = None
    return kept


def collect_claims(records: Iterable[dict]) -> list[dict]:
    """Return all claims of the book.

    Raises
    ------
    ChapterFailed
        If two claims share an id.
    """
    seen: dict[str, str] = {}
    claims = [claim for record in records for claim in record["claims"]]
    for claim in claims:
        if claim["id"] in seen:
            raise ChapterFailed(
                f"claim id {claim['id']!r} stands in {seen[claim['id']]} and again in "
                f"{claim['chapter']}: ids are unique in the book, rename one"
            )
        seen[claim["id"]] = claim["chapter"]
    return claims


def summary(record: dict) -> str:
    """Return one line about a chapter's run."""
    claims = len(record["claims"])
    return f"{record['chapter']}: {record['seconds']:.0f} s, {record['peak_mb']} MB, " + (
        "1 claim holds" if claims == 1 else f"{claims} claims hold"
    )


def read_record(path: Path) -> dict | None:
    """Return a record, or None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def write_json(path: Path, value: object) -> None:
    """Write a file so that it is there whole or not at all; untouched where it says the same."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
