"""Blocks of a run under way: judged on their own numbers, in a share of the time."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from mutants import mutant
from texts import topical_text

import jw2v
from jw2v.blocks import negative_sampling
from jw2v.blocks.tables import Tables
from jw2v.corpus import encode
from jw2v.errors import GradientError
from jw2v.ledger.certificate import Certificates, certify
from jw2v.training import call
from jw2v.training.config import Config
from jw2v.training.lookups import lookups_of
from jw2v.training.sampled import Asked, Sample, read, sampled, write
from jw2v.training.setting import ladder_of, start_tables
from jw2v.training.texts import feeds_of, text_of

SMALL = Config(
    dim=12, window=3, epochs=2, sample=0.0, block=64, group=16, shared_negatives=8,
    blocks_per_call=4, min_count=1, loss_every=1,
)  # fmt: skip
MODELS = {
    "skipgram": SMALL,
    "autodiff": replace(SMALL, gradient="autodiff", sigmoid="exact"),
    "softmax": replace(SMALL, loss="naive_softmax"),
    "tree": replace(SMALL, loss="hierarchical_softmax"),
    "n-grams": replace(SMALL, model="cbow", minn=3, maxn=4),
    "windows": replace(SMALL, kernel="windows"),
}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_text(topical_text(300))
    return path


def sample_of(text, folder, config: Config, *, scale: float = 0.3) -> Sample:
    """A block of the text, with tables that have learnt something."""
    corpus = encode(text, directory=folder, min_count=1)
    lookups = lookups_of(corpus.vocab, config)
    feed = next(feeds_of(corpus, config))
    given = text_of(feed, ladder_of(corpus.vocab, config))
    negatives = call.negatives_shape(config, None)
    blocks = call.draw_blocks(jax.random.key(0), given, lookups, config=config, negatives=negatives)
    rng = np.random.default_rng(0)
    tables = Tables(*(rng.normal(0, scale, t.shape) for t in start_tables(config, corpus.vocab)))
    return sampled(tables, jax.tree.map(lambda x: np.asarray(x[0]), blocks), config)


@pytest.mark.parametrize("name", [
    "skipgram", *(pytest.param(name, marks=pytest.mark.slow) for name in list(MODELS)[1:])
])  # fmt: skip
def test_blocks_of_every_model_hold(text, tmp_path, name):
    config = MODELS[name]
    finding = certify(sample_of(text, tmp_path, config), config)
    assert finding.verdict != "refuted"
    assert 0 < finding.margin < 1


def broken(monkeypatch, old: str, new: str) -> None:
    monkeypatch.setattr(negative_sampling, "kernel", mutant(negative_sampling, old, new).kernel)


def test_a_gradient_that_is_wrong_in_one_entry_of_one_row_is_refused(text, tmp_path, monkeypatch):
    sample = sample_of(text, tmp_path, SMALL)
    once = "(d_v.reshape(v.shape), d_u.reshape(u.shape))"
    off = "((d := d_v.reshape(v.shape)).at[3, 1].add(0.01 * d[3, 1]), d_u.reshape(u.shape))"
    broken(monkeypatch, once, off)
    judge = Certificates(SMALL, share=0.01)
    with pytest.raises(GradientError, match=r"^the gradient of a block that trains is refuted"):
        judge.look(sample)


def test_it_keeps_to_its_share(text, tmp_path, monkeypatch):
    now = [0.0]
    judge = Certificates(SMALL, share=0.01, clock=lambda: now[0])

    def slow(*_):
        now[0] += 2
        return certify(*_)

    monkeypatch.setattr("jw2v.ledger.certificate.certify", slow)
    sample = sample_of(text, tmp_path, SMALL)
    made = []
    for second in range(1000):
        now[0] = max(now[0], second)
        if judge.wants():
            made.append(now[0])
            judge.look(sample)
    assert made == [0, 200, 400, 600, 800]
    assert judge.made == 5


@pytest.mark.parametrize("name", ["skipgram", "tree", "n-grams"])
def test_a_sample_crosses_to_another_process(text, tmp_path, name):
    sample = sample_of(text, tmp_path, MODELS[name])
    flags, path = np.ones(2, np.uint8), tmp_path / "sample.npz"
    asked = Asked(flags, 1, path)
    assert asked.wants()
    asked.look(sample)
    assert (flags.tolist(), asked.wants()) == ([1, 0], False)
    leaves, found = map(jax.tree.leaves, (sample, read(path)))
    assert jax.tree.structure(sample) == jax.tree.structure(read(path))
    assert all((a == b).all() for a, b in zip(leaves, found, strict=True))
    write(sample, path)  # over the last one


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_is_certified_and_learns_the_same(text, workers):
    config = replace(SMALL, workers=workers, epochs=20 if workers == 2 else 2)
    plain = jw2v.train(text, config, check=False)
    certified = jw2v.train(text, config, check=False, certify=1e-9)
    assert certified.run["blocks_certified"] >= 1
    assert plain.run["blocks_certified"] == 0
    assert certified.vectors.tobytes() == plain.vectors.tobytes()


def test_a_breach_ends_the_run(text, monkeypatch):
    config = replace(SMALL, precision="float32")  # whose bounds are narrower than a hundredth
    once = "(d_v.reshape(v.shape), d_u.reshape(u.shape))"
    broken(monkeypatch, once, once.replace("(d_v", "(1.01 * d_v"))
    with pytest.raises(GradientError, match=r"of a block that trains is refuted .*after \d+ that"):
        jw2v.train(text, config, check=False, certify=1.0)
