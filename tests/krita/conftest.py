"""Krita with the plugin and the real daemon, run once for all tests that look at what came of it.

`runner` holds tests that run inside of Krita's Python, without a window; `driver` what a painter
does in the whole program, on a screen of its own. Each is a test here too, by its name.
"""

import json
import os
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from application import (
    REPOSITORY,
    absent,
    built_daemon,
    daemon_home,
    drawn_scene,
    failure_of,
    run,
    screen,
    short_folder,
    stop_daemon,
    tests,
)
from profile_of_krita import Profile

# Run by Krita's own Python.
collect_ignore = ["runner", "driver"]

HERE = Path(__file__).parent
NEEDED = {
    "krita": "krita",
    "kritarunner": "krita",
    "Xvfb": "xvfb",
    "import": "imagemagick",
    "xdotool": "xdotool",
}
_RUNNER_SECONDS = 240
_KRITA_SECONDS = 540


def pytest_generate_tests(metafunc):
    for fixture, folder, prefix in (
        ("document_test", HERE / "runner", "test_"),
        ("scenario", HERE / "driver" / "scenarios.py", ""),
    ):
        if fixture in metafunc.fixturenames:
            files = sorted(folder.glob("test_*.py")) if folder.is_dir() else [folder]
            metafunc.parametrize(fixture, [name for file in files for name in tests(file, prefix)])


@pytest.fixture(scope="session")
def krita():
    """Says loudly when this machine has no Krita; in CI that is a failure."""
    missing = sorted({package for what, package in NEEDED.items() if shutil.which(what) is None})
    if not any(Path(f"/usr/lib/python3/dist-packages/PyQt{n}").is_dir() for n in (5, 6)):
        missing.append("python3-pyqt5")
    if missing:
        absent(f"Krita was not tested: sudo apt-get install {' '.join(missing)}")


@pytest.fixture(scope="session")
def place():
    """Where everything of these tests is."""
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def daemon_program():
    """The daemon that is tested with."""
    return built_daemon()


@pytest.fixture(scope="session")
def document_tests(krita, place):
    """What came of the tests in `runner`: a list of (function, failure or none)."""
    profile = Profile(place / "runner")
    report = place / "runner.xml"
    paths = [HERE / "runner", REPOSITORY / "plugins" / "krita", REPOSITORY / "sdk" / "python"]
    environment = profile.environment(
        PYTHONPATH=os.pathsep.join(map(str, paths)),
        PYTHONDONTWRITEBYTECODE="1",
        QT_QPA_PLATFORM="offscreen",
        FRAMEWRIGHT_REPORT=str(report),
    )
    command = ["kritarunner", "-s", "framewright_runner", "-f", "main"]
    said = run(command, environment, _RUNNER_SECONDS)
    assert report.is_file(), said
    return [
        (case.get("name").split("[")[0], failure_of(case))
        for case in ET.parse(report).getroot().iter("testcase")
    ]


@pytest.fixture(scope="session")
def krita_session(krita, place, daemon_program):
    """What came of the scenarios: a map of their names to what they told."""
    out = Path(os.environ.get("FRAMEWRIGHT_SCREENSHOTS") or place / "out")
    out.mkdir(parents=True, exist_ok=True)
    picture = out / "picture.png"
    subprocess.run(
        ["convert", "-size", "256x192", "gradient:#204060-#e0c080", "-fill", "#802020"]
        + ["-draw", "circle 90,90 90,130", f"PNG32:{picture}"],
        check=True,
    )
    drawn_scene(place / "scene")
    profile = Profile(place / "krita")
    profile.install(driver=True)
    home = daemon_home(place / "fw")
    report = place / "report.json"
    names = list(tests(HERE / "driver" / "scenarios.py", ""))
    only = os.environ.get("FRAMEWRIGHT_SCENARIOS")
    environment = profile.environment(
        FRAMEWRIGHT_REPORT=str(report),
        FRAMEWRIGHT_SCENARIOS=only or ",".join(names),
        FRAMEWRIGHT_OUT=str(out),
        FRAMEWRIGHT_PICTURE=str(picture),
        FRAMEWRIGHT_SCENE=str(place / "scene"),
        FRAMEWRIGHT_HOME=str(home),
        FRAMEWRIGHT_DAEMON=str(daemon_program),
        FRAMEWRIGHT_THREADS="2",
        FRAMEWRIGHT_MODEL=os.environ.get("FRAMEWRIGHT_MODEL", "tiny"),
    )
    began = time.monotonic()
    try:
        with screen() as display:
            command = ["krita", "--nosplash"]
            said = run(command, environment | {"DISPLAY": display}, _KRITA_SECONDS)
    finally:
        stop_daemon(home)
    print(f"\nKrita ran for {time.monotonic() - began:.0f} seconds")
    assert report.is_file(), said
    assert "Error loading plugin" not in said, said
    outcomes = json.loads(report.read_text())
    print(said)
    return outcomes
