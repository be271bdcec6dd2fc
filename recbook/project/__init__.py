"""A whole project on one table: from a CSV of ratings to lists of products with reasons.

In the order of the work: `load` and `read_messy` (clean data and a report of what was mended),
`make_task` (what is held out), `members` (a model of each family), `choose` (learnt on
validation), `judge` (once, on test), `recommend` and `reasons`. `Project` does all of it in one
call, and `python -m recbook recommend` from a shell.

The parts are imported when they are first asked for.
"""

from importlib import import_module

_HOME = {
    "Choice": "recbook.project.choosing",
    "Judgement": "recbook.project.judging",
    "Project": "recbook.project.pipeline",
    "ProjectError": "recbook.project.findings",
    "Reason": "recbook.project.explaining",
    "Report": "recbook.project.findings",
    "Source": "recbook.project.source",
    "choose": "recbook.project.choosing",
    "judge": "recbook.project.judging",
    "left_out": "recbook.project.families",
    "load": "recbook.project.source",
    "make_task": "recbook.project.task",
    "members": "recbook.project.families",
    "rate": "recbook.project.judging",
    "read_items": "recbook.project.catalogue",
    "read_messy": "recbook.project.source",
    "reasons": "recbook.project.explaining",
    "recommend": "recbook.project.lists",
}
__all__ = [*_HOME]


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
