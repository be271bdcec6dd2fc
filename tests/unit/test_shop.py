"""The shop as data: committed bytes, loading, tables, dirt, pictures."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zlib

import numpy as np
import pandas as pd
import pytest

from recbook.data.shop import files, load_shop, restore, save_shop, simulate_shop
from recbook.data.shop.checksums import SHA256
from recbook.data.shop.dirt import DUPLICATES, DirtyTables
from recbook.data.shop.files import SUMS, committed_directory, to_files
from recbook.data.shop.stream import RowSampler, Stream

TABLES = (*files.TABLES, "sessions", "exposures")


@pytest.fixture(scope="module")
def shop():
    return load_shop()


def assert_same(one, other):
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), obj=name)
    for name in ("users", "items", "rules", "transitions", "attribute_effects", "faults"):
        pd.testing.assert_frame_equal(getattr(one.truth, name), getattr(other.truth, name))
    np.testing.assert_array_equal(one.truth.relevance, other.truth.relevance)
    assert one.truth.noise_floor == other.truth.noise_floor
    assert one.seed == other.seed


def test_the_committed_instance_is_regenerated_byte_for_byte_under_another_hash_seed(tmp_path):
    code = (
        "import sys; from recbook.data.shop import save_shop, simulate_shop;"
        "save_shop(simulate_shop(), sys.argv[1])"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=True)
    committed = {path.name: path for path in committed_directory().iterdir()}
    committed.pop(".gitattributes")
    assert sorted(committed) == sorted([*SHA256, SUMS])
    for name, path in committed.items():
        assert (tmp_path / name).read_bytes() == path.read_bytes(), name
    listed = (tmp_path / SUMS).read_text(encoding="utf-8").splitlines()
    assert listed == [f"{SHA256[name]}  {name}" for name in sorted(SHA256)]


def test_the_committed_instance_is_small_plain_text():
    data = [path.read_bytes() for path in committed_directory().iterdir()]
    assert sum(map(len, data)) <= 3_000_000
    for content in data:
        assert b"\r" not in content
        assert content.decode("utf-8").endswith("\n")


def test_the_data_card_gives_the_hash_of_the_checksums():
    directory = committed_directory()
    card = (directory.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256((directory / SUMS).read_bytes()).hexdigest() in card


def test_loading_and_simulating_give_the_same_shop(shop):
    assert_same(shop, simulate_shop())


def test_without_a_checkout_the_shop_is_made_again(shop, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "committed_directory", lambda: tmp_path / "nowhere")
    assert_same(load_shop(), shop)
    monkeypatch.setattr(files, "SHA256", {**SHA256, "users.csv": "0" * 64})
    with pytest.raises(ValueError, match=r"differs from the published one in users\.csv"):
        load_shop()


def test_another_shop_is_saved_and_loaded(tmp_path):
    other = simulate_shop(30, 48, seed=4)
    save_shop(other, tmp_path)
    assert_same(load_shop(tmp_path), other)
    with pytest.raises(ValueError, match="not a folder written by save_shop"):
        load_shop(tmp_path / "elsewhere")


def test_a_changed_or_missing_file_is_refused(tmp_path, monkeypatch):
    copy = tmp_path / "shop"
    shutil.copytree(committed_directory(), copy)
    monkeypatch.setattr(files, "committed_directory", lambda: copy)
    path = copy / "ratings.csv"
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} is not as published"):
        load_shop()
    path.unlink()
    with pytest.raises(ValueError, match=rf"{re.escape(str(path))} is missing"):
        load_shop()


def test_another_seed_gives_another_shop_and_the_same_seed_the_same():
    one, again, other = (to_files(simulate_shop(30, 48, seed=seed)) for seed in (1, 1, 2))
    assert one == again
    constant = {"truth_transitions.csv"}
    assert {name for name in one if one[name] == other[name]} == constant


@pytest.mark.parametrize("size", [(19, 300, 0), (600, 47, 0), (600, 300, -1)])
def test_sizes_that_are_too_small_are_refused(size):
    with pytest.raises(ValueError, match="must be at least"):
        simulate_shop(size[0], size[1], seed=size[2])


def test_tables_fit_together(shop):
    assert shop.users["user_id"].is_unique
    assert shop.items["item_id"].is_unique
    assert shop.events["user_id"].isin(shop.users["user_id"]).all()
    assert not shop.events.duplicated(["session_id", "item_id", "event"]).any()
    assert not shop.ratings.duplicated(["user_id", "item_id"]).any()
    assert not shop.exposures.duplicated(["session_id", "item_id"]).any()
    assert shop.events["time"].is_monotonic_increasing
    assert shop.events["time"].dt.year.eq(2025).all()
    owner = shop.sessions.set_index("session_id")["user_id"]
    assert (shop.events["user_id"].to_numpy() == owner[shop.events["session_id"]]).all()
    bought = shop.events[shop.events["event"] == "purchase"]
    pairs = pd.MultiIndex.from_frame(bought[["user_id", "item_id"]])
    assert pd.MultiIndex.from_frame(shop.ratings[["user_id", "item_id"]]).isin(pairs).all()
    assert (shop.friends["user_id"] < shop.friends["friend_id"]).all()
    assert len(shop.searches) == (shop.sessions["surface"] == "search").sum()


def test_users_act_only_on_what_was_shown_or_offered(shop):
    def keys(table):
        return pd.MultiIndex.from_frame(table[["session_id", "item_id"]])

    kind = shop.events["event"]
    assert keys(shop.events[kind == "view"]).isin(keys(shop.exposures)).all()
    seen = keys(shop.exposures[shop.exposures["viewed"] == 1])
    taken = keys(shop.offers[shop.offers["taken"] == 1])
    for later in ("cart", "purchase"):
        done = keys(shop.events[kind == later])
        assert (done.isin(seen) | done.isin(taken)).all()
    assert seen.equals(seen.unique())
    assert len(seen) == (kind == "view").sum()


def test_nothing_is_shown_before_its_launch_and_nobody_comes_before_signing_up(shop):
    visit = shop.exposures.merge(shop.sessions[["session_id", "time"]], on="session_id")
    week = (visit["time"] - pd.Timestamp("2025-01-01")).dt.days // 7
    launch = shop.items.set_index("item_id")["launch_week"].loc[visit["item_id"]].to_numpy()
    assert (week.to_numpy() >= launch).all()
    assert (launch > 0).any()
    signup = pd.to_datetime(shop.users.set_index("user_id")["signup"])
    assert (shop.sessions["time"] >= signup[shop.sessions["user_id"]].to_numpy()).all()


def test_interactions_share_indexes(shop):
    bought, viewed, rated = (
        shop.interactions("purchase"),
        shop.interactions("view"),
        shop.ratings_interactions(),
    )
    assert len(bought) == (shop.events["event"] == "purchase").sum()
    assert bought.value.sum() == shop.events.query("event == 'purchase'")["quantity"].sum()
    assert rated.value.tolist() == shop.ratings["rating"].tolist()
    for events in (bought, viewed, rated):
        assert events.users.tolist() == shop.users["user_id"].tolist()
        assert events.items.tolist() == shop.items["item_id"].tolist()
        assert events.has_time
    with pytest.raises(ValueError, match="event must be one of view, cart, purchase"):
        shop.interactions("buy")


def test_the_log_has_a_long_tail_and_the_cycles_of_a_shop(shop):
    per_item = np.sort(np.bincount(shop.interactions("purchase").item, minlength=300))[::-1]
    assert per_item[:60].sum() > 2 * 60 / 300 * per_item.sum()
    visits = shop.sessions["user_id"].value_counts()
    assert visits.iloc[:60].sum() > 2 * 60 / 600 * visits.sum()
    day = shop.sessions["time"].dt.day_of_week
    assert (day >= 5).sum() / 2 > 1.1 * (day < 5).sum() / 5
    hour = shop.sessions["time"].dt.hour
    assert hour.between(19, 21).sum() > 5 * hour.between(2, 4).sum()


# -- dirt ----------------------------------------------------------------------------------------


def test_undoing_all_faults_gives_back_the_clean_tables(shop):
    mended = restore(shop.dirty, shop.truth.faults)
    for name, clean in shop.clean.items():
        pd.testing.assert_frame_equal(mended[name], clean, obj=name)


def test_the_list_of_faults_is_complete(shop):
    """Found independently: rows that are not the next clean row, and cells that differ."""
    faults = shop.truth.faults
    assert not faults.duplicated(["table", "row", "column"]).any()
    for name, clean in shop.clean.items():
        dirty, mine = getattr(shop.dirty, name), faults[faults["table"] == name]
        extra = mine["kind"].isin(DUPLICATES)
        assert len(dirty) == len(clean) + extra.sum()
        left = dirty.drop(index=mine["row"][extra])
        found = set()
        for column in clean:
            ours, theirs = clean[column], left[column]
            if column == "time":
                ours = ours.dt.strftime("%Y-%m-%d %H:%M:%S")
            differs = ours.to_numpy(object) != theirs.to_numpy(object)
            found |= {(row, column) for row in left.index[differs]}
        listed = mine[~extra]
        assert found == set(zip(listed["row"], listed["column"], strict=True)), name


def test_every_copy_is_a_copy(shop):
    faults = shop.truth.faults
    for name in DirtyTables._fields:
        dirty = getattr(shop.dirty, name)
        mine = faults[faults["table"] == name]
        for kind in mine["kind"].unique():
            some = mine[mine["kind"] == kind]
            if kind not in DUPLICATES:
                assert (some["source"] == -1).all()
                continue
            copy = dirty.loc[some["row"]].reset_index(drop=True)
            original = dirty.loc[some["source"]].reset_index(drop=True)
            if kind == "near duplicate":
                later = pd.to_datetime(copy.pop("time"), format="%d/%m/%Y %H:%M:%S")
                gap = (later - pd.to_datetime(original.pop("time"))).dt.total_seconds()
                assert gap.between(1, 5).all()
            pd.testing.assert_frame_equal(copy, original)
    assert set(faults["kind"]) >= set(DUPLICATES)


def test_ages_are_missing_at_random_given_the_region():
    shop = simulate_shop(4000, 60, seed=3)
    missing = shop.dirty.users["age"].isna()
    north = shop.dirty.users["region"] == "North"
    assert missing[north].mean() > 3 * missing[~north].mean()
    age = shop.users["age"].mean()
    assert shop.dirty.users.query("0 < age < 120")["age"].mean() < age - 0.5


def test_dirty_tables_show_each_kind_of_fault(shop):
    users, items, events, ratings = shop.dirty
    ids = set(shop.items["item_id"])
    kinds = shop.truth.faults.groupby(["table", "kind"]).size()
    assert (users["age"].isin([999, -1, 199])).sum() == kinds["users", "outlier"]
    assert (
        items["brand"].isna().sum() + items["list_price"].isna().sum()
        == (kinds["items", "missing (MCAR)"])
    )
    assert (~ratings["item_id"].isin(ids)).sum() == kinds["ratings", "orphan id"]
    assert (~events["event"].isin(["view", "cart", "purchase"])).sum() == kinds[
        "events", "spelling"
    ]
    time = pd.to_datetime(events["time"], format="%Y-%m-%d %H:%M:%S", errors="coerce")
    odd = time.dt.year.ne(2025).sum()  # NaT included
    assert odd == kinds["events", "impossible time"] + kinds["events", "near duplicate"]


# -- pictures ------------------------------------------------------------------------------------


def test_pictures_are_deterministic_and_differ_by_category_and_style(shop):
    pictures = shop.pictures()
    assert pictures.shape == (300, 32, 32, 3)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, load_shop().pictures())
    np.testing.assert_array_equal(shop.picture(7), pictures[shop.items["item_id"].eq(7)][0])
    with pytest.raises(ValueError, match="no item 301"):
        shop.picture(301)
    # The nearest of the mean outlines and colours, learnt on even items, names odd ones.
    flat = pictures.astype(float)
    views = {"category": (flat.min(axis=3) < 210).astype(float), "style": flat.min(axis=(1, 2))}
    learn = np.arange(300) % 2 == 0
    for label, chance in (("category", 1 / 24), ("style", 1 / 6)):
        x, y = views[label].reshape(300, -1), shop.items[label].to_numpy(object)
        names = np.unique(y[learn])
        means = np.stack([x[learn & (y == name)].mean(axis=0) for name in names])
        nearest = ((x[~learn, None, :] - means) ** 2).sum(axis=2).argmin(axis=1)
        assert (names[nearest] == y[~learn]).mean() > 3 * chance, label


# -- streams -------------------------------------------------------------------------------------


def test_uniform_numbers_are_those_of_the_generator():
    entropy = np.random.SeedSequence([5, zlib.crc32(b"part")])
    expected = np.random.Generator(np.random.PCG64(entropy)).random(1000)
    np.testing.assert_array_equal(Stream(5, "part").uniform(1000), expected)


@pytest.mark.parametrize("mean", [0.3, 7.0, 200.0])
def test_poisson_numbers_have_their_mean_and_variance(mean):
    drawn = Stream(0, "poisson").poisson(np.full(20_000, mean))
    assert abs(drawn.mean() - mean) < 5 * np.sqrt(mean / 20_000)
    assert abs(drawn.var() / mean - 1) < 0.06


def test_rows_are_sampled_in_proportion_and_zero_weights_never():
    table = RowSampler(np.array([[1.0, 0.0, 3.0], [0.0, 2.0, 0.0]]))
    drawn = table.draw(np.repeat([0, 1], 10_000), Stream(0, "rows").uniform(20_000))
    assert set(drawn[:10_000]) == {0, 2}
    assert set(drawn[10_000:]) == {1}
    assert abs((drawn[:10_000] == 2).mean() - 3 / 4) < 5 * np.sqrt(3 / 16 / 10_000)
