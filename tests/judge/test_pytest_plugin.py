import pytest

from jw2v.judge import pytest_plugin, text, verify

LOADED = (text, verify)  # here, or every run within this process would load them anew

pytest_plugins = ["pytester"]

MINE = """
import jax.numpy as jnp
import numpy as np
from jw2v.judge.records import Derivation, Step

BOTH = ("float64", "float32")


def double(x):
    return 2 * x


def negative(x):
    return -2 * x


DERIVATIONS = (
    Derivation(
        "f",
        lambda x: jnp.sum(x**2),
        (np.ones(3),),
        wrt=0,
        dtypes=BOTH,
        steps=(
            Step("f.1", "2x", double),
            Step("f.2", "-2x", negative, expect_step="refuted", correct="2x", correct_fn=double),
            Step("f.3", "-2x", negative, expect="refuted"),
            Step("f.3", "2x", double, expect_step="refuted", reading="meant"),
            Step("f.4", "2x", double, expect="refuted", after=""),
        ),
    ),
    Derivation("g", jnp.sum, (np.ones(3),), (Step("g.1", "1", jnp.ones_like),), 0, dtypes=BOTH),
)
"""


PLUGIN = ("-p", pytest_plugin.__name__)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch):
    """Without the plugins that happen to be installed: some are slow, some import JAX."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Run pytest with the plugin."""
    return lambda *options: pytester.runpytest_inprocess(*PLUGIN, *options)


def test_each_line_is_a_test_at_each_precision_and_reading(pytester: pytest.Pytester, run):
    pytester.makepyfile(mine_derivation=MINE, test_usual="def test_usual(): pass")
    result = run("--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == [
        f"mine_derivation.py::{name}-cpu]"
        for step in ("f::f.1[", "f::f.2[", "f::f.3[", "f::f.3[meant-", "f::f.4[", "g::g.1[")
        for name in (f"{step}float64", f"{step}float32")
    ] + ["test_usual.py::test_usual"]


def test_a_line_fails_where_its_verdict_is_not_the_expected_one(pytester: pytest.Pytester, run):
    pytester.makepyfile(mine_derivation=MINE)
    result = run("-rA", "-k", "float64")
    verdicts = {line.split()[1]: line.split()[0] for line in result.outlines if "float64-" in line}
    assert {name.split("::")[-1]: how for name, how in verdicts.items() if "::" in name} == {
        "f.1[float64-cpu]": "PASSED",
        "f.2[float64-cpu]": "FAILED",
        "f.3[float64-cpu]": "PASSED",
        "f.3[meant-float64-cpu]": "PASSED",
        "f.4[float64-cpu]": "FAILED",
        "g.1[float64-cpu]": "PASSED",
    }
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_failure_is_told_in_the_words_of_the_judge(pytester: pytest.Pytester, run):
    pytester.makepyfile(mine_derivation=MINE)
    result = run("-k", "float64")
    result.stdout.fnmatch_lines(
        [
            "f.2 [[]letter] refuted (step refuted): sign: claimed = -1 × true",
            "  expected: holds (step refuted)",
            "  counterexample: *claimed = *, true = *",
            "  right: 2x",
            "  tried: *float64*",
            "f.4 [[]letter] holds",
            "  expected: refuted",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")
    result.stdout.no_fnmatch_line("*tried:*float32*")


def test_a_test_stands_where_its_line_is_written(pytester: pytest.Pytester):
    pytester.makepyfile(mine_derivation=MINE)
    collected: list[pytest.Item] = []
    recorder = type(
        "Recorder", (), {"pytest_itemcollected": lambda _, item: collected.append(item)}
    )
    pytester.inline_run("--collect-only", *PLUGIN, plugins=[recorder()])
    path, line, _ = collected[2].reportinfo()
    assert (str(path), MINE.strip().splitlines()[line or 0]) == (
        str(pytester.path / "mine_derivation.py"),
        "def negative(x):",
    )


def test_a_file_needs_the_name_and_the_word(pytester: pytest.Pytester, run):
    pytester.makepyfile(
        key_derivation="raise RuntimeError('a module of a name like ours is not imported')",
        elsewhere="raise RuntimeError\nDERIVATIONS = ()",
        derivation_of_mine="DERIVATIONS = ()",
        test_derivation="def test_usual(): pass",
    )
    result = run()
    result.assert_outcomes(passed=1)


def test_names_of_files_are_an_option(pytester: pytest.Pytester, run):
    pytester.makeini("[pytest]\njw2v_files = page?.py")
    pytester.makepyfile(page1=MINE, mine_derivation=MINE)
    result = run("--collect-only", "-q")
    assert {line.split("::")[0] for line in result.outlines if "::" in line} == {"page1.py"}


def test_a_file_may_hold_usual_tests_too(pytester: pytest.Pytester, run):
    pytester.makepyfile(test_derivation=MINE + "\n\ndef test_usual():\n    pass\n")
    result = run("-k", "g.1 or usual")
    result.assert_outcomes(passed=3, deselected=10)


def test_marks_of_a_file_hold_for_its_lines(pytester: pytest.Pytester, run):
    skip = "import pytest\npytestmark = pytest.mark.skip(reason='not today')\n"
    pytester.makepyfile(mine_derivation=skip + MINE)
    run().assert_outcomes(skipped=12)


@pytest.mark.parametrize("value", ["[]", "(1,)", "None"])
def test_derivations_that_are_none_are_told_in_a_line(value, pytester: pytest.Pytester, run):
    pytester.makepyfile(mine_derivation=f"DERIVATIONS = {value}")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["mine_derivation.py: DERIVATIONS is no tuple of jw2v.judge.Derivation; write *"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


FAULTY = """
import numpy as np
from jw2v.judge.records import Derivation, Step

def faulty(x):
    raise RuntimeError("of the user's own")

DERIVATIONS = (
    Derivation("a", lambda x: x @ x, (np.ones(3),), (Step("a.1", "", faulty),), wrt=0),
    Derivation("b", lambda x: x @ x, (np.ones(3),), (Step("b.1", "", abs, after="b.0"),), wrt=0),
)
"""


def test_bad_use_is_a_line_and_a_fault_of_the_users_code_a_traceback(
    pytester: pytest.Pytester, run
):
    pytester.makepyfile(mine_derivation=FAULTY)
    result = run("-k", "float64")
    result.stdout.fnmatch_lines(['>*raise RuntimeError("of the user\'s own")'])
    result.stdout.fnmatch_lines(["line b.1: it follows from b.0, which is not before it*"])


def test_nothing_is_imported_before_a_derivation_is_there(pytester: pytest.Pytester):
    pytester.makepyfile(
        test_usual=f"""
        import sys

        def test_usual():
            assert "{pytest_plugin.__name__}" in sys.modules
            ours = [name for name in sys.modules if name.startswith("jw2v.")]
            assert sorted(ours) == ["jw2v.judge", "{pytest_plugin.__name__}", "jw2v.lazy"]
            assert not {{"jax", "jaxlib", "numpy", "chex"}} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess(*PLUGIN)
    result.assert_outcomes(passed=1)
