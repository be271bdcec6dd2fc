"""Start the workshop: `python start.py`. Needs Python 3.11, 3.12 or 3.13 and nothing else.

python start.py            open JupyterLab; sets up what is missing first
python start.py prepare    at home, with a network: packages, data, and what the fusions are made of
python start.py prepare --quick    the same without the last (chapters {fused} make it themselves)
python start.py check      say what on this machine has to be mended
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WHEELS = HERE / "wheels"


def main(arguments):
    """Do what was asked for and return the exit code."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(
            "The workshop needs Python 3.11, 3.12 or 3.13, and this is {}.{}: install Python 3.12 "
            "and run start.py with it.".format(*sys.version_info[:2])
        )
    if not set(arguments) <= {"prepare", "check", "--quick"} or len(arguments) > 2:
        sys.exit(__doc__)
    if "check" in arguments:
        python = PYTHON if PYTHON.exists() else sys.executable
        return subprocess.call([str(python), str(HERE / "setup_check.py")])
    fetch = set_up() or "prepare" in arguments
    # In class nobody waits for a network that is not there: without `prepare` it is only looked.
    look = [
        "-c",
        "import setup_check as s; exit(s.movielens(s.facts.find_place()).state == 'fail')",
    ]
    has_data = run("-m", "recbook.data") == 0 if fetch else run(*look) == 0
    if not has_data:
        print(
            "MovieLens is not here yet. Its licence lets nobody pass it on, so every machine "
            "fetches it once: run `python start.py prepare` with a network. Until then these "
            "chapters run: {without_movielens}."
        )
    if "prepare" in arguments:
        if "--quick" not in arguments and has_data:
            print("Fitting what the fusions are made of, once (7 minutes on two processors).")
            if run("-m", "recbook.fusion"):
                return 1
        subprocess.call([str(PYTHON), str(HERE / "setup_check.py")])
        print("Prepared. In class, `python start.py` needs no network." if has_data else "")
        return 0 if has_data else 1
    lab = ["-m", "jupyter", "lab", "--notebook-dir=" + str(HERE)]
    return run(*lab, "--LabApp.default_url=/lab/tree/notebooks/{first}.ipynb")


def set_up():
    """Make the environment from the lock file and the wheel; return False where it stands."""
    lock, wheel = HERE / "requirements.lock", HERE / "{wheel}"
    state = hashlib.sha256(lock.read_bytes() + wheel.read_bytes()).hexdigest()
    ready = ENVIRONMENT / "ready"
    if ready.is_file() and ready.read_text() == state:
        return False
    print("Setting up .venv, once (a few minutes).")
    if not PYTHON.exists():
        subprocess.check_call([sys.executable, "-m", "venv", str(ENVIRONMENT)])
    source = ["--require-hashes", "-r", str(lock)]
    if WHEELS.is_dir():
        source = ["--no-index", "--find-links", str(WHEELS), "-r", str(WHEELS / "requirements.txt")]
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    if run(*pip, *source) or run(*pip, "--no-deps", "--no-index", "--force-reinstall", str(wheel)):
        sys.exit(
            "The packages could not be installed; what pip said stands above. This needs a network "
            "once, or the workshop with wheels, which your teacher can make for a room without one."
        )
    ready.write_text(state)
    return True


def run(*arguments):
    """Run the environment's Python and return its exit code."""
    return subprocess.call([str(PYTHON), *arguments], cwd=str(HERE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
