"""Does a run survive kill -9 at any moment, and a reader any bytes?

run.py           kills and fuzzes, and writes results.json; goes on where it was stopped
run.py --quick   a small form in a minute, into --results; its results answer nothing
run.py --write   table and answer into README.md, and figure.svg
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from figures import COLOURS, Figure, panels
from killing import COUNTED
from question import Question, Results, Run, groups, main
from readers import READERS
from results import markdown

SITTINGS = {"checkpoint_kills": (10, 1000), "training_kills": (40, 25)}  # how many, kills in each
KILLED = {"checkpoint_kills": "saving alone", "training_kills": "training"}


def cells(quick: bool) -> Iterator[Run]:
    """Kills of what saves alone, one reader after the other, kills of training."""
    yield from _sittings("checkpoint_kills", quick)
    for reader in list(READERS)[:: 6 if quick else 1]:
        yield {"of": "fuzz", "reader": reader, "bytes": 10**5 if quick else 10**8, "seed": 1}
    yield from _sittings("training_kills", quick)


def _sittings(of: str, quick: bool) -> Iterator[Run]:
    times, kills = (1, 3) if quick else SITTINGS[of]
    yield from ({"of": of, "kills": kills, "seed": seed} for seed in range(times))


def measure(*, of: str, **cell: Any) -> Run:
    """Ask a program beside this one, in a process of its own."""
    command = [sys.executable, str(FOLDER / f"{of}.py"), json.dumps(cell)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return {"found": json.loads(done.stdout)}


def table(results: Results) -> str:
    """Kills by what was killed; damaged files by their reader."""
    killed = [
        [name, *(f"{found[count]:,}" for count in COUNTED)]
        for name, found in ((KILLED[of], killed_of(results, of)) for of in KILLED)
    ]
    fuzzed = [
        [
            run["reader"],
            *(f"{run['found'][name]:,}" for name in ("bytes", "files", "read", "refused")),
            f"{len(run['found']['failures']):,}",
            f"{run['found']['slowest_us'] / 1e6:.2f}",
        ]
        for run in _of(results, "fuzz")
    ]
    heads = ["what is killed", "kills", "in a write", "corrupt", "lost", "different"]
    return "\n".join(
        [
            markdown(heads, killed),
            "",
            markdown(["reader", "bytes", "files", "read", "refused", "else", "slowest, s"], fuzzed),
        ]
    )


def figure(results: Results) -> Figure:
    """What kills struck, and what became of damaged files."""
    made, (kills, files) = panels(2, width=4.5)
    for row, of in enumerate(KILLED):
        found = killed_of(results, of)
        share = found["mid_write"] / found["kills"]
        kills.barh(row, share, color=COLOURS[1], label=None if row else "in a write")
        kills.barh(row, 1 - share, left=share, color=COLOURS[0], label=None if row else "between")
    kills.set_yticks(range(len(KILLED)), KILLED.values())
    kills.set(title="kills", xlabel="share", xlim=(0, 1))
    runs = _of(results, "fuzz")
    left = [0.0] * len(runs)
    for name, colour in (("read", COLOURS[2]), ("refused", COLOURS[0])):
        shares = [run["found"][name] / run["found"]["files"] for run in runs]
        files.barh(range(len(runs)), shares, left=left, color=colour, label=name)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    files.set_yticks(range(len(runs)), [run["reader"] for run in runs], fontsize=7)
    files.set(title="damaged files", xlabel="share", xlim=(0, 1))
    for axes in (kills, files):
        axes.grid(False)
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
    return made


def answer(results: Results) -> str:
    """What was lost, and what failed."""
    killed = sum((killed_of(results, of) for of in KILLED), Counter[str]())
    bad = sum(killed[name] for name in ("corrupt", "lost", "different"))
    each = " and ".join(f"{killed_of(results, of)['kills']:,} of {KILLED[of]}" for of in KILLED)
    runs = _of(results, "fuzz")
    files, failed = (
        sum(run["found"]["files"] for run in runs),
        sum(len(run["found"]["failures"]) for run in runs),
    )
    return (
        f"{'Yes' if not bad + failed else 'No'}: of {each}, kills lost {killed['lost']:,} "
        f"checkpoints and damaged {killed['corrupt']:,}, and {killed['different']:,} ended with "
        f"other tables than a run that is never killed. Of {files:,} damaged files, "
        f"{min(run['found']['bytes'] for run in runs):,} bytes or more to each of {len(runs)} "
        f"readers, {failed:,} were answered with anything but vectors or one line."
    )


def killed_of(results: Results, of: str) -> Counter[str]:
    """The sum of what was counted."""
    counts = [run["found"] for run in _of(results, of)]
    return Counter({name: sum(found[name] for found in counts) for name in COUNTED})


def _of(results: Results, of: str) -> list[Run]:
    return groups(results["runs"], "of").get((of,), [])


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    main(QUESTION, __doc__)
