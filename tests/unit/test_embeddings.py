"""Skip-gram and item2vec: what is learnt, how it is scored, and that it is always the same."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.embeddings import ItemToVec, _sentences, skip_gram

SENTENCES = [["tea", "milk", "tea"], ["soap", "sponge"], ["milk", "tea"], ["sponge", "soap"]] * 3
HASH = """
import hashlib
from recbook.models.embeddings import skip_gram
v = skip_gram([[w, "milk", w + "s"] for w in ("tea", "soap", "egg")] * 4, 6, epochs=3, rng=5)
print(hashlib.sha256(v.vectors.tobytes() + v.contexts.tobytes()).hexdigest(), *v.words)
"""


def events(rows, *, n_users=3, n_items=5):
    user, item, time = np.array(rows, dtype=int).reshape(-1, 3).T
    return Interactions(
        user=user, item=item, value=np.ones(len(user)), time=time,
        users=pd.RangeIndex(n_users), items=pd.RangeIndex(n_items),
    )  # fmt: skip


SHOP = events([(0, 0, 1), (0, 1, 1), (0, 2, 9), (1, 0, 4), (1, 1, 4), (1, 3, 4), (2, 4, 7)])


def test_sentences_are_histories_in_the_order_of_time_or_baskets():
    backwards = SHOP.select(np.arange(len(SHOP))[::-1])
    for given in (SHOP, backwards):
        assert _sentences(given, "histories") == [["0", "1", "2"], ["0", "1", "3"]]
        assert _sentences(given, "baskets") == [["0", "1"], ["0", "1", "3"]]
    assert _sentences(SHOP.select([]), "histories") == []


def test_skip_gram_is_gensims():
    from gensim.models import Word2Vec

    ours = skip_gram(SENTENCES, 6, window=2, epochs=4, negatives=3, rng=1)
    theirs = Word2Vec(
        SENTENCES, vector_size=6, window=2, epochs=4, negative=3, sg=1, min_count=1, workers=1,
        seed=int(np.random.default_rng(1).integers(2**31)),
    )  # fmt: skip
    assert ours.words == theirs.wv.index_to_key
    np.testing.assert_array_equal(ours.vectors, theirs.wv.vectors)
    np.testing.assert_array_equal(ours.contexts, theirs.syn1neg)
    assert not np.array_equal(ours.vectors, skip_gram(SENTENCES, 6, rng=2).vectors)


def test_vectors_do_not_depend_on_the_hash_seed():
    both = [
        subprocess.Popen(
            [sys.executable, "-c", HASH], env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE, text=True,
        )
        for seed in ("1", "2")
    ]  # fmt: skip
    first, second = (process.communicate()[0] for process in both)
    assert first == second
    assert first.split()[1:2] == ["milk"]


def test_long_sentences_are_cut_and_not_cut_off():
    long = [str(number % 50) for number in range(10_000)] + ["last", "0"]
    assert "last" in skip_gram([long], 2, epochs=1, window=1).words


def test_inner_products_reach_the_optimum_of_the_loss():
    pairs = {("a", "b"): 6, ("a", "c"): 3, ("b", "d"): 2, ("c", "d"): 6, ("a", "d"): 3}
    sentences = [list(pair) for pair, times in pairs.items() for _ in range(20 * times)]
    np.random.default_rng(0).shuffle(sentences)
    found = skip_gram(sentences, 8, epochs=300, window=1, negatives=2, subsample=0, rng=0)
    together = pd.DataFrame(0.0, found.words, found.words)
    for (one, other), times in pairs.items():
        together.loc[one, other] = together.loc[other, one] = times
    count = together.sum().to_numpy()
    given = (together.T / count).T.to_numpy()
    noise = count**0.75 / (count**0.75).sum()
    # A word is a positive with weight p, and one of two negatives with weight 2 q (1 − p): gensim
    # passes over a negative that is the positive of the moment.
    with np.errstate(divide="ignore"):
        optimum = np.log(given / (2 * noise * (1 - given)))
    seen = given > 0
    fit = found.vectors @ found.contexts.T
    assert np.abs(fit - optimum)[seen].max() < 0.5
    assert fit[~seen].max() < optimum[seen].min()


def test_score_is_profile_times_context_plus_popularity():
    model = ItemToVec(3, popularity=0.5, epochs=2).fit(SHOP)
    assert model.known_.tolist() == [True, True, True, True, False]  # 4 stands alone
    mean = (model.vectors_[0] + model.vectors_[1] + model.vectors_[2]) / 3
    share = np.array([2 / 7, 2 / 7, 1 / 7, 1 / 7])
    expected = model.contexts_[:4] @ mean + 0.5 * np.log(share)
    scores = model.score()
    np.testing.assert_allclose(scores[0, :4], expected, rtol=1e-5)
    # User 2 took only the unknown item: nothing but popularity remains.
    np.testing.assert_allclose(scores[2, :4], 0.5 * np.log(share), rtol=1e-6)
    assert (scores[:, 4] < scores[:, :4].min(axis=1)).all()


def test_profile_weights():
    known = events([(0, 0, 1), (0, 0, 2), (0, 1, 3), (1, 0, 1), (1, 1, 1)])
    for options, weights in (
        ({}, (1 / 2, 1 / 2)),
        ({"values": "count"}, (2 / 3, 1 / 3)),
        ({"values": "count", "half_life_events": 1}, (3 / 7, 4 / 7)),  # 1/4 + 1/2, and 1
    ):
        model = ItemToVec(4, **options).fit(known)
        expected = weights[0] * model.vectors_[0] + weights[1] * model.vectors_[1]
        np.testing.assert_allclose(model.profiles_[0], expected, rtol=1e-5)


def test_baskets_and_histories_learn_different_things():
    histories, baskets = (
        ItemToVec(4, sentences=kind).fit(SHOP) for kind in ("histories", "baskets")
    )
    assert histories.known_.tolist() != baskets.known_.tolist()  # item 2 came alone


def test_scores_in_chunks_are_the_same(monkeypatch):
    from recbook.models import embeddings

    model = ItemToVec(4).fit(SHOP)
    whole = model.score()
    monkeypatch.setattr(embeddings, "_CHUNK_CELLS", 6)
    np.testing.assert_array_equal(model.score(), whole)


def test_nothing_to_learn_from_is_no_reason_to_fail():
    assert skip_gram([], 4).vectors.shape == (0, 4)
    assert skip_gram([["a", "b"]], 4, min_count=2).words == []
    assert not ItemToVec().fit(events([(0, 0, 1), (1, 1, 1)])).known_.any()


def test_what_is_wrong_is_said():
    for options, message in (
        ({"n_factors": 0}, "n_factors must be"),
        ({"window": 0}, "window must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"negatives": 0}, "negatives must be"),
        ({"subsample": -1}, "subsample must be"),
        ({"sentences": "weeks"}, "sentences must be one of"),
        ({"values": "stars"}, "values must be one of"),
        ({"popularity": -1}, "popularity must be"),
        ({"half_life_events": 0}, "half_life_events must be above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            ItemToVec(**options)
