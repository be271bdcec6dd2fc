"""`python -m recbook recommend`: what it prints, what it writes, and how it refuses."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

from recbook import __main__ as recbook_main
from recbook.project import ProjectError, output
from recbook.project.command import main

N_USERS, N_ITEMS = 60, 16
QUICK = ["--no-deep", "--no-test"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A messy export in GBK: pairs of products liked together, Chinese ids, a formula as a name."""
    rng = np.random.default_rng(2)
    lines = ["用户ID;商品编号;商品名称;评分", ""]
    for user in range(N_USERS):
        low = rng.integers(N_ITEMS)
        lines.append(f"王{user};{product(low)};{named(low)};1")
        for group in rng.choice(N_ITEMS // 2, 4, replace=False):
            for item in (2 * group, 2 * group + 1):
                if item != low and (user, item) != (0, 1):
                    lines.append(f"王{user};{product(item)};{named(item)};5")
    lines = [line for line in lines if not line.startswith("王0;") or named(1) not in line]
    lines += [f"王0;{product(0)};{named(0)};5", "王1;;x;5", f"王2;{product(3)};{named(3)};很好"]
    path = tmp_path_factory.mktemp("project") / "my.csv"
    path.write_bytes("\n".join(lines).encode("gbk"))
    return path


def product(item):
    return f"品{item:02d}"


def named(item):
    return "=1+1 绿茶" if item == 1 else f"绿茶{item}号"


def run(capsys, *arguments):
    code = main([str(one) for one in arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def shell(*arguments, **more):
    command = [sys.executable, "-m", "recbook", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", **more
    )


def test_table(capsys, table):
    code, out, err = run(capsys, table, "--user", "王0", "-k", 3, "--explain", *QUICK)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "For user 王0:"
    assert lines[1].split() == ["rank", "item_id", "name", "score"]
    assert lines[2].split()[:2] == ["1", product(1)]
    assert len([line for line in lines[2:] if line[:3].strip()]) == 3
    assert "encoding: read as GBK" in err
    assert "missing item: 1 (line" in err
    assert "chosen: " in err
    assert named(0) in lines[3]  # the reason names what was planted


def test_csv_is_safe_to_open_in_a_spreadsheet(capsys, table):
    arguments = [table, "--user", "王0", "-k", 2, "--explain", "--format", "csv", *QUICK]
    code, out, _ = run(capsys, *arguments)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert rows[0]["item_id"] == product(1)
    assert rows[0]["name"] == "'=1+1 绿茶"
    assert rows[0]["because"].split(" | ")[0] == product(0)
    assert not [cell for row in rows for cell in row.values() if cell[0] in "=+@\t\r"]


def test_negative_numbers_in_a_csv_stay_numbers():
    frame = pd.DataFrame({"user_id": [-3], "rank": [1], "item_id": ["@x"], "score": [-0.5]})
    out = output.render(frame, "csv", facts={})
    assert out.splitlines()[1] == "-3,1,'@x,-0.5"


def test_json(capsys, table):
    arguments = [table, "-u", "王0", "-u", "王5", "-k", 2, "--explain", "--format", "json", *QUICK]
    code, out, err = run(capsys, *arguments, "--quiet")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert [user["user_id"] for user in told["users"]] == ["王0", "王5"]
    first = told["users"][0]["items"][0]
    assert set(first) == {"rank", "item_id", "name", "score", "member", "because", "reason"}
    assert (first["rank"], first["item_id"], first["name"]) == (1, product(1), named(1))
    assert first["because"][0] == product(0)
    assert told["source"] == str(table)


def test_everyone_into_a_file(capsys, table, tmp_path):
    path = tmp_path / "lists.csv"
    path.write_text("old")
    code, out, _ = run(capsys, table, "--all", "-k", 1, "--format", "csv", "-o", path, *QUICK)
    assert (code, out) == (0, "")
    lists = pd.read_csv(path)
    assert len(lists) == N_USERS
    assert list(lists.columns) == ["user_id", "rank", "item_id", "name", "score"]
    assert [one.name for one in tmp_path.iterdir()] == ["lists.csv"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--user", "王600"], "has no user '王600'; near it are '王"),
        (["--user", "王0", "--items", "none.csv"], "none.csv: there is no such file"),
        (["--user", "王0", "--user-column", "who"], "who|recognised"),
        (["--user", "王0", "--scale", "5", "5"], "--scale"),
        (["--user", "王0", "--like", "9"], "no rating reaches 9"),
        (["--user", "王0", "--encoding", "klingon"], "no encoding 'klingon'"),
    ],
)
def test_refusals_are_one_sentence_and_leave_no_file(capsys, table, tmp_path, arguments, told):
    path = tmp_path / "out.json"
    code, out, err = run(capsys, table, *arguments, "-q", "--output", path, *QUICK)
    assert (code, out) == (1, "")
    assert err.startswith("recbook: ")
    assert err.count("\n") == 1
    assert any(one in err for one in told.split("|"))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_table_and_too_little_data(capsys, tmp_path):
    code, _, err = run(capsys, tmp_path / "none.csv", "--all", "-q")
    assert code == 1
    assert "there is no such file" in err
    few = tmp_path / "few.csv"
    few.write_text("user_id,item_id,rating\n1,2,5\n1,3,4\n2,2,1\n")
    code, _, err = run(capsys, few, "--all", "-q", "--no-deep")
    assert code == 1
    assert "too few" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("place", ["no/such/folder/x.csv", "."])
def test_where_nothing_can_be_written_no_work_is_done(capsys, table, tmp_path, monkeypatch, place):
    monkeypatch.setattr("recbook.project.source.load", None)  # reading would fail
    code, _, err = run(capsys, table, "--all", "-q", "-o", tmp_path / place)
    assert code == 1
    assert "folder" in err


def test_what_is_read_is_never_written_over(capsys, table, tmp_path):
    items = tmp_path / "items.csv"
    items.write_text("item_id,name\nx,y\n")
    link = tmp_path / "link.csv"
    link.symlink_to(table)
    for taken in (table, items, link):
        before = taken.read_bytes()
        code, _, err = run(capsys, table, "--all", "-q", "--items", items, "-o", taken)
        assert (code, taken.read_bytes()) == (1, before)
        assert "is read from" in err


def test_a_protected_file_is_left_alone(tmp_path, monkeypatch):
    path = tmp_path / "lists.csv"
    path.write_text("old")
    output.check_writable(path)
    monkeypatch.setattr("recbook.project.output.os.access", lambda asked, mode: asked != path)
    with pytest.raises(ProjectError, match="write-protected"):
        output.check_writable(path)


def test_devices_and_links_are_written_to_not_replaced(tmp_path):
    if hasattr(os, "mkfifo"):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        output.write("lists", pipe)
        assert os.read(reader, 100) == b"lists"
        os.close(reader)
        assert pipe.is_fifo()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    output.write("lists", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "lists"


def test_a_user_who_is_named_twice_gets_one_list(capsys, table):
    who = ["--user", "王3", "--user", "王4", "--user", "王3"]
    code, out, _ = run(capsys, table, *who, "-k", 2, "-q", "--format", "csv", *QUICK)
    assert code == 0
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == ["王3", "王3", "王4", "王4"]


def test_a_full_disk_is_told_in_a_sentence(table):
    if not os.path.exists("/dev/full"):
        return
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "recbook", "recommend", str(table), "--all", "-q", *QUICK]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, encoding="utf-8")
    assert ended.returncode == 1
    assert ended.stderr == (
        "recbook: the lists cannot be written (No space left on device); make room\n"
    )


def test_tensorflow_that_does_not_load_is_told(capsys, table, monkeypatch):
    def broken(*arguments, **more):
        raise ImportError("the deep models need TensorFlow, which is not installed")

    monkeypatch.setattr("recbook.project.pipeline.Project", broken)
    code, _, err = run(capsys, table, "--all", "-q")
    assert (code, err.count("\n")) == (1, 1)
    assert "--no-deep" in err


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "lists.csv"
    path.write_text("old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recbook.project.output.os.replace", full)
    with pytest.raises(ProjectError, match="No space left"):
        output.write("new", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "arguments",
    [["x.csv"], ["--user", "1"], ["x.csv", "--all", "-k", "0"], ["x.csv", "--all", "--seed", "-1"]],
)
def test_wrong_options_end_with_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_terminal_gets_no_control_characters():
    lists = pd.DataFrame(
        {
            "user_id": ["a\x1b[2J"],
            "rank": [1],
            "item_id": ["x"],
            "name": ["n\r\x07"],
            "score": [1.0],
        }
    )
    assert not set(output.render(lists, "table", facts={})) & set("\x1b\r\x07")
    lists["name"] = ["n\x1b[2J\x07\x9b1m\u202eabc"]
    for form in ("csv", "json"):
        text = output.render(lists, form, facts={})
        assert not set(text) & set("\x1b\x07\x9b\u202e")
    assert json.loads(text)["users"][0]["items"][0]["name"] == lists["name"][0]


def test_columns_of_the_table_stand_under_each_other():
    lists = pd.DataFrame(
        {"user_id": [1, 1], "rank": [1, 2], "item_id": [7, 8], "name": ["绿茶", "tea"],
         "score": [0.5, 0.25]}
    )  # fmt: skip
    lines = output.render(lists, "table", facts={}).splitlines()[2:4]
    ends = [output.width(line[: line.index("0.")]) for line in lines]
    assert ends[0] == ends[1]


def test_progress_is_shown_when_it_takes_long(monkeypatch):
    from recbook.project import command

    told = io.StringIO()
    teller = command._Teller(told, quiet=False)
    teller.step("at once")
    monkeypatch.setattr(command, "PROGRESS_AFTER", -1)
    teller.step("fitting EASE")
    assert "at once" not in told.getvalue()
    assert "fitting EASE" in told.getvalue()
    quiet = io.StringIO()
    silent = command._Teller(quiet, quiet=True)
    silent.step("fitting EASE")
    silent.note("done")
    assert quiet.getvalue() == ""


def test_a_step_that_began_early_is_shown_when_it_takes_long(monkeypatch):
    from recbook.project import command

    class Told(io.StringIO):
        come = threading.Event()

        def flush(self):
            self.come.set()

    monkeypatch.setattr(command, "PROGRESS_AFTER", 0.05)
    told = Told()
    teller = command._Teller(told, quiet=False)
    teller.step("reading the table")
    assert told.come.wait(30)
    assert "reading the table" in told.getvalue()


def test_one_seed_gives_the_same_bytes_in_any_process(table, tmp_path):
    arguments = ["recommend", table, "--all", "-k", 4, "--explain", "--format", "json", *QUICK]
    runs = [
        shell(*arguments, env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"})
        for seed in ("1", "2")
    ]
    outs = [one.communicate() for one in runs]
    assert [one.returncode for one in runs] == [0, 0], outs
    assert outs[0][0] == outs[1][0]
    assert len(json.loads(outs[0][0])["users"]) == N_USERS


def test_a_closed_pipe_is_no_error(table):
    running = shell("recommend", table, "--all", "--format", "csv", "-q", *QUICK)
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait() == 0


def test_ctrl_c_ends_it_with_one_word(table):
    running = shell("recommend", table, "--all", *QUICK)
    running.stderr.readline()  # it is at work
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    assert running.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err


def test_help_is_complete_and_needs_no_heavy_import():
    code = (
        "import sys; from recbook.__main__ import main\n"
        "try: main(['recommend', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'tensorflow'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert told.returncode == 0, told.stderr
    options = ["--user", "--all", "-k", "--explain", "--format", "--output", "--items", "--seed",
               "--quiet", "--user-column", "--scale", "--like", "--no-deep", "examples",
               "exit codes"]  # fmt: skip
    assert [one for one in options if one not in told.stdout] == []


def test_the_commands_of_the_package(capsys, monkeypatch):
    assert recbook_main.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(command in out for command in ("recommend", "check", "data"))
    assert recbook_main.main([]) == 2
    assert recbook_main.main(["recomend"]) == 2
    assert "there is no command 'recomend'" in capsys.readouterr().err
    assert recbook_main.main(["data", "--help"]) == 0
    assert recbook_main.main(["data", "--now"]) == 2
    handed = []
    monkeypatch.setattr("recbook.project.command.main", lambda given: handed.append(given) or 7)
    assert recbook_main.main(["recommend", "x.csv", "--all"]) == 7
    assert handed == [["x.csv", "--all"]]
