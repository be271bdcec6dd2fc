"""The store: made once, kept under a key of code, libraries and data, never half-written."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from recbook.data.interactions import Interactions
from recbook.fusion import store
from recbook.fusion.store import content_key, source_files, stored


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RECBOOK_CACHE", str(tmp_path))
    return tmp_path / "store"


def events(value=1.0) -> Interactions:
    frame = pd.DataFrame({"user_id": [1, 2], "item_id": ["a", "b"], "rating": [value, 2.0]})
    return Interactions.from_frame(frame, value="rating")


def counted(calls: list, value=3.0):
    def make():
        calls.append(1)
        return {"x": np.array([value])}

    return make


def test_made_once_and_read_again(folder):
    calls = []
    first = stored("part", counted(calls), depends=[events()])
    again = stored("part", counted(calls), depends=[events()])
    assert first["x"] == again["x"] == 3.0
    assert len(calls) == 1
    assert len(list(folder.glob("part-*.npz"))) == 1


@pytest.mark.parametrize(
    "other", [[events(1.5)], [events(), "more"], [np.arange(3)], [np.arange(3.0)]]
)
def test_other_data_or_parameters_are_made_anew_and_replace_the_old(other, folder):
    calls = []
    stored("part", counted(calls), depends=[events()])
    stored("part", counted(calls), depends=other)
    assert len(calls) == 2
    assert len(list(folder.glob("part-*.npz"))) == 1


def test_parts_with_longer_names_are_left_alone(folder):
    stored("part", counted([]), depends=[1])
    stored("part-two", counted([]), depends=[1])
    stored("part", counted([]), depends=[2])
    assert len(list(folder.glob("*.npz"))) == 2


def test_some_arrays_can_be_read_alone():
    def make():
        return {"x": np.array([1]), "y": np.array([2])}

    for _ in range(2):  # made, then read
        assert stored("two", make, depends=[1], keys=["y"]).keys() == {"y"}


def test_a_damaged_file_is_made_anew(folder):
    calls = []
    stored("part", counted(calls), depends=[1])
    (path,) = folder.glob("part-*.npz")
    path.write_bytes(path.read_bytes()[:50])
    assert stored("part", counted(calls), depends=[1])["x"] == 3.0
    assert len(calls) == 2


def test_a_failure_leaves_nothing_behind(folder):
    def fail():
        raise RuntimeError("out of milk")

    with pytest.raises(RuntimeError, match="out of milk"):
        stored("part", fail, depends=[1])
    assert list(folder.glob("*.npz")) == []
    with pytest.raises(ValueError, match="'x' of 'part' holds objects"):
        stored("part", lambda: {"x": np.array([None])}, depends=[1])


def test_the_key_follows_the_code_a_module_leads_to(tmp_path, monkeypatch):
    found = {path.name for path in source_files("recbook.fusion.pooling")}
    assert {"pooling.py", "pool.py", "tasks.py", "interactions.py", "base.py"} <= found
    assert "ease.py" not in found  # no member is imported there
    assert "ease.py" in {path.name for path in source_files("recbook.fusion.members")}
    before = content_key("recbook.fusion.pooling", [1])
    store._code.cache_clear()
    edited = tmp_path / "pool.py"
    edited.write_text("# edited", encoding="utf-8")
    original = store._source
    monkeypatch.setattr(
        store, "_source", lambda name: edited if name.endswith(".pool") else original(name)
    )
    assert content_key("recbook.fusion.pooling", [1]) != before
    store._code.cache_clear()


def test_the_key_is_the_same_in_another_process():
    code = (
        "import json; from recbook.fusion.store import content_key; "
        "print(json.dumps(content_key('recbook.fusion.members', [1, 'a'])))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "7", "PATH": ""},
    )  # fmt: skip
    assert json.loads(result.stdout) == content_key("recbook.fusion.members", [1, "a"])
