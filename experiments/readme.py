"""Fill the tables of the project's README from the results of the experiments.

readme.py          writes README.md
readme.py --check  says whether README.md is what the results give (exit code 1 where it is not)
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"

sys.path[:0] = [str(HERE / "gensim_comparison"), str(HERE / "judge_shootout")]

import tables
from table import summary


def main() -> None:
    """Write or check the README."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    text = README.read_text(encoding="utf-8")
    made = filled(text)
    if parser.parse_args().check:
        raise SystemExit(made != text)
    README.write_text(made, encoding="utf-8")


def filled(readme: str) -> str:
    """The README with every generated part made anew."""
    for name, part in parts().items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, found, rest = readme.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"README.md has no {start} ... {end}")
        readme = f"{before}{start}\n\n{part}\n\n{end}{after}"
    return readme


def parts() -> dict[str, str]:
    """The generated parts by the name of their markers."""
    return {
        "comparison": summary(_results("gensim_comparison")),
        "shootout": tables.summary(_results("judge_shootout")),
        "neighbours": neighbours(_results("demo")),
    }


def neighbours(results: dict[str, Any]) -> str:
    """The neighbours of the demo's words, a line each."""
    lines = ["| word | nearest |", "|---|---|"]
    lines += [f"| {word} | {', '.join(near)} |" for word, near in results["neighbours"].items()]
    return "\n".join(lines)


def _results(experiment: str) -> dict[str, Any]:
    return json.loads((HERE / experiment / "results.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
