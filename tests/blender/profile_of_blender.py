"""A home of the test's own for Blender, with the add-on in it as it is packed for users."""

import os
import subprocess
import zipfile
from pathlib import Path

from application import REPOSITORY

PACKAGE = REPOSITORY / "plugins" / "blender" / "package"
INSIDE = Path(__file__).parent / "inside"
DRIVER = Path(__file__).parent / "driver"


class Profile:
    """Directories of one Blender, under a root of the test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run = root / "run"
        self.temporary = root / "tmp"
        addons = root / "scripts" / "addons"
        for directory in (root / "home", addons, self.extensions, self.temporary):
            directory.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)

    @property
    def extensions(self) -> Path:
        """Where Blender 4.2 and newer look for this user's extensions."""
        return self.root / "extensions" / "user_default"

    def environment(self, **more: str) -> dict[str, str]:
        """For a Blender that uses these directories and nothing else of this user's."""
        kept = {key: os.environ[key] for key in ("CI",) if key in os.environ}
        return {
            **kept,
            "TMPDIR": str(self.temporary),
            # Debian's Blender runs the system's Python; another one on the path leads it astray.
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.root / "home"),
            "XDG_RUNTIME_DIR": str(self.run),
            "BLENDER_USER_CONFIG": str(self.root / "config"),
            "BLENDER_USER_SCRIPTS": str(self.root / "scripts"),
            "BLENDER_USER_EXTENSIONS": str(self.root / "extensions"),
            "BLENDER_USER_DATAFILES": str(self.root / "datafiles"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            **more,
        }

    def crash(self) -> str:
        """What Blender wrote down when it crashed; empty where it did not."""
        return "\n".join(
            file.read_text("utf-8", "replace") for file in self.temporary.rglob("*.crash.txt")
        )

    def install(self, *, extension: bool) -> None:
        """Unpacks the add-on where Blender finds it."""
        archive = self.root / "framewright-blender.zip"
        subprocess.run([str(PACKAGE), str(archive)], check=True, stdout=subprocess.DEVNULL)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(self.extensions if extension else self.root / "scripts" / "addons")
