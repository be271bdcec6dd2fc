"""The explorer's data: chosen by a rule, traced to the stored pools, small, and safe to load."""

import base64
import json
import re
import threading
from pathlib import Path

import explorer
import explorer_households as homes
import explorer_lists as lists
import numpy as np
import pandas as pd
import pytest
from explorer_reasons import Explainer, ReasonError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recbook.data.journey import load_complete_journey
from recbook.fusion import ScoreFusion, WeightedFusion
from recbook.fusion.combine import comb_sum
from recbook.fusion.members import stored_pool
from recbook.fusion.normalise import z_score

ROOT = Path(__file__).resolve().parents[2]


def read_script(path: Path) -> dict:
    """Return the literal that a data script assigns."""
    text = path.read_text(encoding="ascii")
    return json.loads(text[text.index("{}, ") + 4 : text.rindex(");")])


@pytest.fixture(scope="module")
def folder() -> Path:
    """The data as the build makes them; made now if they are not there."""
    return explorer.make_explorer(ROOT)


@pytest.fixture(scope="module")
def products() -> pd.DataFrame:
    """The products table of the Complete Journey, by id."""
    return load_complete_journey().products.set_index("product_id")


@pytest.fixture(scope="module")
def data(folder) -> dict:
    """What the page knows once all scripts are loaded, its products by their plain names."""
    common = read_script(folder / "explorer-data.js")
    for task in lists.MODELS:
        common |= read_script(folder / f"explorer-{task}.js")
    common["told"] = common["products"] + common["new"]["more"]["products"]
    common["products"] = [plain(name) for name in common["told"]]
    return common


def plain(name: str) -> str:
    """Return a name without the number that tells it from others of that name."""
    return re.sub(r" #\d+$", "", name)


@pytest.fixture(scope="module", params=list(lists.MODELS))
def pool(request):
    """A task's stored pool with the members that the page shows."""
    return request.param, stored_pool(request.param).only(lists.MODELS[request.param])


def rows_of(data: dict, pool) -> list[int]:
    """Return where the shown households stand in a pool."""
    ids = pd.Index([str(household["id"]) for household in data["households"]])
    users = pd.Index(pool.known.users[pool.users].astype(str))
    return users.get_indexer(ids).tolist()


def decode(row: dict, n_models: int) -> np.ndarray:
    """Return the z-scores of a row, float32 (n_models, n)."""
    return np.frombuffer(base64.b64decode(row["scores"]), dtype="<f4").reshape(n_models, -1)


scores = arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.integers(-3, 3)
)


@given(scores, st.data())
def test_what_is_left_out_is_in_no_list(scores, data):
    parts = data.draw(arrays(np.int64, len(scores), elements=st.integers(0, 20)))
    if not parts.any():
        parts[0] = 1
    fused = comb_sum(scores, parts / parts.sum())
    first = np.argsort(-fused, kind="stable")[:3]
    assert lists.can_be_listed(scores, 3)[first].all()


def test_who_has_ten_before_it_is_left_out():
    scores = np.array([[9.0] * 10 + [1.0, 1.0], [9.0] * 10 + [1.0, 10.0]])
    assert lists.can_be_listed(scores).tolist() == [True] * 10 + [False, True]


def test_weights_become_the_parts_of_a_slider():
    for weights in ([0.4, 0.1, 0.5], [1 / 3, 2 / 3], [0.0, 1.0]):
        parts = np.array(lists.as_parts(np.array(weights)))
        assert parts.max() <= 20 < 2 * parts.max()
        assert (parts / parts.sum()).tolist() == weights
    with pytest.raises(ValueError, match="no parts of 10"):
        lists.as_parts(np.array([0.123, 0.877]))


def test_households_are_chosen_by_their_place_alone(data):
    demographics = load_complete_journey().demographics.sample(frac=1, random_state=0)
    pools = {task: stored_pool(task) for task in lists.MODELS}
    known = pools["new"].known
    chosen = homes.choose_households(demographics, known, pools)
    assert chosen.index.tolist() == [household["id"] for household in data["households"]]
    judged = known.users[np.intersect1d(pools["repeat"].users, pools["new"].users)]
    n = homes.PER_TYPE
    for place, kind in enumerate(homes.TYPES):
        of_kind = demographics[demographics["household_comp"] == kind]
        own = pd.Index(of_kind["household_id"])
        own = np.sort(own[own.isin(judged)])
        middles = [own[int((k + 1 / 2) * len(own) / n)] for k in range(n)]
        assert chosen.index[n * place : n * (place + 1)].tolist() == middles


def test_the_data_are_small_and_the_first_script_smaller(folder):
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.js")}
    assert sum(sizes.values()) <= 1_500_000
    assert sizes["explorer-data.js"] <= 250_000


def test_every_score_is_the_pools_to_the_last_bit(data, pool, products):
    task, pool = pool
    scaled = z_score(pool.scores)
    for at, row in zip(rows_of(data, pool), data[task]["rows"], strict=True):
        n = int(pool.there[at].sum())
        listed = lists.can_be_listed(scaled[:, at, :n])
        mine = decode(row, len(pool.names))
        assert mine.tobytes() == scaled[:, at, :n][:, listed].tobytes()
        ids = pool.known.items[pool.items[at, :n][listed]]
        assert [data["products"][place] for place in row["items"]] == products.name.loc[
            ids
        ].tolist()


def test_each_models_own_list_and_the_fused_ones_survive_the_choice(data, pool, products):
    task, pool = pool
    rows = pool.rows(np.array(rows_of(data, pool)))
    rng = np.random.default_rng(0)
    vectors = [*np.eye(len(pool.names), dtype=int), np.ones(len(pool.names), dtype=int)]
    vectors += [data[task]["weights"], *rng.integers(0, 21, (20, len(pool.names)))]
    for parts in vectors:
        weights = np.array(parts) / np.sum(parts)
        whole = rows.lists(ScoreFusion(pool.names, weights=weights).fuse(rows))
        if sum(part > 0 for part in parts) == 1:
            alone = rows.lists(rows.scores[int(np.argmax(parts))])
            assert np.array_equal(whole, alone)
        for expected, row in zip(whole, data[task]["rows"], strict=True):
            fused = comb_sum(decode(row, len(pool.names)), weights)
            mine = [row["items"][c] for c in np.argsort(-fused, kind="stable")[:10]]
            names = products.name.loc[pool.known.items[expected]].tolist()
            assert [data["products"][place] for place in mine] == names


def test_held_out_is_what_the_task_calls_right(data, pool, products):
    task, pool = pool
    for at, row in zip(rows_of(data, pool), data[task]["rows"], strict=True):
        right = pool.window.relevant[[pool.users[at]]].tocoo().coords[1]
        found = sorted(data["products"][place] for place, *_ in row["held_out"])
        assert found == sorted(products.name.loc[pool.known.items[right]])
        assert all(times >= 1 and 0 <= day < 28 for _, times, day in row["held_out"])


def test_numbers_of_everybody_are_those_of_the_fusion(folder, pool):
    task, pool = pool
    found = json.loads((folder / "explorer.json").read_text("utf-8"))[task]
    assert found["users"] == len(pool.users)
    validation = stored_pool(task, "validation").only(pool.names)
    fusion = WeightedFusion(pool.names, n_steps=lists.N_ROUNDS).learn(validation)
    assert (np.array(found["weights"]) / sum(found["weights"])).tolist() == fusion.weights_.tolist()
    assert found["learnt"]["mean"] == pytest.approx(pool.ndcg(fusion.fuse(pool)).mean(), abs=1e-9)
    assert found["learnt"]["low"] < found["learnt"]["mean"] < found["learnt"]["high"]
    best = [validation.ndcg(one).mean() for one in validation.scores]
    assert found["best"] == int(np.argmax(best))


def test_no_film_is_among_the_data(folder, products):
    names = set(products["name"])
    for path in folder.glob("*.js"):
        content = read_script(path)
        more = content.get("new", {}).get("more", {})
        told = [*content.get("products", []), *more.get("products", [])]
        assert {plain(name) for name in told} <= names
        assert "movielens" not in path.read_text("ascii").lower()


def test_history_and_counts_are_those_of_the_events(data, products):
    known = stored_pool("repeat").known
    names = products.name.loc[known.items].to_numpy()
    for household, row in zip(data["households"], data["repeat"]["rows"], strict=True):
        own = known.user == known.users.get_loc(household["id"])
        assert household["visits"] == len(np.unique(known.time[own]))
        counts = pd.Series(known.item[own]).value_counts()
        assert household["products"] == len(counts)
        assert [n for _, n in household["often"]] == counts.head(6).tolist()
        bought = set(zip(names[counts.index], counts, strict=True))
        told = {(data["products"][row["items"][c]], n) for c, n, _ in row["reasons"][0]}
        assert told
        assert told <= bought


def test_no_two_products_of_the_page_bear_one_name(data, products):
    assert len(set(data["told"])) == len(data["told"])
    assert not any(plain(name) != name for name in products["name"])
    assert explorer.tell_apart(["a", "b", "a"]) == ["a #1", "b", "a #2"]


def test_every_reason_of_the_first_forty_says_something(data):
    for task, names in lists.MODELS.items():
        for row in data[task]["rows"]:
            for name, reasons in zip(names, row["reasons"], strict=True):
                assert all(len(told) >= 3 for told in reasons), (task, name)


@pytest.fixture(scope="module")
def explained():
    """One household's explainer for a few of its candidates."""
    names = ["user neighbours", "content", "pair rules", "PureSVD"]
    pool = stored_pool("new").only(names)
    at = 100
    items = pool.items[at][:12].astype(int)
    return Explainer(names, pool.known, items), pool, at, items


def test_parts_sum_to_the_stored_scores_and_a_wrong_score_is_refused(explained):
    explainer, pool, at, items = explained
    user = int(pool.users[at])
    for name, own in zip(pool.names, pool.scores[:, at, :12], strict=True):
        _, parts = explainer.parts(name, user, items)
        assert parts.sum(axis=0) == pytest.approx(own, rel=1e-4, abs=1e-6)
        with pytest.raises(ReasonError, match=name):
            explainer.explain(name, user, items, own + 1)


def test_rules_and_neighbours_are_counted(explained):
    explainer, pool, at, items = explained
    user, known = int(pool.users[at]), pool.known
    rules = pool.names.index("pair rules")
    told = explainer.explain("pair rules", user, items, pool.scores[rules, at, :12])
    item, (past, with_it, both, _) = next(pair for pair in zip(items, told, strict=True) if pair[1])
    visits = pd.Series(list(zip(known.user, known.time, strict=True)))
    with_past = set(visits[known.item == past])
    assert with_it == len(with_past)
    assert both == len(with_past & set(visits[known.item == item]))
    near = pool.names.index("user neighbours")
    told = explainer.explain("user neighbours", user, items, pool.scores[near, at, :12])
    others = explainer.members["user neighbours"].similarities_[[user]].tocoo().coords[1]
    for item, (n, of) in zip(items, told, strict=True):
        assert (n, of) == (len(set(known.user[known.item == item]) & set(others)), len(others))


def test_a_hostile_name_stays_a_literal(tmp_path):
    name = '</script><img src=x onerror="alert(1)">\u2028'
    common = {"products": [name]}
    tasks = {task: {"rows": [{"items": [0]}]} for task in lists.MODELS}
    explorer.write_data(tmp_path, common, tasks, {})
    assert "<" not in (tmp_path / "explorer-data.js").read_text("ascii")
    assert read_script(tmp_path / "explorer-data.js")["products"] == [name]


def made_by_hand() -> tuple[dict, dict, dict]:
    """Data of no household, in the form of `collect`."""
    return {"households": []}, {task: {"rows": [{}]} for task in lists.MODELS}, {"households": 0}


def test_a_second_build_does_nothing_and_damage_is_mended(monkeypatch, tmp_path):
    monkeypatch.setattr(explorer, "collect", made_by_hand)
    folder = explorer.make_explorer(tmp_path)
    monkeypatch.setattr(explorer, "collect", lambda: pytest.fail("made again"))
    assert explorer.make_explorer(tmp_path) == folder
    (folder / "explorer-new.js").unlink()
    monkeypatch.setattr(explorer, "collect", made_by_hand)
    explorer.make_explorer(tmp_path)
    assert (folder / "explorer-new.js").is_file()


def test_of_two_builds_at_once_the_second_waits(monkeypatch, tmp_path):
    calls, started, go_on = [], threading.Event(), threading.Event()

    def slow() -> tuple[dict, dict, dict]:
        calls.append("made")
        started.set()
        assert go_on.wait(60)
        return made_by_hand()

    monkeypatch.setattr(explorer, "collect", slow)
    monkeypatch.setattr("recbook.data.download.note", lambda text: go_on.set())
    first = threading.Thread(target=explorer.make_explorer, args=[tmp_path])
    first.start()
    assert started.wait(60)
    explorer.make_explorer(tmp_path)  # its note, that it waits, lets the first go on
    first.join()
    assert calls == ["made"]


def test_an_edit_of_any_source_makes_the_data_anew(monkeypatch):
    before, own = (
        explorer.explorer_key(),
        sorted(path.name for path in explorer.SITE.glob("explorer*.py")),
    )
    assert own == sorted(explorer.SOURCES)
    monkeypatch.setattr(explorer, "SOURCES", explorer.SOURCES[:-1])
    assert explorer.explorer_key() != before
