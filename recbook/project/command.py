"""`python -m recbook recommend`: the project as one command."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
import threading
import time
from typing import TextIO

from recbook.project.findings import ProjectError
from recbook.project.output import FORMATS, check_writable, printable, render, write

PROGRESS_AFTER = 2.0  # seconds
EXIT_OK, EXIT_REFUSED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

DESCRIPTION = """\
Read a table of ratings, purchases or other events, clean it, learn a model of each family and
their fusion, judge them on held-out data, and recommend."""
EXAMPLES = """\
the table
  A CSV (comma, semicolon, tab or bar; UTF-8, UTF-16 or GBK) or a Parquet file with one row for each
  event. Columns for the user and the item are needed; a rating and a time are used where there are
  any. Many spellings are recognised (user_id, "User ID", customer, 用户; item_id, sku, product,
  商品; …); name yours with --user-column and so on where they are not.
  "shop", "movielens" and "complete journey" stand for the book's data sets.

examples
  python -m recbook recommend data/user_item_data.csv --user 42 --explain
  python -m recbook recommend my.csv --user ann --user bo -k 5 --items products.csv
  python -m recbook recommend my.csv --all --format csv --output lists.csv
  python -m recbook recommend my.csv --user 42 --format json | python -m json.tool
  python -m recbook recommend sales.csv --all --user-column buyer --item-column "article no"

exit codes
  0 lists were made   1 the data or the request cannot be used (one sentence says why)
  2 the options are wrong   130 interrupted"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    made = argparse.ArgumentParser(
        prog="python -m recbook recommend",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("table", metavar="TABLE", help="a CSV or Parquet file, or a name (see below)")
    who = made.add_argument_group("for whom")
    who.add_argument("-u", "--user", action="append", default=[], metavar="ID",
                     help="a user of the table; may be given several times")  # fmt: skip
    who.add_argument("--all", action="store_true", help="everyone in the table")
    what = made.add_argument_group("what")
    what.add_argument("-k", type=_positive, default=10, metavar="N",
                      help="items in each list (default: 10)")  # fmt: skip
    what.add_argument("--explain", action="store_true", help="say of each item why it is there")
    what.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    what.add_argument("-o", "--output", metavar="FILE",
                      help="write there, not to standard output: whole, or not at all")  # fmt: skip
    data = made.add_argument_group("the data")
    data.add_argument("--items", metavar="FILE",
                      help="a table with item_id and name, category or description")  # fmt: skip
    for role in ("user", "item", "rating", "time"):
        data.add_argument(f"--{role}-column", metavar="NAME", help=f"the column of the {role}")
    data.add_argument("--scale", nargs=2, type=float, metavar=("LOW", "HIGH"),
                      help="what a rating may be (default: found out)")  # fmt: skip
    data.add_argument("--like", type=float, metavar="RATING",
                      help="a rating from here on is a like (default: 3/4 up)")  # fmt: skip
    data.add_argument("--encoding", metavar="NAME", help="of a CSV (default: found out)")
    how = made.add_argument_group("how")
    how.add_argument("--no-deep", action="store_true", help="train no network")
    how.add_argument("--no-test", action="store_true",
                     help="do not judge on test; a third faster")  # fmt: skip
    how.add_argument("--seed", type=int, default=0, metavar="N",
                     help="of everything that is drawn (default: 0)")  # fmt: skip
    how.add_argument("-q", "--quiet", action="store_true",
                     help="say nothing on standard error but errors")  # fmt: skip
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names in any script, whatever the terminal's locale
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    options = parser().parse_args(arguments)
    if not options.user and not options.all:
        parser().error("for whom? give --user ID (several times if you like) or --all")
    if options.seed < 0:
        parser().error("--seed must be 0 or more")
    if "numpy" not in sys.modules:  # a sum's order decides its last digits: one thread
        for name in _THREADS:
            os.environ.setdefault(name, "1")
    teller = _Teller(sys.stderr, quiet=options.quiet)
    try:
        text = _run(options, teller)
        if options.output:
            write(text, options.output)
            teller.note(f"written to {options.output}")
        else:
            sys.stdout.write(text)
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the pipe has gone, as head does. Python flushes once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except KeyboardInterrupt:
        teller.end()
        sys.stderr.write("interrupted\n")
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _refused(teller, f"the lists cannot be written ({error.strerror}); make room")
    except ImportError as error:
        if "TensorFlow" not in str(error):
            raise
        return _refused(teller, "TensorFlow cannot be loaded here; mend it, or use --no-deep")
    except MemoryError:
        return _refused(teller, "there is not enough memory; try --no-deep, or a part of the table")
    except ProjectError as error:
        return _refused(teller, str(error))
    return EXIT_OK


def _refused(teller: _Teller, told: str) -> int:
    teller.end()
    sys.stderr.write(f"recbook: {printable(told)}\n")
    return EXIT_REFUSED


def _run(options: argparse.Namespace, teller: _Teller) -> str:
    if options.output:
        read = [name for name in (options.table, options.items) if name]
        check_writable(options.output, inputs=read)
    teller.step("reading the table")
    from recbook.project.source import load

    roles = ("user", "item", "rating", "time")
    columns = {role: getattr(options, f"{role}_column") for role in roles}
    source = load(
        options.table,
        items=options.items,
        columns={role: name for role, name in columns.items() if name},
        scale=tuple(options.scale) if options.scale else None,
        like=options.like,
        encoding=options.encoding,
    )
    events = source.interactions
    teller.note(f"{source.name}: {len(events):,} {'ratings' if source.explicit else 'events'} of "
                f"{events.n_users:,} users on {events.n_items:,} items")  # fmt: skip
    for sentence in source.report.sentences():
        teller.note(f"  {sentence}")
    users = None
    if not options.all:  # each once
        from recbook.project.lists import find_user

        users = list(dict.fromkeys(find_user(source, given) for given in options.user))
    from recbook.project.pipeline import Project

    # The networks' own progress would come between the lines of this one.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        project = Project(source, deep=not options.no_deep, rng=options.seed, tell=teller.step)
        project.run(test=not options.no_test)
    teller.note(f"held out: {project.how}")
    for name, why in project.left_out.items():
        teller.note(f"left out: {name} ({why})")
    teller.note(f"chosen: {project.choice.why}")
    if project.judgement:
        teller.note(f"on test: {project.choice.name} against popularity: "
                    f"{project.judgement.against_popularity}")  # fmt: skip
        if project.judgement.against_single:
            teller.note(f"on test: fusion against {project.choice.single}: "
                        f"{project.judgement.against_single}")  # fmt: skip
    teller.step("making the lists")
    lists = project.lists(users, options.k, explain=options.explain)
    facts = {"source": source.name, "model": project.choice.name, "seed": options.seed}
    teller.end()
    return render(lists, options.format, facts=facts)


class _Teller:
    """Says on standard error what is being done, once the work is long enough to be waited for."""

    def __init__(self, stream: TextIO, *, quiet: bool) -> None:
        self.stream, self.quiet = stream, quiet
        self.started, self.open, self.last = time.monotonic(), False, ""
        # What began before it could be shown may take long.
        self.timer = threading.Timer(PROGRESS_AFTER, self._show)
        self.timer.daemon = True
        if not quiet:
            self.timer.start()

    def step(self, text: str) -> None:
        """Show what is being done now, in one line that is written over on a terminal."""
        self.last = text
        if not self.quiet and time.monotonic() - self.started >= PROGRESS_AFTER:
            self.timer.cancel()
            self._show()

    def _show(self) -> None:
        if not self.last:
            return
        seconds = time.monotonic() - self.started
        if self.stream.isatty():
            self.stream.write(f"\r\x1b[K[{seconds:3.0f} s] {self.last} …")
            self.open = True
        else:
            self.stream.write(f"[{seconds:3.0f} s] {self.last}\n")
        self.stream.flush()

    def note(self, text: str) -> None:
        """Say something that stays."""
        self.end()
        if not self.quiet:
            self.stream.write(f"{printable(text)}\n")

    def end(self) -> None:
        """Clear the line of progress; nothing more is shown of this step."""
        self.last = ""
        if self.open:
            self.stream.write("\r\x1b[K")
            self.open = False


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
