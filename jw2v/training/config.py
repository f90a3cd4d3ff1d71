"""Every option of a training run; the fields are the command line's flags."""

import math
import numbers
from dataclasses import dataclass, fields
from typing import Any, cast, get_args

import optax

from jw2v.blocks.tables import Tables
from jw2v.blocks.windows import WindowWeights, pairs_per_centre
from jw2v.corpus.subwords import Ngrams
from jw2v.errors import UsageError, unknown
from jw2v.optim.named import NAMED, by_name
from jw2v.optim.schedules import SCHEDULES, learning_rate

LOSSES = ("negative_sampling", "naive_softmax", "hierarchical_softmax")
CHOICES: dict[str, tuple[str, ...]] = {
    "model": ("skipgram", "cbow"),
    "cbow_update": ("gradient", "word2vec"),
    "loss": LOSSES,
    "optimizer": tuple(NAMED),
    "optimizer_outside": tuple(NAMED),
    "schedule": tuple(SCHEDULES),
    "window_weights": get_args(WindowWeights),
    "damping": ("sqrt", "none"),
    "on_nan": ("stop", "skip"),
    "outer": ("sum", "mean", "nesterov"),
    "gradient": ("manual", "autodiff"),
    "kernel": ("block", "windows"),
    "sigmoid": ("polynomial", "exact"),
    "negatives_from": ("noise", "batch"),
    "precision": ("float32", "bfloat16", "float64"),
}
SCALED = ("sgd", "momentum", "nesterov", "schedule_free")  # their steps grow with the gradient
BAG_RATE = 4.0  # times the usual rate where each word around is given a share of the gradient
TREE_RATE = 2.0  # times the usual rate of skip-gram with hierarchical softmax
SOFTMAX_PIECES_RATE = 0.25  # times the usual rate, at which naive softmax over n-grams diverges
CACHED = 80_000  # numbers of a block's centres that, with all that is made of them, a core caches
SHARING, DRAWN = 64, 80  # centres that share negatives, and pairs of a draw: of more it learns less
CALL = 32_768  # centre words of a call, in which a processor takes its steps
SHORT = 2  # times as many where steps are short: processes that merge after each wait less
MOST_SEED = 2**63 - 1  # that JAX makes a key of
AT_LEAST: dict[str, float | int] = {
    "dim": 1,
    "window": 1,
    "negatives": 1,
    "epochs": 1,
    "min_count": 1,
    "max_vocab": 2,
    "phrases": 0,
    "phrase_threshold": 0,
    "phrase_min_count": 1,
    "sample": 0,
    "seed": 0,
    "block": 1,
    "shared_negatives": 1,
    "group": 1,
    "tile": 1,
    "softmax_chunk": 1,
    "blocks_per_call": 1,
    "loss_every": 1,
    "workers": 1,
    "heldout_every": 0,
    "minn": 0,
    "maxn": 0,
    "buckets": 1,
}


@dataclass(frozen=True)
class Config:
    """Options of a training run.

    >>> Config(dim=50).dim
    50
    >>> Config(dim=0, lr=float("nan"))
    Traceback (most recent call last):
    ...
    jw2v.errors.UsageError: dim is 0, not a whole number of at least 1 (--dim); lr is nan, not ...
    """

    dim: int = 100
    """Length of a vector."""
    window: int = 5
    """Outside words on either side of a centre word, at most."""
    negatives: int = 5
    """Sampled words that a pair counts with (K)."""
    epochs: int = 5
    """Passes over the text."""
    min_count: int = 5
    """Words with fewer occurrences are dropped."""
    max_vocab: int | None = None
    """Keep only this many most frequent words."""
    phrases: int = 0
    """Passes that join neighbours met more often than by chance: 1 makes new_york, 2 up to four."""
    phrase_threshold: float = 10.0
    """Score above which two neighbours are a phrase, as in gensim."""
    phrase_min_count: int = 5
    """Times that two neighbours are met before they count."""
    minn: int = 0
    """Characters of the n-grams that words are made of, at least; 0 for words that are not."""
    maxn: int = 0
    """Characters of an n-gram, at most; fastText has 3 to 6."""
    buckets: int = 2_000_000
    """Buckets that n-grams are hashed into."""
    sample: float = 1e-3
    """Subsampling threshold for frequent words; 0 keeps every word."""
    negatives_from: str | None = None
    """noise, drawn from the noise law, or batch, the words of another passage weighted to that law,
    where the sentences of an epoch are mixed. By default noise; on one processor, for skipgram and
    negative_sampling by sgd, batch for runs of 8 million words and more, where a passage and the
    window on either side have three words for each negative that a pair counts with and neither
    shared_negatives nor group is given; not on matrix units."""
    ns_exponent: float = 0.75
    """Negatives are drawn from count to this power."""
    model: str = "skipgram"
    """skipgram, or cbow: the words around predict the centre."""
    reverse: bool = False
    """Of skipgram: the words around predict the centre, one by one, as in word2vec.c. The pairs are
    the same; hierarchical_softmax sees them so in any case."""
    cbow_mean: bool = True
    """Of cbow: average the words around; else sum them."""
    cbow_update: str = "gradient"
    """Of cbow: gradient, or word2vec, the update of word2vec.c, which is not the gradient."""
    loss: str = "negative_sampling"
    """negative_sampling, naive_softmax or hierarchical_softmax."""
    optimizer: str = "sgd"
    """sgd, momentum, nesterov, adagrad, rowwise_adagrad, rmsprop, adam, adamw, adabelief, nadam,
    lion, lamb, adafactor, schedule_free or sm3."""
    optimizer_outside: str | None = None
    """Of the outside words' table; by default the same."""
    lr: float | None = None
    """Learning rate at the start; by default the optimizer's own (sgd: 0.05; four times that for
    cbow's mean by its gradient, twice for skipgram with hierarchical_softmax, a quarter for
    naive_softmax with n-grams). Where an accelerator is given blocks of 4,096 or more unasked,
    sgd has twice that, for cbow's mean by its gradient 1.5 times, for hierarchical_softmax the
    same."""
    lr_outside: float | None = None
    """Of the outside words' table; by default lr, or the other optimizer's own."""
    lr_end: float | None = None
    """Learning rate at the end; by default lr / 10,000. Of the other table in proportion."""
    schedule: str | None = None
    """linear, constant, cosine or exponential; by default the optimizer's own (sgd: linear)."""
    warmup: float = 0.0
    """Share of the run in which the learning rate rises from 0."""
    dense_updates: bool = False
    """Update whole tables in every step, as plain optax, not the rows met in it."""
    window_weights: str = "linear"
    """linear (a pair counts by its distance), dynamic (widths drawn) or fixed (all count 1)."""
    damping: str = "sqrt"
    """sqrt (a word's step by 1/sqrt of its places in the block, an n-gram's by its share), none."""
    on_nan: str = "stop"
    """stop, where the loss is not finite, or skip, the blocks whose gradient is not."""
    gradient: str = "manual"
    """manual (derived by hand) or autodiff."""
    kernel: str = "block"
    """block (matrix products) or windows (vmap over windows and scatter-add)."""
    sigmoid: str = "polynomial"
    """polynomial (off by less than 0.0067) or exact."""
    precision: str | None = None
    """float32, bfloat16 (operands; sums and tables float32) or float64; by default bfloat16 for
    sgd in tiles on an accelerator, on a processor that multiplies it in vectors (AVX-512) and, for
    skipgram and negative_sampling alone, on one with matrix units (AMX), else float32."""
    block: int | None = None
    """Centre words a step; by default 128, of n-grams, other optimizers than sgd, kernel windows
    and dense_updates 512 or, for vectors longer than 156, 256, as for naive_softmax; for
    hierarchical_softmax 128 in any case. On an accelerator that is doubled, up to 16,384, as long
    as the run has 1,000 steps, but not for kernel windows and naive_softmax."""
    shared_negatives: int | None = None
    """Negatives drawn for each group of centres, weighted negatives / shared_negatives (N); by
    default 24, for cbow 32. Of skipgram by sgd in bfloat16, without n-grams, the nearest to 24, on
    an accelerator to 40, with which a tile, the words around and they make whole units of 16: of
    window 5 these are 22 and 38."""
    group: int | None = None
    """Centre words that share negatives, whole tiles of them; by default 64, of more negatives or
    wider windows fewer, of other optimizers than sgd, kernel windows and dense_updates 16; on an
    accelerator, where block is left open, one tile."""
    tile: int | None = None
    """Centre words of one matrix product; by default 16, for skipgram with hierarchical_softmax 4.
    On matrix units and accelerators, for skipgram and negative_sampling by sgd in bfloat16, 64, or
    32 where no more share negatives; not with n-grams or in reverse."""
    softmax_chunk: int | None = None
    """Words that naive_softmax scores at once; by default all of up to 32,768, of more 4,096."""
    blocks_per_call: int | None = None
    """Blocks between two looks at the clock; of replicas, between two merges. By default as
    many as hold 32,768 centre words, for sgd, skipgram and negative_sampling twice that, at least
    32; more than two replicas together train 65,536. An accelerator that trains alone has 128 of
    4,096 centre words or more."""
    mesh: str = "auto"
    """Devices: auto, or as data=2,dim=4,vocab=1: replicas that merge what they learn, and parts of
    the tables' columns and rows. By default replicas of sgd on blocks, else columns."""
    outer: str | None = None
    """What replicas have learnt between two merges: sum, mean or, of a mesh, nesterov (of the mean,
    as DiLoCo); by default sum for sgd, mean for other optimizers."""
    workers: int | None = None
    """Processes; by default one for each core where the text is long enough for that to pay."""
    loss_every: int = 16
    """The training loss is measured on every n-th block; 1 measures all."""
    heldout_every: int = 100
    """One sentence in this many is held out, by a hash of (seed, line); 0 holds out none."""
    seed: int = 1
    """Seed of the initial vectors, subsampling, widths and negatives."""

    def __post_init__(self) -> None:
        """Make numbers Python's, and raise one UsageError that names every fault.

        Raises:
          UsageError: a field out of its range, or a name that is not known.
        """
        for field in fields(self):
            object.__setattr__(self, field.name, _plain(getattr(self, field.name)))
        faults = [*self._unknown_names(), *self._out_of_range()]
        if faults:
            raise UsageError("; ".join(faults))

    @property
    def optimizers(self) -> Tables:
        """The optimizers' names."""
        return Tables(self.optimizer, self.optimizer_outside or self.optimizer)

    @property
    def start_lrs(self) -> Tables:
        """The learning rates at the start."""
        first = self._own_lr(self.optimizer) if self.lr is None else self.lr
        if self.lr_outside is not None:
            return Tables(first, self.lr_outside)
        other = self.optimizer_outside
        return Tables(first, first if other is None else self._own_lr(other))

    def _own_lr(self, name: str) -> float:
        if name not in SCALED:
            return by_name(name).lr
        times = [
            BAG_RATE if self.gives_shares else 1,
            TREE_RATE if self.has_tree and self.model == "skipgram" else 1,
            SOFTMAX_PIECES_RATE if self.maxn and self.loss == "naive_softmax" else 1,
        ]
        return math.prod(times, start=by_name(name).lr)

    @property
    def gives_shares(self) -> bool:
        """Whether a word around is given a share of the gradient, as where words are averaged."""
        return self.model == "cbow" and self.cbow_mean and self.cbow_update == "gradient"

    def schedules(self, steps: int) -> Tables:
        """The learning rates over so many steps; the same object where they are the same."""
        starts = self.start_lrs
        falls = 1e-4 if self.lr_end is None else self.lr_end / starts.V

        def one(name: str, start: float) -> optax.Schedule:
            kind = self.schedule or by_name(name).schedule
            end = start * falls
            return learning_rate(kind, start=start, end=end, steps=steps, warmup=self.warmup)

        first = one(self.optimizers.V, starts.V)
        if starts.V == starts.U and self.optimizers.V == self.optimizers.U:
            return Tables(first, first)
        return Tables(first, one(self.optimizers.U, starts.U))

    @property
    def weights(self) -> WindowWeights:
        """The window's weight law."""
        return cast(WindowWeights, self.window_weights)

    @property
    def block_size(self) -> int:
        """Centre words a step."""
        if self.block is not None:
            return self.block
        if self.has_tree or (self.has_small_products and self.ngrams is None):
            return 128
        large = self.loss == "naive_softmax" or 512 * self.dim > CACHED
        return 256 if large else 512

    @property
    def group_size(self) -> int:
        """Centre words that share negatives, at most the block."""
        usual = math.gcd(self._sharing() if self.has_small_products else 16, self.block_size)
        return min(self.group or max(usual, self.tile_size), self.block_size)

    def _sharing(self) -> int:
        """A power of two, so that it divides blocks."""
        pairs = 1 if self.model == "cbow" else pairs_per_centre(self.window, self.weights)
        most = min(SHARING, DRAWN * self.group_negatives / (pairs * self.negatives))
        return 2 ** max(0, math.floor(math.log2(most)))

    @property
    def tile_size(self) -> int:
        """Centre words of one matrix product, at most the group."""
        usual = 4 if self.has_tree and self.model == "skipgram" else 16
        return min(self.tile or usual, self.group or self.block_size, self.block_size)

    @property
    def group_negatives(self) -> int:
        """Negatives drawn for each group of centres."""
        return self.shared_negatives or (32 if self.model == "cbow" else 24)

    @property
    def call_blocks(self) -> int:
        """Blocks between two looks at the clock."""
        words = CALL * (SHORT if self.has_short_steps else 1)
        return self.blocks_per_call or self.blocks_of(words)

    def blocks_of(self, words: int) -> int:
        """Blocks that hold so many centre words, at least 32."""
        return max(32, words // self.block_size)

    @property
    def in_batch(self) -> bool:
        """Whether the negatives of a passage are the words of another."""
        return self.negatives_from == "batch"

    @property
    def passage(self) -> int:
        """Centre words of a passage, two of which are a tile."""
        return self.tile_size // 2

    @property
    def passage_words(self) -> int:
        """Words of a passage and around it."""
        return self.passage + 2 * self.window

    @property
    def suits_in_batch(self) -> bool:
        """Whether the negatives of a passage can be the words of another."""
        pairs = self.loss == "negative_sampling" and not (self.inward or self.maxn)
        return pairs and self.has_tiles and self.tile_size % 2 == 0

    @property
    def inward(self) -> bool:
        """Whether the words around predict the centre, each alone or in a bag."""
        return self.model == "cbow" or self.reverse or self.has_tree

    @property
    def ngrams(self) -> Ngrams | None:
        """The n-grams that words are made of; None where a word has a row alone."""
        return Ngrams(self.minn, self.maxn, self.buckets) if self.maxn else None

    @property
    def has_tree(self) -> bool:
        """Whether the rows of U are a tree's inner nodes, not words."""
        return self.loss == "hierarchical_softmax"

    @property
    def has_small_products(self) -> bool:
        """Whether a step is made of products that one processor core finishes soonest."""
        return self.is_sgd and not self.dense_updates and self.has_tiles

    @property
    def has_short_steps(self) -> bool:
        """Whether a step multiplies its rows as they are, without making bags or words of them."""
        return self.has_small_products and not (self.inward or self.maxn)

    @property
    def suits_bfloat16(self) -> bool:
        """Whether operands in bfloat16 are sooner done where they are multiplied fast.

        Bags that are summed stay out: rounded, their large scores leave the judge undecided.
        """
        is_sum = self.model == "cbow" and not self.cbow_mean
        return self.has_small_products and self.gradient == "manual" and not is_sum

    @property
    def is_sgd(self) -> bool:
        """Whether steps are gradients times rates, so that those of several replicas add up."""
        return set(self.optimizers) == {"sgd"}

    @property
    def has_tiles(self) -> bool:
        """Whether blocks are matrix products on tiles."""
        return self.kernel == "block" and self.loss != "naive_softmax"

    @property
    def has_linear_pairs(self) -> bool:
        """Whether weights by distance stand for drawn widths, as where pairs are summed."""
        return self.window_weights == "linear" and self.model == "skipgram"

    @property
    def approximations(self) -> tuple[str, ...]:
        """What training computes otherwise than the written loss; `jw2v.ledger` judges each.

        >>> Config(sigmoid="exact", window_weights="dynamic", damping="none").approximations
        ('24 negatives shared by 64 centres, weighted 5/24',)
        """
        return self.approximations_of(own_loss=False)

    def approximations_of(self, *, own_loss: bool) -> tuple[str, ...]:
        """The same, where a loss is given as an object, too: it has its own negatives and sigmoid.

        >>> Config(kernel="windows").approximations_of(own_loss=True)
        ('linear window weights, the mean of drawn widths', 'frequent rows damped')
        """
        has_sigmoid = not own_loss and self.loss != "naive_softmax"
        negatives = f"{self.group_negatives} negatives shared by {self.group_size} centres"
        weighted = f"{negatives}, weighted {self.negatives}/{self.group_negatives}"
        words = f"{self.passage_words} words of another passage as negatives"
        in_batch = self.in_batch and not own_loss
        found = {
            weighted: has_sigmoid and not (self.has_tree or in_batch),
            f"{words}, weighted to the noise law": in_batch,
            "a control variate, zero in the mean": in_batch,
            "polynomial sigmoid, off by less than 0.0067": has_sigmoid
            and self.sigmoid == "polynomial",
            "linear window weights, the mean of drawn widths": self.has_linear_pairs,
            "operands in bfloat16": self.precision == "bfloat16",
            "frequent rows damped": self.damping == "sqrt",
        }
        return tuple(name for name, here in found.items() if here)

    def _unknown_names(self) -> list[str]:
        return [
            f"{unknown(name, str(value), known)} ({_flag(name)})"
            for name, known in CHOICES.items()
            if (value := getattr(self, name)) not in known and not self._is_left_out(name)
        ]

    def _is_left_out(self, name: str) -> bool:
        return getattr(self, name) is None and getattr(type(self), name) is None

    def _out_of_range(self) -> list[str]:
        faults = []
        for name, least in AT_LEAST.items():
            value = getattr(self, name)
            whole = name not in ("sample", "phrase_threshold")
            if self._is_left_out(name):
                continue
            if not _is_number(value, whole=whole, least=least):
                kind = "a whole number" if whole else "a number"
                faults.append(
                    f"{name} is {value}, not {kind} of at least {least:g} ({_flag(name)})"
                )
        faults += [
            f"{name} is {value}, not a finite number above 0 ({_flag(name)})"
            for name in ("lr", "lr_outside", "lr_end")
            if (value := getattr(self, name)) is not None and not (_is_number(value) and value > 0)
        ]
        if _is_number(self.seed, whole=True) and self.seed > MOST_SEED:
            faults.append(f"seed is {self.seed}, not a whole number up to {MOST_SEED} (--seed)")
        if not (_is_number(self.warmup, least=0) and self.warmup < 1):
            faults.append(f"warmup is {self.warmup}, not a number from 0 to below 1 (--warmup)")
        if not _is_number(self.ns_exponent):
            faults.append(f"ns_exponent is {self.ns_exponent}, not a finite number (--ns-exponent)")
        if self.in_batch and not self.suits_in_batch:
            faults.append(
                "negatives_from is batch, which is for skipgram and negative_sampling in blocks, "
                "without n-grams and with an even tile (--negatives-from)"
            )
        if not faults and not (1 <= self.minn <= self.maxn or self.minn == self.maxn == 0):
            faults.append(
                f"minn is {self.minn} and maxn {self.maxn}; give 1 <= minn <= maxn, as 3 and 6, or "
                "0 for both (--minn, --maxn)"
            )
        if self.precision == "bfloat16" and not self.has_tiles:
            faults.append(
                "precision is bfloat16, which is for kernel block and not for naive_softmax; here "
                f"it is {self.kernel} with {self.loss} (--precision)"
            )
        if (self.precision, self.gradient, self.sigmoid) == ("bfloat16", "autodiff", "polynomial"):
            faults.append(
                "sigmoid is polynomial, the autodiff gradient of which cannot be judged with "
                "operands in bfloat16; give exact (--sigmoid)"
            )
        return faults or self._not_whole()

    def _not_whole(self) -> list[str]:
        for name, part in (("block", "group"), ("group", "tile")):
            size, in_it = getattr(self, f"{name}_size"), getattr(self, f"{part}_size")
            if size % in_it:
                return [f"{name} is {size}, not a multiple of {part} {in_it} (--{name})"]
        return []


def fields_of(config: Config) -> dict[str, Any]:
    """The options as a JSON-able dict, in order."""
    return {field.name: getattr(config, field.name) for field in fields(config)}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _plain(value: Any) -> Any:
    """A number as JSON can hold it, which NumPy's are not; what is no number as it is.

    >>> import numpy as np
    >>> _plain(np.int64(3)), _plain(np.float32(0.5)), _plain(True), _plain("adam")
    (3, 0.5, True, 'adam')
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return value
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def _is_number(value: Any, *, whole: bool = False, least: float | int = -math.inf) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return False
    return math.isfinite(value) and value >= least
