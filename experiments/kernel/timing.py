"""Steps of the training loop on a made-up text, side by side; and what the backend could do."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jw2v import Config
from jw2v.corpus import Corpus, Options, Sentences, Stats, Vocabulary
from jw2v.training.setting import prepare
from jw2v.training.state import widened
from jw2v.training.texts import feeds_of, full_call, text_of

REPEATS = 5
CALLS = 4  # of a repeat
WORDS = 1 << 18  # of a call, at most
SENTENCE = 20


class Timed(NamedTuple):
    """A call that can be repeated, and how many centre words it trains."""

    call: Callable[[], None]
    words: int


def alternating(cases: dict[str, Timed]) -> dict[str, list[float]]:
    """Nanoseconds a centre word of each case, repeat by repeat."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for case in cases.values():
        case.call()
    for _ in range(REPEATS):
        for name, case in cases.items():
            began = time.perf_counter()
            case.call()
            found[name].append((time.perf_counter() - began) / case.words * 1e9)
    return found


def corpus(vocab: int, *, uniform: bool = False) -> Corpus:
    """Sentences of words drawn by Zipf's law, subsampled, or all alike."""
    rank = np.arange(1, vocab + 1)
    counts = np.full(vocab, 100) if uniform else np.maximum(10**8 // rank, 5)
    share = counts / counts.sum()
    kept = share if uniform else share * np.minimum(1, np.sqrt(1e-3 / share) + 1e-3 / share)
    rng = np.random.default_rng(0)
    ids = rng.choice(vocab, 2 * CALLS * WORDS, p=kept / kept.sum()).astype(np.int32)
    offsets = np.append(np.arange(0, len(ids), SENTENCE), len(ids))
    none = Sentences(np.zeros(0, np.int32), np.zeros(1, np.int64))
    stats = Stats(1, len(offsets) - 1, len(ids), len(ids), 0.0, 0.0)
    words = Vocabulary(tuple(f"w{i}" for i in range(vocab)), counts)
    return Corpus(words, Sentences(ids, offsets), none, stats, Options(1, None, 0, 1), "")


def step(text: Corpus, config: Config) -> Timed:
    """Calls of the training loop, in which it takes its steps."""
    config = replace(config, blocks_per_call=min(config.call_blocks, WORDS // config.block_size))
    setting = prepare(text, config)
    feeds = feeds_of(text, config)
    given = partial(text_of, full=full_call(config))
    texts = [jax.tree.map(jnp.asarray, given(next(feeds))) for _ in range(CALLS)]
    key, state = jax.random.key(0), [widened(setting.start, setting.width)]

    def call() -> None:
        for i, x in enumerate(texts):
            state[0], _ = setting.train(state[0], x, key, np.int32(i), setting.lookups)
        jax.block_until_ready(state[0])

    return Timed(call, CALLS * config.block_size * config.call_blocks)


def ceilings() -> dict[str, float]:
    """What this backend reaches in a large matrix product, and in a copy."""
    size, numbers = (2048, 1 << 26) if jax.default_backend() == "cpu" else (8192, 1 << 30)
    found = {}
    for dtype in ("float32", "bfloat16"):
        a = jax.random.normal(jax.random.key(0), (size, size), dtype)
        how = {"preferred_element_type": jnp.float32, "precision": jax.lax.Precision.HIGHEST}
        product = jax.jit(partial(jnp.dot, **how))
        found[f"{dtype} product, GFLOP/s"] = 2 * size**3 / _fastest(product, a, a) / 1e9
    moved = 2 * 4 * numbers
    again = jax.jit(lambda x: x + 1, donate_argnums=0)  # in place: no page is new
    held = [again(jnp.ones(numbers, jnp.float32))]

    def copy() -> Any:
        held[0] = again(held[0])
        return held[0]

    found["copy, GB/s"] = moved / _fastest(copy) / 1e9
    return found


def _fastest(call: Callable[..., Any], *args: Any) -> float:
    jax.block_until_ready(call(*args))
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        jax.block_until_ready(call(*args))
        seconds.append(time.perf_counter() - began)
    return min(seconds)
