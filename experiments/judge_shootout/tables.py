"""The Markdown tables of a results file."""

from collections.abc import Iterable, Iterator
from typing import Any

from results import markdown

from jw2v.errors import DataError

CELLS = ("sum float32", "sum float64", "mean float32", "mean float64")
SOURCES = ("1 edit", "2 edits", "human")
CHECKERS = {
    "jw2v": "`jw2v.check_gradient`",
    "chex": "`chex.assert_numerical_grads`",
    "jax fwd": "`jax.test_util.check_grads`, fwd",
    "jax rev": "`jax.test_util.check_grads`, rev",
    "torch slow": "`torch.autograd.gradcheck`",
    "torch fast": "`torch.autograd.gradcheck`, fast",
}
BY_SOURCE = "mean float64"
FIGURE = "![Wrong gradients that pass, and right ones that are refused](figure.svg)"

Record = dict[str, Any]


def tables(results: dict[str, Any]) -> str:
    """All of them.

    Raises:
      DataError: there are no records, some are quick, or a checker or a precision is missing.
    """
    wrong, right = records(results, "wrong"), records(results, "right")
    return "\n\n".join(
        [
            _setting(results, wrong, right),
            FIGURE,
            "### Wrong gradients that pass",
            summary(results),
            "### Right gradients that are refused",
            _false_alarms(wrong),
            f"### Wrong gradients that pass, by their making ({BY_SOURCE})",
            _by_source(wrong),
            "### What was made",
            _made(wrong),
            *_survivors(wrong),
            "### jw2v on right gradients",
            _right(right),
            *_others(right),
        ]
    )


def summary(results: dict[str, Any]) -> str:
    """How many wrong gradients each checker lets pass.

    Raises:
      DataError: as `tables`.
    """
    wrong = records(results, "wrong")
    rows = [
        [title, *(_of(passed(wrong, name, cell), given(wrong, name, cell)) for cell in CELLS)]
        for name, title in CHECKERS.items()
    ]
    return markdown(["passed, of those given", *CELLS], rows)


def records(results: dict[str, Any], part: str) -> list[Record]:
    """The records of a part.

    Raises:
      DataError: as `tables`.
    """
    found = [r for r in results["runs"] if r["part"] == part]
    if not found:
        raise DataError(f"no results to make a table of; run --{part} first")
    if quick := sum(r["quick"] for r in found):
        raise DataError(
            f"{quick} of {len(found)} records are quick; a table is made of full ones (--results)"
        )
    for record in found:
        if part == "wrong" and set(record["checkers"]) != set(CHECKERS):
            raise DataError(f"{record['subject']} has not been given to all checkers; run it again")
    names = [(r["subject"], r.get("dtype")) for r in found]
    if len(set(names)) < len(names):
        raise DataError("a subject is there twice, with other settings; keep one of its records")
    return found


def passed(wrong: list[Record], checker: str, cell: str, sources: Iterable[str] = SOURCES) -> int:
    """How many wrong gradients pass."""
    counts = (r["passed"].get(checker, {}).get(cell, {}) for r in wrong)
    return sum(count.get(source, 0) for count in counts for source in sources)


def given(wrong: list[Record], checker: str, cell: str, sources: Iterable[str] = SOURCES) -> int:
    """How many wrong gradients a checker is given: only jw2v those whose right one it refuses."""
    of = [r for r in wrong if checker == "jw2v" or cell not in r["false_alarms"].get(checker, ())]
    return sum(r["wrong"].get(source, 0) for r in of for source in sources)


def false_alarms(wrong: list[Record], checker: str, cell: str) -> int:
    """How many right gradients are refused."""
    return sum(cell in r["false_alarms"].get(checker, ()) for r in wrong)


def _setting(results: dict[str, Any], wrong: list[Record], right: list[Record]) -> str:
    versions = {f"{k} {v}" for r in (*wrong, *right) for k, v in r["versions"].items() if v}
    minutes = [sum(r["seconds"] for r in part) / 60 for part in (wrong, right)]
    machine, one = results["machine"], wrong[0]
    return (
        f"{len(wrong)} losses; batches of {one['batch']}, seed {one['seed']}. "
        f"{machine['cores']} cores of {machine['cpu']}, CPU only; {minutes[0]:.0f} minutes of one "
        f"process for the wrong gradients, {minutes[1]:.0f} for the right ones. "
        f"{', '.join(sorted(versions))}."
    )


def _false_alarms(wrong: list[Record]) -> str:
    rows = [
        [title, *(_share(false_alarms(wrong, name, cell), len(wrong)) for cell in CELLS)]
        for name, title in CHECKERS.items()
    ]
    return markdown([f"refused, of {len(wrong)}", *CELLS], rows)


def _by_source(wrong: list[Record]) -> str:
    cell = BY_SOURCE
    rows = [
        [
            title,
            *(_of(passed(wrong, name, cell, [s]), given(wrong, name, cell, [s])) for s in SOURCES),
        ]
        for name, title in CHECKERS.items()
    ]
    return markdown(["passed, of those given", *SOURCES], rows)


def _made(wrong: list[Record]) -> str:
    titles = {
        "made": "made",
        "bit_equal": "equivalent: bit-equal to the right one",
        "within_bounds": "equivalent: within the bounds of rounding",
        "again": "same as another wrong one",
        "wrong": "wrong, and given to the checkers",
    }
    rows = []
    for key, title in titles.items():
        counts = [sum(r[key].get(source, 0) for r in wrong) for source in SOURCES]
        rows.append([title, *(f"{count:,}" for count in counts), f"{sum(counts):,}"])
    largest = max(r["largest_equivalent"] for r in wrong)
    smallest = min(r["smallest_wrong"] for r in wrong)
    return (
        markdown(["", *SOURCES, "all"], rows)
        + "\n\nRelative to the largest entry, the equivalent ones are off by at most "
        + f"{largest:.0e}, the wrong ones by at least {smallest:.0e}."
    )


def _survivors(wrong: list[Record]) -> Iterator[str]:
    rows = [[r["subject"], *map(str, s)] for r in wrong for s in r["survivors"]]
    if rows:
        yield "### Wrong gradients that jw2v does not refute"
        yield markdown(["loss", "given as", "made by", "what", "verdict"], rows)


def _right(right: list[Record]) -> str:
    rows = []
    for dtype in dict.fromkeys(r["dtype"] for r in right):
        some = [r for r in right if r["dtype"] == dtype]
        runs = sum(r["runs"] for r in some)
        verdicts = [verdict for r in some for verdict, *_ in r["others"]]
        counts = [verdicts.count(verdict) for verdict in ("undecided", "refuted")]
        margin, least, most = (
            max(r["margin"] for r in some),
            min(r["power"] for r in some),
            max(r["power"] for r in some),
        )
        rows.append(
            [
                dtype,
                f"{runs:,}",
                f"{runs - sum(counts):,}",
                *(_share(count, runs) for count in counts),
                f"{margin:.2f}",
                f"{least:.0e} … {most:.0e}",
            ]
        )
    head = ["", "runs", "hold", "undecided", "refuted", "worst error in bounds", "power"]
    return (
        markdown(head, rows)
        + "\n\nPower: the smallest relative change of any entry that would have failed; of each "
        + "loss the median run, the best and the worst loss."
    )


def _others(right: list[Record]) -> Iterator[str]:
    """Right gradients that are not said to hold, one line for each."""
    others = [(r, *other) for r in right for other in r["others"]]
    low = [power for r, verdict, *_, power in others if verdict == "undecided" and _is_low(r)]
    if low:
        yield (
            f"The {len(low):,} undecided runs of bfloat16 print a power of {min(low):.2g} or "
            "worse: a change of that size would not have been seen."
        )
    rows = [
        [r["subject"], r["dtype"], verdict, shape, str(seed), f"{margin:.2g}", f"{power:.2g}"]
        for r, verdict, shape, seed, margin, power in others
        if not (verdict == "undecided" and _is_low(r))
    ]
    if rows:
        yield markdown(["loss", "dtype", "verdict", "shapes", "seed", "margin", "power"], rows)


def _is_low(record: Record) -> bool:
    return record["dtype"] == "bfloat16"


def _of(count: int, total: int) -> str:
    """Such as "3 of 2,000 (0.15 %)"; a dash where none was given."""
    if not total:
        return "–"
    share = _share(count, total)
    number, _, percent = share.partition(" ")
    return f"{number} of {total:,} {percent}".rstrip()


def _share(count: int, total: int) -> str:
    if not count or not total:
        return "0"
    percent = 100 * count / total
    return f"{count:,} ({percent:.0f} %)" if percent >= 1 else f"{count:,} ({percent:.2f} %)"
