"""`python -m recbook.scale SOURCE TARGET`: the job of `recbook.scale.job` on this machine."""

import sys

from recbook.scale.job import main

if __name__ == "__main__":
    sys.exit(main())
