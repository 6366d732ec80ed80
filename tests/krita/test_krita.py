"""The plugin in the real Krita."""


def test_documents(document_test, document_tests):
    """One test of `runner`."""
    ran = [failure for name, failure in document_tests if name == document_test]
    assert ran, f"{document_test} did not run"
    failures = [failure for failure in ran if failure]
    assert not failures, "\n\n".join(failures)


def test_painting(scenario, krita_session):
    """One scenario of `driver`."""
    outcome = krita_session.get(scenario)
    assert outcome is not None, f"{scenario} did not run: Krita ended before"
    assert "error" not in outcome, outcome["error"]
    print(f"\n{scenario}: {outcome['seconds']:.1f} s {outcome['told'] or ''}")
