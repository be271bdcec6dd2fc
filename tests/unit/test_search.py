"""The analyser and the index, held to the formula, to postings by hand and to other libraries."""

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbook.search import Analyser, TextIndex, chinese_pairs, fold_plural, letter_grams

TEXTS = ["green tea", "black tea tea", "rice", "green rice cakes from rice", ""]
letters = st.text("abc ", max_size=12)


def by_formula(texts, queries, k1, b, cut=str.split):
    """BM25 written out, by a scan over all texts."""
    cut_texts = [cut(text) for text in texts]
    lengths = np.array([len(terms) for terms in cut_texts])
    scores = np.zeros((len(queries), len(texts)))
    for row, query in enumerate(queries):
        for term in cut(query):
            n = sum(term in terms for terms in cut_texts)
            if not n:
                continue
            idf = math.log(1 + (len(texts) - n + 1 / 2) / (n + 1 / 2))
            for place, terms in enumerate(cut_texts):
                f = terms.count(term)
                norm = k1 * (1 - b + b * lengths[place] / lengths.mean())
                scores[row, place] += idf * f / (f + norm) if f else 0
    return scores


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.0, 0.5), (2.0, 0.0), (0.9, 1.0)])
def test_scores_are_those_of_the_formula(k1, b):
    queries = ["green tea", "rice rice", "nothing known", ""]
    index = TextIndex(k1, b, analyser=str.split).fit(TEXTS)
    expected = by_formula(TEXTS, queries, k1, b)
    np.testing.assert_allclose(index.score(queries), expected, atol=1e-6)
    assert index.score(queries).dtype == np.float32


@given(st.lists(letters, min_size=1, max_size=8), st.lists(letters, min_size=1, max_size=4))
def test_any_texts_and_queries_score_as_the_formula_says(texts, queries):
    if not any(text.split() for text in texts):
        with pytest.raises(ValueError, match="none of these texts has a term"):
            TextIndex(analyser=str.split).fit(texts)
        return
    index = TextIndex(1.5, 0.6, analyser=str.split).fit(texts)
    expected = by_formula(texts, queries, 1.5, 0.6)
    np.testing.assert_allclose(index.score(queries), expected, atol=1e-5)


def test_one_score_as_arithmetic():
    # "tea" stands in 2 of 3 texts, twice in the second, whose length is 3 of a mean of 2.
    score = TextIndex(1.0, 0.5).fit(["green tea", "black tea tea", "rice"]).score(["tea"])[0, 1]
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    assert score == pytest.approx(idf * 2 / (2 + 1 * (1 - 0.5 + 0.5 * 3 / 2)))


def test_the_postings_are_those_of_an_index_by_hand():
    index = TextIndex(analyser=str.split).fit(TEXTS)
    for term, row in index.terms_.items():
        holders = [place for place, text in enumerate(TEXTS) if term in text.split()]
        assert index.postings_[[row]].indices.tolist() == holders
    assert index.n_texts_ == len(TEXTS)


def test_bm25s_itself_ranks_the_same():
    import bm25s

    texts = [text for text in TEXTS if text]
    engine = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    engine.index([text.split() for text in texts], show_progress=False)
    expected = engine.get_scores(["green", "tea"])
    found = TextIndex(analyser=str.split).fit(texts).score(["green tea"])[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_search_puts_the_best_first_ties_in_order_and_ends_with_nothing():
    index = TextIndex().fit(["tea", "rice", "tea", "tea tea"])
    places, scores = index.search(["tea", "soap"], 5)
    assert places[1].tolist() == [-1] * 5
    assert not scores[1].any()
    assert places[0, 3:].tolist() == [-1, -1]
    of_all = index.score(["tea"])[0]
    assert places[0, :3].tolist() == sorted((0, 2, 3), key=lambda i: (-of_all[i], i))
    np.testing.assert_array_equal(scores[0, :3], of_all[places[0, :3]])


def test_matches_store_only_what_shares_a_term():
    found = TextIndex().fit(TEXTS).matches(["tea", "soap", "rice tea"])
    assert [found[[row]].indices.tolist() for row in range(3)] == [[0, 1], [], [0, 1, 2, 3]]


def test_repeated_texts_and_a_series_with_any_index():
    series = pd.Series(["tea", "tea", "rice"], index=[9, 4, 7])
    np.testing.assert_array_equal(
        TextIndex().fit(series).score(["tea"]), TextIndex().fit(list(series)).score(["tea"])
    )


def test_a_query_is_cut_like_a_text():
    index = TextIndex(analyser=Analyser()).fit(["COOKIES/CRACKERS 16OZ", "RICE"])
    assert (index.score(["Cookie"]) > 0).tolist() == [[True, False]]
    assert not TextIndex(analyser=Analyser(plurals=False)).fit(["COOKIES"]).score(["cookie"]).any()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: TextIndex(-1), ValueError, "k1 must be at least 0"),
        (lambda: TextIndex(float("nan")), ValueError, "k1 must be at least 0"),
        (lambda: TextIndex(b=1.5), ValueError, "b must be between 0 and 1"),
        (lambda: TextIndex(analyser="words"), TypeError, "analyser must be a function"),
        (lambda: TextIndex().fit("tea"), TypeError, "put it in a list"),
        (lambda: TextIndex().fit(["tea", None]), TypeError, "at place 1"),
        (lambda: TextIndex().fit([]), ValueError, "nothing to index"),
        (lambda: TextIndex().fit(["", "/"]), ValueError, "nothing to index"),
        (lambda: TextIndex().score(["tea"]), ValueError, "not fitted yet"),
        (lambda: TextIndex().fit(TEXTS).score("tea"), TypeError, "put it in a list"),
        (lambda: TextIndex().fit(TEXTS).search(["tea"], 0), ValueError, "k must be a whole"),
        (lambda: TextIndex().fit(TEXTS).search(["tea"], True), ValueError, "k must be a whole"),
        (lambda: Analyser(chinese="words"), ValueError, "chinese must be one of"),
        (lambda: Analyser(expansions={"frzn": "frozen"}), TypeError, "a list of words"),
        (lambda: Analyser()(None), TypeError, "a text is needed"),
        (lambda: letter_grams("tea", 1), ValueError, "at least 2"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, error, says):
    with pytest.raises(error, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("singular", "plural"),
    [
        ("chip", "chips"), ("cookie", "cookies"), ("berry", "berries"), ("box", "boxes"),
        ("dish", "dishes"), ("potato", "potatoes"), ("cheese", "cheeses"), ("sauce", "sauces"),
        ("glass", "glasses"), ("toothbrush", "toothbrushes"), ("tray", "trays"),
        ("pie", "pies"), ("fry", "fries"), ("dry", "dries"), ("toe", "toes"), ("tea", "teas"),
        ("quiche", "quiches"), ("mousse", "mousses"), ("axe", "axes"),
    ],
)  # fmt: skip
def test_a_plural_and_its_singular_share_a_key(singular, plural):
    assert fold_plural(singular) == fold_plural(plural)


@pytest.mark.parametrize("word", ["asparagus", "glass", "citrus", "gas", "bus", "oz", "茶叶"])
def test_what_only_looks_like_a_plural_stays(word):
    assert fold_plural(word) == word


def test_chinese_in_pairs_characters_and_runs():
    assert chinese_pairs("茶") == ["茶"]
    assert Analyser()("Aurora简约茶叶1号") == ["aurora", "简约", "约茶", "茶叶", "1", "号"]
    assert Analyser(chinese="characters")("茶叶 tea") == ["茶", "叶", "tea"]
    assert Analyser(chinese="runs")("茶叶，咖啡") == ["茶叶", "咖啡"]
    assert Analyser()("T恤") == ["t", "恤"]


@given(st.text("茶叶咖啡杯子", min_size=2, max_size=8), st.data())
def test_a_word_of_two_characters_is_found_wherever_it_stands(run, data):
    start = data.draw(st.integers(0, len(run) - 2))
    assert run[start : start + 2] in Analyser()(run)


def test_expansions_are_added_beside_the_word():
    analyse = Analyser(expansions={"frzn": ["Frozen"], "chx": ["chicken", "parts"]})
    assert analyse("FRZN CHX") == ["frzn", "frozen", "chx", "chicken", "part"]


@given(st.text("abcdef", min_size=1, max_size=10), st.integers(2, 4))
def test_letter_grams_cover_the_word(word, n):
    grams = letter_grams(word, n)
    assert len(grams) == max(1, len(word) + 2 - n + 1)
    assert Counter("".join(g[0] for g in grams) + grams[-1][1:]) == Counter(f"^{word}$")
