"""Which optimizer trains the best vectors at equal budget?

run.py           measures, and writes results.json; goes on where it was stopped
run.py --quick   two optimizers on a small text, into --results; its results answer nothing
run.py --write   table and answer into README.md, and figure.svg
"""

import math
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from demo_text import SIZES, TITLES, demo_text, mean_deviation, scores, spread
from figures import Figure, panels
from question import Question, Results, Run, main
from results import markdown

import jw2v
from jw2v.errors import DataError

STARTS = {
    "sgd": 0.05,
    "momentum": 0.005,
    "nesterov": 0.005,
    "adagrad": 0.05,
    "rowwise_adagrad": 0.05,
    "rmsprop": 0.001,
    "adam": 0.001,
    "adamw": 0.001,
    "adabelief": 0.001,
    "nadam": 0.001,
    "lion": 0.0003,
    "lamb": 0.01,
    "adafactor": 0.01,
    "schedule_free": 0.05,
    "sm3": 0.05,
}
"""Learning rates that the climb starts from."""
SEEDS = [1, 2, 3]
POINTS = 40  # of a curve
NEAR = 0.01  # nats
LOSSES = (1.6, 4.3)  # nats that are drawn; zero scores have 4.16


def cells(quick: bool) -> Iterator[Run]:
    names = ("sgd", "adam") if quick else STARTS
    budget: Run = {"budgets": [1, 3], "seeds": SEEDS, "lines": None}
    if quick:
        budget = {"budgets": [1, 2], "seeds": SEEDS[:1], "lines": 4000}
    for name in names:
        yield {"optimizer": name, "start": STARTS[name], **budget}


def measure(
    optimizer: str, start: float, budgets: list[int], seeds: list[int], lines: int | None
) -> Run:
    """Tune the learning rate at the largest budget, then train with it at each, by seed."""
    with demo_text(lines) as text:
        train = partial(trained, text, optimizer)
        lr, tried = tuned(lambda lr: heldout(train(lr, budgets[-1], seeds[0])), start)
        runs = [
            {"epochs": epochs, "seed": seed, **summary(train(lr, epochs, seed))}
            for epochs in budgets
            for seed in seeds
        ]
    return {"lr": lr, "tried": tried, "trained": runs}


def trained(text: Path, optimizer: str, lr: float, epochs: int, seed: int) -> jw2v.Vectors | None:
    """The vectors; None where training ended in no number."""
    config = jw2v.Config(optimizer=optimizer, lr=lr, epochs=epochs, seed=seed, workers=1, **SIZES)
    try:
        return jw2v.train(text, config, check=False)
    except DataError as error:
        if "lower the rate" not in str(error):
            raise
        return None


def heldout(vectors: jw2v.Vectors | None) -> float:
    return math.inf if vectors is None else vectors.run["heldout_loss"]


def tuned(loss: Callable[[float], float], start: float) -> tuple[float, dict[str, float | None]]:
    """The best rate among start · 2ᵏ, climbing from start; and the loss at each that was tried."""
    losses: dict[int, float] = {}
    best = 0
    while True:
        for k in (best - 1, best, best + 1):
            if k not in losses:
                losses[k] = loss(start * 2.0**k)
        nearest = min((best, best - 1, best + 1), key=losses.__getitem__)
        if nearest == best:
            break
        best = nearest
    found = {f"{start * 2.0**k:g}": _or_none(losses[k]) for k in sorted(losses)}
    return start * 2.0**best, found


def _or_none(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None


def summary(vectors: jw2v.Vectors | None) -> Run:
    """What is kept of a run."""
    if vectors is None:
        raise DataError("a run ended in no number at a rate that was best with another seed")
    history = vectors.run["history"]
    every = 1 + len(history) // POINTS
    return {
        "heldout_loss": vectors.run["heldout_loss"],
        "scores": scores(vectors),
        "curve": [[point["epoch"], point["loss"]] for point in history[::every]],
    }


def chosen(run: Run) -> float:
    """The default rate: the lowest that is as good as the best, by less than NEAR nats."""
    losses = {float(rate): loss for rate, loss in run["tried"].items() if loss is not None}
    return min(rate for rate, loss in losses.items() if loss < min(losses.values()) + NEAR)


def at(run: Run, epochs: int) -> list[Run]:
    """An optimizer's runs of one budget."""
    return [one for one in run["trained"] if one["epochs"] == epochs]


def ranked(results: Results) -> list[Run]:
    """The optimizers, the lowest held-out loss at the largest budget first."""
    return sorted(results["runs"], key=lambda run: _mean_loss(run, run["budgets"][-1]))


def _mean_loss(run: Run, epochs: int) -> float:
    return mean_deviation([one["heldout_loss"] for one in at(run, epochs)])[0]


def table(results: Results) -> str:
    """A line an optimizer at its best rate and the largest budget; the best one first."""
    heads = ["optimizer", "best lr", "default lr", "held-out loss", *TITLES.values(), "worse at"]
    rows = []
    for run in ranked(results):
        some = at(run, run["budgets"][-1])
        marks = [spread([one["scores"][name] for one in some]) for name in TITLES]
        loss = spread([one["heldout_loss"] for one in some], 4)
        rates = f"{run['lr']:g}", f"{chosen(run):g}"
        rows.append([run["optimizer"], *rates, loss, *marks, _worse(run)])
    return markdown(heads, rows)


def _worse(run: Run) -> str:
    """The other rates that were tried, with their losses."""
    others = {rate: loss for rate, loss in run["tried"].items() if float(rate) != run["lr"]}
    return ", ".join(
        f"{rate}: {'lost' if loss is None else f'{loss:.3f}'}" for rate, loss in others.items()
    )


def figure(results: Results) -> Figure:
    """Loss by rate, loss over the run, word pairs by budget: a line an optimizer."""
    made, axes = panels(3, width=4.6, height=4.2)
    by_rate, over_run, pairs = axes
    for i, run in enumerate(ranked(results)):
        style: Any = {"linestyle": ("-", "--")[i // 8], "label": run["optimizer"]}
        kept = [(float(rate), loss) for rate, loss in run["tried"].items() if loss is not None]
        by_rate.plot(*zip(*kept, strict=True), marker=".", **style)
        first = at(run, run["budgets"][-1])[0]
        over_run.plot(*zip(*first["curve"], strict=True), **style)
        means = [
            mean_deviation([one["scores"]["wordsim353"] for one in at(run, epochs)])
            for epochs in run["budgets"]
        ]
        pairs.errorbar(run["budgets"], *zip(*means, strict=True), marker=".", capsize=2, **style)
    by_rate.set(title="held-out loss by learning rate", xlabel="learning rate", xscale="log")
    by_rate.set(ylabel="nats a pair", ylim=LOSSES)
    over_run.set(title="training loss at the best rate", xlabel="epoch", ylim=LOSSES)
    pairs.set(title="WS353 by budget", xlabel="epochs", ylabel="Spearman's ρ")
    pairs.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return made


def answer(results: Results) -> str:
    """The lowest held-out loss and the best scores, each with its optimizer."""
    first, second = ranked(results)[:2]
    epochs = first["budgets"][-1]
    says = [f"{run['optimizer']} ({_mean_loss(run, epochs):.4f} nats)" for run in (first, second)]
    scored = [
        f"{title}: {name} ({mean:.3f})" for title, (mean, name) in _best(results, epochs).items()
    ]
    return f"Lowest held-out loss: {says[0]}, then {says[1]}. Best scores, {', '.join(scored)}."


def _best(results: Results, epochs: int) -> dict[str, tuple[float, str]]:
    return {
        title: max(
            (mean_deviation([one["scores"][task] for one in at(run, epochs)])[0], run["optimizer"])
            for run in results["runs"]
        )
        for task, title in TITLES.items()
    }


QUESTION = Question(FOLDER, cells, measure, table, figure, answer)

if __name__ == "__main__":
    main(QUESTION, __doc__)
