"""`python -m recbook`: the commands that come with the book."""

from __future__ import annotations

import runpy
import sys
from importlib import import_module
from pathlib import Path

COMMANDS = {
    "recommend": ("recbook.project.command", "lists of products, with reasons, from your own CSV"),
    "check": ("recbook.book.setup_check", "whether this machine has what the book needs"),
    "data": ("recbook.data.__main__", "bring the book's data sets here and prove them right"),
}
USAGE = "usage: python -m recbook COMMAND [options]"


def main(arguments: list[str] | None = None) -> int:
    """Hand the arguments on to a command; return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        sys.stdout.write(help_text())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from recbook import __version__

        sys.stdout.write(f"recbook {__version__}\n")
        return 0
    command, rest = arguments[0], arguments[1:]
    if command not in COMMANDS:
        known = ", ".join(COMMANDS)
        sys.stderr.write(f"recbook: there is no command {command!r}; there are {known}\n")
        return 2
    if command == "check":  # it must also run where NumPy is missing, which recbook.book needs
        check = Path(__file__).parent / "book" / "setup_check.py"
        return runpy.run_path(str(check))["main"](rest)
    run = import_module(COMMANDS[command][0]).main
    if command != "data":
        return run(rest)
    if rest:
        helped = rest[0] in ("-h", "--help")
        stream = sys.stdout if helped else sys.stderr
        stream.write("usage: python -m recbook data (it takes no options)\n")
        return 0 if helped else 2
    return run()


def help_text() -> str:
    """Return what `python -m recbook --help` shows."""
    lines = [USAGE, "", "commands"]
    lines += [f"  {name:<10} {what}" for name, (_, what) in COMMANDS.items()]
    lines += ["", "python -m recbook COMMAND --help tells more of a command.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = 130
    sys.exit(code)
