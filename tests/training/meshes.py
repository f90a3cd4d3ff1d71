"""What meshes of eight devices make of a text, told as JSON: run by test_mesh in a child."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from jw2v.corpus import Corpus, encode
from jw2v.errors import UsageError
from jw2v.training import checkpoint, loop
from jw2v.training.config import Config
from jw2v.training.setting import prepare

SMALL = Config(
    dim=16, window=3, epochs=3, sample=0.0, block=32, group=16, shared_negatives=8,
    blocks_per_call=2, min_count=1, loss_every=1, mesh="data=1",
)  # fmt: skip


def trained(corpus: Corpus, **options) -> loop.Result:
    config = replace(SMALL, **options)
    return loop.run(corpus, config, prepare(corpus, config))


def off(one: loop.Result, other: loop.Result) -> float:
    """The largest difference of two runs' tables, where the largest entry is 1."""
    return max(
        float(np.abs(np.asarray(a) - np.asarray(b)).max() / np.abs(a).max())
        for a, b in zip(one.state.tables, other.state.tables, strict=True)
    )


def resumed(corpus: Corpus, folder: str, **options) -> loop.Result:
    """A run that stops at its first rest, is saved, and goes on."""
    config = replace(SMALL, **options)
    setting = prepare(corpus, config)
    first = loop.run(corpus, config, setting, stop=lambda: True)
    assert not first.finished
    saved = checkpoint.Checkpoint(first.state, first.calls, {})
    path = checkpoint.save(Path(folder), saved)
    again = checkpoint.load(path, setting.start)
    return loop.run(corpus, config, setting, resumed=(again.state, again.calls))


def refusal(corpus: Corpus, **options) -> str:
    try:
        trained(corpus, **options)
    except UsageError as error:
        return str(error)
    return ""


def main(text: str, folder: str) -> None:
    corpus = encode(text, directory=folder, min_count=1, heldout_every=10, seed=1)
    alone, two = trained(corpus), trained(corpus, mesh="data=2")
    found = {f"dim={n}": off(alone, trained(corpus, mesh=f"dim={n}")) for n in (2, 4, 8)}
    adam = {"optimizer": "adam", "lr": 0.01}
    found["adam"] = off(trained(corpus, **adam), trained(corpus, **adam, mesh="dim=4"))
    for mesh in ("data=2,dim=2", "data=2,dim=4"):
        found[mesh] = off(two, trained(corpus, mesh=mesh))
    batch = {"negatives_from": "batch"}
    for mesh, like in (("dim=4", "data=1"), ("data=2,dim=2", "data=2")):
        ones, others = (trained(corpus, mesh=name, **batch) for name in (like, mesh))
        found[f"in-batch, {mesh}"] = off(ones, others)
    ngrams = {"minn": 3, "maxn": 4}
    ways = {
        "sum": {"outer": "sum"},
        "n-grams": ngrams,
        "adam": {**adam, "outer": "nesterov"},
        "naive softmax": {"loss": "naive_softmax", "lr": 0.01},
    }
    unbroken = {name: trained(corpus, mesh="data=2,dim=2", **way) for name, way in ways.items()}
    for name, way in ways.items():
        again = resumed(corpus, folder, mesh="data=2,dim=2", **way)
        found[f"resumed {name}"] = off(unbroken[name], again)
    whole = {name: trained(corpus, mesh="data=2", **ways[name]) for name in ("n-grams", "adam")}
    for name, like in whole.items():
        found[f"{name}, data=2,dim=2"] = off(like, unbroken[name])
    some = encode(text, directory=f"{folder}/some", min_count=1, max_vocab=48, heldout_every=10)
    for mesh in ("vocab=4", "data=2,vocab=2,dim=2"):
        like = "data=2" if "data" in mesh else "data=1"
        found[mesh] = off(trained(some, mesh=like), trained(some, mesh=mesh))
    refused = refusal(corpus, mesh="vocab=3")
    losses = {
        "alone": alone.heldout_loss,
        "two": two.heldout_loss,
        "n-grams alone": trained(corpus, **ngrams).heldout_loss,
        "n-grams": whole["n-grams"].heldout_loss,
    }
    vectors = np.asarray(two.state.tables.V).tolist()
    print(json.dumps({"off": found, "losses": losses, "vectors": vectors, "refused": refused}))


if __name__ == "__main__":
    main(*sys.argv[1:])
