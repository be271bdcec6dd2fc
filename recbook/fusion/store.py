"""Work that takes minutes, done once and kept under a key of everything it depends on."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import io
import platform
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from recbook.data.download import cache_dir, ensure_writable, locked, note, write_atomically
from recbook.data.interactions import Interactions

_LIBRARIES = ("numpy", "scipy", "pandas", "numba", "scikit-learn", "gensim", "lightgbm")


def stored(
    name: str,
    make: Callable[[], dict[str, np.ndarray]],
    *,
    depends: Iterable,
    keys: Sequence[str] | None = None,
) -> dict[str, np.ndarray]:
    """Return what `make()` gives, from the store where it was made before.

    The key covers the source of the module that `make` comes from and of every `recbook` module
    it imports, however indirectly; the versions of Python and of the libraries beneath; and
    `depends`. So an edit of a model makes anew what that model is in, and nothing else. The file
    takes its name in one step; of two processes asking at once, the second waits.

    Parameters
    ----------
    name : str
        Of the file; an older version under the same name is removed.
    make : callable
        Returns a dict of arrays, without pickled objects. Must depend on nothing but its module
        and `depends`.
    depends : iterable of Interactions, arrays, or values with a telling repr
        Data and parameters.
    keys : sequence of str, optional
        Read these arrays only; all where None.

    Returns
    -------
    dict of str to numpy array

    Raises
    ------
    ValueError
        If an array holds Python objects.

    Examples
    --------
    >>> import os, tempfile
    >>> from unittest import mock
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with mock.patch.dict(os.environ, RECBOOK_CACHE=folder):
    ...         stored("two", lambda: {"two": np.array(2)}, depends=["example"])["two"]
    array(2)
    """
    folder = ensure_writable(cache_dir() / "store")
    path = folder / f"{name}-{content_key(make.__module__, depends)[:16]}.npz"
    if found := _read(path, keys):
        return found
    with locked(folder / f"{name}.lock"):
        if found := _read(path, keys):  # another process made it while this one waited
            return found
        started = time.perf_counter()
        note(f"making {name}; it is kept for the next time …")
        arrays = {key: np.asarray(value) for key, value in make().items()}
        if objects := [key for key, array in arrays.items() if array.dtype == object]:
            raise ValueError(f"{objects[0]!r} of {name!r} holds objects; store numbers or text")
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        write_atomically(path, buffer.getvalue())
        for old in folder.glob(f"{name}-{'[0-9a-f]' * 16}.npz"):
            if old != path:
                old.unlink(missing_ok=True)
        note(f"made {name} in {time.perf_counter() - started:.0f} s")
    return {key: arrays[key] for key in keys or arrays}


def content_key(module: str, depends: Iterable) -> str:
    """Return a hash, 64 hexadecimal digits, over code, libraries and data."""
    digest = hashlib.sha256(f"{platform.python_version()} {platform.machine()}".encode())
    for library in _LIBRARIES:
        try:
            digest.update(f"{library} {version(library)}".encode())
        except PackageNotFoundError:
            digest.update(f"{library} none".encode())
    digest.update(_code(module))
    for one in depends:
        if isinstance(one, Interactions):
            for part in (one.user, one.item, one.value, one.time):
                digest.update(part.tobytes())
            digest.update(repr((list(one.users), list(one.items))).encode())
        elif isinstance(one, np.ndarray):
            digest.update(np.ascontiguousarray(one).tobytes())
        else:
            digest.update(repr(one).encode())
    return digest.hexdigest()


@cache
def _code(module: str) -> bytes:
    """Return a hash of a module's sources, read once a process, as Python itself does."""
    digest = hashlib.sha256()
    for path in source_files(module):
        digest.update(path.read_bytes())
    return digest.digest()


def source_files(module: str) -> list[Path]:
    """Return the source files of a module and of every `recbook` module it leads to, sorted."""
    seen: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or (path := _source(name)) is None:
            continue
        seen[name] = path
        waiting += _imports(path)
    return sorted(seen.values())


def _source(module: str) -> Path | None:
    if not module.startswith("recbook."):
        loaded = sys.modules.get(module)  # a notebook's or a test's own function
        file = getattr(loaded, "__file__", None)
        return Path(file) if file and module != "__main__" else None
    spec = importlib.util.find_spec(module)
    return Path(spec.origin) if spec and spec.origin else None


def _imports(path: Path) -> Iterator[str]:
    """Yield the `recbook` modules that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("recbook."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("recbook"):
            yield node.module
            yield from (f"{node.module}.{a.name}" for a in node.names if _is_module(node, a.name))


def _is_module(node: ast.ImportFrom, name: str) -> bool:
    try:
        return importlib.util.find_spec(f"{node.module}.{name}") is not None
    except ModuleNotFoundError:
        return False


def _read(path: Path, keys: Sequence[str] | None) -> dict[str, np.ndarray] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in keys or file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None  # absent, or damaged: made anew
