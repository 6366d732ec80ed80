"""Blender with the add-on and the real daemon, run once for all tests that look at what came of it.

`inside` holds tests that run in Blender's own Python without a window, in each version that is
here; `driver` what an artist does in a window, on a screen of its own. Each is a test here too, by
its name and Blender's version.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from application import (
    REPOSITORY,
    STAGE,
    absent,
    built_daemon,
    daemon_home,
    failure_of,
    run,
    screen,
    short_folder,
    stop_daemon,
    tests,
)
from profile_of_blender import DRIVER, INSIDE, Profile

# Run by Blender's own Python.
collect_ignore = ["inside", "driver"]

HERE = Path(__file__).parent
NEEDED = {
    "blender": "blender",
    "Xvfb": "xvfb",
    "import": "imagemagick",
}
SYSTEM_PYTHON = {"numpy": "python3-numpy", "pytest": "python3-pytest"}
_INSIDE_SECONDS = 900
_WINDOW_SECONDS = 900


def pytest_generate_tests(metafunc):
    if "inside_test" in metafunc.fixturenames:
        names = [name for file in sorted(INSIDE.glob("test_*.py")) for name in tests(file, "test_")]
        wheels = [path.stem.removeprefix("bpy-") for path in sorted(HERE.glob("bpy-*.txt"))]
        pairs = [(version, name) for version in ("system", *wheels) for name in names]
        metafunc.parametrize(("blender_version", "inside_test"), pairs)
    if "scenario" in metafunc.fixturenames:
        metafunc.parametrize("scenario", list(tests(DRIVER / "scenarios.py", "")))


@pytest.fixture(scope="session")
def system_blender():
    """Blender as the system has it."""
    missing = {package for what, package in NEEDED.items() if shutil.which(what) is None}
    packages = Path("/usr/lib/python3/dist-packages")
    missing |= {held for name, held in SYSTEM_PYTHON.items() if not (packages / name).is_dir()}
    if missing:
        absent(f"Blender was not tested: sudo apt-get install {' '.join(sorted(missing))}")
    return ["blender", "-b", "--factory-startup", "--python"]


def takes_extensions():
    """Whether the system's Blender has extensions: from 4.2; add-ons before."""
    said = subprocess.run(["blender", "--version"], check=True, capture_output=True, text=True)
    found = re.match(r"Blender (\d+)\.(\d+)", said.stdout)
    assert found, said.stdout
    return (int(found[1]), int(found[2])) >= (4, 2)


def wheel(version):
    """The Python of a virtual environment with one version of Blender as a module; made once and
    kept under the target folder."""
    requirements = HERE / f"bpy-{version}.txt"
    target = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
    folder = target / f"bpy-{version}"
    held = folder / "requirements.txt"
    wanted = requirements.read_text()
    if not held.is_file() or held.read_text() != wanted:
        python = python_3_11()
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        install = [str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
        made = subprocess.run([*install, "-r", str(requirements)], capture_output=True, text=True)
        if made.returncode:
            absent(f"Blender {version} was not tested: {made.stderr.strip()[-400:]}")
        held.write_text(wanted)
    return [str(folder / "bin" / "python")]


def python_3_11():
    """The Python that these versions of Blender are built for."""
    if sys.version_info[:2] == (3, 11):
        return sys.executable
    found = shutil.which("python3.11")
    if found is None:
        absent("Blender's module was not tested: it needs python3.11, which is not on the PATH")
    return found


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
def inside_tests(request, place, daemon_program):
    """What came of the tests in `inside`, by version: lists of (test, failure or none)."""
    held = {}

    def outcomes(version):
        if version not in held:
            if version == "system":
                command = request.getfixturevalue("system_blender")
                extension = takes_extensions()
            else:
                command, extension = wheel(version), True
            held[version] = run_inside(command, place / version, daemon_program, extension)
        return held[version]

    return outcomes


def run_inside(command, root, daemon_program, extension):
    profile = Profile(root)
    profile.install(extension=extension)
    home = daemon_home(root / "fw")
    report = root / "report.xml"
    environment = profile.environment(
        FRAMEWRIGHT_REPORT=str(report),
        FRAMEWRIGHT_HOME=str(home),
        FRAMEWRIGHT_DAEMON=str(daemon_program),
        FRAMEWRIGHT_THREADS="2",
    )
    began = time.monotonic()
    try:
        script = str(INSIDE / "framewright_inside.py")
        said = run([*command, script], environment, _INSIDE_SECONDS)
    finally:
        stop_daemon(home)
    assert report.is_file(), said
    print(f"\n{root.name}: {time.monotonic() - began:.0f} seconds")
    return [
        (case.get("name").split("[")[0], failure_of(case))
        for case in ET.parse(report).getroot().iter("testcase")
    ]


@pytest.fixture(scope="session")
def window_session(system_blender, place, daemon_program):
    """What came of the scenarios, a map of their names to what they told, and what Blender said."""
    out = Path(os.environ.get("FRAMEWRIGHT_SCREENSHOTS") or place / "out")
    out.mkdir(parents=True, exist_ok=True)
    profile = Profile(place / "window")
    profile.install(extension=takes_extensions())
    home = daemon_home(place / "fw")
    report = place / "report.json"
    names = list(tests(DRIVER / "scenarios.py", ""))
    environment = profile.environment(
        FRAMEWRIGHT_REPORT=str(report),
        FRAMEWRIGHT_SCENARIOS=os.environ.get("FRAMEWRIGHT_SCENARIOS") or ",".join(names),
        FRAMEWRIGHT_STAGE=str(STAGE.parent),
        FRAMEWRIGHT_OUT=str(out),
        FRAMEWRIGHT_WORK=str(place / "work"),
        FRAMEWRIGHT_HOME=str(home),
        FRAMEWRIGHT_DAEMON=str(daemon_program),
        FRAMEWRIGHT_THREADS="2",
        FRAMEWRIGHT_MODEL=os.environ.get("FRAMEWRIGHT_MODEL", "tiny"),
    )
    blender = [
        "blender",
        "--factory-startup",
        "--enable-event-simulate",
        "--window-geometry",
        "0",
        "0",
        "1280",
        "800",
    ]
    began = time.monotonic()
    try:
        script = str(DRIVER / "framewright_driver.py")
        with screen() as display:
            command = [*blender, "--python", script]
            said = run(command, environment | {"DISPLAY": display}, _WINDOW_SECONDS)
    finally:
        stop_daemon(home)
    said += profile.crash()
    (out / "blender.log").write_text(said)
    print(f"\nBlender's window was open for {time.monotonic() - began:.0f} seconds")
    assert report.is_file(), said
    assert not re.search(r"^Traceback|Error: Python", said, re.MULTILINE), said
    return json.loads(report.read_text()), said
