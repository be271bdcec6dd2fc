"""Make the data of the explorer page from the stored pools: `make_explorer(root)`.

`_build/explorer` then holds `explorer-data.js` (households, products, the first list),
`explorer-repeat.js` and `explorer-new.js` (all lists of a task), and `explorer.json`, the few
numbers that stand in the page's text.

The fused list of the page is the one that `recbook.fusion` gives on the stored pool, for all
weights of 0 and more. A pool has some 380 candidates a household; sent are those that can get into
a list at all, see `can_be_listed`.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

SITE = Path(__file__).resolve().parent
sys.path[:0] = [str(SITE)]

K = 10  # length of a list
N_PARTS = 20  # of a slider
N_ROUNDS = 10  # of the search for the learnt weights, as in chapter 10
PER_TYPE = 6  # households of each type
REASON_DEPTH = 40  # a model gives a reason for its first so many candidates
N_BASKETS = 6
ROUNDING = 1e-5  # above what float32 can lose of a fused score below 100
TYPES = {
    "1 Adult No Kids": "One adult, no children",
    "2 Adults No Kids": "Two adults, no children",
    "1 Adult Kids": "One adult with children",
    "2 Adults Kids": "Two adults with children",
}
KIDS = {"1": "one child", "2": "two children", "3+": "three or more children"}
COUNTED = ("personal frequency", "recent popularity")  # no sums of parts: what they count is told
SHARED = ["personal frequency", "recent popularity", "user neighbours", "content", "pair rules"]
MODELS = {
    "repeat": [*SHARED, "PureSVD", "EASE, own past"],
    "new": [*SHARED, "PureSVD", "EASE, discovery"],
}
SCRIPTS = ("explorer-data.js", "explorer-repeat.js", "explorer-new.js")
TITLES = {"repeat": "Next purchases", "new": "Discovery"}
DEPARTMENTS = {
    "DRUG GM": "drugstore and household goods",
    "MEAT-PCKGD": "packaged meat",
    "SEAFOOD-PCKGD": "packaged seafood",
    "NUTRITION": "health food",
    "SALAD BAR": "the salad bar",
    "COSMETICS": "cosmetics",
    "GROCERY": "dry groceries and dairy",
    "PRODUCE": "fruit and vegetables",
    "MEAT": "fresh meat",
    "DELI": "the delicatessen counter",
    "PASTRY": "the bakery counter",
    "SPIRITS": "wine and spirits",
}


def make_explorer(root: Path) -> Path:
    """Write the explorer's data into `root/_build/explorer` and return that folder.

    Nothing is done where the data of the same code and the same members lie there already.
    """
    folder = Path(root) / "_build" / "explorer"
    key, stamp = explorer_key(), folder / "key.txt"
    written = [folder / name for name in (*SCRIPTS, "explorer.json")]
    whole = all(path.is_file() for path in written)
    if whole and stamp.is_file() and stamp.read_text(encoding="utf-8") == key:
        print("  explorer: unchanged", flush=True)
        return folder
    common, tasks, summary = collect()
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    write_data(folder, common, tasks, summary)
    stamp.write_text(key, encoding="utf-8")
    kilobytes = sum(path.stat().st_size for path in folder.glob("*.js")) / 1000
    print(f"  explorer: {len(common['households'])} households, {kilobytes:.0f} kB", flush=True)
    return folder


def explorer_key() -> str:
    """Return a hash of everything the data depend on: this code, the members, the tables."""
    from recbook.data.journey import SHA256
    from recbook.fusion.store import content_key

    own = [(SITE / name).read_bytes() for name in ("explorer.py", "explorer_reasons.py")]
    sources = [hashlib.sha256(text).hexdigest() for text in own]
    return content_key("recbook.fusion.members", ["explorer", *sources, sorted(SHA256.items())])


def write_data(folder: Path, common: dict, tasks: dict, summary: dict) -> None:
    """Write the scripts and the summary.

    The first script is enough for the first household's next purchases. The others hold all rows
    of a task, and the page asks for them when the reader does.
    """
    first = tasks["repeat"] | {"rows": tasks["repeat"]["rows"][:1]}
    versions = {
        task: hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
        for task, content in tasks.items()
    }
    contents = {"data": {**common, "versions": versions, "repeat": first}}
    contents |= {task: {task: content} for task, content in tasks.items()}
    for name, content in contents.items():
        # As ASCII, and without "<": whatever a product is called, this stays one literal.
        text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
        script = (
            f"window.recbookExplorer = Object.assign(window.recbookExplorer || {{}}, {text});\n"
        )
        (folder / f"explorer-{name}.js").write_text(script, encoding="ascii")
    text = json.dumps(summary, indent=1, sort_keys=True)
    (folder / "explorer.json").write_text(text + "\n", encoding="utf-8")


def collect() -> tuple[dict, dict[str, dict], dict]:
    """Return what both tasks share, what each has for itself, and the summary of all."""
    from explorer_reasons import Explainer

    from recbook.data.journey import load_complete_journey
    from recbook.fusion.members import stored_pool

    journey = load_complete_journey()
    pools = {task: stored_pool(task).only(names) for task, names in MODELS.items()}
    known = pools["repeat"].known
    chosen = choose_households(journey.demographics, known, pools)
    positions = known.users.get_indexer(chosen.index)
    parts = {task: _candidates(pool, positions) for task, pool in pools.items()}
    needed = np.unique(np.concatenate([r["reasoned"] for p in parts.values() for r in p]))
    names = [*MODELS["repeat"], *MODELS["new"]]
    explainer = Explainer(list(dict.fromkeys(names)), known, needed)
    counted = explainer.members["personal frequency"].popularity_ * known.n_users
    recent = explainer.members["recent popularity"].counts_
    for task, rows in parts.items():
        for row in rows:
            _add_reasons(row, task, explainer)

    past = _History(known, journey.products)
    households = [
        past.describe(position, household, row)
        for position, (household, row) in zip(positions, chosen.iterrows(), strict=True)
    ]
    held_out = {task: _held_out(pool, positions) for task, pool in pools.items()}
    first, more = _used_products(households, parts, held_out)
    place = {item: n for n, item in enumerate([*first, *more])}
    name_of = journey.products.set_index("product_id")["name"]

    def told_of(used: list[int]) -> dict[str, list]:
        return {
            "products": [str(name_of.loc[known.items[item]]) for item in used],
            "ever": [round(float(counted[item])) for item in used],
            "recent": [int(recent[item]) for item in used],
        }

    common = {
        **told_of(first),
        "n_users": known.n_users,
        "cut": _store_day(past.cut).isoformat(),
        "types": list(TYPES.values()),
        "households": [_placed(household, place) for household in households],
    }
    tasks, summary = {}, {"households": len(chosen)}
    for task, pool in pools.items():
        weights, found = judge(task, pool, journey.demographics["household_id"])
        summary[task] = found
        tasks[task] = {
            "models": MODELS[task],
            "weights": weights,
            "all": found,
            "rows": [
                _packed(row, held, place)
                for row, held in zip(parts[task], held_out[task], strict=True)
            ],
        }
    tasks["new"]["more"] = told_of(more)
    return common, tasks, summary


def choose_households(demographics: pd.DataFrame, known, pools: dict) -> pd.DataFrame:
    """Return the demographics of the households shown, by a rule that looks at no result.

    Of each type, the households that both tasks judge stand in the order of their ids, are cut
    into PER_TYPE parts of equal length, and the one in the middle of each part is taken.
    """
    judged = [known.users[pool.users] for pool in pools.values()]
    both = functools.reduce(lambda a, b: a.intersection(b), judged)
    rows = demographics.set_index("household_id")
    rows.index = rows.index.astype(known.users.dtype)
    rows = rows.loc[rows.index.isin(both)].sort_index()
    taken = []
    for kind in TYPES:
        own = rows[rows["household_comp"] == kind]
        middle = (2 * np.arange(PER_TYPE) + 1) * len(own) // (2 * PER_TYPE)
        taken.append(own.iloc[middle])
    return pd.concat(taken)


def can_be_listed(scores: np.ndarray, k: int = K) -> np.ndarray:
    """Return which candidates can be among the first k of any weighted sum, bool (n,).

    Parameters
    ----------
    scores : float array (n_members, n)
        On one scale, the candidates in the order in which ties are broken.
    k : int

    Notes
    -----
    With weights of 0 and more that sum to 1, candidate a stands before b whatever they are if no
    member scores it lower and a is the first of the two, or if every member scores it higher by
    more than rounding can take away. Whoever has k candidates certainly before it is in no list.
    """
    n = scores.shape[1]
    no_lower, higher = np.ones((n, n), dtype=bool), np.ones((n, n), dtype=bool)
    for row in scores.astype(np.float64):
        no_lower &= row[:, None] >= row[None, :]
        higher &= row[:, None] > row[None, :] + ROUNDING
    return ((np.triu(no_lower, 1) | higher).sum(axis=0)) < k


def judge(task: str, pool, described: pd.Series) -> tuple[list[int], dict]:
    """Learn the weights on validation; judge them on everybody's test weeks."""
    from recbook.evaluation.compare import compare
    from recbook.evaluation.statistics import bootstrap_interval
    from recbook.fusion import ScoreFusion, WeightedFusion
    from recbook.fusion.members import stored_pool

    validation = stored_pool(task, "validation").only(pool.names)
    fusion = WeightedFusion(pool.names, n_steps=N_ROUNDS).learn(validation)
    weights = as_parts(fusion.weights_)
    before = [validation.ndcg(scores).mean() for scores in validation.scores]
    best = int(np.argmax(before))
    alone = [pool.ndcg(scores) for scores in pool.scores]
    ndcg = {"learnt": pool.ndcg(fusion.fuse(pool))}
    ndcg["equal"] = pool.ndcg(ScoreFusion(pool.names).fuse(pool))
    found = {"users": len(pool.users), "best": best, "title": TITLES[task]}
    found["candidates"] = round(float(pool.there.sum(axis=1).mean()))
    found["models"] = list(pool.names)
    found["alone"] = [float(values.mean()) for values in alone]
    found["weights"] = weights
    own = pool.known.users[pool.users].isin(described.astype(pool.known.users.dtype))
    found["described"] = {"users": int(own.sum()), "mean": float(ndcg["learnt"][own].mean())}
    for name, values in ndcg.items():
        interval = bootstrap_interval(values)
        against = compare(values, alone[best])
        found[name] = {
            "mean": float(interval.mean), "low": float(interval.low), "high": float(interval.high),
            "difference": float(against.difference), "difference_low": float(against.low),
            "difference_high": float(against.high), "verdict": against.verdict,
        }  # fmt: skip
    return weights, found


def as_parts(weights: np.ndarray) -> list[int]:
    """Return weights that sum to 1 as whole parts, as many as a slider can hold.

    Divided by their sum, the parts are the weights to the last bit.
    """
    for total in range(1, N_ROUNDS + 1):
        parts = np.round(weights * total).astype(int)
        if np.array_equal(parts / total, weights):
            return (parts * (N_PARTS // parts.max())).tolist()
    raise ValueError(f"the weights {weights.tolist()} are no parts of {N_ROUNDS} or fewer")


def _candidates(pool, positions: np.ndarray) -> list[dict]:
    """Return each household's candidates that can be listed, and what each model may explain."""
    from recbook.fusion.normalise import z_score

    rows = []
    for row in [int(np.flatnonzero(pool.users == position)[0]) for position in positions]:
        items = pool.items[row][pool.there[row]].astype(int)
        scores = pool.scores[:, row, : len(items)]
        scaled = z_score(pool.scores[:, [row]])[:, 0, : len(items)]
        listed = can_be_listed(scaled)
        # Each model's first places, of those that can be listed.
        near = np.argsort(-scores, axis=1, kind="stable")[:, :REASON_DEPTH]
        near = [np.sort(places[listed[places]]) for places in near]
        rows.append(
            {
                "user": int(pool.users[row]), "items": items[listed], "scaled": scaled[:, listed],
                "near": [np.flatnonzero(listed).searchsorted(places) for places in near],
                "raw": scores[:, listed],
                "reasoned": np.unique(np.concatenate([items[places] for places in near])),
            }
        )  # fmt: skip
    return rows


def _add_reasons(row: dict, task: str, explainer) -> None:
    row["reasons"] = []
    for number, name in enumerate(MODELS[task]):
        if name in COUNTED:
            row["reasons"].append([])
            continue
        at = row["near"][number]
        told = explainer.explain(name, row["user"], row["items"][at], row["raw"][number, at])
        row["reasons"].append([[int(c), *one] for c, one in zip(at, told, strict=True)])
    if task == "repeat":
        own, cut = explainer.known, explainer.known.time.max()
        at = np.flatnonzero(own.user == row["user"])
        for c, item in enumerate(row["items"]):
            times = own.time[at[own.item[at] == item]]
            if len(times):
                row["reasons"][0].append([c, len(times), int((cut - times.max()) // 86_400)])


class _History:
    """What households bought before the cut, in the words and numbers of the page."""

    def __init__(self, known, products: pd.DataFrame) -> None:
        self.known = known
        self.cut = int(known.time.max())
        department = products.set_index("product_id")["department"].loc[known.items]
        self.department = department.astype(str).to_numpy()
        everyone = pd.Series(self.department[known.item]).value_counts(normalize=True)
        self.usual = everyone[everyone >= 0.005]  # rare departments say little about taste

    def describe(self, position: int, household: int, row: pd.Series) -> dict:
        own = np.flatnonzero(self.known.user == position)
        item, time = self.known.item[own], self.known.time[own]
        visits = np.unique(time)
        lately = int((visits > self.cut - 84 * 86_400).sum())
        often = pd.Series(item).value_counts()
        often = often[often > 1].sort_index().sort_values(ascending=False, kind="stable").head(6)
        kids = row["kids_count"]
        who = TYPES[row["household_comp"]]
        if "No Kids" not in row["household_comp"]:
            who = who.replace("children", KIDS[kids])
        return {
            "id": int(household),
            "type": list(TYPES).index(row["household_comp"]),
            "who": who,
            "age": row["age"].replace("65+", "65 or more").replace("-", "–"),
            "often_shops": _how_often(lately / 12),
            "favourites": self._favourites(item),
            "visits": len(visits),
            "products": len(np.unique(item)),
            "often": [[int(i), int(n)] for i, n in often.items()],
            "baskets": [
                [_store_day(moment).isoformat(), sorted(map(int, set(item[time == moment])))]
                for moment in visits[::-1][:N_BASKETS]
            ],
        }

    def _favourites(self, item: np.ndarray) -> list[str]:
        """The two departments whose share of the purchases is most above everybody's."""
        share = pd.Series(self.department[item]).value_counts(normalize=True)
        lift = (share.reindex(self.usual.index).fillna(0) / self.usual)[lambda s: s > 1]
        best = lift.sort_values(ascending=False, kind="stable").index[:2]
        return [DEPARTMENTS.get(name, name.replace("-", " ").lower()) for name in best]


def _how_often(per_week: float) -> str:
    if per_week >= 0.75:
        times = {1: "once", 2: "twice"}.get(round(per_week), f"{round(per_week)} times")
        return f"about {times} a week"
    return "about every two weeks" if per_week >= 0.375 else "about once a month or less"


def _store_day(second: int):
    """The day by the stores' clock in winter."""
    return pd.Timestamp(int(second) - 5 * 3600, unit="s").date()


def _held_out(pool, positions: np.ndarray) -> list[list[list[int]]]:
    """Return what counts as right: [item, times bought, day of the first] in order of days."""
    window = pool.judged_window()
    events, cut = window.held_out, int(window.held_out.time.min())
    rows = []
    for position in positions:
        own = events.user == position
        right = np.sort(window.relevant[[position]].tocoo().coords[1])
        item, time = events.item[own], events.time[own]
        times = [time[item == one] for one in right]
        found = [
            [int(one), len(moments), int((moments.min() - cut) // 86_400)]
            for one, moments in zip(right, times, strict=True)
        ]
        rows.append(sorted(found, key=lambda one: (one[2], one[0])))
    return rows


def _used_products(households, parts, held_out) -> tuple[list[int], list[int]]:
    """Return the products to be named: those of the first file, and those of discovery alone."""
    used: dict[str, set[int]] = {task: set() for task in MODELS}
    for household in households:
        used["repeat"].update(item for item, _ in household["often"])
        used["repeat"].update(item for _, items in household["baskets"] for item in items)
    for task, rows in parts.items():
        for row in rows:
            used[task].update(map(int, row["items"]))
            for name, reasons in zip(MODELS[task], row["reasons"], strict=True):
                used[task].update(p for told in reasons for p in _products_in(name, told))
        used[task].update(item for row in held_out[task] for item, *_ in row)
    return sorted(used["repeat"]), sorted(used["new"] - used["repeat"])


def _products_in(name: str, told: list[int]) -> list[int]:
    """The column positions that a reason names."""
    if name in COUNTED or name == "user neighbours":
        return []
    return told[1:2] if name == "pair rules" else told[1::2]


def _placed(household: dict, place: dict[int, int]) -> dict:
    """Return a household with its products as places in the page's list of names."""
    return household | {
        "often": [[place[i], n] for i, n in household["often"]],
        "baskets": [[day, [place[i] for i in items]] for day, items in household["baskets"]],
    }


def _packed(row: dict, held_out: list[list[int]], place: dict[int, int]) -> dict:
    """Return a household's candidates, z-scores (float32, bit by bit), reasons and held-out."""
    reasons = []
    for number, told in enumerate(row["reasons"]):
        # Rules hold a product in the second place, the sums in every second one.
        sums = number not in (0, 1, 2)
        rule = number == SHARED.index("pair rules")
        reasons.append(
            [
                [
                    place[v] if sums and at and (at == 1 if rule else at % 2) else v
                    for at, v in enumerate(one)
                ]
                for one in told
            ]
        )
    return {
        "items": [place[int(item)] for item in row["items"]],
        "scores": base64.b64encode(row["scaled"].astype("<f4").tobytes()).decode("ascii"),
        "reasons": reasons,
        "held_out": [[place[i], *more] for i, *more in held_out],
    }


if __name__ == "__main__":
    make_explorer(SITE.parent)
