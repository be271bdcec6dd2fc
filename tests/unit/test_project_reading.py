"""Messy tables: what is mended, what is left out, that every row is accounted for."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbook.project import ProjectError, load, read_items, read_messy
from recbook.project.cleaning import guess_scale
from recbook.project.columns import find_columns


def written(folder, text, name="r.csv", encoding="utf-8"):
    path = Path(folder, name)
    path.write_bytes(text.encode(encoding))
    return path


CLEAN = "user_id,item_id,rating\nann,tea,5\nann,milk,3\nbo,tea,4\nbo,rice,1\n"
ROWS = [("ann", "tea", 5), ("ann", "milk", 3), ("bo", "tea", 4), ("bo", "rice", 1)]


def rows(frame):
    return [tuple(row) for row in frame[["user_id", "item_id", "rating"]].to_numpy(object)]


def test_clean_table_passes_as_it_is(tmp_path):
    ratings, report = read_messy(written(tmp_path, CLEAN))
    assert rows(ratings) == ROWS
    assert report.counts == {}
    assert list(ratings.columns) == ["user_id", "item_id", "rating"]


@pytest.mark.parametrize(
    ("dirt", "counts"),
    [
        ("\n  \n,,\n", {"blank lines": 3}),
        ("user_id,item_id,rating\n", {"repeated headers": 1}),
        (",tea,5\n", {"missing user": 1}),
        ("cy,,5\ncy,NULL,5\n", {"missing item": 2}),
        ("cy,tea,\ncy,milk,n/a\n", {"missing rating": 2}),
        ("cy,tea,five\n", {"rating not a number": 1}),
        ("cy,tea,inf\n", {"rating not a number": 1}),
        ("cy,tea,55\ncy,milk,-1\n", {"rating out of range": 2}),
        ("ann,tea,5\nann,tea,5\n", {"exact duplicates": 2}),
        ("cy,tea,5,surplus\ncy\n", {"wrong number of fields": 2}),
    ],
)
def test_each_kind_of_dirt_is_left_out_and_counted(tmp_path, dirt, counts):
    ratings, report = read_messy(written(tmp_path, CLEAN + dirt), scale=(1, 5))
    assert rows(ratings) == ROWS
    assert report.counts == counts
    lines = [line for found in report for line in found.lines]
    assert all(line > 5 for line in lines)  # the clean part ends on line 5
    assert report.frame()["rows"].sum() == sum(counts.values())


def test_report_names_the_lines(tmp_path):
    _, report = read_messy(written(tmp_path, CLEAN + "\ncy,tea,five\n"))
    assert "rating not a number: 1 (line 7); left out ('five')" in report.sentences()


def test_the_last_rating_of_a_pair_stands(tmp_path):
    ratings, report = read_messy(written(tmp_path, CLEAN + "ann,tea,2\n"))
    assert report.counts == {"rated again": 1}
    assert ("ann", "tea", 2) in rows(ratings)
    assert len(ratings) == 4


def test_last_means_latest_where_there_are_times(tmp_path):
    text = "user,item,rating,time\nann,tea,2,200\nann,tea,5,100\nbo,tea,4,300\n"
    ratings, _ = read_messy(written(tmp_path, text))
    assert rows(ratings) == [("ann", "tea", 2), ("bo", "tea", 4)]


def test_spaces_round_values_are_stripped(tmp_path):
    text = "user_id , item_id,rating\n ann ,tea, 5\nann,milk,3\nbo,tea,4\nbo,rice,1\n"
    ratings, report = read_messy(written(tmp_path, text))
    assert rows(ratings) == ROWS
    assert report.counts == {"spaces around values": 2}


@pytest.mark.parametrize(
    "header",
    [
        "User ID;itemId;Stars",
        "userId;productId;score",
        "用户;商品;评分",
        "CUSTOMER;SKU;Rating",
        "会员ID;商品编号;得分",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_spellings_and_encodings(tmp_path, header, encoding):
    body = CLEAN.split("\n", 1)[1].replace(",", ";").replace("tea", "绿茶")
    ratings, report = read_messy(written(tmp_path, header + "\n" + body, encoding=encoding))
    assert rows(ratings) == [(u, i.replace("tea", "绿茶"), r) for u, i, r in ROWS]
    assert report.counts == {}


def test_columns_are_found_by_the_names_that_are_told(tmp_path):
    text = CLEAN.replace("user_id,item_id,rating", "who,what,how much")
    columns = {"user": "who", "item": "What", "rating": "how_much"}
    assert rows(read_messy(written(tmp_path, text), columns=columns)[0]) == ROWS
    with pytest.raises(ProjectError, match=r"no column|is recognised among"):
        read_messy(written(tmp_path, text), columns=columns | {"user": "nobody"})


def test_lines_before_the_header_and_decimal_commas(tmp_path):
    text = "sep=;\nexport of today\nuser;item;rating\nann;tea;4,5\nbo;tea;0,5\n"
    ratings, report = read_messy(written(tmp_path, text))
    assert ratings["rating"].tolist() == [4.5, 0.5]
    assert report.counts == {"lines before the header": 2, "decimal commas": 2}


def test_no_header_but_numbers(tmp_path):
    text = "1\t10\t5\t881250949\n1\t11\t3\t881250950\n2\t10\t4\t881250951\n"
    ratings, report = read_messy(written(tmp_path, text))
    assert ratings["user_id"].tolist() == [1, 1, 2]
    assert ratings["time"].tolist() == [881250949, 881250950, 881250951]
    assert any("no header" in sentence for sentence in report.sentences())


def test_an_open_quote_does_not_swallow_the_rest(tmp_path):
    ratings, report = read_messy(written(tmp_path, CLEAN.replace("ann,milk", '"ann,milk')))
    assert len(ratings) == 4
    assert any("quotation" in sentence for sentence in report.sentences())


def test_ids_stay_what_they_are(tmp_path):
    ratings, _ = read_messy(written(tmp_path, "user,item,rating\n007,1,5\n7,2,3\n"))
    assert ratings["user_id"].tolist() == ["007", "7"]
    ratings, report = read_messy(written(tmp_path, "user,item,rating\n7.0,1,5\n8,2,3\n"))
    assert ratings["user_id"].tolist() == [7, 8]
    assert "decimals" in report.sentences()[-2] + report.sentences()[-1] + report.sentences()[0]


def test_events_without_ratings_are_counted(tmp_path):
    text = "user,item,date\nann,tea,2026-01-02\nann,tea,2026-01-01\nbo,tea,2026-01-03\n"
    events, report = read_messy(written(tmp_path, text))
    assert events["count"].tolist() == [2, 1]
    day = 86_400
    first = int(pd.Timestamp("2026-01-01").timestamp())
    assert events["time"].tolist() == [first, first + 2 * day]
    assert report.counts == {"repeated events": 1}


def test_quantities_are_no_ratings(tmp_path):
    text = "user,item,quantity\nann,tea,3\nann,milk,0\nbo,tea,-1\nbo,milk,900\n"
    events, report = read_messy(written(tmp_path, text))
    assert events["count"].tolist() == [3, 900]
    assert report.counts == {"count not above 0": 2}


@pytest.mark.parametrize(
    ("texts", "seconds"),
    [
        (["100", "200"], [100, 200]),
        (["1769904000000", "1769904001000"], [1769904000, 1769904001]),
        (["1970-01-02", "1970-01-01 00:00:05"], [86_400, 5]),
        (["13/01/1970", "02/01/1970"], [12 * 86_400, 86_400]),
        (["01/13/1970", "01/02/1970"], [12 * 86_400, 86_400]),
        (["19700102", "19700103"], [86_400, 2 * 86_400]),
        (["19700102000005", "19700103000000"], [86_405, 2 * 86_400]),
        (["1769904000000000", "1769904001000000"], [1769904000, 1769904001]),
        (["45658.5", "45659.0"], [1735732800, 1735776000]),  # 1 January 2025, noon
        (["02-01-1970", "13-01-1970 "], [86_400, 12 * 86_400]),
        (["01/02/1970 01:30 PM", "01/03/1970 12:00 AM"], [86_400 + 13.5 * 3_600, 2 * 86_400]),
        (["13/01/70 00:01", "02/01/70 00:00"], [12 * 86_400 + 60, 86_400]),
        (["02 Jan 1970", "03 Jan 1970"], [86_400, 2 * 86_400]),
        (["1970-01-02 00:00:05 UTC", "1970-01-03 00:00:00 UTC"], [86_405, 2 * 86_400]),
        (["1970年01月02日 00:01", "1970年01月03日 00:00"], [86_460, 2 * 86_400]),
        (["1970年01月02日", "1970年01月03日"], [86_400, 2 * 86_400]),
    ],
)
def test_times_as_people_write_them(texts, seconds):
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 1], "rating": [5, 4], "time": texts})
    assert read_messy(frame)[0]["time"].tolist() == seconds


def test_a_late_day_decides_between_month_first_and_day_first():
    days = [f"{1 + n % 12:02d}/05/2025" for n in range(3_000)]
    days[1_501] = "31/05/2025"
    frame = pd.DataFrame({"user": range(3_000), "item": 1, "rating": 5, "time": days})
    events, report = read_messy(frame.assign(rating=1 + frame.index % 5))
    months = pd.to_datetime(events["time"], unit="s").dt.month
    assert months.eq(5).all()
    assert len(events) == 3_000
    assert "times: read as day/month/year" in report.sentences()


def test_times_that_cannot_be_read(tmp_path):
    good = "".join(f"u{n},tea,{1 + n % 5},{n}\n" for n in range(20))
    _, report = read_messy(written(tmp_path, "user,item,rating,time\n" + good + "bo,tea,5,soon\n"))
    assert report.counts == {"unreadable time": 1}
    frame, report = read_messy(
        written(tmp_path, "user,item,rating,time\nann,tea,5,soon\nbo,tea,4,7\n")
    )
    assert "time" not in frame
    assert any("no time is used" in sentence for sentence in report.sentences())


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 2, 3, 4, 5], (1, 5)),
        ([0.5, 1.5, 5], (0.5, 5)),
        ([0, 1, 1], (0, 1)),
        ([7, 9, 10], (1, 10)),
        ([0, 3, 5], (0, 5)),
        ([40, 95, 100], (0, 100)),
        ([1, 5] * 50 + [55], (1, 5)),
        ([-9, 3, 9.5], (-9, 9.5)),
    ],
)
def test_scales_are_guessed(values, scale):
    assert guess_scale(np.array(values, dtype=float)) == scale


@pytest.mark.parametrize("values", [[1, 1, 1], [3, 250, 999]])
def test_what_is_no_rating(values):
    assert guess_scale(np.array(values, dtype=float)) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n\n\n", "only blank lines"),
        (b"user_id,item_id,rating\n", "no rows"),
        (b"a,b\n1,x\n", "no column for the user and the product is recognised among 'a', 'b'"),
        (b"user_id,item_id,rating\n,tea,5\n,milk,4\n", "no row is left .* missing user"),
        (b"PK\x03\x04xyz", "Excel workbook"),
        (b"PAR1nothing", "not a whole Parquet file"),
        (b"user,item,rating\n\x81,\xff\xff,5\n", "neither UTF-8 nor GBK"),
    ],
)
def test_hopeless_files_get_one_sentence(tmp_path, content, told):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(ProjectError, match=told) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refusals_tell_what_is_amiss(tmp_path):
    table = written(tmp_path, CLEAN)
    with pytest.raises(ProjectError, match="has no column 'much' for the rating but 'user_id'"):
        load(table, columns={"rating": "much"})
    with pytest.raises(ProjectError, match=r"no encoding 'rot13' .* --encoding"):
        load(table, encoding="rot13")
    with pytest.raises(ProjectError, match=r"'1 2 5', holds no comma"):
        load(written(tmp_path, "1 2 5\n1 3 4\n"))
    with pytest.raises(ProjectError, match=r"every row .* line 2; .* holds a comma"):
        load(written(tmp_path, "user,item,rating\nann,tea,4,5\nbo,tea,3,5\n"))
    with pytest.raises(ProjectError, match=r"rating not a number: 2 .* \('good', 'bad'\)"):
        load(written(tmp_path, "user,item,rating\nann,tea,good\nbo,tea,bad\n"))
    with pytest.raises(ProjectError, match=r"control character 0x07.* --encoding utf-8$"):
        load(written(tmp_path, CLEAN.replace("milk", "mi\alk")))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("code,label\n1,a\n", "no column item_id and one of name, .* among 'code', 'label'"),
        ("item_id,name\n", "column names but no items"),
        ("item_id,name\nx,y\n", "none of the 3 items"),
    ],
)
def test_refusals_of_items_do_not_speak_of_users(tmp_path, content, told):
    with pytest.raises(ProjectError, match=told) as caught:
        load(written(tmp_path, CLEAN), items=written(tmp_path, content, "items.csv"))
    assert "user" not in str(caught.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(("rated", "told"), [("1 2 3", "001 002 4"), ("001 002 3", "1 2 4")])
def test_zeros_that_a_spreadsheet_dropped_are_no_other_item(rated, told):
    ratings = pd.DataFrame({"user": 1, "item": rated.split(), "rating": [5, 4, 3]})
    items = pd.DataFrame({"item_id": told.split(), "name": ["tea", "rice", "salt"]})
    source = load(ratings, items=items)
    assert source.items["name"].tolist() == ["tea", "rice", "3"]
    assert any("007 and 7" in sentence for sentence in source.report.sentences())
    exact = pd.concat([items, pd.DataFrame({"item_id": ["3"], "name": ["ink"]})])
    assert load(ratings, items=exact).items["name"].tolist()[2] == "ink"
    assert "007" not in str(load(ratings, items=exact).report.sentences())


def test_an_id_written_in_two_ways_in_the_items(tmp_path):
    ratings = pd.DataFrame({"user": 1, "item": [42, 43], "rating": [5, 4]})
    items = pd.DataFrame({"item_id": ["42", "42.0", "43.0"], "name": ["tea", "other", "rice"]})
    assert load(ratings, items=items).items["name"].tolist() == ["tea", "rice"]


def test_columns_of_one_name_are_told(tmp_path):
    _, report = read_messy(written(tmp_path, "user,item,rating,Rating\nann,tea,5,1\nbo,tea,4,2\n"))
    assert "columns: 2 are called 'rating'; only the first is used" in report.sentences()
    frame = pd.DataFrame([["ann", "tea", 5, 1], ["bo", "tea", 4, 2]])
    frame.columns = ["user", "item", "rating", "rating"]
    assert read_messy(frame)[0]["rating"].tolist() == [5, 4]


def test_columns_that_could_be_ratings_are_named(tmp_path):
    _, report = read_messy(written(tmp_path, CLEAN.replace("rating", "opinion")))
    assert "not used: 'opinion'" in str(report.sentences())


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        ("👍 👎 👍", [1, 0, 1]),
        ("Yes no yes", [1, 0, 1]),
        ("True False False", [1, 0, 0]),
        ("★★★★☆ ★☆☆☆☆ ★★★★★", [4, 1, 5]),
        ("4/5 1/5 5/5", [4, 1, 5]),
        ("4stars 1Star 5星", [4, 1, 5]),
        ("40% 100% 0%", [40, 100, 0]),
    ],
)
def test_ratings_in_words_and_signs(texts, values):
    frame = pd.DataFrame({"user": [1, 2, 3], "item": 1, "rating": texts.split()})
    ratings, report = read_messy(frame)
    assert ratings["rating"].tolist() == values
    assert any("words" in told or "units" in told for told in report.sentences())


def test_a_word_among_numbers_is_no_rating():
    frame = pd.DataFrame({"user": [1, 2, 3], "item": 1, "rating": ["5", "yes", "3"]})
    ratings, report = read_messy(frame)
    assert ratings["rating"].tolist() == [5, 3]
    assert report.counts == {"rating not a number": 1}


def test_an_open_quote_near_the_start_of_a_long_file(tmp_path):
    body = "".join(f"u{n % 97},i{n % 89},{1 + n % 5}\n" for n in range(15_000))
    ratings, _ = read_messy(written(tmp_path, CLEAN + 'cy,"3 inch nail,4\n' + body))
    assert {"cy", "u96"} <= set(ratings["user_id"])


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ProjectError, match="no such file"):
        load(tmp_path / "none.csv")
    with pytest.raises(ProjectError, match="is a folder"):
        load(tmp_path)


def test_parquet_and_frames_are_read_alike(tmp_path):
    frame = pd.DataFrame(ROWS, columns=["user_id", "item_id", "rating"])
    frame.to_parquet(tmp_path / "r.parquet")
    assert rows(read_messy(tmp_path / "r.parquet")[0]) == ROWS
    assert rows(read_messy(frame.astype({"rating": float}))[0]) == ROWS
    missing = pd.concat([frame, pd.DataFrame({"user_id": ["cy"], "item_id": [None]})])
    assert read_messy(missing)[1].counts == {"missing item": 1}


def test_items_bring_names(tmp_path):
    told = written(
        tmp_path, "SKU,Title,Genre\ntea,Green tea,drink\nrice,,food\ntea,Other,x\n", "i.csv"
    )
    source = load(written(tmp_path, CLEAN), items=told)
    assert source.items["name"].to_dict() == {"milk": "milk", "rice": "rice", "tea": "Green tea"}
    assert source.items.loc["tea", "text"] == "Green tea. drink"
    assert source.items.loc["milk", "text"] == ""
    assert source.report.counts["items: item named again"] == 1
    assert source.report.counts["items without a row in the table of items"] == 1
    with pytest.raises(ProjectError, match=r"none of the 3 items.*item_id"):
        load(written(tmp_path, CLEAN), items=pd.DataFrame({"item": [1], "name": ["x"]}))
    with pytest.raises(ProjectError, match=r"needs a column item_id"):
        read_items(pd.DataFrame({"a": [1], "b": ["x"]}))


def test_names_in_the_ratings_are_used(tmp_path):
    text = "user_id,item_id,title,rating\nann,1,Green tea,5\nbo,1,Green tea,4\nbo,2,Milk,1\n"
    assert load(written(tmp_path, text)).items["name"].tolist() == ["Green tea", "Milk"]


def test_a_table_of_names_only(tmp_path):
    source = load(
        written(tmp_path, "用户,商品名称,评分\n王,绿茶,5\n李,绿茶,4\n李,米,1\n", encoding="gbk")
    )
    assert sorted(source.interactions.items) == sorted(["绿茶", "米"])
    assert source.items["name"].tolist() == source.interactions.items.tolist()


def test_likes_are_three_quarters_up_the_scale(tmp_path):
    source = load(written(tmp_path, CLEAN))
    assert source.scale == (1, 5)
    assert source.like == 1 + 0.75 * (5 - 1)
    assert source.liked.value.tolist() == [5, 4]
    with pytest.raises(ProjectError, match="no rating reaches 6"):
        load(written(tmp_path, CLEAN), like=6)


def test_what_is_rare_is_said(tmp_path):
    sentences = load(written(tmp_path, CLEAN)).report.sentences()
    assert "rare items: 2 that no two users liked; never recommended" in sentences
    assert "short histories: 2 users with fewer than 5 events; kept" in sentences


def test_columns_play_one_role_each():
    assert find_columns(["user", "item", "item name"], ["user", "item", "name"]) == {
        "user": 0, "item": 1, "name": 2,
    }  # fmt: skip
    assert "rating" not in find_columns(["user", "item", "date"], ["user", "item", "rating"])
    # Beside a code, a bare "Product" is what the thing is called.
    assert find_columns(["SKU", "Product"], ["item", "name"]) == {"item": 0, "name": 1}
    assert find_columns(["Product", "Title"], ["item", "name"]) == {"item": 0, "name": 1}


IDS = (
    st.text("abcdefgh绿茶é 07", min_size=1, max_size=5)
    .map(str.strip)
    .filter(lambda text: text and text not in ("0", "7", "na"))
)


@settings(max_examples=40)
@given(st.data())
def test_every_row_is_accounted_for(data):
    """Rows of any dirt, shuffled: the clean ones come out, the others are counted by kind."""
    pairs = data.draw(st.lists(st.tuples(IDS, IDS), min_size=3, max_size=12, unique=True))
    stars = data.draw(st.lists(st.sampled_from("12345"), min_size=len(pairs), max_size=len(pairs)))
    separator = data.draw(st.sampled_from(",;\t|"))
    kinds = {
        "blank lines": "",
        "missing user": separator.join(["", "x", "3"]),
        "missing item": separator.join(["x", " ", "3"]),
        "missing rating": separator.join(["x", "y", ""]),
        "rating not a number": separator.join(["x", "y", "three"]),
        "rating out of range": separator.join(["x", "y", "77"]),
        "repeated headers": separator.join(["User ID", "item", "Score"]),
        "wrong number of fields": separator.join(["x", "y", "3", "more"]),
    }
    dirt = data.draw(st.lists(st.sampled_from(sorted(kinds)), max_size=8))
    clean = [separator.join([u, i, s]) for (u, i), s in zip(pairs, stars, strict=True)]
    lines = data.draw(st.permutations([*clean, *(kinds[kind] for kind in dirt)]))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]))
    text = end.join([kinds["repeated headers"], *lines, ""])
    with tempfile.TemporaryDirectory() as folder:
        path = written(folder, text, encoding=encoding)
        # Without a letter that is not ASCII, GBK and UTF-8 are the same; with one, GBK is found out
        # unless its bytes happen to be UTF-8, so it is named.
        ratings, report = read_messy(
            path, scale=(1, 5), encoding="gb18030" if encoding == "gb18030" else None
        )
    expected = sorted((u, i, float(s)) for (u, i), s in zip(pairs, stars, strict=True))
    assert (
        sorted(map(tuple, ratings.astype({"user_id": str, "item_id": str}).to_numpy())) == expected
    )
    counted = {kind: count for kind, count in report.counts.items() if kind in kinds}
    assert counted == {kind: dirt.count(kind) for kind in set(dirt)}


def test_the_books_other_data_sets_are_sources(monkeypatch):
    from types import SimpleNamespace

    from recbook.data import Interactions

    ratings = pd.DataFrame(
        {"user_id": [1, 1, 2], "item_id": [7, 8, 7], "rating": [5, 2, 4], "t": 9}
    )
    films = pd.DataFrame(
        {"item_id": [7, 8], "title": ["Alien", None], "genres": ["Horror|Sci-Fi", ""]}
    )
    events = Interactions.from_frame(ratings, value="rating", time="t")
    told = SimpleNamespace(films=films, interactions=lambda: events)
    monkeypatch.setattr("recbook.data.load_movielens", lambda name: told, raising=False)
    source = load("movielens")
    assert source.items["name"].tolist() == ["Alien", "8"]
    assert source.items["text"].tolist() == ["Alien. Horror Sci-Fi", ""]
    assert source.likes.tolist() == [True, False, True]

    shop = load("Complete Journey")
    assert not shop.explicit
    assert shop.liked.n_items == shop.interactions.n_items
    assert (shop.items["name"] != shop.items.index.astype(str)).mean() > 0.99
    assert shop.report.counts["repeated events"] > 0
    cells = shop.interactions.user.astype(np.int64) * shop.interactions.n_items
    assert len(np.unique(cells + shop.interactions.item)) == len(shop.interactions)
