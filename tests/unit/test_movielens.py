"""MovieLens 100K: both sources end in the same tables, and nothing else gets in."""

import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from recbook.data import movielens
from recbook.data.download import DownloadError, sha256_of
from recbook.data.movielens import GENRES, load_movielens


@pytest.fixture(scope="module")
def data():
    """The real data, from the cache (the first run of all fetches it)."""
    return load_movielens("100k")


def grouplens_members(data):
    """Write the tables in the three formats of GroupLens' zip."""
    ratings = data.ratings.to_csv(sep="\t", header=False, index=False, lineterminator="\n")
    users = data.users.to_csv(sep="|", header=False, index=False, lineterminator="\n")
    lines = []
    for film in data.films.itertuples():
        title = film.title if film.item_id == 267 else f"{film.title} ({film.year})"
        title += {1412: " (V)", 3: " "}.get(film.item_id, "")
        flags = "|".join("01"[genre in film.genres.split("|")] for genre in GENRES)
        lines.append(f"{film.item_id}|{title}|01-Jan-1995||http://us.imdb.com/?x|{flags}\n")
    return {"u.data": ratings, "u.item": "".join(lines), "u.user": users}


def grouplens_zip(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"ml-100k/{name}", text.encode("latin-1"))
    return path


def wheel(path, data):
    """Write the tables as the wheel does, with its oddities."""
    films = data.films.assign(
        year=data.films["year"].astype(str), genres=data.films["genres"].str.replace("|", " ")
    ).set_index("item_id", drop=False)
    films.loc[267, ["title", "year"]] = "unkonwn"
    films.loc[1412, ["title", "year"]] = films.loc[1412, "title"] + " (1995)", "V"
    with zipfile.ZipFile(path, "w") as archive:
        for name, table in (("inter", data.ratings), ("item", films), ("user", data.users)):
            rows = ["\t".join(map(str, row)) + "\n" for row in table.itertuples(index=False)]
            text = "\t".join(f"{column}:token" for column in table) + "\n" + "".join(rows)
            archive.writestr(f"recbole/dataset_example/ml-100k/ml-100k.{name}", text)
    return path


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty cache, a GroupLens that does not answer, a pip that fails."""
    monkeypatch.setenv("RECBOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(movielens, "URL", (tmp_path / "absent.zip").as_uri())

    def failing_pip(command, **options):
        return subprocess.CompletedProcess(command, 1, "", "ERROR: no matching distribution")

    monkeypatch.setattr(subprocess, "run", failing_pip)
    return tmp_path


def serve_grouplens(monkeypatch, path):
    monkeypatch.setattr(movielens, "URL", path.as_uri())
    monkeypatch.setattr(movielens, "ZIP_SHA256", sha256_of(path))


def serve_wheel(monkeypatch, path):
    def pip(command, **options):
        shutil.copy(path, Path(command[command.index("--dest") + 1]) / "recbole.whl")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    monkeypatch.setattr(movielens, "WHEEL_SHA256", sha256_of(path))


def test_ratings_and_users_are_grouplens_own_files_byte_for_byte(data):
    """The two hashes are those published for u.data and u.user by projects that pin them."""
    members = grouplens_members(data)
    assert hashlib.sha256(members["u.data"].encode()).hexdigest() == (
        "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"
    )
    assert hashlib.sha256(members["u.user"].encode()).hexdigest() == (
        "f120e114da2e8cf314fd28f99417c94ae9ddf1cb6db8ce0e4b5995d40e90e62c"
    )


def test_the_numbers_of_grouplens_readme_hold(data):
    assert (len(data.ratings), len(data.films), len(data.users)) == (100_000, 1682, 943)
    assert data.ratings["user_id"].value_counts().min() == 20
    assert sorted(data.ratings["rating"].unique()) == [1, 2, 3, 4, 5]
    assert not data.ratings.duplicated(["user_id", "item_id"]).any()
    assert data.ratings.iloc[0].tolist() == [196, 242, 3, 881250949]


def test_odd_films_are_as_documented(data):
    films = data.films.set_index("item_id")
    assert films.index[films["year"].isna()].tolist() == [267]
    assert films.loc[267, ["title", "genres"]].tolist() == ["unknown", "unknown"]
    assert films.loc[1412, "title"] == "Land Before Time III: The Time of the Great Giving"
    assert films.loc[1412, "year"] == 1995
    assert films.loc[543, "title"] == "Misérables, Les"
    assert data.films.duplicated(["title", "year"]).sum() == 18
    assert data.users.set_index("user_id").loc[838, "zip_code"] == "01375"


def test_genre_flags_say_what_the_genres_say(data):
    flags = data.genre_flags()
    assert flags.shape == (1682, 19)
    assert flags.columns.tolist() == list(GENRES)
    assert flags.loc[1][flags.loc[1]].index.tolist() == ["Animation", "Children's", "Comedy"]
    assert flags["unknown"].sum() == 2


def test_interactions_keep_order_and_all_users_and_films(data):
    events = data.interactions()
    assert events.users[events.user].tolist() == data.ratings["user_id"].tolist()
    assert events.items[events.item].tolist() == data.ratings["item_id"].tolist()
    assert events.value.tolist() == data.ratings["rating"].tolist()
    assert events.time.tolist() == data.ratings["timestamp"].tolist()
    liked = data.interactions(min_rating=4)
    assert (liked.n_users, liked.n_items) == (943, 1682)
    assert len(liked) == (data.ratings["rating"] >= 4).sum()


def test_grouplens_zip_gives_the_pinned_tables(data, fresh, monkeypatch):
    serve_grouplens(monkeypatch, grouplens_zip(fresh / "g.zip", grouplens_members(data)))
    loaded = load_movielens("100k")
    assert loaded.films.equals(data.films)
    assert loaded.ratings.equals(data.ratings)
    assert loaded.users.equals(data.users)
    monkeypatch.setattr(movielens, "URL", (fresh / "absent.zip").as_uri())
    assert load_movielens("100k").films.equals(data.films)  # now from the cache


def test_the_wheel_gives_the_pinned_tables(data, fresh, monkeypatch):
    serve_wheel(monkeypatch, wheel(fresh / "w.whl", data))
    loaded = load_movielens("100k")
    assert loaded.films.equals(data.films)
    assert loaded.ratings.equals(data.ratings)


def test_one_changed_rating_is_refused_and_the_other_source_asked(data, fresh, monkeypatch, capsys):
    members = grouplens_members(data)
    members["u.data"] = members["u.data"].replace("196\t242\t3", "196\t242\t4", 1)
    serve_grouplens(monkeypatch, grouplens_zip(fresh / "g.zip", members))
    with pytest.raises(DownloadError, match="its tables are not those"):
        load_movielens("100k")
    serve_wheel(monkeypatch, wheel(fresh / "w.whl", data))
    assert load_movielens("100k").ratings.equals(data.ratings)
    assert "GroupLens did not give it" in capsys.readouterr().err


def test_another_wheel_is_refused(data, fresh, monkeypatch):
    serve_wheel(monkeypatch, wheel(fresh / "w.whl", data))
    monkeypatch.setattr(movielens, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(DownloadError, match="another file than the published recbole"):
        load_movielens("100k")


def test_without_any_source_one_error_names_both(fresh):
    with pytest.raises(DownloadError) as error:
        load_movielens("100k")
    assert "GroupLens: cannot reach" in str(error.value)
    assert "recbole==1.2.1: pip could not download" in str(error.value)
    assert "no matching distribution" in str(error.value)
    assert "connect to the network" in str(error.value)


@pytest.mark.parametrize("damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", None])
def test_a_damaged_cache_is_not_used(data, fresh, monkeypatch, damage):
    stored = fresh / "cache" / "movielens-100k.zip"
    stored.parent.mkdir()
    if damage:
        original = movielens.pack(movielens.parse_wheel(wheel(fresh / "w.whl", data)))
        stored.write_bytes(damage(original))
    else:  # a whole zip with other tables
        tables = movielens.parse_wheel(wheel(fresh / "w.whl", data))
        tables["ratings"] = tables["ratings"].replace(b"196,242,3", b"196,242,4", 1)
        stored.write_bytes(movielens.pack(tables))
    with pytest.raises(DownloadError):
        load_movielens("100k")
    serve_wheel(monkeypatch, wheel(fresh / "w.whl", data))
    assert load_movielens("100k").ratings.equals(data.ratings)


def test_a_cache_that_cannot_be_written_is_one_clear_error(fresh, monkeypatch):
    (fresh / "file").write_text("")
    monkeypatch.setenv("RECBOOK_CACHE", str(fresh / "file" / "cache"))
    with pytest.raises(DownloadError, match="set the environment variable RECBOOK_CACHE"):
        load_movielens("100k")


def test_other_editions_are_refused():
    with pytest.raises(ValueError, match="100k"):
        load_movielens("1m")
