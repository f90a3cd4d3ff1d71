"""Scores against gensim and scipy, and what happens to words that are not there."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from jw2v.errors import UsageError
from jw2v.vectors import Vectors, analogies, word_pairs
from jw2v.vectors.evaluate import average_ranks, spearman

QUESTIONS = datapath("questions-words.txt")
PAIR_FILES = ("wordsim353.tsv", "simlex999.txt")


def as_gensim(vectors):
    keyed = KeyedVectors(vectors.vectors.shape[1])
    keyed.add_vectors(list(vectors.words), vectors.vectors)
    return keyed


def random_vectors(words, seed, dim=10):
    table = np.random.default_rng(seed).normal(size=(len(words), dim)).astype(np.float32)
    return Vectors(tuple(words), table)


def lines_of(path):
    return Path(path).read_text(encoding="utf-8").splitlines(keepends=True)


def words_of(path, skip):
    """Lower-cased words of a file, in a seeded order, without every seventh."""
    lines = [line for line in lines_of(path) if not line.startswith(skip)]
    words = sorted({word.lower() for line in lines for word in line.split() if word[0].isalpha()})
    np.random.default_rng(0).shuffle(words)
    return [word for number, word in enumerate(words) if number % 7]


@pytest.mark.parametrize("file", PAIR_FILES)
def test_word_pairs_equal_gensim(file):
    path = datapath(file)
    vectors = random_vectors(words_of(path, "#"), seed=1)
    score = word_pairs(vectors, path)
    _, (rho, _), unknown = as_gensim(vectors).evaluate_word_pairs(path)
    assert score.name == file.partition(".")[0]
    assert score.spearman == pytest.approx(rho, abs=1e-6)
    assert 0 < score.covered < score.pairs
    assert 100 * (1 - score.covered / score.pairs) == pytest.approx(unknown)


def analogy_vectors(seed):
    """Rows in which part of the questions of the file come out right: d near b - a + c."""
    vectors = random_vectors(words_of(QUESTIONS, ":"), seed, dim=30)
    table = vectors.vectors.copy()
    for number, line in enumerate(lines_of(QUESTIONS)):
        words = line.lower().split()
        if number % 9 == 0 and len(words) == 4 and all(word in vectors for word in words):
            a, b, c, d = (vectors.index[word] for word in words)
            table[d] = table[b] - table[a] + table[c]
    return Vectors(vectors.words, table)


@pytest.mark.parametrize("restrict", [300_000, 400])
def test_analogies_equal_gensim_in_every_section(restrict):
    vectors = analogy_vectors(seed=2)
    lines = lines_of(QUESTIONS)
    kept = [line for n, line in enumerate(lines) if line.startswith(":") or n % 5 == 0]
    score = analogies(vectors, kept, restrict=restrict)
    accuracy, sections = as_gensim_score(vectors, kept, restrict)
    assert score.accuracy == pytest.approx(accuracy, abs=1e-12)
    assert 0.01 < accuracy < 0.9
    expected = [
        (s["section"], len(s["correct"]), len(s["correct"]) + len(s["incorrect"]))
        for s in sections[:-1]
    ]
    assert [tuple(section) for section in score.sections] == expected
    assert score.covered == sum(total for _, _, total in expected) < score.questions
    assert score.questions == sum(not line.startswith(":") for line in kept)


def as_gensim_score(vectors, lines, restrict):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.writelines(lines)
        file.flush()
        return as_gensim(vectors).evaluate_word_analogies(file.name, restrict_vocab=restrict)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_batch_does_not_change_the_answers(batch):
    vectors = analogy_vectors(seed=3)
    lines = lines_of(QUESTIONS)[:60]
    assert analogies(vectors, lines, batch=batch) == analogies(vectors, lines)


def test_a_file_and_its_lines_score_alike(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text(": one\na b c d\n: none\n", encoding="utf-8")
    vectors = random_vectors("abcd", seed=4)
    score = analogies(vectors, path)
    assert score.name == "few"
    assert score.sections == (("one", score.sections[0].correct, 1), ("none", 0, 0))
    with path.open(encoding="utf-8") as file:
        assert analogies(vectors, file) == score
    assert analogies(vectors, str(path)) == score


def test_an_answer_that_is_a_query_word_is_never_right():
    vectors = random_vectors("abc", seed=5)
    assert analogies(vectors, [": s", "a b c a", "a b c b", "a a a a"]).accuracy == 0.0


def test_no_covered_question_gives_null():
    score = analogies(random_vectors("abc", seed=6), [": s", "x y z w"])
    assert (score.accuracy, score.questions, score.covered) == (None, 1, 0)
    assert json.loads(json.dumps(score._asdict(), allow_nan=False))["accuracy"] is None


@pytest.mark.parametrize("option", ["restrict", "batch"])
def test_options_below_one_are_refused(option):
    with pytest.raises(UsageError, match=f"{option} is 0; give 1 or more \\(--{option}\\)"):
        analogies(random_vectors("abc", seed=7), [": s"], **{option: 0})


def test_a_word_is_looked_up_as_written_and_then_in_lower_case():
    vectors = random_vectors(["May", "may", "june", "sun"], seed=8)
    as_written = word_pairs(vectors, ["May june 1", "May sun 2", "June sun 3"])
    assert as_written.covered == 3
    swapped = word_pairs(vectors, ["may june 1", "may sun 2", "JUNE sun 3"])
    assert swapped.covered == 3
    cosines = [vectors.similarity(*pair) for pair in (("may", "june"), ("may", "sun"))]
    cosines.append(vectors.similarity("june", "sun"))
    expected = stats.spearmanr(cosines, [1, 2, 3])[0]
    assert swapped.spearman == pytest.approx(expected)


@pytest.mark.parametrize(
    ("lines", "pairs", "covered"),
    [
        ([], 0, 0),
        (["a b 1"], 1, 1),
        (["a b 1", "a x 2", "y b 3"], 3, 1),
        (["a b 1", "a c 1"], 2, 2),
        (["a b 1", "a b 2"], 2, 2),
    ],
)
def test_too_few_pairs_or_all_alike_give_null(lines, pairs, covered):
    score = word_pairs(random_vectors("abc", seed=9), lines)
    assert score == ("text", None, pairs, covered)
    assert '"spearman": null' in json.dumps(score._asdict(), allow_nan=False)


few_values = st.lists(
    st.tuples(st.integers(0, 4), st.floats(-2, 2, width=16)), min_size=0, max_size=30
)


@settings(deadline=None)
@given(pairs=few_values)
def test_spearman_equals_scipy_with_ties(pairs):
    x, y = np.array(pairs, np.float64).reshape(-1, 2).T
    np.testing.assert_array_equal(average_ranks(y), stats.rankdata(y))
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert spearman(x, y) is None
    else:
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
