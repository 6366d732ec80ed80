"""Runs a real application with the real daemon, and reads what came of it."""

import ast
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
STAGE = Path(__file__).with_name("stage.py")
TINY_MODEL = REPOSITORY / "tests" / "golden" / "data" / "pipeline"


def absent(message):
    """Says loudly what was not tested; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def tests(file, prefix):
    """The tests in a file, without importing it: scenarios are the generators."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith(prefix):
            yields = any(isinstance(held, ast.Yield) for held in ast.walk(node))
            if prefix or yields and not node.name.startswith("_"):
                yield node.name


def failure_of(case):
    """What went wrong in a case of a JUnit report; none where nothing did."""
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            return f"{case.get('name')}: {found.get('message')}\n{found.text}"
    return None


def run(command, environment, seconds):
    """Runs a program and everything that it starts, for so long at most; what it said."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            command, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        return f"{said.read()}\nexit status {process.returncode}"


@contextlib.contextmanager
def screen():
    """The name of a display that is there for nothing else, for `DISPLAY`.

    The server chooses a free one and says which when it is ready.
    """
    reads, writes = os.pipe()
    command = ["Xvfb", "-displayfd", str(writes), "-screen", "0", "1280x800x24"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([*command, "-nolisten", "tcp"], pass_fds=[writes], **quiet)
    os.close(writes)
    try:
        with os.fdopen(reads) as said:
            number = said.readline().strip()
        assert number, f"Xvfb ended at once, exit status {server.wait()}"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def daemon_home(root):
    """A home for a daemon that knows the model `tiny`, of random weights and quick."""
    models = root / "data" / "models"
    models.mkdir(parents=True)
    (models / "tiny.toml").write_text(
        f"family = 'tiny'\npath = '{TINY_MODEL}'\n[defaults]\nwidth = 64\nheight = 64\nsteps = 4\n"
    )
    return root


def stop_daemon(home):
    """Ends the daemon of a home, if one runs."""
    try:
        process = int((home / "run" / "daemon.lock").read_text().split()[0])
        os.kill(process, signal.SIGKILL)
    except (OSError, ValueError, IndexError):
        return


@contextlib.contextmanager
def short_folder():
    """A folder whose path is short enough for sockets."""
    root = Path(tempfile.mkdtemp(prefix="fw-"))
    yield root
    shutil.rmtree(root, ignore_errors=True)


def drawn_scene(folder):
    """A person in a place, as the embedded model knows them: `0000.png`, and masks of what is
    where in `masks/`."""
    renderer = _built("framewright-sketch", "framewright-sketch")
    command = [str(renderer), "render", "--seed", "4", "--count", "1", "--size", "256"]
    command += ["--shot", "medium-shot", "--people", "1", "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def built_daemon():
    """`framewrightd`, the one that was built last; built when there is none."""
    return _built("framewrightd", "framewright-daemon")


def _built(program, package):
    target = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
    candidates = [target / profile / program for profile in ("debug", "release")]
    built = [candidate for candidate in candidates if candidate.is_file()]
    if not built:
        command = ["cargo", "build", "--quiet", "-p", package]
        subprocess.run(command, cwd=REPOSITORY, check=True)
        built = candidates[:1]
    return max(built, key=lambda candidate: candidate.stat().st_mtime)
