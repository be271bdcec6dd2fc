"""Small books of one or two chapters, to see the build fail where it must."""

import nbformat
import pytest
from execution import Book


@pytest.fixture
def make_book(tmp_path):
    """Return a function that writes a book: chapter name → list of code cells."""

    def make(**chapters):
        (tmp_path / "chapters").mkdir(exist_ok=True)
        entries = "".join(f"  - file: chapters/{name}\n" for name in chapters)
        (tmp_path / "_toc.yml").write_text(
            f"format: jb-book\nroot: chapters/index\nchapters:\n{entries}"
        )
        (tmp_path / "requirements.lock").write_text("numpy==2.0\n")
        package = tmp_path / "toy"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text("def two():\n    return 2\n")
        for name, cells in chapters.items():
            node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
            nbformat.write(node, tmp_path / "chapters" / f"{name}.ipynb")
        return Book(tmp_path, package)

    return make
