"""What Blender's Python starts: pytest in this folder, and its exit status."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def main() -> int:
    """Runs the tests; the report is a JUnit file."""
    os.chdir(HERE)
    sys.path.insert(0, str(HERE))
    wanted = os.environ.get("FRAMEWRIGHT_TESTS", "")
    return pytest.main(
        [
            *("-q", "-p", "no:cacheprovider", "--rootdir", str(HERE), "-c", os.devnull),
            f"--confcutdir={HERE}",
            f"--junitxml={os.environ['FRAMEWRIGHT_REPORT']}",
            *(["-k", wanted] if wanted else []),
            str(HERE),
        ]
    )


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Blender itself would end with 0, whatever happened.
    os._exit(status)
