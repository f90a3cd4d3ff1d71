"""The demo: check the gradients, train on real text, look at what came out."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from jw2v import api
from jw2v.corpus import SOURCE, pairs_file, write_demo
from jw2v.display import progress_bar, table, verdict_counts
from jw2v.errors import GradientError
from jw2v.judge.report.page import write_html
from jw2v.training import backend
from jw2v.training.config import Config
from jw2v.training.folder import run_folder
from jw2v.vectors import PairScore, Vectors, word_pairs, write_map

CONFIG = Config(epochs=10)
WORDS = (
    "king", "france", "physics", "music", "river", "war", "einstein", "computer", "blood", "bread"
)  # fmt: skip
PAIRS = ("wordsim353.tsv", "simlex999.txt")


def run_demo(out: Path, console: Console, config: Config = CONFIG) -> Vectors:
    """Run the demo and leave everything in `out`.

    Args:
      out: folder for the text, the vectors, the verdicts, and their pages.
      console: where to print.
      config: options of the training run.

    Returns:
      The vectors.

    Raises:
      DataError: the demo's text is not installed.
      GradientError: a claim of the ledgers was not judged as expected.
    """
    with run_folder(out):
        text = out / "text.txt"
        sentences = write_demo(text)
    console.print(f"[bold]1. Text[/]: {sentences:,} sentences. {SOURCE}")
    console.print("[bold]2. Gradients[/]: judging every claim of the ledgers on this backend ...")
    judge(out, console)
    console.print(f"[bold]3. Training[/]: {config.epochs} epochs, dim {config.dim}")
    with progress_bar(config.epochs, console) as callback:
        vectors = api.train(text, config, out=out, callback=callback)
    run = vectors.run
    console.print(
        f"loss {run['loss']:.4f} a pair, held out {run['heldout_loss']:.4f}; "
        f"{run['words_per_s'] / 1e6:.2f}M words/s, {run['seconds']['total']:.0f} s in all"
    )
    rows = [(word, ", ".join(near)) for word, near in neighbours(vectors).items()]
    console.print(table("Neighbours", ("word", "nearest"), rows))
    scores = evaluate(vectors)
    if scores:
        rows = [(s.name, s.spearman, f"{s.covered} of {s.pairs}") for s in scores]
        columns = ("pairs", "Spearman", "in the vocabulary")
        console.print(table("Word pairs", columns, rows))
    else:
        console.print("no word pairs to evaluate on; pip install gensim brings some")
    layout = write_map(vectors, out / "map.html")
    everything = f"4. Everything is in {out}", "bold"
    told = Text.assemble(everything, f": try  jw2v neighbors {out} london")
    console.print(told, soft_wrap=True)
    console.print(
        f"and open in a browser map.html, all words (laid out by {layout}), training.html, how the "
        "run went, derivations.html, what was judged"
    )
    return vectors


def judge(folder: Path, console: Console) -> None:
    """Judge the ledgers, write `verdicts.json` and `derivations.html`, say what was found.

    Raises:
      GradientError: a verdict is not the expected one.
    """
    entries = api.verify(workers=backend.judges())
    api.write_verdicts(folder / "verdicts.json", entries)
    unexpected = [entry.id for entry in entries if not entry.as_expected]
    if unexpected:
        raise GradientError(f"judged otherwise than expected: {', '.join(unexpected)}; jw2v verify")
    write_html(
        folder / "derivations.html", entries, env=api.environment(), title="Derivation report"
    )
    console.print(verdict_counts(entries))
    for entry in entries:
        if entry.verdict_value == "refuted":
            what = entry.diagnosis or "wrong"
            console.print(Text(f"  {entry.ledger} {entry.id}: {what}"))


def neighbours(vectors: Vectors) -> dict[str, list[str]]:
    """The six words nearest to each of `WORDS`, best first."""
    return {
        word: [near for near, _ in vectors.most_similar(word, topn=6)]
        for word in WORDS
        if word in vectors
    }


def evaluate(vectors: Vectors) -> list[PairScore]:
    """Scores on the word pairs that an installed gensim brings."""
    paths = [path for name in PAIRS if (path := pairs_file(name)) is not None]
    return [word_pairs(vectors, path) for path in paths]
