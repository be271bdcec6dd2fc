"""Run the chapters as Colab would: Python 3.12, the installed package, one file. `make colab`.

python tests/chapters/colab.py              every chapter
python tests/chapters/colab.py 01 05        some
python tests/chapters/colab.py --keep 01    in the environment of the last run

A wheel of the package is built from the tree and installed into a fresh environment with the
extras that first cells ask for, in the newest versions that its metadata allows; TensorFlow comes
from the extra "deep", since Colab brings it. Each notebook runs alone in an empty folder, without a
network, two at a time. The outcome is kept in site/verified.json, which the status page shows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "site"))

import nbformat  # noqa: E402
from execution import ANSI, AT_ONCE, CELL_SECONDS, failure, write_json  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import (  # noqa: E402
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)
from sync import EXTRAS  # noqa: E402
from workshop import build_wheel  # noqa: E402

WANTED = (3, 12)
PLACE = ROOT / "_build" / "colab"
RECORD = ROOT / "site" / "verified.json"
KERNEL = "recbook-colab"
BROUGHT = ("deep",)  # the extra that stands for what Colab has already
SHOWN = (
    *("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "numba", "lightgbm", "gensim"),
    *("matplotlib", "tensorflow", "tensorflow-cpu", "keras", "faiss-cpu", "pyspark", "fastapi"),
)


def main() -> int:
    """Run what was asked for, keep the outcome, and return 1 if a chapter failed."""
    parser = argparse.ArgumentParser(description="Run the chapters as Colab would.")
    parser.add_argument("chapters", nargs="*", help="01, 05, faq …; all where none is named")
    parser.add_argument("--keep", action="store_true", help="use the last run's environment again")
    arguments = parser.parse_args()
    notebooks = chosen(arguments.chapters)
    program = find_python()
    if program is None:
        sys.exit(
            "Python 3.12 was not found: install it (pyenv install 3.12, or python3.12 from the "
            "system), or name it in COLAB_PYTHON"
        )
    python = environment(program, keep=arguments.keep)
    versions = installed(python)
    tell(", ".join(f"{name} {number}" for name, number in versions.items()))
    cache = own_cache()
    if any("recbook.fusion" in path.read_text(encoding="utf-8") for path in notebooks):
        tell("members of the fusions, for these versions")
        command = [python, "-m", "recbook.fusion"]
        subprocess.run(command, check=True, env={**os.environ, "RECBOOK_CACHE": str(cache)})
    found = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {pool.submit(run, path, cache): path.stem for path in notebooks}
        for done in as_completed(runs):  # kept one by one: a run of all takes long
            found[runs[done]] = done.result()
            keep({runs[done]: done.result()}, versions)
    failed = [name for name, outcome in found.items() if not outcome["ok"]]
    tell(f"{len(found) - len(failed)} of {len(found)} chapters run on Python {versions['Python']}")
    return 1 if failed else 0


def chosen(names: list[str]) -> list[Path]:
    """Return the notebooks whose names begin so; all where no name is given."""
    notebooks = sorted((ROOT / "chapters").glob("*.ipynb"))
    found = [path for path in notebooks if not names or path.stem.startswith(tuple(names))]
    if not found:
        sys.exit(f"no chapter begins with {' or '.join(names)}")
    return found


def find_python() -> str | None:
    """Return a Python 3.12: COLAB_PYTHON, on the PATH, or pyenv's."""
    named = "python{}.{}".format(*WANTED)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    numbers = ".".join(map(str, WANTED))
    places = [str(path) for path in sorted(pyenv.glob(f"{numbers}.*/bin/python"), reverse=True)]
    for program in filter(None, [os.environ.get("COLAB_PYTHON"), shutil.which(named), *places]):
        code = f"import sys; sys.exit(sys.version_info[:2] != {WANTED})"
        try:
            if subprocess.run([program, "-c", code], capture_output=True).returncode == 0:
                return program
        except OSError:
            continue
    return None


def environment(program: str, *, keep: bool) -> Path:
    """Return the Python of an environment that has the package and what first cells install."""
    folder = PLACE / "env"
    python = folder / "bin" / "python"
    extras = {"chapters", *BROUGHT, *(extra for group in EXTRAS.values() for extra in group)}
    if not keep or not python.exists():
        tell("a fresh environment, with the newest versions that are allowed (minutes)")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([program, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    with tempfile.TemporaryDirectory() as scratch:
        wheel = build_wheel(ROOT, Path(scratch))
        wanted = f"{wheel}[{','.join(sorted(extras))}]"
        subprocess.run([*pip, "--upgrade", "--upgrade-strategy", "eager", wanted, "ipykernel"]
                       if not keep else [*pip, wanted, "ipykernel"], check=True)  # fmt: skip
        subprocess.run([*pip, "--no-deps", "--force-reinstall", wheel], check=True)
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "as Colab", "language": "python"}  # fmt: skip
    write_json(PLACE / "share" / "kernels" / KERNEL / "kernel.json", spec)
    os.environ["JUPYTER_PATH"] = str(PLACE / "share")
    return python


def installed(python: Path) -> dict[str, str]:
    """Return the versions of Python and of the main libraries of an environment."""
    code = (
        "import json, platform, sys\nfrom importlib.metadata import distributions\n"
        "found = {d.name.lower().replace('_', '-'): d.version for d in distributions()}\n"
        "print(json.dumps({'Python': platform.python_version(), 'prefix': sys.prefix, **found}))"
    )
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {name: found[name] for name in ("Python", *SHOWN) if name in found}


def own_cache() -> Path:
    """Return a cache with MovieLens in it; the store of these versions must not disturb another."""
    from recbook.data import load_movielens
    from recbook.data.download import cache_dir

    cache = PLACE / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    load_movielens()
    shutil.copy(cache_dir() / "movielens-100k.zip", cache / "movielens-100k.zip")
    return cache


def run(path: Path, cache: Path) -> dict:
    """Run one notebook alone in an empty folder; return whether it ran, and how long."""
    node = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as notes:
        shutil.copy(path, folder)
        client = NotebookClient(
            node,
            timeout=2 * CELL_SECONDS,
            kernel_name=KERNEL,
            record_timing=False,
            extra_arguments=["--Application.log_level='ERROR'"],
            resources={"metadata": {"path": folder}},
        )
        threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        alone = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        around = {
            **alone,
            **dict.fromkeys(threads, "1"),
            "RECBOOK_CACHE": str(cache),
            "RECBOOK_CHAPTER": path.stem,  # with the module below: no network
            "RECBOOK_LEDGER": str(Path(notes, "claims.jsonl")),
            "RECBOOK_RESULTS": str(Path(notes, "results.jsonl")),
            "PYTHONPATH": str(ROOT / "site" / "kernel"),
            "PYTHONHASHSEED": "0",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }
        started, outcome = time.perf_counter(), {"ok": True}
        try:
            client.execute(env=around)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            said = failure(path, node, error)
            outcome = {"ok": False, "error": first_lines(said)}
            print(said, file=sys.stderr, flush=True)
    outcome["seconds"] = round(time.perf_counter() - started)
    tell(f"  {path.stem}: {'ok' if outcome['ok'] else 'FAILED'}, {outcome['seconds']} s")
    return outcome


def first_lines(said: str) -> str:
    """Return what failed in one line, without paths of this machine."""
    line = ANSI.sub("", said.splitlines()[0])
    return re.sub(r"(/[\w.+-]+){2,}", "…", line)[:300]


def keep(found: dict[str, dict], versions: dict[str, str]) -> None:
    """Enter the outcomes into the record; a chapter that ran with other versions is dropped."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    before = record.get("chapters", {}) if record.get("versions") == versions else {}
    there = {path.stem for path in (ROOT / "chapters").glob("*.ipynb")}
    chapters = {**before, **{name: {**o, "date": today} for name, o in found.items()}}
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    write_json(RECORD, {
        "date": today,
        "machine": machine,
        "versions": versions,
        "chapters": {name: chapters[name] for name in sorted(chapters) if name in there},
    })  # fmt: skip


def tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
