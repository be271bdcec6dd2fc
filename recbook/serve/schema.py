"""What the service takes and gives, and what it says when a request is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

MAX_BATCH = 1000
LATEST = 4_102_444_800  # the year 2100, in seconds: what is above it is not in seconds
# Ids go into addresses, logs and metrics: letters, digits and four signs need no quoting anywhere.
_ID_PATTERN = r"^[A-Za-z0-9._:@-]+$"
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=_ID_PATTERN)]


def _whole(value: Any) -> Any:
    # JSON has one kind of number: 5.0 is a whole one, and some clients write it so.
    return int(value) if isinstance(value, float) and value.is_integer() else value


class EventIn(BaseModel):
    """An event, as a client sends it."""

    model_config = ConfigDict(extra="forbid", strict=True, title="Event")

    id: Id = Field(description="Made by the client, the same whenever it sends the event again.")
    kind: Literal["view", "cart", "purchase"]
    user: Id
    item: Id
    time: Annotated[int, BeforeValidator(_whole)] = Field(
        ge=0, le=LATEST, description="When it happened: seconds since 1970, UTC."
    )
    quantity: float = Field(default=1.0, gt=0, le=1000, allow_inf_nan=False)


Batch = Annotated[list[EventIn], Field(min_length=1, max_length=MAX_BATCH)]
Body = Annotated[
    Annotated[EventIn, Tag("one")] | Annotated[Batch, Tag("batch")],
    Discriminator(lambda body: "batch" if isinstance(body, list) else "one"),
]


class Stored(BaseModel):
    """The answer to events: they are on the disk."""

    stored: int = Field(description="Events that are new.")
    duplicates: int = Field(description="Events that were there already.")
    position: int = Field(description="Of the last event in the log.")


class Scored(BaseModel):
    """An item of a list."""

    item: str
    score: float


class Listed(BaseModel):
    """The answer to a request for recommendations."""

    user: str
    known: bool = Field(description="False: the user has no event, and gets what is popular.")
    items: list[Scored]


class Health(BaseModel):
    """The service is up: how far its log reaches, and how far the recommender has learnt."""

    status: Literal["ok"] = "ok"
    events: int
    learnt: int


class Problem(BaseModel):
    """What was wrong with a request, and how to mend it, in one sentence."""

    error: str


_REMEDIES = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not known; leave it out",
    "string_type": "must be text in quotes",
    "string_unicode": "must be valid text",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number without quotes",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be true or false",
    "float_type": "must be a number without quotes",
    "finite_number": "must be finite",
    "json_invalid": "is no JSON",
    "model_type": "must be an event, or a list of events",
    "model_attributes_type": "must be an event, or a list of events",
}


def sentence(errors: Sequence[dict[str, Any]]) -> str:
    """Return one sentence for the first of a request's errors: the field, the fault, the remedy."""
    first = errors[0]
    where = [part for part in first["loc"][1:] if part not in ("one", "batch")]
    if first["type"] == "json_invalid":
        where = []
    event = f" of event {where.pop(0)}" if where and isinstance(where[0], int) else ""
    name = f"{where[0]}{event}" if where else event.removeprefix(" of ") or "the body"
    more = f" ({len(errors) - 1} more faults follow)" if len(errors) > 1 else ""
    return f"{name} {_remedy(first)}{more}."


def _remedy(error: dict[str, Any]) -> str:
    kind, limits = error["type"], error.get("ctx", {})
    if kind in _REMEDIES:
        return _REMEDIES[kind]
    if kind == "literal_error":
        return f"must be one of {limits['expected']}"
    if kind == "string_pattern_mismatch":
        return "may hold letters, digits and . _ : @ - only"
    if kind == "string_too_long":
        return f"must have at most {limits['max_length']} characters"
    if kind == "too_long":
        return f"must have at most {limits['max_length']} events; send several requests"
    if kind == "too_short":
        return "must have at least one event"
    if kind == "less_than_equal" and limits["le"] == LATEST:
        return "must be in seconds since 1970, and this is past the year 2100 (milliseconds?)"
    return error["msg"].replace("Input should", "must")
