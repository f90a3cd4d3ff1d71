"""Run the demo and write what it found to results.json."""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from jw2v import Vectors, demo
from jw2v.errors import Jw2vError

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"

sys.path.insert(0, str(FOLDER.parent))

from results import VERSION, machine, versions, write


def main() -> None:
    """Run the demo in a folder that is removed; a fault is one line."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            vectors = demo.run_demo(Path(folder) / "out", Console(stderr=True))
        write(RESULTS, results_of(vectors))
    except Jw2vError as error:
        raise SystemExit(str(error)) from None
    print(json.dumps(results_of(vectors)["neighbours"], indent=1))


def results_of(vectors: Vectors) -> dict[str, Any]:
    """What is worth keeping of a demo."""
    run = vectors.run
    return {
        "version": VERSION,
        "machine": machine(),
        "versions": versions(),
        "backend": run["backend"],
        "config": run["config"],
        "seconds": run["seconds"],
        "loss": run["loss"],
        "heldout_loss": run["heldout_loss"],
        "scores": [score._asdict() for score in demo.evaluate(vectors)],
        "neighbours": demo.neighbours(vectors),
    }


if __name__ == "__main__":
    main()
