"""One measure of quality for both systems: held-out loss, word pairs, analogies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from systems import USUAL

import jw2v
from jw2v.corpus import PAIRS as PAIRS_FILES
from jw2v.corpus import Corpus, Sentences, Vocabulary, pairs_file
from jw2v.errors import DataError, UsageError
from jw2v.vectors import Vectors, analogies, word_pairs
from jw2v.vectors.questions import read_pairs

PAIRS_SEED = 1
PAIRS = 100_000
_BATCH = 8192


def usual_files() -> tuple[list[Path], list[Path]]:
    """Word pairs and analogies that gensim brings.

    Raises:
      UsageError: gensim is not installed.
    """
    found = [path for name in PAIRS_FILES if (path := pairs_file(name)) is not None]
    if len(found) < len(PAIRS_FILES):
        raise UsageError("no evaluation files; pip install gensim, or give --pairs")
    return found[:-1], found[-1:]


class Judge(NamedTuple):
    """What every run's vectors are held against."""

    words: tuple[str, ...]
    heldout: "Pairs"
    pairs: Sequence[Path]  # files of word pairs
    questions: Sequence[Path]  # files of analogies

    @property
    def unseen(self) -> tuple[str, ...]:
        """Words of the pairs that are not in the text."""
        asked = {word for path in self.pairs for pair in read_pairs(path) for word in pair[:2]}
        return tuple(sorted(asked - set(self.words)))

    def __call__(self, system: str, folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
        """`scores` and `heldout_loss` of the vectors that a system saved in a folder.

        The loss is that of skip-gram with negative sampling; None of another model.
        """
        vectors = load_vectors(system, folder)
        if vectors.index.keys() != set(self.words):
            raise DataError("the systems trained on different words; give text with plain blanks")
        of_pairs = all(settings.get(name, usual) == usual for name, usual in USUAL.items())
        return {
            "scores": scores(vectors, self.pairs, self.questions, unseen=unseen_of(folder)),
            "heldout_loss": heldout_loss(*tables_of(vectors, self.words), self.heldout)
            if of_pairs
            else None,
        }


class Pairs(NamedTuple):
    """Held-out pairs of words with the negatives that both systems are measured on."""

    centre: Int[np.ndarray, " pairs"]
    outside: Int[np.ndarray, " pairs"]
    weight: Float[np.ndarray, " pairs"]  # (window - distance + 1) / window
    neg_ids: Int[np.ndarray, "pairs neg"]  # drawn from count ** ns_exponent, the target not spared


def draw_pairs(
    corpus: Corpus,
    *,
    window: int,
    negatives: int,
    ns_exponent: float,
    most: int = PAIRS,
    seed: int = PAIRS_SEED,
) -> Pairs:
    """Every pair within `window` in held-out sentences: of all, or of enough for `most` pairs."""
    rng = np.random.default_rng(seed)
    ids, sentence = _some(corpus.heldout, rng, window=window, most=most)
    near = [_at_distance(ids, sentence, d, window) for d in range(1, window + 1)]
    left, right, weight = (np.concatenate(part) for part in zip(*near, strict=True))
    noise = np.cumsum(corpus.vocab.counts.astype(np.float64) ** ns_exponent)
    drawn = rng.random((2 * len(left), negatives)) * noise[-1]
    return Pairs(
        np.concatenate([left, right]),  # each of two words is the other's centre once
        np.concatenate([right, left]),
        np.concatenate([weight, weight]),
        np.searchsorted(noise, drawn, side="right"),
    )


def _some(
    heldout: Sentences, rng: np.random.Generator, *, window: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ids, and the number of each id's sentence, of sentences in an order drawn by `rng`."""
    lengths = np.diff(heldout.offsets)
    order = rng.permutation(len(lengths))
    pairs = sum(2 * np.maximum(lengths[order] - d, 0) for d in range(1, window + 1))
    order = order[: np.searchsorted(np.cumsum(pairs), most) + 1]
    pieces = [heldout.ids[heldout.offsets[i] : heldout.offsets[i + 1]] for i in order]
    return np.concatenate([np.zeros(0, np.int32), *pieces]), np.repeat(order, lengths[order])


def _at_distance(
    ids: np.ndarray, sentence: np.ndarray, distance: int, window: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    same = sentence[distance:] == sentence[:-distance]
    left, right = ids[:-distance][same], ids[distance:][same]
    return left, right, np.full(len(left), (window - distance + 1) / window)


def heldout_loss(
    V: Float[np.ndarray, "vocab dim"], U: Float[np.ndarray, "vocab dim"], pairs: Pairs
) -> float | None:
    """Weighted mean of -log σ(u_o·v_c) - Σ log σ(-u_k·v_c) over the pairs, in nats.

    gensim's skip-gram predicts the centre from each outside word, not the outside word from the
    centre. The pairs hold both directions with one weight, so the loss is the same measure of both.
    None where there is no pair.
    """
    total = 0.0
    for start in range(0, len(pairs.centre), _BATCH):
        centre, outside, weight, neg_ids = (part[start : start + _BATCH] for part in pairs)
        v_c = V[centre].astype(np.float64)
        score = np.einsum("pd,pd->p", v_c, U[outside])
        noise_scores = np.einsum("pd,pnd->pn", v_c, U[neg_ids])
        loss = np.logaddexp(0, -score) + np.logaddexp(0, noise_scores).sum(axis=1)
        total += float(weight @ loss)
    weight = float(pairs.weight.sum())
    return total / weight if weight else None


def load_vectors(system: str, folder: Path) -> Vectors:
    """The vectors that a run saved."""
    if system == "jw2v":
        return jw2v.load(folder)
    vocab, outside = Vocabulary.load(folder / "vocab.txt"), folder / "U.npy"
    U = np.load(outside) if outside.exists() else None
    return Vectors(vocab.words, np.load(folder / "V.npy"), U, vocab.counts)


def unseen_of(folder: Path) -> dict[str, np.ndarray]:
    """The vectors of words that are not in the text, where a system has made some."""
    path = folder / "unseen.npz"
    if not path.exists():
        return {}
    with np.load(path) as made:
        return dict(zip(made["words"].tolist(), made["vectors"], strict=True))


def tables_of(
    vectors: Vectors, words: Sequence[str]
) -> tuple[Float[np.ndarray, "vocab dim"], Float[np.ndarray, "vocab dim"]]:
    """Both tables, their rows in the order of `words`."""
    assert vectors.outside is not None
    rows = [vectors.index[word] for word in words]
    return vectors.vectors[rows], vectors.outside[rows]


def scores(
    vectors: Vectors,
    pairs: Sequence[Path],
    questions: Sequence[Path],
    *,
    unseen: Mapping[str, np.ndarray],
) -> dict[str, dict[str, Any]]:
    """Score and coverage on each file, under the file's name without its ending.

    Words that are not in the text have a part in the pairs where a system has made them vectors.
    """
    rows = np.stack([*vectors.vectors, *unseen.values()])
    with_unseen = Vectors((*vectors.words, *unseen), rows)
    found = [word_pairs(with_unseen, path) for path in pairs]
    found += [analogies(vectors, path) for path in questions]
    named = {score.name: score._asdict() for score in found}
    left_out = ("name", "sections")
    return {
        name: {key: value for key, value in score.items() if key not in left_out}
        for name, score in named.items()
    }
