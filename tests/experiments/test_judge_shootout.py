import sys
import xml.etree.ElementTree as ET
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import modules

from jw2v.errors import DataError

FOLDER = Path(__file__).parents[2] / "experiments" / "judge_shootout"
OTHERS = ("narrowing", "results")
MODULES = ("subjects", "wrong", "checkers", "shootout", "right", "tables", "figure", "run")


@pytest.fixture(scope="module")
def program() -> SimpleNamespace:
    return modules("judge_shootout", *MODULES, *OTHERS)


def subject(program, name):
    return next(s for s in program.subjects.subjects() if s.name == name)


def trial(program, of, gradient, dtype="float64", reduction="mean"):
    loss = of.whole_loss(reduction)
    whole = of.whole_gradient(gradient, of.wrt, reduction)
    args = of.example(np.random.default_rng(1), batch=8)
    return program.checkers.Trial(loss, jax.jit(loss), whole, args, of.wrt, dtype)


def negated(of):
    return lambda *args: jax.tree.map(jnp.negative, of.right(*args))


def test_wrong_gradients_are_refused_by_jw2v_and_pass_elsewhere(program):
    kl = subject(program, "kl")
    made = program.wrong.wrong_gradients(kl, ones=4, twos=2, seed=1)
    cells = (program.shootout.Cell("mean", "float64"),)
    by = program.checkers.CHECKERS
    found = program.shootout.check_all(kl, made.wrong, by, batch=64, seed=1, cells=cells)
    assert {w.source for w in made.wrong} == {"1 edit", "2 edits", "human"}
    assert found["survivors"] == []
    assert found["false_alarms"] == {}
    assert "jw2v" not in found["passed"]
    assert found["passed"]["chex"]["mean float64"]["human"] == 1  # atol 0.01 × 320


@pytest.mark.parametrize("name", ["jw2v", "chex", "jax fwd", "jax rev"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_checker_tells_right_from_wrong(program, name, dtype):
    sigmoid = subject(program, "sigmoid")
    check = program.checkers.CHECKERS[name]
    assert check(trial(program, sigmoid, sigmoid.right, dtype, "sum")) == "passed"
    assert check(trial(program, sigmoid, negated(sigmoid), dtype, "sum")) == "refused"


@pytest.mark.parametrize("name", ["torch slow", "torch fast"])
def test_torch_tells_right_from_wrong(program, name, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setitem(sys.modules, "checkers", program.checkers)
    check = import_module("torch_checkers").TORCH_CHECKERS[name]
    squares = subject(program, "squares")
    assert check(trial(program, squares, squares.right)) == "passed"
    assert check(trial(program, squares, negated(squares))) == "refused"


def test_equivalence_is_computed(program):
    compare, softmax = program.wrong.compare, subject(program, "softmax")

    def commuted(v_c, o, U):
        err = jax.nn.softmax(U @ v_c).at[o].add(-1)
        return jnp.sum(err[:, None] * U, axis=0), err[:, None] * v_c[None, :]

    assert compare(softmax, softmax.right, softmax.wrt)[:2] == (True, True)
    assert compare(softmax, commuted, softmax.wrt)[:2] == (True, False)
    difference = compare(softmax, negated(softmax), softmax.wrt)
    assert not difference.equivalent
    assert difference.size == pytest.approx(2)


def test_what_is_wrong_on_few_patterns_is_wrong(program):
    tables = subject(program, "tables")

    def where_all_are_one(v_c, U, o, neg):
        d_v_c, d_U = tables.right(v_c, U, o, neg)
        return d_v_c, d_U * (1 + jnp.all(neg == o))

    where_apart = [np.all(neg == o) for *_, o, neg in program.wrong.points(
        tables.example(np.random.default_rng(0)), samples=8, seed=0)]  # fmt: skip
    assert not all(where_apart)
    assert not program.wrong.compare(tables, where_all_are_one, tables.wrt).equivalent


def test_a_mutant_is_the_same_at_both_precisions(program):
    of = subject(program, "softmax")
    example = of.example(np.random.default_rng(0))
    both = program.narrowing.at_both(program.wrong.inlined(program.wrong.trace(of.right, example)))
    for dtype in ("float32", "float64"):
        with jax.enable_x64(dtype == "float64"):
            args = [jnp.asarray(x, dtype if x.dtype.kind == "f" else None) for x in example]
            for one, other in zip(jax.jit(both)(*args), jax.jit(of.right)(*args), strict=True):
                assert one.dtype == dtype
                np.testing.assert_allclose(one, other, rtol=4 * float(jnp.finfo(dtype).eps))


def test_a_batch_is_the_sum_of_its_examples(program):
    of = subject(program, "softmax")
    args = of.example(np.random.default_rng(0), batch=3)
    assert [x.shape for x in args] == [(3, 5), (3,), (7, 5)]
    with jax.enable_x64(True):
        each = [of.right(args[0][i], args[1][i], jnp.asarray(args[2])) for i in range(3)]
        d_v_c, d_U = of.whole_gradient(of.right, of.wrt, "mean")(*args)
        np.testing.assert_allclose(d_v_c, np.stack([e[0] for e in each]) / 3, rtol=1e-14)
        np.testing.assert_allclose(d_U, sum(e[1] for e in each) / 3, rtol=1e-12, atol=1e-15)


def test_right_gradients_hold_at_other_shapes(program):
    fact = program.right.facts("squares", "float64", shapes=2, seeds=1, quick=True)
    record = program.right.record(fact)
    assert (record["runs"], record["others"]) == (2, [])
    assert 0 < record["margin"] < 1
    shapes = [program.right.problem(subject(program, "squares"), n)[3] for n in range(3)]
    assert len(set(shapes)) == 3
    assert "sum of" in shapes[1]


@pytest.fixture(scope="module")
def results(program):
    """Full records of one loss, as the program would write them."""
    checkers = list(program.tables.CHECKERS)
    wrong = {
        **program.shootout.facts("kl", ones=3, twos=2, quick=False),
        "wrong": {"1 edit": 10, "human": 1},
        "made": {"1 edit": 20, "human": 1},
        "bit_equal": {"1 edit": 6},
        "within_bounds": {"1 edit": 3},
        "again": {"1 edit": 1},
        "largest_equivalent": 1e-16,
        "smallest_wrong": 0.1,
        "checkers": checkers,
        "passed": {"chex": {"mean float64": {"1 edit": 4, "human": 1}}},
        "false_alarms": {"torch slow": ["sum float32"]},
        "survivors": [],
        "seconds": 60.0,
        "versions": {"jax": "1"},
    }
    right = {
        **program.right.facts("kl", "bfloat16", shapes=1, seeds=2, quick=False),
        "runs": 2,
        "margin": 0.25,
        "power": 0.5,
        "others": [["undecided", "0: ()", 1, 0.1, 0.75]],
        "seconds": 60.0,
        "versions": {"jax": "1"},
    }
    return {"version": 1, "machine": {"cpu": "X", "cores": 2}, "runs": [wrong, right]}


def test_the_tables_say_what_the_records_hold(program, results):
    made = program.tables.tables(results)
    assert (
        "| `chex.assert_numerical_grads` | 0 of 11 | 0 of 11 | 0 of 11 | 5 of 11 (45 %) |" in made
    )
    assert "| `torch.autograd.gradcheck` | – | 0 of 11 | 0 of 11 | 0 of 11 |" in made
    assert "| `torch.autograd.gradcheck` | 1 (100 %) | 0 | 0 | 0 |" in made
    assert "| equivalent: bit-equal to the right one | 6 | 0 | 0 | 6 |" in made
    assert "| bfloat16 | 2 | 1 | 1 (50 %) | 0 | 0.25 |" in made
    assert "print a power of 0.75 or worse" in made
    assert "does not refute" not in made


def test_survivors_and_refuted_right_ones_are_told(program, results):
    results = deepcopy(results)
    results["runs"][0]["survivors"] = [["sum float32", "1 edit", "neg (mul)", "undecided"]]
    results["runs"][1]["others"] = [["refuted", "0: ()", 1, 3.0, 0.01]]
    made = program.tables.tables(results)
    assert "| kl | sum float32 | 1 edit | neg (mul) | undecided |" in made
    assert "| kl | bfloat16 | refuted | 0: () | 1 | 3 | 0.01 |" in made


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quick": True}, "1 of 1 records are quick"),
        ({"checkers": ["jw2v"]}, "kl has not been given to all checkers"),
        ({"part": "none"}, "no results to make a table of; run --wrong first"),
    ],
)
def test_what_is_not_whole_makes_no_table(program, results, change, message):
    results = deepcopy(results)
    results["runs"][0] |= change
    with pytest.raises(DataError, match=message):
        program.tables.summary(results)


def test_the_figure_is_drawn(program, results):
    root = ET.fromstring(program.figure.figure(results))
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "mean over the batch, float64" in words
    assert "45%" in words


def test_what_is_done_is_not_done_again(program, monkeypatch, tmp_path, capsys):
    path = tmp_path / "results.json"
    names = [s.name for s in program.subjects.subjects()]
    facts = [program.right.facts(n, d, shapes=2, seeds=2, quick=True)
             for n in names[::8] for d in program.right.DTYPES]  # fmt: skip
    program.results.write(path, program.results.read(path) | {"runs": facts})
    program.run.main(["--right", "--quick", "--results", str(path)])
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit, match="no subject nobody's; give some of"):
        program.run.main(["--right", "--only", "nobody's", "--results", str(path)])
    with pytest.raises(SystemExit, match="run --wrong first"):
        program.run.main(["--table", "--results", str(path)])
