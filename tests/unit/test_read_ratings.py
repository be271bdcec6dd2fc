"""Anybody's ratings: read exactly, or refused in one sentence with file, line and remedy."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbook.data.ratings import read_ratings
from recbook.data.ratings_text import RatingsFileError, places

HEADER = "user_id,item_id,rating\n"


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="ratings.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write_file


def rows(events):
    return list(
        zip(
            events.users[events.user],
            events.items[events.item],
            events.value.tolist(),
            strict=True,
        )
    )


def refused(path, *parts, **options):
    """Assert one sentence that names the file and holds every part."""
    with pytest.raises(RatingsFileError) as error:
        read_ratings(path, **options)
    message = str(error.value)
    assert str(path) in message
    for part in parts:
        assert part in message
    assert "\n" not in message


# What is read


def test_a_plain_file(write):
    path = write("user_id,item_id,rating,timestamp\nbo,tea,4.5,100\nann,tea,3,90\nann,jam,1,95\n")
    events = read_ratings(path)
    assert rows(events) == [("bo", "tea", 4.5), ("ann", "tea", 3.0), ("ann", "jam", 1.0)]
    assert events.users.tolist() == ["ann", "bo"]
    assert events.items.tolist() == ["jam", "tea"]
    assert events.time.tolist() == [100, 90, 95]
    assert events.has_time


def test_without_times_there_is_no_clock(write):
    events = read_ratings(write(HEADER + "1,2,3\n"))
    assert not events.has_time
    assert events.time.tolist() == [0]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(write, separator):
    text = separator.join(["extra", " rating ", "user_id", " item_id"]) + "\n"
    events = read_ratings(write(text + separator.join(["x", " 4 ", " ann", "tea "]) + "\n"))
    assert rows(events) == [("ann", "tea", 4.0)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_chinese_is_read_in_the_usual_encodings(write, encoding):
    path = write(HEADER + "张三,绿茶,5\n李四,咖啡,3\n", encoding=encoding)
    assert rows(read_ratings(path)) == [("张三", "绿茶", 5.0), ("李四", "咖啡", 3.0)]


def test_an_encoding_can_be_named(write):
    path = write(HEADER + "Zoé,thé,5\n", encoding="latin-1")
    assert rows(read_ratings(path, encoding="latin-1")) == [("Zoé", "thé", 5.0)]
    with pytest.raises(ValueError, match="there is no encoding 'klingon'"):
        read_ratings(path, encoding="klingon")


def test_line_ends_quotes_and_blank_lines(write):
    text = '\r\nuser_id,item_id,rating\r\n\r\n"ann","tea, ""green""\nleaf",5\r\n\r\nbo,tea,3'
    assert rows(read_ratings(write(text))) == [
        ("ann", 'tea, "green"\nleaf', 5.0),
        ("bo", "tea", 3.0),
    ]


def test_other_names_are_given_by_argument(write):
    path = write("uid,movie,stars,when\n7,8,5,10\n")
    events = read_ratings(path, user="uid", item="movie", rating="stars", time="when")
    assert rows(events) == [(7, 8, 5.0)]
    assert events.time.tolist() == [10]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["10", "9", "-3"], [-3, 9, 10]),
        (["007", "7"], ["007", "7"]),
        (["1", "2", "x"], ["1", "2", "x"]),
        (["+1"], ["+1"]),
        (["1.0"], ["1.0"]),
        (["-0"], ["-0"]),
        (["9" * 25], ["9" * 25]),
        (["NA", "nan", "None"], ["NA", "None", "nan"]),
    ],
)
def test_ids_become_integers_only_where_every_one_is_written_as_one(write, ids, expected):
    path = write(HEADER + "".join(f"{name},i,3\n" for name in ids))
    assert read_ratings(path).users.tolist() == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["0", "86400"], [0, 86400]),
        (["1.9"], [1]),
        (["1970-01-02", "1970-01-01T00:00:05Z"], [86400, 5]),
        (["1970-01-01 01:00:00+01:00"], [0]),
    ],
)
def test_times_are_seconds_or_dates(write, texts, expected):
    lines = "".join(f"{n},i,3,{text}\n" for n, text in enumerate(texts))
    events = read_ratings(write("user_id,item_id,rating,timestamp\n" + lines))
    assert events.time.tolist() == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("first", [("ann", "tea", 1.0, 50), ("bo", "tea", 2.0, 10)]),
        ("last", [("bo", "tea", 2.0, 10), ("ann", "tea", 4.0, 30)]),
        ("mean", [("ann", "tea", (1 + 4) / 2, 50), ("bo", "tea", 2.0, 10)]),
    ],
)
def test_duplicates_follow_the_policy(write, policy, expected):
    path = write("user_id,item_id,rating,timestamp\nann,tea,1,50\nbo,tea,2,10\nann,tea,4,30\n")
    events = read_ratings(path, duplicates=policy)
    found = [(*row, time) for row, time in zip(rows(events), events.time.tolist(), strict=True)]
    assert found == expected


def test_parquet_keeps_its_types(tmp_path):
    frame = pd.DataFrame(
        {
            "user_id": pd.Categorical(["7", "007", "7"]),
            "item_id": np.array([3, 2, 1], dtype=np.int16),
            "rating": np.array([1, 2, 3], dtype=np.float32),
            "timestamp": pd.to_datetime([1, 2, 3], unit="s"),
        }
    )
    frame.to_parquet(tmp_path / "r.parquet")
    events = read_ratings(tmp_path / "r.parquet")
    assert rows(events) == [("7", 3, 1.0), ("007", 2, 2.0), ("7", 1, 3.0)]
    assert events.time.tolist() == [1, 2, 3]
    frame.to_parquet(tmp_path / "named-otherwise.dat")
    assert rows(read_ratings(tmp_path / "named-otherwise.dat")) == rows(events)


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=6)
table = st.lists(
    st.tuples(words, words, st.floats(-10, 10)), min_size=1, max_size=30, unique_by=lambda r: r[:2]
)


@given(table=table, encoding=st.sampled_from(["utf-8", "utf-8-sig"]), quote=st.booleans())
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, table, encoding, quote):
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL)
    writer.writerows([["user_id", "item_id", "rating"], *table])
    path = tmp_path_factory.mktemp("ratings") / "r.csv"
    path.write_bytes(buffer.getvalue().encode(encoding))
    events = read_ratings(path)
    assert [(str(u), str(i), r) for u, i, r in rows(events)] == table
    assert events.users.is_monotonic_increasing
    assert events.items.is_monotonic_increasing


# What is refused


def test_files_that_are_not_there_or_not_files(tmp_path, write):
    refused(tmp_path / "absent.csv", "no such file", "check the path")
    refused(tmp_path, "is a folder", "name a CSV or Parquet file")
    refused(write(b""), "is empty (0 bytes)", "export or download it again")
    refused(write(HEADER), "no ratings", "export it again")
    refused(write("\n \n"[:1]), "only blank lines")


def test_a_missing_column_is_named_with_those_found(write):
    refused(
        write("user_id,movie,stars\n1,2,3\n"),
        "line 1 has no column 'item_id' and no 'rating' but 'user_id', 'movie', 'stars'",
        "rename the column, or name yours by argument",
    )
    refused(write("1;2;3\n1;2;3\n"), "no column 'user_id'", "'1', '2', '3'")
    refused(write("user_id,item_id,rating,rating\n1,2,3,4\n"), "names the column 'rating' twice")


@pytest.mark.parametrize(
    "wrong", ["five", "", "inf", "-Infinity", "nan", "4,5", "1_0", "0x1", "1e999"]
)
def test_a_rating_that_is_not_a_finite_number(write, wrong):
    cell = f'"{wrong}"' if "," in wrong else wrong
    path = write(HEADER + f"ann,tea,5\nbo,tea,{cell}\ncy,tea,3\n")
    refused(path, f"line 3 has rating {wrong!r}, not a finite number", "correct it or delete")


def test_many_wrong_lines_are_counted(write):
    path = write(HEADER + "ann,tea,5\n" + "".join(f"u{n},tea,bad\n" for n in range(1005)))
    refused(path, "lines 3, 4, 5 and 1,002 more have rating 'bad'")


@pytest.mark.parametrize(("line", "column"), [(",tea,4", "user_id"), ("ann,  ,4", "item_id")])
def test_a_missing_id(write, line, column):
    refused(write(HEADER + f"bo,tea,4\n{line}\n"), f"line 3 has no {column}", "delete the row")


def test_lines_are_counted_through_quoted_line_breaks(write):
    text = HEADER + 'ann,"tea\nwith\r\nmilk",5\n\nbo,tea,bad\n'
    refused(write(text), "line 6 has rating 'bad'")


def test_lines_with_too_many_or_too_few_fields(write):
    refused(write(HEADER + "a,b,3\na,b\n"), "line 3 has 2 fields where the header has 3", "mend")
    refused(write(HEADER + "a,b,3\n\na,c, d,4\n"), "line 4 has 4 fields")


@pytest.mark.parametrize("text", ['a,"b,3\nc,d,4\n', 'a,"b,3\nc,"d,4\n', 'a,"b"c,3\n'])
def test_a_wrong_quotation_mark(write, text):
    refused(
        write(HEADER + "x,y,1\n" + text), "line 3 has a wrong quotation mark", "close the quote"
    )


def test_encodings_that_are_not_read(write):
    refused(
        write(HEADER + "ann,tea,5\nZoé,thé,5\n", encoding="latin-1"),
        "line 3",
        "neither UTF-8 nor GBK",
        "save the file as UTF-8",
    )
    refused(write(HEADER + "ann,tea,5\n", encoding="utf-16"), "UTF-16", "save it as CSV in UTF-8")
    refused(write(b"PK\x03\x04rest"), "Excel workbook")
    refused(write(b"\x1f\x8brest"), "gzip")
    refused(write(HEADER + "ann,te\0a,5\n"), "line 2 holds the control character 0x00")
    refused(write(HEADER + "Zoé,t,5\n"), "line 2", "is not ascii", encoding="ascii")


def test_a_wrong_byte_far_down_the_file_has_the_right_line(write):
    text = HEADER.encode() + b"ann,tea,5\n" * 150_000 + b"bo,te\xff\xffa,3\n"
    refused(write(text), "line 150002")


def test_times_that_cannot_be_meant(write):
    header = "user_id,item_id,rating,timestamp\n"
    refused(write(header + "a,b,3,soon\n"), "line 2 has a timestamp that is neither seconds")
    refused(
        write(header + "a,b,3,1700000000000\n"), "line 2", "milliseconds", "divide them by 1000"
    )
    refused(write(header + "a,b,3,5\nc,b,3,\n"), "line 3 has a timestamp that is neither")


def test_duplicates_are_refused_unless_a_policy_is_chosen(write):
    path = write(HEADER + "ann,tea,5\nbo,tea,1\nann,tea,5\n")
    refused(
        path,
        "lines 2 and 4 rate the same item tea by the same user ann",
        "1 rows of the file repeat a pair",
        "duplicates='first', 'last' or 'mean'",
    )
    with pytest.raises(ValueError, match="duplicates must be one of"):
        read_ratings(path, duplicates="sum")


def test_parquet_that_is_cut_short_or_something_else(tmp_path, write):
    frame = pd.DataFrame({"user_id": ["a"] * 99, "item_id": range(99), "rating": 1.0})
    frame.to_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    for length in (4, 100, len(whole) - 1):
        path = write(whole[:length], "cut.parquet")
        refused(path, "not a whole Parquet file", "copy or export it again")
    refused(write(whole[:100], "cut.csv"), "not a whole Parquet file")
    refused(write(HEADER + "a,b,3\n", "text.parquet"), "not a whole Parquet file")
    garbled = bytearray(whole)
    garbled[20:60] = bytes(40)
    with pytest.raises(RatingsFileError):
        read_ratings(write(bytes(garbled), "garbled.parquet"))


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"user_id": ["a", None, "c"]}, ["row 2 has no user_id"]),
        ({"rating": [1.0, 2.0, np.inf]}, ["row 3 has rating inf"]),
        ({"rating": [1.0, None, 3.0]}, ["row 2 has rating"]),
        ({"rating": ["1", "x", "3"]}, ["row 2 has rating 'x'"]),
        ({"rating": [True, False, True]}, ["'rating' is of type bool", "must hold numbers"]),
        ({"item_id": [1.5, 2.5, 3.5]}, ["'item_id' is of type double", "text or integers"]),
        ({"item_id": [1, 1, 1], "user_id": [2, 3, 2]}, ["rows 1 and 3 rate the same item 1"]),
        ({"timestamp": [pd.NaT, pd.Timestamp(0), pd.Timestamp(0)]}, ["row 1 has no timestamp"]),
    ],
)
def test_wrong_rows_of_a_parquet_file(tmp_path, change, parts):
    good = {"user_id": ["a", "b", "c"], "item_id": [1, 2, 3], "rating": [1.0, 2.0, 3.0]}
    path = tmp_path / "r.parquet"
    pd.DataFrame(good | change).to_parquet(path)
    refused(path, *parts)


def test_parquet_without_the_columns_or_rows(tmp_path):
    path = tmp_path / "r.parquet"
    pd.DataFrame({"user_id": [1], "stars": [2]}).to_parquet(path)
    refused(path, "no column 'item_id' and no 'rating' but 'user_id', 'stars'")
    pd.DataFrame({"user_id": ["a"], "item_id": ["b"], "rating": [1.0]}).head(0).to_parquet(path)
    refused(path, "no ratings")


def test_places_reads_as_english():
    assert places("line", [3], 1) == "line 3"
    assert places("line", [3, 7], 2) == "lines 3 and 7"
    assert places("row", [3, 7, 9], 1003) == "rows 3, 7, 9 and 1,000 more"
