"""Fetch a file once, prove that it is the right one, and keep it.

Only the standard library is used. `pooch` does nearly the same, but it cannot resume a download
that broke off and would add three packages to a light core.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHUNK = 1 << 16
QUIET_SECONDS = 2.0  # a download shorter than this says nothing
ATTEMPTS = 3  # how often a connection that broke off is taken up again


class DownloadError(ValueError):
    """A file could not be fetched, stored, or was not the one expected."""


def fetch(
    url: str, path: str | Path, *, sha256: str, timeout: float = 20.0, quiet: bool = False
) -> Path:
    """Return `path`, fetched from `url` unless the right file is there already.

    Where it is there, the network is not touched. The bytes go to `path` + ".part", which a later
    call resumes if the server can. The file takes its name in one step once its hash is right, so
    `path` is either absent or whole. Of two processes asking at once, the second waits.

    Parameters
    ----------
    url : str
        Where the file is.
    path : str or Path
        Where it shall be; its folder is created.
    sha256 : str
        The expected hash, 64 hexadecimal digits.
    timeout : float
        Seconds without an answer after which the server counts as unreachable.
    quiet : bool
        Whether to keep progress off stderr.

    Raises
    ------
    DownloadError
        If the server cannot be reached, breaks off or sends another file, or the folder is closed.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = Path(folder, "a.txt"); _ = source.write_bytes(b"milk")
    ...     fetch(source.as_uri(), Path(folder, "b.txt"), sha256=sha256_of(source)).read_bytes()
    b'milk'
    """
    target = Path(path)
    if _is_right(target, sha256):
        return target
    ensure_writable(target.parent)
    with locked(target.with_name(target.name + ".lock")):
        if _is_right(target, sha256):  # another process brought it while this one waited
            return target
        part = target.with_name(target.name + ".part")
        resumed = _download(url, part, timeout=timeout, quiet=quiet)
        if resumed and sha256_of(part) != sha256:
            part.unlink()  # the two halves may come from two versions of the file
            _download(url, part, timeout=timeout, quiet=quiet)
        found = sha256_of(part)
        if found != sha256:
            head = part.read_bytes()[:200].lstrip().lower()
            page = "; it is a web page, perhaps a login or a proxy's notice" * head.startswith(b"<")
            part.unlink()
            raise DownloadError(
                f"{url} sent a file with SHA-256 {found[:12]}… where {sha256[:12]}… is expected"
                f"{page}; it was deleted: try again, or put the right file at {target}"
            )
        try:
            os.replace(part, target)
        except OSError as error:
            raise _not_writable(target.parent, error) from error
    return target


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_dir() -> Path:
    """Return the folder for downloads: RECBOOK_CACHE, or the platform's cache folder."""
    given = os.environ.get("RECBOOK_CACHE")
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "recbook"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "recbook"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recbook"


def ensure_writable(folder: str | Path) -> Path:
    """Create `folder` and prove that files can be made in it; DownloadError where they cannot."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _not_writable(folder, error) from error
    return Path(folder)


def write_atomically(path: str | Path, content: bytes) -> Path:
    """Write a file that is, at every moment, either absent, the old one, or whole."""
    target = Path(path)
    ensure_writable(target.parent)
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _not_writable(target.parent, error) from error
    return target


def note(text: str) -> None:
    """Write one line about a download in progress to stderr."""
    sys.stderr.write(f"recbook: {text}\n")
    sys.stderr.flush()


def _is_right(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


def _not_writable(folder: str | Path, error: OSError) -> DownloadError:
    return DownloadError(
        f"cannot write to the cache folder {folder} ({error.strerror or error}); "
        "set the environment variable RECBOOK_CACHE to a folder you may write to"
    )


def _download(url: str, part: Path, *, timeout: float, quiet: bool) -> bool:
    """Bring `part` to full length; return whether any of it came from an earlier request."""
    resumed = False
    for attempt in range(1, ATTEMPTS + 1):
        start = part.stat().st_size if part.exists() else 0
        headers = {"User-Agent": "recbook", **({"Range": f"bytes={start}-"} if start else {})}
        try:
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.urlopen(request, timeout=timeout) as response:
                ranged = response.headers.get("Content-Range", "")
                if getattr(response, "status", 200) != 206 or f"bytes {start}-" not in ranged:
                    start = 0  # the server sends the whole file again
                resumed = start > 0
                length = response.headers.get("Content-Length")
                total = None if length is None else start + int(length)
                got = _receive(response, part, start=start, total=total, url=url, quiet=quiet)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and start:  # the part is no shorter than the file
                part.unlink()
                continue
            raise DownloadError(
                f"{url} answered {error.code} {error.reason}; look whether the address still holds"
            ) from error
        except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
            got, total, reason = -1, None, str(error) or type(error).__name__
        except urllib.error.URLError as error:
            raise DownloadError(
                f"cannot reach {url} ({error.reason}); connect to the network and try again, "
                f"or put the file at {part.with_suffix('')}"
            ) from error
        except OSError as error:
            raise _not_writable(part.parent, error) from error
        else:
            if total is None or got >= total:
                return resumed
            reason = f"{got:,} of {total:,} bytes came"
        if not quiet and attempt < ATTEMPTS:
            note(f"{url} broke off ({reason}); taking it up again")
    raise DownloadError(
        f"{url} broke off {ATTEMPTS} times ({reason}); what came is kept, so try again later"
    )


def _receive(response, part: Path, *, start: int, total: int | None, url: str, quiet: bool) -> int:
    """Append the body to `part` from byte `start` on and return the size reached."""
    began = said = time.monotonic()
    live = sys.stderr is not None and sys.stderr.isatty()
    got, shown = start, False
    with open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            got += len(chunk)
            now = time.monotonic()
            due = now - said > (0.2 if live and shown else QUIET_SECONDS if not shown else 10.0)
            if not quiet and due:
                share = f"{got / total:4.0%} of {total / 1e6:.1f} MB" if total else ""
                line = f"recbook: {url} {share or f'{got / 1e6:.1f} MB'}, {now - began:.0f} s"
                sys.stderr.write(f"\r{line}" if live else f"{line}\n")
                sys.stderr.flush()
                said, shown = now, True
    if shown and live:
        sys.stderr.write("\n")
    return got


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold `path` for this process alone; closing it, or dying, gives it free."""
    with open(path, "a+b") as file:
        told = False
        while not _try_lock(file):
            if not told:
                note(f"another process is at work on {path.with_suffix('').name}; waiting for it")
                told = True
            time.sleep(0.1)
        yield


def _try_lock(file) -> bool:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
    else:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
