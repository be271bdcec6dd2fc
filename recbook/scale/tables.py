"""`Interactions` as Parquet files, which every engine reads."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recbook.data.download import ensure_writable
from recbook.data.interactions import Interactions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ROWS_A_FILE = 250_000
_TIME = b"recbook_has_time"


def write_interactions(
    interactions: Interactions, folder: str | Path, *, rows_a_file: int = ROWS_A_FILE
) -> Path:
    """Write the events and both indexes into a new folder, whole or not at all.

    `events/part-00000.parquet` and so on hold user, item (int32 positions), value (float64) and
    time (int64 seconds), in the order of the events; `users.parquet` and `items.parquet` hold the
    ids, the row being the position. Several files of events let several tasks read at a time.

    Parameters
    ----------
    interactions : Interactions
    folder : str or Path
        Must not exist yet.
    rows_a_file : int

    Returns
    -------
    Path of the folder.

    Raises
    ------
    ValueError
        If the folder exists, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> frame = pd.DataFrame({"user_id": ["ann", "bo"], "item_id": ["tea", "tea"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_interactions(Interactions.from_frame(frame), Path(folder, "shop"))
    ...     read_interactions(path).frame()["user_id"].tolist()
    ['ann', 'bo']
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = Path(folder)
    if target.exists():
        raise ValueError(f"{target} exists already; remove it, or write to another folder")
    if rows_a_file < 1:
        raise ValueError(f"rows_a_file must be at least 1, got {rows_a_file!r}")
    ensure_writable(target.parent)
    part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    table = pa.table(
        {name: getattr(interactions, name) for name in ("user", "item", "value", "time")}
    ).replace_schema_metadata({_TIME: str(interactions.has_time)})
    try:
        (part / "events").mkdir(parents=True)
        for number, start in enumerate(range(0, max(1, len(table)), rows_a_file)):
            rows = table.slice(start, rows_a_file)
            pq.write_table(rows, part / "events" / f"part-{number:05d}.parquet")
        for name in ("users", "items"):
            ids = pd.DataFrame({"id": getattr(interactions, name)})
            pq.write_table(pa.Table.from_pandas(ids), part / f"{name}.parquet")
        os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def read_interactions(folder: str | Path) -> Interactions:
    """Return the `Interactions` that `write_interactions` wrote, in the same order.

    Raises
    ------
    ValueError
        If the folder holds no such files.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(folder)
    files = sorted((folder / "events").glob("part-*.parquet"))
    missing = [f"{n}.parquet" for n in ("users", "items") if not (folder / f"{n}.parquet").exists()]
    if missing or not files:
        raise ValueError(
            f"{folder} lacks {', '.join(missing) or 'events'}; write it by write_interactions"
        )
    table = pa.concat_tables([pq.read_table(file) for file in files])
    indexes = {
        name: pd.Index(pd.read_parquet(folder / f"{name}.parquet")["id"], name=None)
        for name in ("users", "items")
    }
    return Interactions(
        **{name: np.asarray(table[name]) for name in ("user", "item", "value", "time")},
        **indexes,
        has_time=table.schema.metadata[_TIME] == b"True",
    )


def read_events(spark: SparkSession, folder: str | Path) -> DataFrame:
    """Return the very same events as a Spark table: user, item, value, time.

    `folder` may also be an address that the cluster knows, such as "hdfs:///shop" or "s3a://shop".
    Spark's tables have no order; sort by what you need.
    """
    return spark.read.parquet(f"{table_address(folder)}/events")


def table_address(folder: str | Path) -> str:
    """Return an address for Spark; a path of this machine is not one of the cluster's files.

    Examples
    --------
    >>> table_address("hdfs:///shop/"), table_address("/tmp/a shop")
    ('hdfs:///shop', 'file:///tmp/a shop')
    """
    text = str(folder).rstrip("/")
    return text if "://" in text else f"file:///{Path(text).resolve().as_posix().lstrip('/')}"
