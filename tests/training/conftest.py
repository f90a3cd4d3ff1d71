"""Small texts."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from texts import topical_text

from jw2v.corpus import Corpus, encode
from jw2v.training import children


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory):
    """A text with structure: words of one topic stand together."""
    path = tmp_path_factory.mktemp("text") / "topical.txt"
    path.write_text(topical_text(1500))
    return path


@pytest.fixture(scope="session")
def corpus(text, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The text, encoded; none of it is held out, which would take a program more."""
    return encode(text, directory=tmp_path_factory.mktemp("corpus"), min_count=1, heldout_every=0)


@pytest.fixture(scope="session")
def heldout_corpus(text, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The text, encoded, of which some is held out."""
    return encode(text, directory=tmp_path_factory.mktemp("heldout"), min_count=1, heldout_every=20)


@pytest.fixture(scope="session")
def few_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of 50 words, some of them far more frequent than others."""
    rng = np.random.default_rng(0)
    lines = (" ".join(f"w{w}" for w in rng.zipf(1.5, 12) % 50) for _ in range(800))
    path = tmp_path_factory.mktemp("few") / "text"
    path.write_text("".join(line + "\n" for line in lines))
    return path


@pytest.fixture
def started(monkeypatch) -> list[subprocess.Popen[bytes]]:
    """The processes that a run starts, as they are started."""
    processes = []
    popen = children.subprocess.Popen

    def remembered(*args, **options):
        processes.append(popen(*args, **options))
        return processes[-1]

    monkeypatch.setattr(children.subprocess, "Popen", remembered)
    return processes
