"""The package as others carry it: inside a plugin, under another name, without packages."""

import shutil
import subprocess
import sys
from pathlib import Path

from test_client import answer_generate

PACKAGE = Path(__file__).parents[1] / "framewright"

VENDORED = """
import sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import plugin.vendored as package
assert package.Client and package.__version__
loaded = {name.split(".")[0] for name in set(sys.modules) - before} - {"plugin"}
# Names of the standard library are known to Python since 3.10.
foreign = loaded - set(getattr(sys, "stdlib_module_names", loaded))
assert not foreign, foreign
assert "multiprocessing" not in sys.modules, "Blender 3.4 crashes at its end with it"
assert "asyncio" not in sys.modules, "plugins start fast"
print("fine")
"""


def test_it_works_inside_a_plugin_with_the_standard_library_alone(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "plugin" / "vendored")
    (tmp_path / "plugin" / "__init__.py").write_text("")
    # -I -S: no package of this environment, and no `framewright` from the path.
    command = [sys.executable, "-I", "-S", "-c", VENDORED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "fine\n", done.stderr


def test_the_example_of_the_document_runs(fake, tmp_path, monkeypatch, capsys):
    document = (PACKAGE.parent / "README.md").read_text("utf-8")
    example = document.split("```python\n")[1].split("```")[0]
    fake.answers["frame.generate"] = answer_generate
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "frame-0.png").read_bytes() == b"\1\2\3\4"
    assert "job.progress 1" in capsys.readouterr().out
    ((prompt, candidates),) = [
        (params["prompt"], params["candidates"]) for params in fake.params("frame.generate")
    ]
    assert prompt and candidates == 2


def test_it_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()
