"""Tests that run inside of Krita's own Python, started by `kritarunner`: documents, no window."""

import pytest
from krita import Krita

SRGB = "sRGB-elle-V2-srgbtrc.icc"


@pytest.fixture
def new_document():
    """Makes documents, and closes them after the test."""
    made = []

    def make(width=64, height=64, depth="U8", profile=SRGB, model="RGBA"):
        document = Krita.instance().createDocument(
            width, height, "test", model, depth, profile, 72.0
        )
        document.setBatchmode(True)
        made.append(document)
        return document

    yield make
    for document in made:
        document.close()
