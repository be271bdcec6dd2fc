"""The HTTP service, in process: valid answers to anything, clear words for bad requests."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

from recbook.serve import Event, EventLog, LiveRecommender
from recbook.serve.app import create_app
from recbook.serve.limits import BodyLimit
from recbook.serve.schema import LATEST

NOW = 1_700_000_000
GOOD = {"id": "1", "kind": "view", "user": "ann", "item": "tea", "time": NOW}


class Answer:
    def __init__(self, messages):
        self.status = messages[0]["status"]
        self.content = b"".join(message.get("body", b"") for message in messages[1:])

    @property
    def json(self):
        return json.loads(self.content)

    @property
    def problem(self):
        return self.status, self.json


async def ask(app, method, address, parts=(b"",), headers=()):
    """Call an ASGI application the way a server does; the body comes in parts."""
    path, _, query = address.partition("?")
    scope = {"type": "http", "http_version": "1.1", "method": method, "path": path,
             "query_string": query.encode(), "headers": [*headers], "scheme": "http",
             "root_path": "", "server": ("test", 80), "client": ("test", 1)}  # fmt: skip
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting[-1]["more_body"] = False
    messages = []

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        messages.append(message)

    await app(scope, receive, send)
    return Answer(messages)


def run(coroutine):
    """Run in a thread of its own: in this one the browser's tests may have left a loop running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


class Service:
    """An application with its log and recommender, asked in process."""

    def __init__(self, path, *, now=NOW, **options):
        self.log = EventLog(path, synchronous="normal")
        self.recommender = LiveRecommender(**options)
        self.app = create_app(self.log, self.recommender, clock=lambda: now)

    @contextmanager
    def running(self):
        """From the start to the shutdown, as a server has it."""
        lifespan, loop = self.app.router.lifespan_context(self.app), asyncio.new_event_loop()
        with ThreadPoolExecutor(1) as thread:  # one loop from start to end, for the reason of `run`
            thread.submit(loop.run_until_complete, lifespan.__aenter__()).result()
            try:
                yield self
            finally:
                end = lifespan.__aexit__(None, None, None)
                thread.submit(loop.run_until_complete, end).result()
                loop.close()

    def get(self, address):
        return run(ask(self.app, "GET", address))

    def send(self, *parts):
        kind = [(b"content-type", b"application/json")]
        if len(parts) == 1:
            kind.append((b"content-length", str(len(parts[0])).encode()))
        return run(ask(self.app, "POST", "/events", parts, kind))

    def post(self, body):
        return self.send(json.dumps(body).encode())

    def items(self, user, **query):
        answer = self.get(f"/recommendations/{user}?{urlencode(query)}")
        assert answer.status == 200
        return [one["item"] for one in answer.json["items"]]

    def counted(self, name):
        lines = self.get("/metrics").content.decode().splitlines()
        found = [line for line in lines if line.startswith(name + " ")]
        return float(found[0].rsplit(" ", 1)[1]) if found else 0


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path / "log.db").running() as running:
        yield running


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    # So late a clock that every time that the schema allows has been.
    service = Service(tmp_path_factory.mktemp("api") / "log.db", now=LATEST)
    service.log.append([Event("0", "view", "ann", "tea", 0)])
    close = service.log.close
    service.log.close = lambda: None  # the application is shut down and started for each request
    yield schemathesis.openapi.from_asgi("/openapi.json", service.app)
    close()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(
    "operation",
    ["POST /events", "GET /recommendations/{user}", "GET /health", "GET /metrics"],
)
def test_whatever_is_asked_the_answer_fits_the_schema_and_is_no_server_error(api, operation, mode):
    found = {one.ok().label: one.ok() for one in api.get_all_operations()}
    assert len(found) == 4
    if mode is GenerationMode.NEGATIVE and operation in ("GET /health", "GET /metrics"):
        mode = GenerationMode.POSITIVE  # they take nothing that could be wrong

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(found[operation].as_strategy(generation_mode=mode))
    def check(case):
        case.call_and_validate()

    check()


def test_the_property_test_would_see_a_server_error():
    """The checks that run above hold those for server errors and for the schema."""
    run = {check.__name__ for check in CHECKS.get_all()}
    assert {"not_a_server_error", "status_code_conformance", "content_type_conformance",
            "response_schema_conformance", "negative_data_rejection",
            "positive_data_acceptance"} <= run  # fmt: skip


def test_an_event_is_stored_learnt_and_answered(service):
    assert service.post(GOOD).json == {"stored": 1, "duplicates": 0, "position": 1}
    assert service.log.read() == [(1, Event("1", "view", "ann", "tea", NOW, 1.0))]
    assert service.post({**GOOD, "time": float(NOW)}).json["duplicates"] == 1  # JSON: the same
    milk = {**GOOD, "id": "2", "kind": "purchase", "item": "milk", "quantity": 2}
    assert service.post([milk, GOOD]).json == {"stored": 1, "duplicates": 1, "position": 2}
    answer = service.get("/recommendations/ann?k=1").json
    assert (answer["user"], answer["known"]) == ("ann", True)
    assert answer["items"] == [{"item": "milk", "score": pytest.approx((5 + 0.1 * 5) / 6)}]
    assert service.items("ann", exclude_seen=True) == []
    assert service.get("/health").json == {"status": "ok", "events": 2, "learnt": 2}


def test_a_stranger_gets_what_is_popular(service):
    service.post([GOOD, {**GOOD, "id": "2", "kind": "cart", "item": "milk"}])
    answer = service.get("/recommendations/stranger")
    assert answer.status == 200
    assert answer.json["known"] is False
    assert service.items("stranger") == ["milk", "tea"]


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (without("user"), "user is missing; add it."),
        ({**GOOD, "colour": "red"}, "colour is not known; leave it out."),
        ({**GOOD, "user": 7}, "user must be text in quotes."),
        ({**GOOD, "user": ""}, "user must not be empty."),
        ({**GOOD, "user": "ann smith"}, "user may hold letters, digits and . _ : @ - only."),
        ({**GOOD, "item": "x" * 65}, "item must have at most 64 characters."),
        ({**GOOD, "kind": "buy"}, "kind must be one of 'view', 'cart' or 'purchase'."),
        ({**GOOD, "time": "1700000000"}, "time must be a whole number without quotes."),
        ({**GOOD, "time": 0.5}, "time must be a whole number without quotes."),
        ({**GOOD, "time": True}, "time must be a whole number without quotes."),
        ({**GOOD, "time": -1}, "time must be greater than or equal to 0."),
        (
            {**GOOD, "time": NOW * 1000},
            "time must be in seconds since 1970, and this is past the year 2100 (milliseconds?).",
        ),
        (
            {**GOOD, "time": NOW + 300 + 5000},
            "time is 5,000 s further ahead than a clock may be wrong; "
            "send the time at which it happened, in seconds since 1970.",
        ),
        ({**GOOD, "quantity": 0}, "quantity must be greater than 0."),
        ({**GOOD, "quantity": -2}, "quantity must be greater than 0."),
        ({**GOOD, "quantity": 1e9}, "quantity must be less than or equal to 1000."),
        ({**GOOD, "quantity": "two"}, "quantity must be a number without quotes."),
        ([GOOD, {**GOOD, "kind": 3}],
         "kind of event 1 must be one of 'view', 'cart' or 'purchase'."),
        ([GOOD, {**GOOD, "id": "2", "time": NOW + 301}],
         "time of event 1 is 1 s further ahead than a clock may be wrong; "
         "send the time at which it happened, in seconds since 1970."),
        ([GOOD, 5], "event 1 must be an event, or a list of events."),
        ([], "the body must have at least one event."),
        ([GOOD] * 1001, "the body must have at most 1000 events; send several requests."),
        ("hello", "the body must be an event, or a list of events."),
        ({}, "id is missing; add it (4 more faults follow)."),
    ],
)  # fmt: skip
def test_a_bad_event_is_refused_in_one_sentence_and_nothing_is_stored(service, body, message):
    answer = service.post(body)
    assert answer.problem == (422, {"error": message})
    assert len(service.log) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{'id': 1}", "the body is no JSON."),
        (b"", "the body is missing; add it."),
        (json.dumps({**GOOD, "quantity": float("nan")}).encode(), "quantity must be finite."),
        (json.dumps({**GOOD, "user": "\ud800"}).encode(), "user must be valid text."),
    ],
)
def test_what_is_not_even_an_event_is_refused(service, content, message):
    answer = service.send(content)
    assert answer.problem == (422, {"error": message})


@pytest.mark.parametrize(
    ("address", "status", "message"),
    [
        ("/recommendations/ann?k=0", 422, "k must be greater than or equal to 1."),
        ("/recommendations/ann?k=101", 422, "k must be less than or equal to 100."),
        ("/recommendations/ann?k=many", 422, "k must be a whole number."),
        ("/recommendations/ann?exclude_seen=perhaps", 422, "exclude_seen must be true or false."),
        ("/recommendations/a b", 422, "user may hold letters, digits and . _ : @ - only."),
        ("/nowhere", 404, "Not Found"),
        ("/events", 405, "Method Not Allowed"),
    ],
)
def test_a_bad_address_is_refused(service, address, status, message):
    answer = service.get(address)
    assert answer.problem == (status, {"error": message})


def test_a_body_nested_without_end_is_refused(service):
    answer = service.send(b"[" * 20_000)
    assert answer.status == 400
    assert "parsing the body" in answer.json["error"]


def test_a_body_too_large_is_refused_whether_or_not_it_says_so(service):
    parts = [b"x" * 600_000] * 2
    for content in ([b"".join(parts)], parts):  # with a length, and in pieces
        answer = service.send(*content)
        assert answer.status == 413
        assert answer.json["error"].startswith("the body has more than 1,000,000 bytes")


def test_a_client_that_goes_away_in_the_middle_is_let_go():
    reached, sent = [], []

    async def inner(scope, receive, send):
        reached.append(scope)

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    run(BodyLimit(inner, limit=10)({"type": "http", "headers": []}, receive, send))
    assert (reached, sent) == ([], [])


def test_an_id_with_other_contents_is_a_conflict(service):
    service.post(GOOD)
    answer = service.post([{**GOOD, "id": "2"}, {**GOOD, "item": "milk"}])
    assert answer.status == 409
    assert answer.json["error"].startswith("event id '1' is in the log with other contents")
    assert len(service.log) == 1


def test_a_log_that_fails_is_said_and_not_acknowledged(service):
    service.log.close()
    for answer in (service.post(GOOD), service.get("/health")):
        assert answer.status == 503
        assert answer.json["error"].endswith("is closed; open it again.")


def test_metrics_count_what_happened(service):
    service.post([GOOD, GOOD, {**GOOD, "id": "2"}])
    service.post({**GOOD, "kind": "buy"})
    for user in ("ann", "ann", "stranger", "other"):
        service.items(user)
    service.get("/recommendations/a b")
    service.get("/made/up/address")
    wanted = {
        'recbook_events_total{outcome="new"}': 2,
        'recbook_events_total{outcome="duplicate"}': 1,
        'recbook_lists_total{cache="miss"}': 2,
        'recbook_lists_total{cache="hit"}': 2,
        'recbook_requests_total{route="/events",status="200"}': 1,
        'recbook_requests_total{route="/events",status="422"}': 1,
        'recbook_requests_total{route="/recommendations/{user}",status="200"}': 4,
        'recbook_requests_total{route="/recommendations/{user}",status="422"}': 1,
        'recbook_requests_total{route="none",status="404"}': 1,
        'recbook_request_seconds_count{route="/events"}': 2,
        "recbook_learnt_position": 2,
    }
    assert {name: service.counted(name) for name in wanted} == wanted


def test_two_applications_do_not_share_their_counters(service, tmp_path):
    service.post(GOOD)
    with Service(tmp_path / "other.db").running() as other:
        name = 'recbook_events_total{outcome="new"}'
        assert (service.counted(name), other.counted(name)) == (1, 0)


def test_a_list_is_cached_until_its_user_does_something(tmp_path):
    with Service(tmp_path / "log.db", popular_every=100).running() as running:
        running.post([GOOD, {**GOOD, "id": "2", "user": "bo", "item": "milk"}])
        for user in ("ann", "bo", "ann", "bo"):
            running.items(user)
        assert (running.recommender.hits, running.recommender.misses) == (2, 2)
        running.post({**GOOD, "id": "3", "item": "cake"})
        assert set(running.items("ann")) == {"tea", "cake"}
        assert running.items("bo") == ["milk"]
        assert (running.recommender.hits, running.recommender.misses) == (3, 3)


def test_a_restart_gives_the_same_lists(tmp_path):
    def lists(running):
        return {user: running.get(f"/recommendations/{user}").json for user in "abcx"}

    with Service(tmp_path / "log.db").running() as first:
        first.post([{**GOOD, "id": str(n), "user": "abc"[n % 3], "item": f"i{n % 7}"}
                    for n in range(40)])  # fmt: skip
        before = lists(first)
    with Service(tmp_path / "log.db").running() as second:  # the first has closed its log
        assert lists(second) == before
        assert second.post({**GOOD, "id": "7", "user": "b", "item": "i0"}).json["duplicates"] == 1


def test_clients_together_give_what_one_gives_alone(service, tmp_path):
    batches = [
        [{**GOOD, "id": f"{n}-{m}", "user": f"u{m}", "item": f"i{n % 5}", "time": NOW - 9000 * n}
         for m in range(4)] for n in range(40)
    ]  # fmt: skip
    problems = []

    def send(part):
        for batch in batches[part::4]:
            answers = service.post(batch), service.get("/recommendations/u1")
            problems.extend(a.content for a in answers if a.status != 200)

    threads = [threading.Thread(target=send, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Service(tmp_path / "alone.db").running() as alone:
        for batch in batches:
            alone.post(batch)
        assert problems == []
        assert len(service.log) == len(alone.log) == 160
        for user in ("u0", "u1", "u2", "u3", "stranger"):
            ours, theirs = service.recommender.scores(user), alone.recommender.scores(user)
            assert ours == pytest.approx(theirs, rel=1e-9)
