"""A small text with structure: words of one topic stand together."""

import pytest
from texts import topical_text

from jw2v.corpus import Corpus, encode


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory):
    """Path of the text."""
    path = tmp_path_factory.mktemp("text") / "topical.txt"
    path.write_text(topical_text(1500))
    return path


@pytest.fixture(scope="session")
def corpus(text, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The text, encoded."""
    return encode(text, directory=tmp_path_factory.mktemp("corpus"), min_count=1, heldout_every=20)
