"""The service as a process of its own: killed, restarted, stopped, started wrongly."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy import sparse

from recbook.serve import EventLog, ItemWeights, LiveRecommender

TIME = 1_700_000_000


def start(path, *options):
    """Return the process and its port; it prints the line once connections are taken."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "recbook.serve", "--db", str(path), "--port", "0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate()[1])
    return process, int(line.split()[0].rsplit(":", 1)[1])


def ask(connection, method, address, body=None):
    connection.request(
        method, address, None if body is None else json.dumps(body),
        {"content-type": "application/json"},
    )  # fmt: skip
    answer = connection.getresponse()
    return answer.status, answer.read()


def event(worker, n):
    return {"id": f"{worker}-{n}", "kind": ("view", "cart", "purchase")[n % 3],
            "user": f"u{n % 7}", "item": f"i{n * (worker + 2) % 11}", "time": TIME + n}  # fmt: skip


def stream_until_it_dies(port, worker, first, sent, acknowledged):
    """Send events one after the other until the connection breaks; note what was acknowledged."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        for n in range(first, first + 100_000):
            sent.add(f"{worker}-{n}")
            status, _ = ask(connection, "POST", "/events", event(worker, n))
            assert status == 200
            acknowledged.append(f"{worker}-{n}")
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()


@pytest.mark.parametrize(("synchronous", "kills"), [("full", 3), ("normal", 2)])
def test_kill_9_in_the_middle_of_a_stream_loses_no_acknowledged_event(tmp_path, synchronous, kills):
    path, rng = tmp_path / "log.db", np.random.default_rng(0)
    sent, acknowledged = set(), []
    for attempt in range(kills):
        process, port = start(path, "--synchronous", synchronous)
        try:
            before = len(acknowledged)
            workers = [
                threading.Thread(
                    target=stream_until_it_dies,
                    args=(port, worker, attempt * 100_000, sent, acknowledged),
                )
                for worker in range(3)
            ]
            for worker in workers:
                worker.start()
            wanted = before + int(rng.integers(5, 120))  # in the middle of the stream, anywhere
            while len(acknowledged) < wanted and any(w.is_alive() for w in workers):
                workers[0].join(timeout=0.001)
            process.send_signal(signal.SIGKILL)
            for worker in workers:
                worker.join()
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert len(acknowledged) >= wanted
    with EventLog(path) as log:
        stored = [one.id for _, one in log.replay()]
        replayed = LiveRecommender()
        replayed.follow(log)
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored) <= sent
    assert len(stored) - len(acknowledged) <= 3 * kills  # in flight: one a worker and a kill
    # The service, started once more: what was in flight is sent again, and the lists are the log's.
    process, port = start(path)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        last = [event(*map(int, id.split("-"))) for id in stored[-50:]]
        status, body = ask(connection, "POST", "/events", last)
        assert (status, json.loads(body)["duplicates"]) == (200, 50)
        for user in ("u0", "u3", "stranger"):
            status, body = ask(connection, "GET", f"/recommendations/{user}")
            given = [(one["item"], one["score"]) for one in json.loads(body)["items"]]
            assert given == replayed.recommend(user)
        connection.close()
    finally:
        process.terminate()
        _, complaints = process.communicate()
    assert complaints == ""


def test_it_stops_when_told_to_and_serves_weights(tmp_path):
    weights = tmp_path / "weights.npz"
    ItemWeights(["a", "b"], sparse.csr_array([[0, 0.5], [0, 0]])).save(weights)
    process, port = start(tmp_path / "log.db", "--weights", str(weights))
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        body = {"id": "1", "kind": "view", "user": "ann", "item": "a", "time": TIME}
        assert ask(connection, "POST", "/events", body)[0] == 200
        status, answer = ask(connection, "GET", "/recommendations/ann?exclude_seen=true")
        assert (status, [one["item"] for one in json.loads(answer)["items"]]) == (200, ["b"])
        connection.close()
    finally:
        process.terminate()
        _, complaints = process.communicate()
    assert complaints == ""
    assert process.returncode in (0, -signal.SIGTERM)
    assert not (tmp_path / "log.db-wal").exists()  # closed in order: all is in the one file
    with EventLog(tmp_path / "log.db") as log:
        assert len(log) == 1


def test_wrong_starts_end_with_one_sentence(tmp_path):
    (tmp_path / "text.db").write_text("no database, and long enough to tell: " + "x" * 100)
    with socket.socket() as taken, EventLog(tmp_path / "held.db"):
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = str(taken.getsockname()[1])
        cases = {
            ("--db", tmp_path / "held.db", "--port", "0"): "is in use by another process",
            ("--db", tmp_path / "text.db", "--port", "0"): "is no database; name another file",
            ("--db", tmp_path / "new.db", "--port", busy): "cannot listen on 127.0.0.1:",
            ("--db", tmp_path / "new.db", "--weights", "none.npz"): "holds no item weights",
        }
        running = {
            message: subprocess.Popen(
                [sys.executable, "-m", "recbook.serve", *map(str, options)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
            )
            for options, message in cases.items()
        }  # fmt: skip
        for message, process in running.items():
            printed, complaint = process.communicate()
            assert (process.returncode, printed) == (2, "")
            assert message in complaint
            assert len(complaint.splitlines()) == 1


def test_without_the_extra_it_says_what_to_install():
    code = (
        "import sys; sys.modules['fastapi'] = None\n"
        "import recbook.serve\n"
        "from recbook.serve.__main__ import main\n"
        "assert main(['--db', 'x.db']) == 2\n"
        "import recbook.serve.app"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    first, *_, last = done.stderr.splitlines()
    assert "pip install 'recbook[serve]'" in first
    assert last == "ImportError: the service needs fastapi: run pip install 'recbook[serve]'"
