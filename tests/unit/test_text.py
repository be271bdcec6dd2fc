"""Words and TF-IDF: by hand, and against scikit-learn."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from recbook.models.text import TfIdf, count_words, unit_rows, words

LETTERS = st.text(alphabet="ab C1.2-ß茶", max_size=12)
TEXTS = st.lists(LETTERS, min_size=1, max_size=8)


def test_words_are_runs_of_letters_and_numbers_in_lower_case():
    assert words("BEANS - BAKED W/PORK National 15.75 OZ") == [
        "beans", "baked", "w", "pork", "national", "15.75", "oz"
    ]  # fmt: skip
    assert words("16OZ") == words("16 oz") == ["16", "oz"]
    assert words("naïve_Café 绿茶") == ["naïve", "café", "绿茶"]
    assert words("…/-") == []


def test_plain_weights_are_those_of_the_formula():
    texts = ["green tea tea", "black tea", "tea soap", "tea"]
    tfidf = TfIdf(idf="plain").fit(texts)
    assert tfidf.words_ == ["black", "green", "soap", "tea"]
    np.testing.assert_allclose(tfidf.idf_, [log(4 / 1), log(4 / 1), log(4 / 1), log(4 / 4)])
    found = tfidf.transform(["green soap green"]).toarray()
    # 2 ln 4 and ln 4, divided by ln 4 · √(2² + 1²).
    np.testing.assert_allclose(found, [[0, 2 / sqrt(5), 1 / sqrt(5), 0]])


def test_smooth_weights_count_one_text_more():
    tfidf = TfIdf().fit(["green tea", "tea"])
    np.testing.assert_allclose(tfidf.idf_, [log(3 / 2) + 1, log(3 / 3) + 1])
    length = sqrt((log(3 / 2) + 1) ** 2 + 1)
    np.testing.assert_allclose(
        tfidf.transform(["green tea"]).toarray(), [[(log(3 / 2) + 1) / length, 1 / length]]
    )


@settings(max_examples=100, deadline=None)
@given(TEXTS, LETTERS)
def test_smooth_vectors_equal_scikit_learns(texts, other):
    if not any(map(words, texts)):
        return
    theirs = TfidfVectorizer(analyzer=words).fit(texts)
    ours = TfIdf().fit(texts)
    assert ours.words_ == theirs.get_feature_names_out().tolist()
    np.testing.assert_allclose(ours.idf_, theirs.idf_, rtol=1e-12)
    for some in (texts, [other], []):
        found = ours.transform(some)
        assert found.shape == (len(some), len(ours.words_))
        if some:
            np.testing.assert_allclose(
                found.toarray(), theirs.transform(some).toarray(), rtol=1e-12, atol=1e-15
            )


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_plain_idf_is_scikit_learns_unsmoothed_less_one(texts):
    if not any(map(words, texts)):
        return
    counts = CountVectorizer(analyzer=words).fit_transform(texts)
    theirs = TfidfTransformer(smooth_idf=False).fit(counts)
    ours = TfIdf(idf="plain").fit(texts)
    np.testing.assert_allclose(ours.idf_, theirs.idf_ - 1, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(count_words(texts, ours.words_).toarray(), counts.toarray())


def test_rare_words_can_be_left_out():
    assert TfIdf(min_texts=2).fit(["a b", "b c", "b c"]).words_ == ["b", "c"]


def test_own_tokenizer_is_used():
    pairs = TfIdf(lambda text: [text[i : i + 2] for i in range(len(text) - 1)]).fit(
        ["绿茶", "红茶"]
    )
    assert pairs.words_ == ["红茶", "绿茶"]


def test_texts_without_known_words_are_rows_of_zeros():
    tfidf = TfIdf().fit(["tea", ""])
    assert not tfidf.transform(["soap", ""]).toarray().any()
    assert tfidf.fit([]).transform(["tea"]).shape == (1, 0)


def test_unit_rows_leaves_its_input_alone():
    matrix = sparse.csr_array([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0], [0.0, -2.0, 0.0]])
    found = unit_rows(matrix)
    np.testing.assert_allclose(found.toarray(), [[3 / 5, 0, 4 / 5], [0, 0, 0], [0, -1, 0]])
    assert matrix.toarray()[0].tolist() == [3, 0, 4]


def test_what_is_wrong_is_said():
    with pytest.raises(TypeError, match="several texts, not one"):
        TfIdf().fit("tea")
    with pytest.raises(TypeError, match="text 1 is None"):
        TfIdf().fit(["tea", None])
    with pytest.raises(TypeError, match="tokenizer must be a function"):
        TfIdf("words")
    with pytest.raises(ValueError, match="idf must be one of"):
        TfIdf(idf="log")
    with pytest.raises(ValueError, match="min_texts must be"):
        TfIdf(min_texts=0)
    with pytest.raises(ValueError, match="not fitted yet"):
        TfIdf().transform(["tea"])
