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
from jw2v.vectors.intervals import spearman_interval, wilson_interval

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
    assert score.interval is None
    assert json.loads(json.dumps(score._asdict(), allow_nan=False))["accuracy"] is None


def test_no_words_answer_nothing():
    assert analogies(random_vectors("", seed=6), [": s", "x y z w"]).accuracy is None
    assert word_pairs(random_vectors("", seed=6), ["x y 1"]).spearman is None


@pytest.mark.parametrize("option", ["restrict", "batch"])
def test_options_below_one_are_refused(option):
    with pytest.raises(UsageError, match=f"{option} is 0; give 1 or more \\(--{option}\\)"):
        analogies(random_vectors("abc", seed=7), [": s"], **{option: 0})  # type: ignore[arg-type]


def cased(words, seed):
    """Each word in one to three spellings, shuffled."""
    rng = np.random.default_rng(seed)
    forms = [f(w) for w in words for f in (str.lower, str.upper, str.title) if rng.random() < 0.6]
    rng.shuffle(forms)
    return list(dict.fromkeys(forms))


@pytest.mark.parametrize("restrict", [300_000, 300])
def test_pairs_of_a_cased_vocabulary_equal_gensim(restrict):
    path = datapath("wordsim353.tsv")
    vectors = random_vectors(cased(words_of(path, "#"), seed=8), seed=8)
    score = word_pairs(vectors, path, restrict=restrict)
    _, (rho, _), unknown = as_gensim(vectors).evaluate_word_pairs(path, restrict_vocab=restrict)
    assert score.spearman == pytest.approx(rho, abs=1e-6)
    assert 100 * (1 - score.covered / score.pairs) == pytest.approx(unknown)


@pytest.mark.parametrize("restrict", [300_000, 900])
def test_analogies_of_a_cased_vocabulary_equal_gensim(restrict):
    """Other spellings of the query are near it; they are no answers, to gensim neither."""
    known = analogy_vectors(seed=9)
    words = cased(known.words, seed=9)
    rng = np.random.default_rng(9)
    table = np.stack([known[word.lower()] for word in words])
    table += rng.normal(size=table.shape).astype(np.float32) / 10
    vectors = Vectors(tuple(words), table)
    lines = [line for n, line in enumerate(lines_of(QUESTIONS)) if line[0] == ":" or n % 5 == 0]
    accuracy, _ = as_gensim_score(vectors, lines, restrict)
    assert 0.01 < accuracy < 0.9
    assert analogies(vectors, lines, restrict=restrict).accuracy == pytest.approx(accuracy)


@pytest.mark.filterwarnings("ignore:Call to deprecated .init_sims")  # within gensim
def test_analogies_by_3cosmul_are_the_words_that_gensim_finds():
    vectors = analogy_vectors(seed=10)
    keyed = as_gensim(vectors)
    known = [line for line in lines_of(QUESTIONS)[1:400] if set(line.lower().split()) <= {*vectors}]
    right = 0
    for a, b, c, d in (line.lower().split() for line in known):
        ((best, _),) = keyed.most_similar_cosmul(positive=[b, c], negative=[a], topn=1)
        right += best == d
    score = analogies(vectors, [": all", *known], method="3cosmul")
    assert score.accuracy == right / len(known)
    assert 0 < right < len(known)


def test_of_several_spellings_the_first_counts():
    vectors = random_vectors(["May", "may", "june", "sun"], seed=8)
    asked = word_pairs(vectors, ["may june 1", "MAY sun 2", "June sun 3"])
    cosines = [vectors.similarity(*pair) for pair in (("May", "june"), ("May", "sun"))]
    cosines.append(vectors.similarity("june", "sun"))
    assert asked.covered == 3
    assert asked.spearman == pytest.approx(stats.spearmanr(cosines, [1, 2, 3])[0])


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
    assert score == ("text", None, pairs, covered, None)
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


def test_scores_carry_their_intervals():
    vectors = analogy_vectors(seed=12)
    score = analogies(vectors, lines_of(QUESTIONS)[:400])
    right = sum(section.correct for section in score.sections)
    assert score.interval == wilson_interval(right, score.covered)
    path = datapath("wordsim353.tsv")
    pairs = word_pairs(random_vectors(words_of(path, "#"), seed=13), path)
    assert pairs.interval == spearman_interval(pairs.spearman, pairs.covered)
