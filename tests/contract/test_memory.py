"""No model takes more memory than its docstring states.

The statement is one line of the class's notes, with formulas in bytes over n_users, n_items,
n_events, n_rows (users scored) or n_pairs (ratings predicted), and the constructor's parameters:

    Memory: fit at most ``8 * n_items**2 + 1e6`` bytes, score at most
    ``6 * n_rows * n_items`` bytes.

TensorFlow's memory is not Python's, so that of a deep model is the growth of a process of its own.
"""

import pickle
import re
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from registered import PREDICTORS, RECOMMENDERS, label

from recbook.data.interactions import Interactions
from recbook.models.deep.base import DeepRecommender

N_USERS, N_ITEMS, N_EVENTS = 2000, 1500, 60_000
STATED = re.compile(
    r"Memory: fit at most ``(?P<fit>[^`]+)`` bytes,"
    r"\s+(?P<verb>score|predict) at most ``(?P<ask>[^`]+)`` bytes"
)
# More rounds take no more memory; a pass of LDA takes long while memory is traced.
ROUNDS = {"epochs": 2, "n_epochs": 2, "n_iterations": 2, "n_passes": 1}
EVERY = [model for model, _ in [*RECOMMENDERS, *PREDICTORS]]
DEEP = {type(model): model for model in EVERY if isinstance(model, DeepRecommender)}
MODELS = [model for model in EVERY if type(model) not in DEEP]
GROWTH = """
import pickle, sys, threading, time
import psutil

model, warm, events, rows = pickle.load(sys.stdin.buffer)
process, found, done = psutil.Process(), [], threading.Event()
model.fit(warm).score(rows)
start = process.memory_info().rss

def watch():
    while not done.wait(0.002):
        found.append(process.memory_info().rss - start)

watcher = threading.Thread(target=watch)
watcher.start()
try:
    model.fit(events)
    found.append(process.memory_info().rss - start)
    fit, found[:] = max(found), []
    start = process.memory_info().rss
    model.score(rows)
    found.append(process.memory_info().rss - start)
finally:
    done.set()
    watcher.join()
print(fit, max(found))
"""


@pytest.fixture(scope="module")
def events() -> Interactions:
    """Distinct cells, few of the items popular; ratings from 1 to 5, times over a year."""
    rng = np.random.default_rng(0)
    popularity = 1 / (10 + np.arange(N_ITEMS))
    item = rng.choice(N_ITEMS, size=2 * N_EVENTS, p=popularity / popularity.sum())
    cells = np.unique(rng.integers(N_USERS, size=2 * N_EVENTS) * N_ITEMS + item)
    cells = rng.permutation(cells)[:N_EVENTS]
    assert len(cells) == N_EVENTS
    return Interactions(
        user=cells // N_ITEMS, item=cells % N_ITEMS, value=rng.integers(1, 6, N_EVENTS),
        time=30 * 86_400 * rng.integers(12, size=N_EVENTS),  # baskets of two or three
        users=pd.RangeIndex(N_USERS), items=pd.RangeIndex(N_ITEMS),
    )  # fmt: skip


def peak(function) -> int:
    """Return the bytes that a call held at most, beyond what was there before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def stated_by(model) -> re.Match:
    """Return the statement of a model's docstring."""
    stated = STATED.search(" ".join(type(model).__doc__.split()))
    assert stated, f"{type(model).__name__} does not state its memory; see this module's docstring"
    return stated


@pytest.mark.parametrize("model", DEEP.values(), ids=lambda model: type(model).__name__)
def test_memory_of_a_deep_model_stays_below_what_is_stated(model, events):
    stated = stated_by(model)
    sizes = {"n_users": N_USERS, "n_items": N_ITEMS, "n_events": N_EVENTS, "n_rows": 500}
    params = {**model.get_params(), "epochs": 2}
    rows = np.arange(500)
    given = pickle.dumps((type(model)(**params), events.select(events.user < 50), events, rows))
    command = [sys.executable, "-c", GROWTH]
    done = subprocess.run(command, input=given, capture_output=True, check=True)
    for used, part in zip(map(int, done.stdout.split()), ("fit", "ask"), strict=True):
        allowed = eval(stated[part], {"min": min, "max": max}, sizes | params)
        assert used <= allowed, f"{part} took {used:,} bytes, {allowed:,.0f} are stated"
        assert allowed < 4e9, f"{part}: {allowed:,.0f} bytes are far too many to state"


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_memory_stays_below_what_is_stated(model, events):
    stated = stated_by(model)
    sizes = {"n_users": N_USERS, "n_items": N_ITEMS, "n_events": N_EVENTS}
    params = model.get_params()
    params |= {name: ROUNDS[name] for name in ROUNDS if name in params}
    allowed = eval(stated["fit"], {"min": min, "max": max}, sizes | params)
    model = type(model)(**params)
    warm = events.select(events.user < 50)
    model.fit(warm)  # what is imported or compiled at the first call is not the model's
    used = peak(lambda: model.fit(events))
    assert used <= allowed, f"fit took {used:,} bytes, {allowed:,.0f} are stated"
    assert used >= allowed / 10, (
        f"fit took {used:,} bytes; {allowed:,.0f} are far too many to state"
    )

    rng = np.random.default_rng(1)
    rows, pairs = rng.choice(N_USERS, 500, replace=False), 20_000
    sizes |= {"n_rows": len(rows), "n_pairs": pairs}
    allowed = eval(stated["ask"], {"min": min, "max": max}, sizes | params)
    if stated["verb"] == "score":
        used = peak(lambda: model.score(rows))
    else:
        users, items = rng.integers(N_USERS, size=pairs), rng.integers(N_ITEMS, size=pairs)
        used = peak(lambda: model.predict(users, items))
    assert used <= allowed, f"{stated['verb']} took {used:,} bytes, {allowed:,.0f} are stated"
