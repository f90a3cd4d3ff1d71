"""The programs that answer a question: their frame, their quick forms, what is written of them."""

import json
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from browser import browser, chromium
from compiling import quickly
from programs import EXPERIMENTS, modules

from jw2v.corpus import demo_sentences
from jw2v.errors import DataError

QUESTIONS = sorted(
    path.parent.name
    for path in EXPERIMENTS.glob("*/run.py")
    if "QUESTION = Question(" in path.read_text(encoding="utf-8")
)
FIGURES = sorted(path.relative_to(EXPERIMENTS) for path in EXPERIMENTS.glob("*/figure.svg"))


@pytest.fixture
def frame():
    return modules("noise_exponent", "question", "figures")


@pytest.fixture
def toy(frame, tmp_path: Path):
    """A question that takes no time, and what it was asked."""
    asked: list[Any] = []

    def measure(**cell: Any) -> dict[str, Any]:
        asked.append(cell)
        return {"found": cell["x"] ** 2}

    def table(results: Any) -> str:
        return " ".join(str(run["found"]) for run in results["runs"])

    def figure(results: Any) -> Any:
        made, (axes,) = frame.figures.panels(1)
        axes.plot([run["x"] for run in results["runs"]])
        return made

    (tmp_path / "README.md").write_text(
        "Squares\n\n<!-- table --><!-- /table --><!-- answer --><!-- /answer -->"
    )
    cells = lambda quick: ({"x": x} for x in ((1,) if quick else (1, 2)))  # noqa: E731
    made = frame.question.Question(tmp_path, cells, measure, table, figure, lambda results: "Yes.")
    return made, asked


def asking(frame, question, *options: str) -> None:
    frame.question.main(question, "doc", list(options))


def test_a_question_is_asked_once_and_its_answer_written(frame, toy):
    question, asked = toy
    asking(frame, question)
    asking(frame, question)
    assert asked == [{"x": 1}, {"x": 2}]
    results = json.loads((question.folder / "results.json").read_text())
    assert [run["found"] for run in results["runs"]] == [1, 4]
    asking(frame, question, "--write")
    written = (question.folder / "README.md").read_text()
    assert "<!-- table -->\n\n1 4\n\n" in written
    assert results["versions"]["jax"] in written
    assert "<!-- answer -->\n\n**Answer.** Yes.\n\n<!-- /answer -->" in written
    drawn = (question.folder / "figure.svg").read_text()
    asking(frame, question, "--write")
    assert (question.folder / "figure.svg").read_text() == drawn


def test_a_stopped_question_goes_on(frame, toy):
    question, asked = toy
    asking(frame, question)
    path = question.folder / "results.json"
    results = json.loads(path.read_text())
    del results["runs"][1]
    path.write_text(json.dumps(results))
    asking(frame, question)
    assert asked == [{"x": 1}, {"x": 2}, {"x": 2}]


def test_a_quick_run_answers_nothing(frame, toy):
    question, asked = toy
    with pytest.raises(SystemExit, match="a quick run keeps its results apart"):
        asking(frame, question, "--quick")
    assert not asked
    quick = question.folder / "quick.json"
    asking(frame, question, "--quick", "--results", str(quick))
    with pytest.raises(SystemExit, match="is of a quick run, which answers nothing"):
        asking(frame, question, "--write", "--results", str(quick))
    with pytest.raises(SystemExit, match="holds quick runs; give another file"):
        asking(frame, question, "--results", str(quick))
    assert not (question.folder / "figure.svg").exists()
    with pytest.raises(SystemExit, match="holds no runs yet"):
        asking(frame, question, "--write")


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_readme_says_what_was_found(name: str):
    program = modules(name, "run", "question")
    folder = EXPERIMENTS / name
    results = program.question.full(folder / "results.json")
    written = (folder / "README.md").read_text(encoding="utf-8")
    table = program.run.table(results)
    assert program.question.with_source(table, results) in written
    assert f"**Answer.** {program.run.QUESTION.answer(results)}" in written
    assert "figure.svg" in written
    if name == "rowwise" and find_spec("torch") is None:
        return  # its cells ask for it
    cells = list(program.run.cells(quick=False))
    runs = zip(cells, results["runs"], strict=True)
    assert cells == [{name: run[name] for name in cell} for cell, run in runs]


@pytest.mark.slow
@pytest.mark.parametrize("name", QUESTIONS)
def test_the_quick_form_runs(name: str, tmp_path: Path):
    try:
        next(demo_sentences())
    except DataError as error:
        pytest.skip(str(error))
    path = tmp_path / "quick.json"
    command = [sys.executable, EXPERIMENTS / name / "run.py", "--quick", "--results", path]
    subprocess.run(command, check=True, timeout=200, env=quickly())
    program = modules(name, "run", "question", "figures")
    results = program.question.read(path)
    assert results["quick"]
    assert program.run.table(results).count("|") > 10
    figure = tmp_path / "figure.svg"
    program.figures.save(program.run.figure(results), figure)
    assert "</svg>" in figure.read_text(encoding="utf-8")
    assert program.run.QUESTION.answer(results)


@pytest.mark.slow
@browser
@pytest.mark.parametrize("figure", FIGURES, ids=str)
def test_a_figure_can_be_seen(figure: Path, tmp_path: Path):
    from matplotlib.image import imread

    page, image = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(f'<img src="{(EXPERIMENTS / figure).as_uri()}" width="1200">')
    chromium(page, "--window-size=1280,700", f"--screenshot={image}")
    assert struct.unpack(">II", image.read_bytes()[16:24]) == (1280, 700)
    pixels = imread(image)[:, :, :3].reshape(-1, 3)
    white = (pixels > 0.99).all(axis=1).mean()
    assert 0.3 < white < 0.999
    assert len({tuple(colour) for colour in (pixels * 15).round().astype(int)[::7]}) > 5
