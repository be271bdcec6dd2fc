"""What the site makes of outputs: tables that can be read, folds that say what they hide."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "site" / "ext"))

from data_frames import is_number, mend_table
from run_record import _name_fold


@pytest.mark.parametrize(
    "text", ["0.41", "-3", "−3", "1,469,307", "2.6%", "[0.1, 0.2]", "–", "", "NaN", "$5"]
)
def test_numbers_stay_to_the_right(text):
    assert is_number(text)


@pytest.mark.parametrize("text", ["better", "Milk, 64 oz", "12 Angry Men", "商品"])
def test_words_are_text(text):
    assert not is_number(text)


def test_a_text_column_and_its_header_are_marked():
    table = mend_table(pd.DataFrame({"name": ["tea", "12"], "n": [1, 2]}).to_html())
    assert table.count('<th class="text">name</th>') == 1
    assert table.count('<td class="text">') == 2
    assert "<th>n</th>" in table


def test_the_name_of_the_index_moves_up():
    frame = pd.DataFrame({"n": [1]}, index=pd.Index(["tea"], name="product"))
    table = mend_table(frame.to_html())
    head = table.split("</thead>")[0]
    assert head.count("<tr") == 1
    assert "<th>product</th>" in head


def test_a_header_of_two_levels_is_left_alone():
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    assert mend_table(frame.to_html()).count("<tr") == frame.to_html().count("<tr")


@pytest.mark.parametrize(
    ("tags", "source", "prompt", "kept"),
    [
        (["hide-input"], "x = 1", "Show the code", "hide-input"),
        (["hide-input", "check"], "exercise.check(x)", "Show the check", "hide-input"),
        (["hide-input", "solution"], "exercise.solution(x)", "Show the solution", "hide-cell"),
        (["hide-input"], "low = 1\nclaim(\n    'a-b', ...", "Show the check", "claim"),
    ],
)
def test_a_fold_says_what_is_behind_it(tags, source, prompt, kept):
    cell = {"metadata": {"tags": tags}, "source": source}
    _name_fold(cell)
    assert cell["metadata"]["mystnb"]["code_prompt_show"] == prompt
    assert kept in cell["metadata"]["tags"]
