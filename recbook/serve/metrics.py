"""The counters of the service, one set for each application."""

from __future__ import annotations

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # seconds


class Metrics:
    """Requests by route and status, their seconds, events by outcome, the cache, the position."""

    def __init__(self, registry: CollectorRegistry, recommender) -> None:
        self._recommender = recommender
        self._requests = Counter(
            "recbook_requests", "Requests answered.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "recbook_request_seconds", "Time to answer.", ["route"], buckets=_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self._events = Counter(
            "recbook_events", "Events acknowledged.", ["outcome"], registry=registry
        )
        registry.register(self)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request and its time."""
        self._seconds.labels(route).observe(seconds)
        self._requests.labels(route, str(status)).inc()

    def stored(self, appended) -> None:
        """Count what was acknowledged."""
        self._events.labels("new").inc(appended.new)
        self._events.labels("duplicate").inc(appended.duplicates)

    def collect(self):
        """Give the numbers that others keep, when they are asked for."""
        if self._recommender is None:
            return
        lists = CounterMetricFamily("recbook_lists", "Lists given.", labels=["cache"])
        lists.add_metric(["hit"], self._recommender.hits)
        lists.add_metric(["miss"], self._recommender.misses)
        yield lists
        yield GaugeMetricFamily(
            "recbook_learnt_position", "Position in the log that the recommender has reached.",
            self._recommender.position,
        )  # fmt: skip


class Measured:
    """ASGI middleware: counts each request under its route's pattern.

    Not under the address itself: made-up addresses must not make new counters.
    """

    def __init__(self, app, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope, receive, send) -> None:
        """Pass a request on, and look at the status of its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), 500

        async def noted(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.answered(route, status, perf_counter() - started)
