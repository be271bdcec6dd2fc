"""JupyterLab, as `make lab` starts it: notebooks open as notebooks, with diagrams and plots."""

import os
import re
import signal
import subprocess
import sys

import nbformat
import pytest

pytestmark = pytest.mark.browser

DIAGRAM = (
    "```mermaid\nflowchart TD\n    accTitle: Two\n    accDescr: One leads to two.\n    A --> B\n```"
)
PLOT = (
    "import matplotlib.pyplot as plt\nfrom recbook.book import show\n"
    "figure, axes = plt.subplots()\nshow(figure, 'A pair of empty axes, from zero to one.')"
)


@pytest.fixture
def lab(tmp_path):
    """Serve a folder that holds one notebook; yields the address of that notebook."""
    node = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(DIAGRAM), nbformat.v4.new_code_cell(PLOT)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(node, tmp_path / "one.ipynb")
    command = [sys.executable, "-m", "jupyter", "lab", f"--notebook-dir={tmp_path}", "--no-browser"]
    command += ["--allow-root", "--port=0", "--IdentityProvider.token=", "--ServerApp.ip=127.0.0.1"]
    log = tmp_path / "lab.log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            command, stdout=file, stderr=file, start_new_session=True,
            env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "config")},
        )  # fmt: skip
    try:
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/lab", log.read_text("utf-8"))):
            assert server.poll() is None, log.read_text("utf-8")
        yield f"http://127.0.0.1:{found[1]}/lab/tree/one.ipynb"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def test_a_notebook_opens_with_its_diagram_and_its_plot(browser, lab):
    page = browser.new_page()
    page.goto(lab)
    page.locator(".jp-Notebook").wait_for(timeout=60_000)
    page.locator(".jp-RenderedMermaid img").first.wait_for(timeout=60_000)
    page.get_by_text("| Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".jp-OutputArea-output img[src^='data:image/png']").wait_for(timeout=60_000)
    page.close()
