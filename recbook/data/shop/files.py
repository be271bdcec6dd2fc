"""The shop as plain text files with checksums: write, verify, read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from recbook.data.shop.checksums import SHA256
from recbook.data.shop.core import Shop, assemble, simulate_shop

SUMS = "SHA256SUMS"
TABLES = ("users", "items", "offers", "events", "ratings", "queries", "weeks", "friends")
TRUTH = {"users", "items", "rules", "transitions", "effects", "faults"}
TEXT = {"clean": str, "dirty": str, "column": str, "items": str, "text": str, "value": str}


def load_shop(directory: str | os.PathLike | None = None) -> Shop:
    """Load the committed instance of the shop (600 users, 300 items), or one that was saved.

    In a checkout of the book the files of `data/shop/` are read. Where the package is installed
    alone, the same instance is made again in about a second; nothing is downloaded and nothing
    written. Either way every file's SHA-256 must be the one that the package carries.

    Parameters
    ----------
    directory : path, optional
        A folder written by `save_shop`; its own checksum list is what its files must match.

    Raises
    ------
    ValueError
        If a file is missing or changed.

    Examples
    --------
    >>> load_shop().interactions("purchase").n_users
    600
    """
    if directory is not None:
        return _read(Path(directory), _listed(Path(directory)))
    committed = committed_directory()
    if committed.is_dir():
        return _read(committed, SHA256)
    shop = simulate_shop()
    made = {name: hashlib.sha256(data).hexdigest() for name, data in to_files(shop).items()}
    wrong = sorted(name for name in made.keys() | SHA256 if made.get(name) != SHA256.get(name))
    if wrong:
        raise ValueError(
            f"the shop made on this machine differs from the published one in {', '.join(wrong)} "
            f"(numpy {np.__version__}, pandas {pd.__version__}); "
            "load the files of data/shop/ from the repository with load_shop(directory)"
        )
    return shop


def save_shop(shop: Shop, directory: str | os.PathLike) -> dict[str, str]:
    """Write the shop as CSV and JSON (UTF-8, "\\n"), with SHA256SUMS; return name -> SHA-256."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    files = to_files(shop)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    files[SUMS] = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()
    for name, data in files.items():
        part = directory / f".{name}.part"
        part.write_bytes(data)
        part.replace(directory / name)
    return sums


def committed_directory() -> Path:
    """Return where a checkout keeps the committed instance."""
    return Path(__file__).resolve().parents[3] / "data" / "shop"


def to_files(shop: Shop) -> dict[str, bytes]:
    """Return the shop's files: name -> content."""
    truth = shop.truth
    tables = {f"{name}.csv": getattr(shop, name) for name in TABLES}
    tables["sessions.csv"] = _with_lists(shop)
    tables |= {f"truth_{name}.csv": getattr(truth, name) for name in TRUTH - {"effects"}}
    tables["truth_effects.csv"] = truth.attribute_effects
    facts = {
        "n_items": len(shop.items),
        "n_users": len(shop.users),
        "noise_floor": truth.noise_floor,
        "seed": shop.seed,
    }
    files = {name: _csv(tables[name]) for name in sorted(tables)}
    files["shop.json"] = (json.dumps(facts, indent=2, sort_keys=True) + "\n").encode()
    return files


def _csv(table: pd.DataFrame) -> bytes:
    # csv.writer prints the shortest digits that give the float back, the same on every machine.
    columns = [
        column.to_numpy().astype("datetime64[s]").astype(np.int64).tolist()
        if column.dtype.kind == "M"
        else column.tolist()
        for _, column in table.items()
    ]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def _with_lists(shop: Shop) -> pd.DataFrame:
    # What a session showed, in order, as one cell: the exposures in a quarter of the space.
    sessions = shop.sessions.copy()
    shown = shop.exposures["item_id"].astype(str).groupby(shop.exposures["session_id"])
    sessions["items"] = shown.agg(" ".join).reindex(sessions["session_id"], fill_value="").tolist()
    return sessions


def _listed(directory: Path) -> dict[str, str]:
    path = directory / SUMS
    if not path.is_file():
        raise ValueError(f"{path} is missing: {directory} is not a folder written by save_shop")
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def _read(directory: Path, sums: dict[str, str]) -> Shop:
    data = {}
    remedy = "bring the file back with Git, or write all of them with python -m recbook.data.shop"
    for name, digest in sums.items():
        path = directory / name
        if not path.is_file():
            raise ValueError(f"{path} is missing; {remedy}")
        data[name] = path.read_bytes()
        if hashlib.sha256(data[name]).hexdigest() != digest:
            raise ValueError(f"{path} is not as published (its SHA-256 differs); {remedy}")
    tables = {
        name.removesuffix(".csv"): _table(content)
        for name, content in data.items()
        if name.endswith(".csv")
    }
    tables["exposures"] = _exposures(tables["sessions"].pop("items"), tables)
    facts = json.loads(data["shop.json"])
    return assemble(tables, seed=facts["seed"], noise_floor=facts["noise_floor"])


def _table(content: bytes) -> pd.DataFrame:
    table = pd.read_csv(io.BytesIO(content), keep_default_na=False, dtype=TEXT)
    # Stored numbers have at most four decimals; rounding undoes what a fast parser gets wrong.
    return table.round(4)


def _exposures(lists: pd.Series, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    split = lists.str.split().tolist()
    length = np.array([len(one) for one in split])
    session = np.repeat(tables["sessions"]["session_id"].to_numpy(), length)
    item = np.array([i for one in split for i in one], dtype=np.int64)
    first = np.repeat(np.cumsum(length) - length, length)
    views = tables["events"][tables["events"]["event"] == "view"]
    seen = pd.MultiIndex.from_frame(views[["session_id", "item_id"]])
    shown = pd.MultiIndex.from_arrays([session, item])
    return pd.DataFrame(
        {
            "session_id": session,
            "item_id": item,
            "position": np.arange(len(item)) - first + 1,
            "viewed": shown.isin(seen).astype(np.int64),
        }
    )
