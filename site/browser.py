"""Find a Chromium for the browser tests and for drawing diagrams, or install one.

`python site/browser.py` prints the path of the browser. Order: the environment variable
RECBOOK_BROWSER, a browser on the PATH or where its installer puts it, Playwright's own. Where
there is none: apt-get as root on Debian and Ubuntu, else Playwright's download. When nothing works
it says so and ends with status 1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

COMMAND = "python site/browser.py"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
# Quiet, without a sandbox (which containers do not allow), and asking nobody anything.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_browser() -> str | None:
    """Return the path of a Chromium, or None."""
    wanted = os.environ.get("RECBOOK_BROWSER")
    if wanted:
        return shutil.which(wanted)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    for place in PLACES:
        if Path(place).is_file():
            return place
    return _playwright_browser()


def _playwright_browser() -> str | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if path and Path(path).is_file() else None


def _installers() -> list[list[list[str]]]:
    ways = []
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
        ways.append([["apt-get", "update"], [*install, "fonts-noto-cjk"]])
    ways.append([[sys.executable, "-m", "playwright", "install", "chromium"]])
    return ways


def install_browser() -> str | None:
    """Install a Chromium the first way that works; return its path, or None."""
    for commands in _installers():
        if all(
            subprocess.run(command, check=False, stdout=sys.stderr).returncode == 0
            for command in commands
        ):
            found = find_browser()
            if found:
                return found
    return None


def main() -> None:
    """Print the path of a browser, installing one where needed."""
    wanted = os.environ.get("RECBOOK_BROWSER")
    found = find_browser()
    if found is None and wanted:
        sys.exit(f"RECBOOK_BROWSER names {wanted!r}, which is no program; unset it or correct it")
    found = found or install_browser()
    if found is None:
        sys.exit(
            "No Chromium was found and none could be installed: install Chromium, Chrome or Edge, "
            "or set RECBOOK_BROWSER to its path"
        )
    print(found)


if __name__ == "__main__":
    main()
