"""The one command that trains everything: its plan holds together."""

from pathlib import Path

import pytest
from everything import HERE, stages


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_stage_runs_a_script_that_exists_on_what_earlier_lines_made(device):
    work = Path("/elsewhere")
    made: set[str] = set()
    for line in stages(work, "renderer", None, device, 1, 1):
        now: set[str] = set()
        for stage in line:
            inside: set[str] = set()
            for command in stage.commands:
                if command[0] != "renderer":
                    assert (HERE / Path(command[1]).name).is_file(), command[1]
                out = {
                    command[at + 1] for at, word in enumerate(command) if word in ("--out", "--to")
                }
                for word in command:
                    if word.startswith(f"{work}/") and word not in out:
                        known = made | inside
                        assert any(word == k or word.startswith(f"{k}/") for k in known), word
                inside |= out
            now |= inside
        made |= now


def test_the_full_plan_for_an_accelerator_takes_less_than_half_an_hour():
    plan = stages(Path("/elsewhere"), "renderer", None, "cuda", 1, 1)
    assert sum(max(stage.minutes for stage in line) for line in plan) < 25
