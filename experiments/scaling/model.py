"""What a word costs on a machine: computing it, and its share of what replicas tell each other.

    ns a word  =  compute + bytes a word / (bytes/ns of the link)

A replica computes as it would alone. After a call it merges rows (`jw2v.training.merge`): of so
many bytes a word, which a ring of N sends and receives 2 (N − 1) / N times.
"""

from typing import NamedTuple

from jw2v import Config
from jw2v.corpus import Vocabulary
from jw2v.training.fitted import paced
from jw2v.training.merge import intervals
from jw2v.training.setting import tiers_of

WORDS = 100e9
KEPT = 0.76  # of the words of a text, after subsampling, as of mix.txt


class Machine(NamedTuple):
    """A machine as the model knows it."""

    name: str
    replicas: int
    compute_ns: float  # a word after subsampling, of one replica
    link: float  # bytes a nanosecond that a replica sends while it receives as many


class Prediction(NamedTuple):
    """What the model says."""

    merge_ns: float
    words_per_s: float  # of the text, before subsampling
    hours: float


H200_NS = 4.0  # measured: experiments/gensim_comparison, gpu_alone.json, dim 128
TPU_NS = H200_NS * 4800 / 819  # by their memories' speeds
MACHINES = (
    Machine("one H200", 1, H200_NS, 450),
    Machine("8 H200, NVLink", 8, H200_NS, 450),
    Machine("256 TPU v5e, ICI", 256, TPU_NS, 100),
)
"""Links and memories by their vendors; of the TPU nothing was measured."""


def merged_bytes(vocab: Vocabulary, config: Config, replicas: int) -> float:
    """The bytes of merging, both tables, one way, for each word that one of replicas trains on."""
    config = paced(config, replicas)
    words = config.block_size * config.call_blocks
    every = intervals(tiers_of(vocab, config, replicas))
    return 4 * config.dim * sum(float((1 / calls).sum()) for calls in every) / words


def predicted(machine: Machine, bytes_per_word: float) -> Prediction:
    """What a machine does with a text like the one measured."""
    n = machine.replicas
    merge = 2 * (n - 1) / n * bytes_per_word / machine.link
    rate = n * 1e9 / (machine.compute_ns + merge) / KEPT
    return Prediction(merge, rate, WORDS / rate / 3600)
