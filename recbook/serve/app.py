"""The HTTP service: events in, recommendations out."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Annotated

try:
    from fastapi import FastAPI, HTTPException, Path, Query, Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse, PlainTextResponse, Response
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from starlette.exceptions import HTTPException as StarletteHTTPException
except ImportError as missing:
    raise ImportError(
        f"the service needs {missing.name}: run pip install 'recbook[serve]'"
    ) from missing

from recbook.serve.event import Event
from recbook.serve.events import EventLog
from recbook.serve.faults import EventConflict, EventLogError
from recbook.serve.limits import BodyLimit
from recbook.serve.live import LiveRecommender
from recbook.serve.metrics import Measured, Metrics
from recbook.serve.schema import Body, EventIn, Health, Id, Listed, Problem, Stored, sentence

_MAX_BODY = 1_000_000  # bytes
_WRONG = {422: {"model": Problem, "description": "The request is wrong; the sentence says how."}}


def create_app(
    log: EventLog,
    recommender: LiveRecommender,
    *,
    clock: Callable[[], float] = time.time,
    max_ahead: float = 300.0,
) -> FastAPI:
    """Return the application; before it takes requests, the recommender follows the log.

    POST /events stores one event or a list, all or none, and answers once they are committed and
    learnt. An event sent again is counted as a duplicate, so that a client which heard no answer
    can send it again: at least once on the wire, exactly once in the log. GET
    /recommendations/{user} gives a list, GET /health and GET /metrics (Prometheus) say how things
    are. Whatever is wrong with a request is answered by a 4xx and {"error": one sentence}.

    Parameters
    ----------
    log : EventLog
        Closed when the application shuts down.
    recommender : LiveRecommender
    clock : callable
        The time in seconds since 1970.
    max_ahead : float
        Seconds by which an event's time may be ahead of the clock.

    Examples
    --------
    >>> app = create_app(None, None)
    >>> sorted(app.openapi()["paths"])
    ['/events', '/health', '/metrics', '/recommendations/{user}']
    """
    registry = CollectorRegistry()
    metrics = Metrics(registry, recommender)

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        recommender.follow(log)
        try:
            yield
        finally:
            log.close()

    app = FastAPI(title="recbook.serve", version="1", lifespan=lifespan, docs_url=None,
                  redoc_url=None)  # fmt: skip
    app.add_middleware(BodyLimit, limit=_MAX_BODY)
    app.add_middleware(Measured, metrics=metrics)

    @app.exception_handler(RequestValidationError)
    async def wrong(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"error": sentence(error.errors())}, 422)

    @app.exception_handler(StarletteHTTPException)
    async def refused(_: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)

    @app.exception_handler(EventLogError)
    async def broken(_: Request, error: EventLogError) -> JSONResponse:
        return JSONResponse({"error": f"{error}."}, 503)

    @app.post(
        "/events",
        responses={
            **_WRONG,
            400: {"model": Problem, "description": "The body is nested too deeply to be read."},
            409: {"model": Problem, "description": "An id came again with other contents."},
            413: {"model": Problem, "description": "The body is too large."},
            503: {"model": Problem, "description": "The log cannot be written; try again later."},
        },
    )
    def events(body: Body) -> Stored:
        """Store one event, or a list of them."""
        batch = body if isinstance(body, list) else [body]
        _refuse_future(batch, clock() + max_ahead)
        try:
            appended = log.append(Event(**one.model_dump()) for one in batch)
        except EventConflict as conflict:
            raise HTTPException(409, f"{conflict}.") from None
        recommender.follow(log)
        metrics.stored(appended)
        return Stored(
            stored=appended.new, duplicates=appended.duplicates, position=appended.position
        )

    @app.get("/recommendations/{user}", responses=_WRONG)
    def recommendations(
        user: Annotated[Id, Path()],
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        exclude_seen: Annotated[bool, Query()] = False,
    ) -> Listed:
        """Recommend `k` items; a user without events gets what is popular."""
        best = recommender.recommend(user, k, exclude_seen=exclude_seen)
        return Listed(user=user, known=recommender.knows(user), items=[
            {"item": item, "score": score} for item, score in best
        ])  # fmt: skip

    @app.get("/health", responses={503: {"model": Problem}})
    def health() -> Health:
        """Say that the log can be read."""
        return Health(events=log.position, learnt=recommender.position)

    @app.get("/metrics", response_class=PlainTextResponse)
    def show_metrics() -> Response:
        """Show the counters, for Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _refuse_future(batch: list[EventIn], latest: float) -> None:
    for place, event in enumerate(batch):
        if event.time > latest:
            which = f" of event {place}" if len(batch) > 1 else ""
            raise HTTPException(
                422,
                f"time{which} is {event.time - latest:,.0f} s further ahead than a clock may be "
                "wrong; send the time at which it happened, in seconds since 1970.",
            )
