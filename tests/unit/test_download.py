"""Downloads: what is broken, cut, swapped or interrupted never becomes the file."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from recbook.data import __main__ as command
from recbook.data import download
from recbook.data.download import DownloadError, cache_dir, fetch, sha256_of, write_atomically

BODY = bytes(range(256)) * 1024
HASH = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `body`; the first `cuts` answers break off after `cut_at` bytes."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.ranges, self.cuts, self.cut_at = BODY, True, 0, 0
        self.requests, self.status = [], 200
        self.holds, self.reached, self.release = False, threading.Event(), threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/file.bin"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append(asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
        if start >= len(server.body):
            self.send_error(416)
            return
        body = server.body[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            total = len(server.body)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        if server.cuts:
            server.cuts -= 1
            body = body[: server.cut_at]
        if server.holds:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            server.reached.set()
            server.release.wait(60)
            body = body[len(body) // 2 :]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.release.set()
        running.shutdown()


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("the network is off")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def start_fetching(server, target):
    program = (
        "import sys; from recbook.data.download import fetch;"
        "fetch(sys.argv[1], sys.argv[2], sha256=sys.argv[3])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, server.url, str(target), HASH],
        stderr=subprocess.PIPE,
        text=True,
    )


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_file_arrives_whole(server, tmp_path):
    path = fetch(server.url, tmp_path / "new" / "file.bin", sha256=HASH)
    assert path.read_bytes() == BODY
    assert left_behind(path.parent) == ["file.bin"]
    assert server.requests == [None]


def test_a_corrupted_file_is_refused_and_deleted(server, tmp_path):
    server.body = BODY[:1000] + b"\0" + BODY[1001:]
    with pytest.raises(DownloadError, match="SHA-256") as error:
        fetch(server.url, tmp_path / "file.bin", sha256=HASH)
    assert server.url in str(error.value)
    assert left_behind(tmp_path) == []


def test_a_web_page_instead_of_the_file_is_named_as_such(server, tmp_path):
    server.body = b"\n<!DOCTYPE html><title>Log in</title>"
    with pytest.raises(DownloadError, match="it is a web page"):
        fetch(server.url, tmp_path / "file.bin", sha256=HASH)
    assert left_behind(tmp_path) == []


def test_a_download_that_always_breaks_off_fails_without_the_file(server, tmp_path):
    server.ranges, server.cuts, server.cut_at = False, 99, 5000
    with pytest.raises(DownloadError, match=f"5,000 of {len(BODY):,} bytes"):
        fetch(server.url, tmp_path / "file.bin", sha256=HASH)
    assert left_behind(tmp_path) == ["file.bin.part"]
    assert len(server.requests) == download.ATTEMPTS


def test_a_download_that_broke_off_is_resumed_where_it_stopped(server, tmp_path):
    server.cuts, server.cut_at = 1, 5000
    assert fetch(server.url, tmp_path / "file.bin", sha256=HASH).read_bytes() == BODY
    assert server.requests == [None, "bytes=5000-"]


def test_a_later_call_resumes_too(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BODY[:77])
    assert fetch(server.url, tmp_path / "file.bin", sha256=HASH).read_bytes() == BODY
    assert server.requests == ["bytes=77-"]


def test_a_server_that_ignores_ranges_restarts_the_file(server, tmp_path):
    server.ranges = False
    (tmp_path / "file.bin.part").write_bytes(BODY[:77])
    assert fetch(server.url, tmp_path / "file.bin", sha256=HASH).read_bytes() == BODY
    assert server.requests == ["bytes=77-"]


def test_a_part_of_another_version_is_thrown_away(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"old" * 100)
    assert fetch(server.url, tmp_path / "file.bin", sha256=HASH).read_bytes() == BODY
    assert server.requests == ["bytes=300-", None]


def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(BODY + b"more")
    assert fetch(server.url, tmp_path / "file.bin", sha256=HASH).read_bytes() == BODY
    assert server.requests == [f"bytes={len(BODY) + 4}-", None]


def test_an_http_error_names_the_address(server, tmp_path):
    server.status = 404
    with pytest.raises(DownloadError, match="answered 404") as error:
        fetch(server.url, tmp_path / "file.bin", sha256=HASH)
    assert server.url in str(error.value)


def test_what_is_cached_needs_no_network(tmp_path, no_network):
    path = write_atomically(tmp_path / "file.bin", BODY)
    assert fetch("http://127.0.0.1:9/file.bin", path, sha256=HASH) == path


def test_what_is_cached_needs_no_writable_folder(tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "file.bin", BODY)
    before = left_behind(tmp_path)

    def refuse(folder):
        raise DownloadError("not writable")

    monkeypatch.setattr(download, "ensure_writable", refuse)
    assert fetch("http://127.0.0.1:9/file.bin", path, sha256=HASH) == path
    assert left_behind(tmp_path) == before


def test_without_network_the_error_names_address_and_place(tmp_path, no_network):
    with pytest.raises(DownloadError, match="cannot reach http") as error:
        fetch("http://127.0.0.1:9/file.bin", tmp_path / "file.bin", sha256=HASH)
    assert "http://127.0.0.1:9/file.bin" in str(error.value)
    assert f"put the file at {tmp_path / 'file.bin'}" in str(error.value)
    assert left_behind(tmp_path) == []


def test_a_cached_file_that_went_bad_is_fetched_again(server, tmp_path):
    path = write_atomically(tmp_path / "file.bin", BODY[:-1])
    assert fetch(server.url, path, sha256=HASH).read_bytes() == BODY


def test_a_process_killed_midway_leaves_no_file(server, tmp_path):
    server.holds = True
    process = start_fetching(server, tmp_path / "file.bin")
    assert server.reached.wait(60)
    process.kill()
    process.communicate()
    assert "file.bin" not in left_behind(tmp_path)
    server.holds = False
    server.release.set()
    assert fetch(server.url, tmp_path / "file.bin", sha256=HASH).read_bytes() == BODY


def test_of_two_processes_the_second_waits_for_the_first(server, tmp_path):
    server.holds = True
    first = start_fetching(server, tmp_path / "file.bin")
    assert server.reached.wait(60)
    second = start_fetching(server, tmp_path / "file.bin")
    assert "another process is at work on file.bin" in second.stderr.readline()
    server.release.set()
    first.communicate(timeout=60)
    second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert server.requests == [None]
    assert sha256_of(tmp_path / "file.bin") == HASH


def test_a_folder_that_cannot_be_written_names_the_variable(tmp_path, monkeypatch):
    blocker = tmp_path / "a-file"
    blocker.write_text("not a folder")
    monkeypatch.setenv("RECBOOK_CACHE", str(blocker / "cache"))
    with pytest.raises(DownloadError, match="RECBOOK_CACHE"):
        fetch("http://127.0.0.1:9/file.bin", cache_dir() / "file.bin", sha256=HASH)
    with pytest.raises(DownloadError, match="RECBOOK_CACHE"):
        write_atomically(cache_dir() / "file.bin", BODY)


def test_a_write_that_fails_keeps_the_old_file(tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "file.bin", b"old")

    def refuse(source, target):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(DownloadError, match="Read-only file system"):
        write_atomically(path, b"new")
    assert left_behind(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"RECBOOK_CACHE": "/data/x"}, Path("/data/x")),
        ("linux", {}, Path.home() / ".cache" / "recbook"),
        ("linux", {"XDG_CACHE_HOME": "/var/c"}, Path("/var/c/recbook")),
        ("darwin", {}, Path.home() / "Library" / "Caches" / "recbook"),
        ("win32", {"LOCALAPPDATA": "/users/ann/local"}, Path("/users/ann/local/recbook")),
    ],
)
def test_the_cache_stands_where_the_platform_keeps_caches(
    platform, variables, expected, monkeypatch
):
    for name in ("RECBOOK_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_dir() == expected


def test_a_slow_download_shows_progress_and_a_quick_one_does_not(
    server, tmp_path, monkeypatch, capsys
):
    fetch(server.url, tmp_path / "quick", sha256=HASH)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(download, "QUIET_SECONDS", -1.0)
    fetch(server.url, tmp_path / "slow", sha256=HASH)
    assert "of 0.3 MB" in capsys.readouterr().err


def test_the_command_reports_every_data_set_and_fails_if_one_does(monkeypatch, capsys):
    def broken():
        raise DownloadError("cannot reach it; connect to the network")

    monkeypatch.setattr(command, "DATA_SETS", {"A": broken, "B": lambda: "3 rows"})
    assert command.main() == 1
    shown = capsys.readouterr()
    assert shown.err == "A: FAILED: cannot reach it; connect to the network\n"
    assert shown.out.startswith("B: verified; 3 rows (")
    monkeypatch.setattr(command, "DATA_SETS", {"B": lambda: "3 rows"})
    assert command.main() == 0
