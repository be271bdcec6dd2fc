"""Group preference: the logarithms by hand, and what it may and may not know."""

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.models.groups import GroupPreference

EVENTS = Interactions.from_frame(
    pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": list("ababb")}), users=[1, 2, 3, 4]
)
AGES = pd.DataFrame({"age": ["old", "old", "young", "young"]}, index=[1, 2, 3, 4])
SHARE = np.array([2.1, 3.1]) / 5.2  # two users took a, three b


def test_score_is_the_logarithm_of_the_smoothed_share_over_the_share():
    scores = GroupPreference(AGES, 2).fit(EVENTS).score()
    old = np.log((np.array([2, 2]) + 2 * SHARE) / ((4 + 2) * SHARE))
    young = np.log((np.array([0, 1]) + 2 * SHARE) / ((1 + 2) * SHARE))
    np.testing.assert_allclose(scores, [old, old, young, young], rtol=1e-6)


def test_several_columns_add_up():
    both = AGES.assign(trade=["cook", "smith", "cook", "smith"])
    together = GroupPreference(both).fit(EVENTS).score()
    apart = [GroupPreference(both[[name]]).fit(EVENTS).score() for name in both]
    np.testing.assert_allclose(together, apart[0] + apart[1], rtol=1e-5)


def test_a_user_of_no_group_scores_everything_alike():
    some = AGES.drop(index=[4])
    some.loc[1, "age"] = None
    scores = GroupPreference(some).fit(EVENTS).score()
    np.testing.assert_array_equal(scores[[0, 3]], 0)
    assert (scores[1] != 0).all()


def test_repeats_count_once():
    twice = EVENTS.select(np.r_[np.arange(5), np.arange(5)])
    np.testing.assert_array_equal(
        GroupPreference(AGES).fit(twice).score(), GroupPreference(AGES).fit(EVENTS).score()
    )


def test_much_shrinkage_leaves_no_preference():
    np.testing.assert_allclose(GroupPreference(AGES, 1e9).fit(EVENTS).score(), 0, atol=1e-6)


def test_wrong_groups_and_shrinkage_are_refused():
    with pytest.raises(ValueError, match="groups must be a DataFrame"):
        GroupPreference(AGES["age"])
    with pytest.raises(ValueError, match="groups must be a DataFrame"):
        GroupPreference(pd.concat([AGES, AGES]))
    with pytest.raises(ValueError, match="shrinkage must be above 0"):
        GroupPreference(AGES, 0)
