"""What is mutated, and which tests are to notice: those that take seconds and compile little."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SIGNATURES = "tests/test_signatures.py"


class Room(NamedTuple):
    """Files, and the tests of them, beside each file's own doctests."""

    modules: Sequence[str]
    tests: Sequence[str]


def _found(pattern: str) -> list[str]:
    paths = sorted(ROOT.glob(pattern))
    return [path.relative_to(ROOT).as_posix() for path in paths if path.name != "__init__.py"]


ROOMS = {
    "checkpoint": Room(
        ["jw2v/training/checkpoint.py", "jw2v/training/checkpoint_files.py"],
        ["tests/training/test_checkpoint.py", SIGNATURES],
    ),
    "formats": Room(
        [
            f"jw2v/vectors/{name}.py"
            for name in (
                "disk", "formats", "model2vec", "ngrams", "projector", "questions", "rows",
                "store", "table", "word2vec_binary", "word2vec_format",
            )
        ],
        [
            *(
                f"tests/vectors/test_{name}.py"
                for name in (
                    "word2vec_format", "word2vec_binary", "projector", "model2vec", "malformed",
                    "store", "ngrams", "questions", "table", "formats",
                )
            ),
            "tests/test_files.py",
            SIGNATURES,
        ],
    ),
    "losses": Room(
        _found("jw2v/losses/*.py"),
        [*_found("tests/losses/test_*.py"), SIGNATURES],
    ),
    "judge": Room(
        _found("jw2v/judge/**/*.py"),
        [*_found("tests/judge/test_*.py"), SIGNATURES],
    ),
}  # fmt: skip
