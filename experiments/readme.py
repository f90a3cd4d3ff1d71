"""Fill the tables of the project's README from the results of the experiments.

readme.py          writes README.md
readme.py --check  says whether README.md is what the results give (exit code 1 where it is not)
"""

import argparse
import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"

sys.path[:0] = [str(HERE / name) for name in ("gensim_comparison", "judge_shootout")]

import tables
from question import Question, full
from results import fill
from table import alone, summary

from jw2v.errors import DataError


def main() -> None:
    """Write or check the README."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    text = README.read_text(encoding="utf-8")
    try:
        made = filled(text)
    except DataError as error:
        raise SystemExit(str(error)) from None
    if parser.parse_args().check:
        raise SystemExit(made != text)
    README.write_text(made, encoding="utf-8")


def filled(readme: str) -> str:
    """The README with every generated part made anew."""
    for name, part in parts().items():
        readme = fill(readme, part, name)
    return readme


def parts() -> dict[str, str]:
    """The generated parts by the name of their markers."""
    return {
        "comparison": summary(_results("gensim_comparison")),
        "matrix_units": summary(_results("gensim_comparison", "matrix_units.json")),
        "gpu": summary(_results("gensim_comparison", "gpu.json")),
        "gpu_alone": alone(_results("gensim_comparison", "gpu_alone.json")),
        "shootout": tables.summary(_results("judge_shootout")),
        "neighbours": neighbours(_results("demo")),
        "questions": questions(),
    }


def questions() -> str:
    """What each question's program answers, with its figures.

    Raises:
      DataError: the results of one are of a quick run.
    """
    lines = ["| question | answer |", "| --- | --- |"]
    for readme in sorted(HERE.glob("*/README.md")):
        program = _program(readme.parent)
        if program is not None:
            results = full(readme.with_name("results.json"))
            heading = readme.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
            link = f"[{heading}](experiments/{readme.parent.name})"
            lines.append(f"| {link} | {program.answer(results)} |")
    return "\n".join(lines)


def _program(folder: Path) -> Question | None:
    """The question of a folder's program, imported beside those of the others."""
    path = folder / "run.py"
    if "QUESTION = Question(" not in path.read_text(encoding="utf-8"):
        return None
    spec = spec_from_file_location(f"{folder.name}_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.QUESTION


def neighbours(results: dict[str, Any]) -> str:
    """The neighbours of the demo's words, a line each."""
    lines = ["| word | nearest |", "|---|---|"]
    lines += [f"| {word} | {', '.join(near)} |" for word, near in results["neighbours"].items()]
    return "\n".join(lines)


def _results(experiment: str, name: str = "results.json") -> dict[str, Any]:
    return json.loads((HERE / experiment / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
