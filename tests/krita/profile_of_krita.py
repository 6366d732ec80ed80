"""A home of the test's own for Krita, with the plugin in it."""

import os
import shutil
from pathlib import Path

from application import REPOSITORY, STAGE

PLUGIN = REPOSITORY / "plugins" / "krita"
CLIENT = REPOSITORY / "sdk" / "python" / "framewright"
DRIVER = Path(__file__).parent / "driver"


class Profile:
    """Directories of one Krita, under a root of the test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "config"
        self.data = root / "data"
        self.run = root / "run"
        self.home = root / "home"
        for directory in (self.config, self.data, root / "cache", self.home):
            directory.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)

    @property
    def pykrita(self) -> Path:
        """Where Krita looks for plugins."""
        return self.data / "krita" / "pykrita"

    def environment(self, **more: str) -> dict[str, str]:
        """For a Krita that uses these directories and nothing else of this user's."""
        kept = {key: os.environ[key] for key in ("TMPDIR",) if key in os.environ}
        return {
            **kept,
            # Krita's Python is the system's; another one on the path leads it astray.
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_DATA_HOME": str(self.data),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "XDG_RUNTIME_DIR": str(self.run),
            **more,
        }

    def install(self, *, driver: bool = False) -> None:
        """Puts the plugin where Krita finds it, as `framewright install krita` does."""
        self.pykrita.mkdir(parents=True, exist_ok=True)
        actions = self.data / "krita" / "actions"
        actions.mkdir(exist_ok=True)
        shutil.copytree(PLUGIN / "framewright_krita", self.pykrita / "framewright_krita")
        shutil.copytree(CLIENT, self.pykrita / "framewright")
        shutil.copy(PLUGIN / "framewright_krita.desktop", self.pykrita)
        shutil.copy(PLUGIN / "framewright_krita.action", actions)
        enabled = ["framewright_krita"]
        if driver:
            shutil.copytree(DRIVER, self.pykrita / "framewright_driver")
            shutil.copy(STAGE, self.pykrita / "framewright_driver")
            shutil.copy(DRIVER / "framewright_driver.desktop", self.pykrita)
            enabled.append("framewright_driver")
        lines = ["[python]", *(f"enable_{name}=true" for name in enabled)]
        (self.config / "kritarc").write_text("\n".join(lines) + "\n")
