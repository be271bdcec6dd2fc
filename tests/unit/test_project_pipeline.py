"""From clean ratings to lists with reasons, on tables with planted structure."""

import numpy as np
import pandas as pd
import pytest

from recbook.data import Interactions
from recbook.evaluation.tasks import evaluate
from recbook.project import (
    Project,
    ProjectError,
    choose,
    judge,
    left_out,
    load,
    make_task,
    members,
    rate,
    reasons,
    recommend,
)
from recbook.project.choosing import FUSION, fit_members
from recbook.project.evidence import Evidence
from recbook.project.explaining import Explainer
from recbook.project.pipeline import final_model

N_USERS, N_ITEMS = 160, 24
WORKS = {0, 4, 7}  # seeds of unstructured tables that are large enough


def planted(*, time=False, rating=True):
    """Ten groups of two that are liked together: item 2g by half the users, 2g + 1 by the same.

    User 0 has liked item 0 ("tyre") and two of other groups whole, so "pump" is what she lacks.
    """
    rng = np.random.default_rng(5)
    rows = []
    for user in range(N_USERS):
        for group in rng.choice(N_ITEMS // 2, 4, replace=False):
            pair = [2 * group, 2 * group + 1]
            if user == 0:
                continue
            rows += [(user, item, 5) for item in pair]
        low = rng.choice(N_ITEMS, 2, replace=False)
        rows += [(user, item, 1) for item in low if (user, item, 5) not in rows]
    rows = [row for row in rows if row[0]] + [(0, item, 5) for item in (0, 4, 5, 8, 9)]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rating"])
    frame["user_id"] = "u" + frame["user_id"].astype(str)
    frame["item_id"] = [names()[item] for item in frame["item_id"]]
    frame = frame.sample(frac=1, random_state=1, ignore_index=True)
    if time:
        frame["time"] = np.arange(len(frame)) * 3600
    return frame if rating else frame[frame["rating"] == 5].drop(columns="rating")


def names():
    return ["tyre", "pump", *(f"thing {n:02d}" for n in range(2, N_ITEMS))]


def described():
    rows = [(name, f"{name} of kind {n // 2}", f"kind{n // 2}") for n, name in enumerate(names())]
    return pd.DataFrame(rows, columns=["item_id", "name", "category"])


@pytest.fixture(scope="module")
def project():
    return Project(load(planted(), items=described()), deep=False).run()


def test_the_planted_item_comes_first_and_its_reason_names_the_cause(project):
    lists = project.lists(["u0"], 3)
    assert lists["item_id"].iloc[0] == "pump"
    assert lists["because"].iloc[0][0] == "tyre"
    assert "tyre" in lists["reason"].iloc[0]
    assert lists["rank"].tolist() == [1, 2, 3]
    assert (np.diff(lists["score"]) <= 0).all()


@pytest.mark.parametrize("name", ["item neighbours", "pair rules", "content", "iALS", "EASE"])
def test_every_family_finds_the_planted_item_and_cause(project, name):
    model = fit_members({name: project.members[name]}, project.source.liked)[name]
    lists = recommend(model, project.source, ["u0"], 1, explain=True)
    assert lists["item_id"].tolist() == ["pump"]
    assert lists["because"].iloc[0][0] == "tyre"
    assert lists["member"].tolist() == [name]


def test_popularity_gives_no_cause_but_counts(project):
    model = fit_members({"p": project.members["popularity"]}, project.source.liked)["p"]
    row = recommend(model, project.source, ["u1"], 1, explain=True).iloc[0]
    liked = project.source.liked.frame()
    n = (liked["item_id"] == row["item_id"]).sum()
    assert row["because"] == ()
    assert row["reason"] == f"popular: {n} of {N_USERS} users liked it"


def test_what_was_had_is_never_recommended(project):
    lists = project.lists(None, N_ITEMS, explain=False)
    had = set(map(tuple, planted()[["user_id", "item_id"]].to_numpy()))
    assert not had & set(map(tuple, lists[["user_id", "item_id"]].to_numpy()))
    assert lists["user_id"].nunique() == N_USERS
    assert not lists.duplicated(["user_id", "item_id"]).any()


def test_choice_is_made_on_validation_and_judged_on_test(project):
    choice, judged = project.choice, project.judgement
    best = choice.validation["ndcg"].idxmax()
    assert choice.name == best
    assert choice.single == choice.validation["ndcg"].drop(FUSION).idxmax()
    assert set(judged.table.index) == {*project.members, FUSION}
    assert judged.table["verdict"].drop("popularity").eq("better").any()
    # The judgement of a member is what the book's own protocol says of it.
    fitted = fit_members({"m": project.members["EASE"]}, project.task.fit_on("test"))["m"]
    expected = evaluate(fitted, project.task)
    assert np.allclose(judged.results["EASE"]["ndcg"], expected["ndcg"])
    shares = judged.table[["coverage", "diversity", "recall", "hit_rate"]]
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)


def test_members_fitted_before_are_used_and_change_nothing(project):
    source, task = project.source, project.task
    fitted = fit_members(members(source, deep=False), task.fit_on("validation"))
    told = []
    choice = choose(fitted, task, tell=told.append)
    assert not [one for one in told if "fitting" in one]
    pd.testing.assert_series_equal(choice.weights, project.choice.weights)
    again = judge(choice, fit_members(fitted, task.fit_on("test")), task, source)
    pd.testing.assert_frame_equal(again.table, project.judgement.table)
    lists = recommend(final_model(choice, source), source, explain=True)
    pd.testing.assert_frame_equal(lists, project.lists())


def test_parts_sum_to_the_score(project):
    model = final_model(project.choice, project.source)
    if project.choice.name != FUSION:
        model = project.choice.fusion.fit(project.source.liked)
    lists = recommend(model, project.source, ["u3"], 5)
    found = reasons(model, project.source, "u3", lists["item_id"])
    sums = [sum(reason.parts.values()) for reason in found]
    assert np.allclose(sums, lists["score"], atol=1e-3)
    for reason in found:
        if reason.parts[reason.member] > 0:
            positive = sum(part for part in reason.parts.values() if part > 0)
            assert reason.share == pytest.approx(reason.parts[reason.member] / positive)


@pytest.mark.parametrize("name", ["item neighbours", "pair rules", "iALS", "EASE"])
def test_evidence_of_the_history_sums_to_the_score(project, name):
    source = project.source
    model = fit_members({name: project.members[name]}, source.liked)[name]
    likes = source.liked.matrix("binary")
    evidence, score = Evidence(model), model.score()
    for row in (0, 7):
        history = likes[[row]].indices
        for item in (1, 6, 20):
            added = evidence.of(row, item, history)
            assert added.sum() == pytest.approx(score[row, item], rel=1e-4, abs=1e-5)


def test_evidence_of_content_is_the_profile_before_its_length():
    source = load(planted(), items=described())
    model = members(source, deep=False)["content"].fit(source.liked)
    history = source.liked.matrix("binary")[[0]].indices
    added = Evidence(model).of(0, 1, history)
    whole = np.linalg.norm(model.vectors_[history].sum(axis=0))
    assert added.sum() / whole == pytest.approx(float(model.score([0])[0, 1]), rel=1e-5)


def test_evidence_of_the_network_is_the_score_without_the_item():
    from recbook.models import MultVAE

    source = load(planted())
    liked = source.liked
    model = MultVAE(4, 8, epochs=2, batch_size=64).fit(liked)
    history = liked.matrix("binary")[[3]].indices
    added = Evidence(model).of(3, 1, history)
    network = model.network()
    row = np.zeros((1, liked.n_items), np.float32)
    row[:, history] = 1
    without = row.copy()
    without[:, history[0]] = 0
    with_it, without_it = (network(one, training=False)[0].numpy()[0, 1] for one in (row, without))
    assert added[0] == pytest.approx(with_it - without_it, abs=1e-4)
    assert len(added) == len(history)


@pytest.mark.parametrize(("time", "rating"), [(True, True), (False, True), (True, False)])
def test_nothing_held_out_is_known(time, rating):
    source = load(planted(time=time, rating=rating))
    task, how = make_task(source)
    test, validation = task.window("test"), task.window("validation")
    cells = [
        {(int(u), int(i)) for u, i in zip(part.user, part.item, strict=True)}
        for part in (validation.known, validation.held_out, test.held_out)
    ]
    assert not cells[0] & cells[1]
    assert not cells[1] & cells[2]
    assert not cells[0] & cells[2]
    assert cells[0] | cells[1] <= {
        (int(u), int(i)) for u, i in zip(test.known.user, test.known.item, strict=True)
    }
    assert (test.exclude.multiply(test.relevant)).nnz == 0
    assert ("times" in how) == (not time)
    if time:
        assert test.known.time.max() <= test.held_out.time.min()


def test_low_ratings_of_the_test_part_stay_candidates():
    source = load(planted())
    task, _ = make_task(source)
    low = source.interactions.select(~source.likes).matrix("binary")
    excluded = task.exclude("test").multiply(low).nnz
    assert 0 < excluded < low.nnz


def test_a_users_own_time_where_one_cut_judges_too_few():
    """Each user comes once, in a sitting of her own: a cut for everyone finds nobody known."""
    frame = planted()
    frame = frame.sort_values("user_id", kind="stable", ignore_index=True)
    frame["time"] = np.arange(len(frame))
    task, how = make_task(load(frame))
    assert "each user's last fifth" in how
    assert len(task.users("test")) > N_USERS / 2
    known, held = task.fit_on("test"), task.window("test").held_out
    for user in held.user[:5]:
        assert known.time[known.user == user].max() < held.time[held.user == user].min()


def test_diversity_is_the_same_in_blocks_and_is_bounded(monkeypatch):
    from recbook.evaluation.beyond import intra_list_diversity_per_user
    from recbook.project import judging

    rng = np.random.default_rng(5)
    features = rng.random((30, 4))
    lists = np.array([rng.permutation(30)[:5] for _ in range(1_003)])
    whole = intra_list_diversity_per_user(lists, features).mean()
    assert judging._diversity(lists, features) == pytest.approx(whole, rel=1e-12)
    monkeypatch.setattr(judging, "MAX_DIVERSE", 100)
    some = intra_list_diversity_per_user(lists[::11], features).mean()
    assert judging._diversity(lists, features) == pytest.approx(some, rel=1e-12)


def test_too_little_data_is_said():
    frame = pd.DataFrame({"user": [1, 2, 3], "item": [1, 1, 2], "rating": [5, 4, 5]})
    with pytest.raises(ProjectError, match=r"3 events of 3 users .* too few .*; bring more users"):
        make_task(load(frame))


def test_families_that_are_left_out_are_named():
    bare = load(planted())
    assert "content" not in members(bare, deep=False)
    assert "--items" in left_out(bare, deep=False)["content"]
    assert left_out(bare, deep=False)["Mult-VAE"] == "as asked"
    full = load(planted(), items=described())
    assert set(members(full)) == {
        "popularity", "item neighbours", "pair rules", "content", "iALS", "EASE", "Mult-VAE",
    }  # fmt: skip


def test_without_tensorflow_the_network_is_left_out(monkeypatch):
    monkeypatch.setattr("recbook.project.families.find_spec", lambda name: None)
    source = load(planted())
    assert "Mult-VAE" not in members(source)
    assert "recbook[deep]" in left_out(source)["Mult-VAE"]


def test_the_single_model_is_used_where_the_fusion_is_no_better():
    """One member alone: the fusion gives its lists, so it cannot be better."""
    source = load(planted())
    task, _ = make_task(source)
    alone = {"EASE": members(source, deep=False)["EASE"]}
    choice = choose(alone, task)
    assert choice.name == choice.single == "EASE"
    assert "not used" in choice.why
    model = final_model(choice, source)
    assert model.interactions_.n_users == N_USERS
    assert recommend(model, source, ["u0"], 1)["item_id"].tolist() == ["pump"]


def test_who_likes_nothing_gets_what_is_popular():
    frame = planted()
    cold = pd.DataFrame({"user_id": ["cold"], "item_id": ["tyre"], "rating": [1]})
    project = Project(load(pd.concat([frame, cold])), deep=False).run(test=False)
    lists = project.lists(["cold"], 4)
    liked = frame[frame["rating"] == 5]["item_id"].value_counts().drop("tyre")
    assert project.judgement is None
    assert liked[lists["item_id"]].tolist() == liked.iloc[:4].tolist()
    assert lists["because"].tolist() == [()] * 4
    assert lists["member"].tolist() == ["popularity"] * 4


def test_the_order_of_the_rows_does_not_change_who_is_recommended_what(project):
    shuffled = planted().sample(frac=1, random_state=9)
    a, b = (load(frame).interactions for frame in (planted(), shuffled))
    assert a.users.equals(b.users)
    assert (a.matrix() != b.matrix()).nnz == 0


def test_unknown_users_are_refused(project):
    with pytest.raises(ValueError, match="'nobody' is not in the data"):
        project.lists(["nobody"])
    with pytest.raises(ValueError, match="'nobody' is not in the data"):
        reasons(project.model, project.source, "nobody", ["tyre"])


def test_explainer_reads_a_fusion_and_a_single_model(project):
    single = fit_members({"EASE": project.members["EASE"]}, project.source.liked)["EASE"]
    found = Explainer(single, project.source).reasons(np.array([0]), np.array([[1]]))[0]
    assert found[0].parts == {"EASE": 1.0}
    assert found[0].share == 1.0


def test_ratings_are_predicted_better_than_by_their_mean():
    rng = np.random.default_rng(0)
    user, item = np.repeat(np.arange(60), 12), rng.integers(0, 40, 60 * 12)
    frame = pd.DataFrame({"user": user, "item": item, "rating": 1 + user % 5})
    table = rate(load(frame))
    assert table["rmse"].idxmax() == "mean of all"
    assert (table["mae"] <= table["rmse"]).all()
    with pytest.raises(ValueError, match="no ratings"):
        rate(load(planted(rating=False)))


def test_a_source_is_an_interactions_table():
    source = load(planted())
    assert isinstance(source.interactions, Interactions)
    assert source.items.index.equals(source.interactions.items.rename("item_id"))


def test_a_member_with_a_negative_weight_is_no_reason(project):
    """What popularity takes off is a correction: an item is not there because few liked it."""
    fusion = project.choice.fusion.fit(project.source.liked)
    explainer = Explainer(fusion, project.source)
    members = list(fusion.members_)
    explainer.weights = dict.fromkeys(members, 0.1) | {"popularity": -5.0}
    lists = recommend(fusion, project.source, None, 3)
    row = {user: row for row, user in enumerate(project.source.interactions.users)}
    item = {item: place for place, item in enumerate(project.source.interactions.items)}
    found = [
        reason
        for user, listed in lists.groupby("user_id")["item_id"]
        for reason in explainer.reasons(
            np.array([row[user]]), np.array([[item[i] for i in listed]])
        )[0]
    ]
    rare = [one for one in found if max(one.parts, key=one.parts.get) == "popularity"]
    assert rare
    assert not [one for one in rare if one.because and one.member == "popularity"]
    assert [one for one in rare if one.because]


@pytest.mark.parametrize("seed", range(8))
def test_any_table_gives_valid_lists_or_one_sentence(seed):
    """Without any structure, of all sizes and kinds: nothing breaks in the middle."""
    rng = np.random.default_rng(seed)
    n, n_users, n_items = rng.integers([100, 10, 2], [400, 40, 30])
    frame = pd.DataFrame(
        {"user": rng.integers(n_users, size=n), "item": rng.integers(n_items, size=n)}
    )
    if seed % 4:
        frame["rating"] = rng.integers(1, 6, n)
    if seed % 3:
        frame["time"] = rng.integers(0, 10**6, n)
    source = load(frame)
    project = Project(source, deep=False, rng=seed)
    if seed not in WORKS:
        with pytest.raises(ProjectError, match="too few"):
            project.run()
        return
    lists = project.run().lists(None, 3)
    had = source.interactions.frame()[["user_id", "item_id"]].to_numpy()
    listed = lists[["user_id", "item_id"]].to_numpy()
    assert not set(map(tuple, had)) & set(map(tuple, listed))
    assert np.isfinite(lists["score"]).all()
    assert not (lists.groupby("user_id")["score"].diff() > 0).any()
    assert lists["reason"].str.len().min() > 0
