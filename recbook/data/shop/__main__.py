"""Write the committed instance and its checksums again: `python -m recbook.data.shop`."""

from __future__ import annotations

import sys
from pathlib import Path

from recbook.data.shop import save_shop, simulate_shop
from recbook.data.shop.files import committed_directory

HEADER = '"""Checksums of the committed instance; written by `python -m recbook.data.shop`."""\n\n'


def main() -> None:
    """Simulate, write data/shop/ and recbook/data/shop/checksums.py, and say what was written."""
    directory = committed_directory()
    sums = save_shop(simulate_shop(), directory)
    entries = "".join(f'    "{name}": "{sums[name]}",\n' for name in sorted(sums))
    module = Path(__file__).with_name("checksums.py")
    text = f"{HEADER}SHA256: dict[str, str] = {{\n{entries}}}\n"
    module.write_bytes(text.encode())
    size = sum(path.stat().st_size for path in directory.iterdir())
    sys.stdout.write(f"{len(sums)} files, {size / 1e6:.2f} MB, written to {directory}\n")


if __name__ == "__main__":
    main()
