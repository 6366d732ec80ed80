"""The add-on in the real Blender."""

import json


def test_inside(blender_version, inside_test, inside_tests):
    """One test of `inside`, in one version of Blender."""
    ran = [failure for name, failure in inside_tests(blender_version) if name == inside_test]
    assert ran, f"{inside_test} did not run"
    failures = [failure for failure in ran if failure]
    assert not failures, "\n\n".join(failures)


def test_window(scenario, window_session):
    """One scenario of `driver`."""
    outcomes, said = window_session
    outcome = outcomes.get(scenario)
    assert outcome is not None, f"{scenario} did not run: Blender ended before it:\n{said[-8000:]}"
    assert "error" not in outcome, outcome["error"]
    print(scenario, json.dumps(outcome))
