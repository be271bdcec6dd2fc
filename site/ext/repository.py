"""Take the repository's address from pyproject.toml, the one place where it stands.

From it come the launch and repository buttons, the canonical links and the address of the social
card. The branch is `main`; the public address is GitHub Pages' own: https://OWNER.github.io/NAME/.
"""

import hashlib
import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

SITE = Path(__file__).resolve().parent.parent


def read_address(root: Path) -> str:
    """Return the repository's address, without a slash at its end."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        address = project["urls"]["Repository"]
    except (OSError, KeyError) as error:
        raise ConfigError(
            f"{root / 'pyproject.toml'} names no repository; write Repository = "
            '"https://github.com/OWNER/NAME" under [project.urls]'
        ) from error
    return address.rstrip("/").removesuffix(".git")


def public_address(repository: str) -> str:
    """Return where GitHub Pages publishes the repository, with a slash at the end."""
    owner, name = repository.rsplit("/", 2)[-2:]
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def _configure(app: Sphinx, config: Config) -> None:
    repository = read_address(Path(app.srcdir))
    config.html_baseurl = public_address(repository)
    config.html_theme_options = config.html_theme_options | {
        "repository_url": repository,
        "repository_branch": "main",
        "path_to_docs": "",
        "use_repository_button": True,
        "use_issues_button": True,
    }
    config.html_static_path = [
        *config.html_static_path,
        str(SITE / "static"),
        str(SITE / "vendor" / "katex" / "static"),
        str(SITE / "vendor" / "source-serif" / "static"),
    ]


def _code_digest() -> str:
    """Digest of the extensions: pages read by older ones must be read again."""
    files = sorted([*SITE.glob("ext/*.py"), *SITE.glob("diagrams/*.svg")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.add_config_value("recbook_code_digest", _code_digest(), "env", [str])
    # Jupyter Book sets this for an extension that this book does not load.
    app.add_config_value("comments_config", {}, "env")
    app.connect("config-inited", _configure, priority=100)
    app.add_css_file("book.css", priority=900)
    app.add_css_file("katex/katex.min.css", priority=800)
    app.add_js_file("theme-first.js", priority=100)
    app.add_js_file("book.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
