"""What `kritarunner` starts: pytest in this folder, and its exit status."""

import os
import sys
from pathlib import Path


def main(*_):
    sys.dont_write_bytecode = True
    import pytest

    here = Path(__file__).parent
    report = f"--junitxml={os.environ['FRAMEWRIGHT_REPORT']}"
    # Its own configuration, not the repository's: that is for another pytest.
    alone = [
        "-c",
        os.devnull,
        f"--rootdir={here}",
        f"--confcutdir={here}",
        "-p",
        "no:cacheprovider",
    ]
    status = pytest.main([str(here), "-q", report, *alone])
    sys.stdout.flush()
    # kritarunner itself ends with 0 whatever happened.
    os._exit(int(status))
