"""Make the data of the explorer page from the stored pools: `make_explorer(root)`.

`_build/explorer` then holds

- explorer-data.js: what both tasks share, and the first household's next purchases. Keys:
  products (names), ever and recent (households that bought each), n_users, cut (last known day),
  types, households (`explorer_households.History.describe`), versions (of the other two), repeat;
- explorer-repeat.js, explorer-new.js: a task. Keys: models, weights (parts of the sliders), all
  (`explorer_lists.judge`), rows (`explorer_lists.packed`, in the order of the households); "new"
  brings `more`, the products, ever and recent that only it needs, to be put behind the others;
- explorer.json: the numbers that stand in the page's text, by task;
- key.txt: a hash of all they were made from.

A product of the page is its place in `products`. The scripts assign to `window.recbookExplorer`:
a page opened from a file may load scripts, and nothing else.

The fused list of the page is the one that `recbook.fusion` gives on the stored pool, for all
weights of 0 and more. A pool has some 380 candidates a household; sent are those that can get into
a list at all, see `explorer_lists.can_be_listed`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

SITE = Path(__file__).resolve().parent
sys.path[:0] = [str(SITE)]

SOURCES = ("explorer.py", "explorer_households.py", "explorer_lists.py", "explorer_reasons.py")
SCRIPTS = ("explorer-data.js", "explorer-repeat.js", "explorer-new.js")


def make_explorer(root: Path) -> Path:
    """Write the explorer's data into `root/_build/explorer` and return that folder.

    Nothing is done where the data of the same code and the same members lie there already. Of two
    processes asking at once, the second waits and finds them made.
    """
    from recbook.data.download import locked

    folder = Path(root) / "_build" / "explorer"
    folder.parent.mkdir(parents=True, exist_ok=True)
    key = explorer_key()
    with locked(folder.with_name("explorer.lock")):
        if is_made(folder, key):
            print("  explorer: unchanged", flush=True)
            return folder
        common, tasks, summary = collect()
        folder.mkdir(exist_ok=True)
        (folder / "key.txt").unlink(missing_ok=True)
        write_data(folder, common, tasks, summary)
        (folder / "key.txt").write_text(key, encoding="utf-8")
    kilobytes = sum(path.stat().st_size for path in folder.glob("*.js")) / 1000
    print(f"  explorer: {len(common['households'])} households, {kilobytes:.0f} kB", flush=True)
    return folder


def is_made(folder: Path, key: str) -> bool:
    """Tell whether a folder holds all the data of a key."""
    written = [folder / name for name in (*SCRIPTS, "explorer.json", "key.txt")]
    whole = all(path.is_file() for path in written)
    return whole and (folder / "key.txt").read_text(encoding="utf-8") == key


def explorer_key() -> str:
    """Return a hash of everything the data depend on: this code, the members, the tables."""
    from recbook.data.journey import SHA256
    from recbook.fusion.store import content_key, source_files

    own = [SITE / name for name in SOURCES] + list(source_files("recbook.fusion"))
    sources = [hashlib.sha256(path.read_bytes()).hexdigest() for path in own]
    return content_key("recbook.fusion.members", ["explorer", *sources, sorted(SHA256.items())])


def collect() -> tuple[dict, dict[str, dict], dict]:
    """Return what both tasks share, what each has for itself, and the summary of all."""
    from explorer_households import TYPES, History, choose_households, held_out_of, store_day
    from explorer_lists import MODELS, add_reasons, candidates_of, judge, packed
    from explorer_reasons import Explainer

    from recbook.data.journey import load_complete_journey
    from recbook.fusion.members import stored_pool

    journey = load_complete_journey()
    pools = {task: stored_pool(task).only(names) for task, names in MODELS.items()}
    known = pools["repeat"].known
    chosen = choose_households(journey.demographics, known, pools)
    positions = known.users.get_indexer(chosen.index)

    # Each household's lists and reasons.
    parts = {task: candidates_of(pool, positions) for task, pool in pools.items()}
    needed = np.unique(np.concatenate([r["reasoned"] for p in parts.values() for r in p]))
    names = [*MODELS["repeat"], *MODELS["new"]]
    explainer = Explainer(list(dict.fromkeys(names)), known, needed)
    for task, rows in parts.items():
        for row in rows:
            add_reasons(row, task, explainer)

    # What it bought before, and next.
    past = History(known, journey.products)
    households = [
        past.describe(position, household, row)
        for position, (household, row) in zip(positions, chosen.iterrows(), strict=True)
    ]
    held_out = {task: held_out_of(pool, positions) for task, pool in pools.items()}

    # The products of the page, and what everybody did with them.
    first, more = _used_products(households, parts, held_out)
    place = {item: n for n, item in enumerate([*first, *more])}
    name_of = journey.products.set_index("product_id")["name"].loc[known.items]
    told = tell_apart([str(name_of.iloc[item]) for item in place])
    counted = explainer.members["personal frequency"].popularity_ * known.n_users
    recent = explainer.members["recent popularity"].counts_

    def told_of(used: list[int]) -> dict[str, list]:
        return {
            "products": [told[place[item]] for item in used],
            "ever": [round(float(counted[item])) for item in used],
            "recent": [int(recent[item]) for item in used],
        }

    common = {
        **told_of(first),
        "n_users": known.n_users,
        "cut": store_day(past.cut).isoformat(),
        "types": list(TYPES.values()),
        "households": [_placed(household, place) for household in households],
    }
    tasks, summary = {}, {"households": len(chosen)}
    for task, pool in pools.items():
        weights, found = judge(task, pool, journey.demographics["household_id"])
        summary[task] = found
        rows = zip(parts[task], held_out[task], strict=True)
        tasks[task] = {
            "models": MODELS[task],
            "weights": weights,
            "all": found,
            "rows": [packed(row, task, held, place) for row, held in rows],
        }
    tasks["new"]["more"] = told_of(more)
    return common, tasks, summary


def tell_apart(names: list[str]) -> list[str]:
    """Number the names that occur more than once, in their order.

    Examples
    --------
    >>> tell_apart(["Milk", "Bread", "Milk"])
    ['Milk #1', 'Bread', 'Milk #2']
    """
    often, seen = Counter(names), Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(f"{name} #{seen[name]}" if often[name] > 1 else name)
    return told


def _used_products(households, parts, held_out) -> tuple[list[int], list[int]]:
    """Return the products to be named: those of the first file, and those of discovery alone."""
    from explorer_lists import MODELS, product_slots

    used: dict[str, set[int]] = {task: set() for task in MODELS}
    for household in households:
        used["repeat"].update(item for item, _ in household["often"])
        used["repeat"].update(item for _, items in household["baskets"] for item in items)
    for task, rows in parts.items():
        for row in rows:
            used[task].update(map(int, row["items"]))
            for name, reasons in zip(MODELS[task], row["reasons"], strict=True):
                for told in reasons:
                    used[task].update(told[slot] for slot in product_slots(name, told))
        used[task].update(item for row in held_out[task] for item, *_ in row)
    return sorted(used["repeat"]), sorted(used["new"] - used["repeat"])


def _placed(household: dict, place: dict[int, int]) -> dict:
    """Return a household with its products as places in the page's list of names."""
    return household | {
        "often": [[place[i], n] for i, n in household["often"]],
        "baskets": [[day, [place[i] for i in items]] for day, items in household["baskets"]],
    }


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


if __name__ == "__main__":
    make_explorer(SITE.parent)
