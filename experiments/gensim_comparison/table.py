"""The Markdown table of a results file."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from operator import itemgetter
from statistics import fmean, median, stdev
from typing import Any, NamedTuple

from results import markdown
from systems import SHARED, USUAL

from jw2v.errors import DataError

TITLES = {"wordsim353": "WS353", "simlex999": "SimLex-999", "questions-words": "analogies"}
MIN_COUNT = 5  # of both systems by default
SCORES = (*TITLES.values(), "held-out loss")
SECONDS = ("vocabulary", "compile", "train", "total", "process")

Run = dict[str, Any]
Runs = dict[tuple[int, int], Run]  # by seed and repeat


class Measure(NamedTuple):
    """A line of the table."""

    title: str
    of: Callable[[Run], float | None]
    spell: Callable[[float], str]
    ratio: int = 0  # 1: jw2v over gensim; -1: gensim over jw2v; 0: no ratio


def table(results: dict[str, Any]) -> str:
    """A table for each comparison: for each text and settings, every jw2v with every gensim.

    Raises:
      DataError: there are no runs, a run is quick, or one has no partner of its seed and repeat.
    """
    return "\n\n".join(_section(gensim, jw2v) for gensim, jw2v in comparisons(results))


def summary(results: dict[str, Any]) -> str:
    """One line for each comparison, gensim's figure before jw2v's.

    Raises:
      DataError: as `table`.
    """
    titles = ["text", "training, words/s", "ratio", "total, s", *SCORES]
    lines = []
    for gensim, jw2v in comparisons(results):
        run = next(iter(jw2v.values()))
        measures = _by_title(run)
        speed = measures["training, words/s"]
        figures = [
            f"{_mean(measures[title], gensim.values())} → {_mean(measures[title], jw2v.values())}"
            for title in ("training, words/s", "total, s", *SCORES)
        ]
        figures.insert(1, _ratio(speed, gensim, jw2v))
        own = run["label"].removeprefix(run["system"])
        lines.append([f"{run['text']}, {_name(run)}{own}", *figures])
    return markdown(titles, lines)


def alone(results: dict[str, Any]) -> str:
    """A line for each text and settings of runs of jw2v alone."""
    groups: defaultdict[str, list[Run]] = defaultdict(list)
    for run in results["runs"]:
        groups[f"{run['text']}, {_name(run)}, on {run['backend']}"].append(run)
    titles = ["training, words/s", "train, s", "total, s", *SCORES]
    lines = []
    for name, runs in groups.items():
        measures = _by_title(runs[0])
        lines.append([name, str(len(runs)), *(_mean(measures[title], runs) for title in titles)])
    return markdown(["jw2v alone", "runs", *titles], lines)


def comparisons(results: dict[str, Any]) -> Iterator[tuple[Runs, Runs]]:
    """Runs of gensim and of jw2v that are comparable, pair by pair.

    Raises:
      DataError: there are no runs, a run is quick, or one has no partner of its seed and repeat.
    """
    runs: list[Run] = results["runs"]
    if not runs:
        raise DataError("no runs to make a table of; run the comparison first")
    if quick := sum(run["quick"] for run in runs):
        raise DataError(
            f"{quick} of {len(runs)} runs are quick; a table is made of full runs (--results)"
        )
    groups: defaultdict[tuple, defaultdict[str, dict[str, Runs]]]
    groups = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        alike = (run["text_sha256"], run["cores"], *(_setting(run, name) for name in SHARED))
        variants = groups[alike][run["system"]]
        cell = run["seed"], run["repeat"]
        if cell in variants.setdefault(run["label"], {}):
            raise DataError(f"two runs of {_cell(run['label'], cell, run)}; keep one of them")
        variants[run["label"]][cell] = run
    for group in groups.values():
        for system, other in (("gensim", "jw2v"), ("jw2v", "gensim")):
            if not group[system]:
                cell, run = next(iter(next(iter(group[other].values())).items()))
                raise DataError(f"no run of {_cell(system, cell, run)}; run it (--only {system})")
        for gensim in group["gensim"].values():
            for jw2v in group["jw2v"].values():
                _check_pairs(gensim, jw2v)
                yield gensim, jw2v


def _check_pairs(gensim: Runs, jw2v: Runs) -> None:
    for runs, others in ((gensim, jw2v), (jw2v, gensim)):
        for cell in sorted(others.keys() - runs.keys()):
            run = next(iter(runs.values()))
            raise DataError(
                f"no run of {_cell(run['label'], cell, run)}; run it (--only {run['system']})"
            )


def _cell(label: str, cell: tuple[int, int], run: Run) -> str:
    seed, repeat = cell
    return f"{label} with seed {seed}, repeat {repeat} for {_name(run)}"


def _setting(run: Run, name: str) -> Any:
    """A setting that both systems share; runs from before an option was there have the usual."""
    return run["settings"].get(name, USUAL.get(name))


def _name(run: Run) -> str:
    epochs, model = run["epochs"], {name: _setting(run, name) for name in USUAL}
    what = [f"{epochs} epoch{'s' if epochs > 1 else ''}", f"dim {run['dim']}"]
    what += ["cbow" + ("" if model["cbow_mean"] else ", sum")] if model["model"] == "cbow" else []
    what += [model["loss"]] if model["loss"] != USUAL["loss"] else []
    what += [f"n-grams of {model['minn']} to {model['maxn']}"] if model["maxn"] else []
    least = run["settings"]["min_count"]
    what += [f"min_count {least}"] if least != MIN_COUNT else []
    return ", ".join(what)


def _section(gensim: Runs, jw2v: Runs) -> str:
    runs = [*gensim.values(), *jw2v.values()]
    run = runs[0]
    labels = [next(iter(some.values()))["label"] for some in (gensim, jw2v)]
    minutes = sum(one["seconds"]["process"] for one in runs) / 60
    load = max(one["load_before"] for one in runs)
    accelerators = [
        f"jw2v on {b}. " for b in {one.get("backend") for one in runs} if b and b[:3] != "cpu"
    ]
    versions = {f"{name} {v}" for one in runs for name, v in one["versions"].items() if v}
    seeds = [str(seed) for seed in sorted({seed for seed, _ in gensim})]
    rows = [
        [m.title, _mean(m, gensim.values()), _mean(m, jw2v.values()), _ratio(m, gensim, jw2v)]
        for m in _measures(run)
    ]
    head = ["", *labels, "jw2v, times as fast"]
    return "\n".join(
        [
            f"### {_name(run)}, {run['text']}",
            "",
            f"{run['words']:,} words a pass, {run['effective_words']:,} after subsampling, "
            f"{run['vocab']:,} in the vocabulary. {run['cores']} cores of {run['cpu']}; "
            f"seeds {', '.join(seeds)}, runs of each system in turn: {len(gensim)}, in all "
            f"{minutes:.0f} minutes, load at most {load:.1f} before a run. {''.join(accelerators)}"
            f"{', '.join(sorted(versions))}.",
            "",
            markdown(head, rows),
            "",
            "Mean ± standard deviation over the runs; ratios of runs with the same seed and "
            "repeat: median (least–most).",
        ]
    )


def _measures(run: Run) -> list[Measure]:
    return [
        Measure("training, words/s", itemgetter("raw_words_per_s"), _thousands, 1),
        Measure("training, effective words/s", itemgetter("effective_words_per_s"), _thousands),
        *(
            Measure(
                f"{name}, s",
                lambda run, name=name: run["seconds"][name],
                "{:.1f}".format,
                -1 if name in ("total", "process") else 0,
            )
            for name in SECONDS
        ),
        *(
            Measure(
                f"{TITLES.get(name, name)} ({score['covered']:,} covered)",
                lambda run, name=name: _score(run["scores"].get(name, {})),
                "{:.3f}".format,
            )
            for name, score in run["scores"].items()
        ),
        Measure("held-out loss", itemgetter("heldout_loss"), "{:.4f}".format),
    ]


def _by_title(run: Run) -> dict[str, Measure]:
    """The measures by their titles, without what these have in brackets."""
    return {measure.title.split(" (")[0]: measure for measure in _measures(run)}


def _score(score: dict[str, Any]) -> float | None:
    return score.get("spearman", score.get("accuracy"))


def _thousands(value: float) -> str:
    return f"{value / 1e3:,.0f}k"


def _mean(measure: Measure, runs: Any) -> str:
    values = [measure.of(run) for run in runs]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "–"
    spread = f" ± {measure.spell(stdev(known))}" if len(known) > 1 else ""
    return measure.spell(fmean(known)) + spread


def _ratio(measure: Measure, gensim: Runs, jw2v: Runs) -> str:
    if not measure.ratio:
        return ""
    pairs = [(measure.of(jw2v[cell]), measure.of(gensim[cell])) for cell in gensim]
    ratios = [(j / g) ** measure.ratio for j, g in pairs if j and g]
    return f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
