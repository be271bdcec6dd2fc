"""The log of events: all or none, once each, and clear words for files that are no logs."""

import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.serve import Appended, Event, EventConflict, EventLog, EventLogError


def event(id, kind="view", user="ann", item="tea", time=0, quantity=1.0):
    return Event(str(id), kind, user, item, time, quantity)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


def test_events_come_back_in_the_order_of_their_commits(path):
    first, second = event(2, "cart", "bo", "milk", 5, 2.0), event(1, time=3)
    with EventLog(path) as log:
        assert log.append([first]) == Appended(1, 0, 1)
        assert log.append([second, event(3)]) == Appended(2, 0, 3)
        assert list(log.replay()) == [(1, first), (2, second), (3, event(3))]
        assert list(log.replay(after=1)) == [(2, second), (3, event(3))]
        assert log.read(0, limit=1) == [(1, first)]
    with EventLog(path) as log:  # and again from the file
        assert list(log.replay()) == [(1, first), (2, second), (3, event(3))]
        assert (len(log), log.position) == (3, 3)


def test_replay_goes_on_past_one_read(path, monkeypatch):
    with EventLog(path) as log:
        log.append(event(n) for n in range(7))
        read = log.read
        monkeypatch.setattr(log, "read", lambda after: read(after, limit=3))
        assert [position for position, _ in log.replay()] == [1, 2, 3, 4, 5, 6, 7]


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6))
def test_each_id_is_stored_once_whatever_is_sent_again(batches):
    with (
        tempfile.TemporaryDirectory() as folder,
        EventLog(Path(folder) / "log.db", synchronous="normal") as log,
    ):
        had = []
        for batch in batches:
            fresh = [n for n in dict.fromkeys(batch) if n not in had]
            had += fresh
            wanted = Appended(len(fresh), len(batch) - len(fresh), len(had))
            assert log.append(map(event, batch)) == wanted
        assert [int(one.id) for _, one in log.replay()] == had


def test_an_id_with_other_contents_is_refused_and_the_batch_with_it(path):
    with EventLog(path) as log:
        log.append([event(1)])
        with pytest.raises(EventConflict, match="'1' is in the log with other contents"):
            log.append([event(2), event(1, "purchase")])
        with pytest.raises(EventConflict):
            log.append([event(3), event(3, time=1)])
        assert list(log.replay()) == [(1, event(1))]
        assert log.append([event(2)]) == Appended(1, 0, 2)


def test_those_who_wait_are_committed_together_and_answered_each_for_himself(path):
    with EventLog(path) as log:
        log.append([event("old")])
        answers = {}

        def send(name, *events):
            try:
                answers[name] = log.append(events)
            except EventConflict as conflict:
                answers[name] = conflict

        senders = [
            threading.Thread(target=send, args=("two", event("a"), event("b"))),
            threading.Thread(target=send, args=("conflict", event("c"), event("old", time=9))),
            threading.Thread(target=send, args=("again", event("old"))),
        ]
        commits = []
        log._connection.set_trace_callback(lambda sql: commits.append(sql.split()[0]))
        with log._lock:  # the disk is busy: they queue up
            for sender in senders:
                sender.start()
            while len(log._queue) < len(senders):
                pass
        for sender in senders:
            sender.join()
        assert commits.count("COMMIT") == 1
        assert (answers["two"].new, answers["again"].duplicates) == (2, 1)
        assert isinstance(answers["conflict"], EventConflict)
        assert sorted(one.id for _, one in log.replay()) == ["a", "b", "old"]


def test_many_threads_lose_nothing_and_double_nothing(path):
    with EventLog(path, synchronous="normal") as log:

        def send(worker):
            for n in range(30):  # every third event is sent by everybody
                log.append([event(n if n % 3 == 0 else f"{worker}-{n}")])

        workers = [threading.Thread(target=send, args=(w,)) for w in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        stored = list(log.replay())
    assert [position for position, _ in stored] == list(range(1, 10 + 4 * 20 + 1))
    assert len({one.id for _, one in stored}) == 10 + 4 * 20


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (event(1, kind="buy"), "kind must be one of view, cart, purchase, got 'buy'"),
        (event(1, user=""), "user must be text"),
        (event(1, item=7), "item must be text"),
        (event("\ud800"), "id must be text"),
        (event(1, time=0.5), "time must be whole seconds"),
        (event(1, time=2**60), "time must be whole seconds"),
        (event(1, quantity=float("nan")), "quantity must be finite"),
    ],
)
def test_what_is_no_event_is_refused_before_it_is_written(path, wrong, message):
    with EventLog(path) as log:
        with pytest.raises(ValueError, match=message):
            log.append([event(9), wrong])
        assert len(log) == 0


def test_a_failed_write_is_not_acknowledged_and_the_log_goes_on(path):
    with EventLog(path) as log:
        log.append([event(1)])
        log._connection.execute(
            f"PRAGMA max_page_count = {log._execute('PRAGMA page_count')[0][0]}"
        )
        with pytest.raises(EventLogError, match=r"cannot be used just now: .*full"):
            log.append(event(f"{n:0200}") for n in range(200))
        log._connection.execute("PRAGMA max_page_count = 100000")
        assert log.append([event(2)]) == Appended(1, 0, 2)


def test_a_second_holder_is_turned_away(path):
    code = (
        "import sys; from recbook.serve import EventLog, EventLogError\n"
        "try: EventLog(sys.argv[1])\n"
        "except EventLogError as error: print(error)"
    )
    with EventLog(path):
        with pytest.raises(EventLogError, match="in use by another process"):
            EventLog(path)
        other = subprocess.run(
            [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
        )
        assert "in use by another process; stop it" in other.stdout
    EventLog(path).close()


def test_files_that_are_no_logs_are_left_alone(path, tmp_path):
    path.write_text("not a database, but long enough to be looked at: " + "x" * 200)
    with pytest.raises(EventLogError, match="is no database; name another file"):
        EventLog(path)
    assert path.read_text().startswith("not a database")
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE event (id TEXT)")
    connection.close()
    with pytest.raises(EventLogError, match="a database of something else"):
        EventLog(foreign)
    with pytest.raises(EventLogError, match="cannot be opened; does its folder exist"):
        EventLog(tmp_path / "nowhere" / "events.db")


def test_a_log_of_another_version_is_refused(path):
    EventLog(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(EventLogError, match="not a log of version 1"):
        EventLog(path)


def test_damage_is_seen_when_the_log_is_opened(path):
    with EventLog(path) as log:
        log.append(event(n) for n in range(2000))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(EventLogError, match=r"is damaged \(.*\); restore it from a copy"):
        EventLog(path)


def test_a_closed_log_says_so(path):
    log = EventLog(path)
    log.close()
    log.close()
    for use in (lambda: log.append([event(1)]), log.read, lambda: len(log)):
        with pytest.raises(EventLogError, match="is closed; open it again"):
            use()
    with pytest.raises(ValueError, match="synchronous must be"):
        EventLog(path, synchronous="off")


def test_it_is_write_ahead_and_waits_for_the_disk_unless_told_not_to(path):
    for mode, number in (("full", 2), ("normal", 1)):
        with EventLog(path, synchronous=mode) as log:
            assert log._execute("PRAGMA journal_mode") == [("wal",)]
            assert log._execute("PRAGMA synchronous") == [(number,)]
