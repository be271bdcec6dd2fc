"""What the set-up check looks at: where the package is, what it asks for, what the machine has.

Only Python's own library is used, since the check is for machines where nothing is installed yet.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import operator
import platform
import re
import socket
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

READING = ("", "chapters", "deep", "scale", "serve", "lab")  # extras that chapters need
BUILDING = ("book", "test")
BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)


@dataclass(frozen=True)
class Finding:
    """What was found of one thing: state "ok", "warn" or "fail", and the remedy where not "ok"."""

    name: str
    state: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Place:
    """Where the package, its requirements and its commands are.

    `kind` is "repository", "workshop" (an unpacked workshop), or "installed".
    """

    kind: str
    package: Path
    root: Path

    def command(self, target: str) -> str:
        """Return what brings `target`: "install", "data" or "members"."""
        install = f'{python()} -m pip install --upgrade "recbook[{",".join(READING[1:])}]"'
        return {
            "repository": {"install": "make lab", "data": "make data", "members": "make members"},
            "workshop": dict.fromkeys(("install", "data", "members"), "python start.py prepare"),
            "installed": {
                "install": install,
                "data": f"{python()} -m recbook.data",
                "members": f"{python()} -m recbook.fusion",
            },
        }[self.kind][target]


def find_place(here: Path | None = None) -> Place:
    """Return where this file runs from: a checkout, an unpacked workshop, or an installation."""
    here = Path(here or __file__).resolve()
    if (here.parent / "start.py").is_file():
        spec = importlib.util.find_spec("recbook")
        folder = Path(spec.origin).parent if spec and spec.origin else here.parent / "recbook"
        return Place("workshop", folder, here.parent)
    package = here.parents[1]
    kind = "repository" if (package.parent / "pyproject.toml").is_file() else "installed"
    return Place(kind, package, package.parent)


def requirements(place: Place) -> tuple[str, list[str]]:
    """Return which Python and which packages are declared, as the package's metadata writes it."""
    if place.kind == "repository":
        import tomllib

        project = tomllib.loads((place.root / "pyproject.toml").read_text("utf-8"))["project"]
        extras = project["optional-dependencies"].items()
        declared = list(project["dependencies"])
        for extra, lines in extras:
            for line in lines:
                name, _, marker = line.partition(";")
                both = f"({marker.strip()}) and " if marker else ""
                declared.append(f'{name.strip()}; {both}extra == "{extra}"')
        return project["requires-python"], declared
    if path := find_wheel(place):
        with zipfile.ZipFile(path) as wheel:
            name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
            text = wheel.read(name).decode("utf-8")
        found = re.findall(r"^Requires-Dist: (.+)$", text, re.M)
        return re.search(r"^Requires-Python: (.+)$", text, re.M)[1], found
    meta = importlib.metadata.metadata("recbook")
    return meta["Requires-Python"], meta.get_all("Requires-Dist") or []


def free_memory() -> int | None:
    """Return how many bytes programs can still have, or None where nothing says so."""
    if importlib.util.find_spec("psutil"):
        import psutil

        return psutil.virtual_memory().available
    known = Path("/proc/meminfo")
    if known.is_file():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", known.read_text(), re.M)
        return int(found[1]) * 1024 if found else None
    return None


def cache_dir(place: Place) -> Path:
    """Return the cache folder as the package finds it, without importing what needs NumPy."""
    module: dict = {"__name__": "recbook_download"}
    exec(compile(source(place, "data/download.py"), "download.py", "exec"), module)
    return module["cache_dir"]()


def missing(place: Place, extras: tuple[str, ...]) -> tuple[int, list[str]]:
    """Return how many packages the extras name here, and what is missing or too old."""
    lacking, names = [], set()
    for line in requirements(place)[1]:
        wanted, _, marker = map(str.strip, line.partition(";"))
        if not any(applies(marker, extra) for extra in extras):
            continue
        name = re.match(r"[\w.-]+", wanted).group()
        names.add(name)
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            lacking.append(f"{name} is missing")
        else:
            bounds = re.sub(r"[() ]", "", wanted.removeprefix(name))
            if not satisfies(found, bounds):
                lacking.append(f"{name} {found} should be {bounds}")
    return len(names), lacking


def applies(marker: str, extra: str) -> bool:
    """Whether a requirement with this marker is one of the extra ("": of the package itself)."""
    if not marker:
        return extra == ""
    known = {"sys_platform": sys.platform, "platform_machine": platform.machine(), "extra": extra}
    return bool(eval(marker, {"__builtins__": {}}, known))  # the package's own metadata


def satisfies(version: str, bounds: str) -> bool:
    """Whether a version is within bounds like ">=1.2,<2"; neither pip nor packaging is needed."""

    def numbers(text: str) -> tuple[int, ...]:
        found = [int(n) for n in re.match(r"[\d.]*", text).group().split(".") if n]
        return (*found, *[0] * (6 - len(found)))

    tests = {"==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le,
             ">": operator.gt, "<": operator.lt}  # fmt: skip
    parts = re.findall(r"(==|!=|>=|<=|>|<)([\w.]+)", bounds)
    return all(tests[sign](numbers(version), numbers(bound)) for sign, bound in parts)


def constant(place: Place, module: str, name: str):
    """Return a constant of the package from its source: importing it would need pandas."""
    for node in ast.parse(source(place, module)).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return ast.literal_eval(node.value)
    raise ValueError(f"{module} has no {name}")


def source(place: Place, module: str) -> str:
    """Return the text of a module of the package, installed or still in the workshop's wheel."""
    path = place.package / module
    if path.is_file():
        return path.read_text("utf-8")
    if wheel := find_wheel(place):
        with zipfile.ZipFile(wheel) as members:
            return members.read(f"recbook/{module}").decode("utf-8")
    raise FileNotFoundError(f"{path} is missing")


def find_wheel(place: Place) -> Path | None:
    """Return the wheel of the package that an unpacked workshop carries."""
    wheels = sorted(place.root.glob("recbook-*.whl")) if place.kind == "workshop" else []
    return wheels[-1] if wheels else None


def sha256(path: Path) -> str | None:
    """Return a file's hash, None where there is no such file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest thing above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def some(names: list[str], most: int = 4) -> str:
    """Join names, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def python() -> str:
    """Return this Python as a command line has it."""
    program = sys.executable or "python"
    return f'"{program}"' if " " in program else program


def answers(host: str) -> bool:
    """Whether a host can be reached; asks for a second at most."""
    try:
        socket.create_connection((host, 443), timeout=1).close()
    except OSError:
        return False
    return True
