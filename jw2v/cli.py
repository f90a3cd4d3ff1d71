"""The command line. Flags of `train` are the fields of `Config`."""

import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.text import Text
from tyro.conf import OmitArgPrefixes, Positional, arg

import jw2v
from jw2v import api
from jw2v.corpus import (
    AS_IT_IS,
    Corpus,
    Counts,
    Options,
    Reading,
    Source,
    count_lines,
    encode_shard,
    is_encoded,
    open_corpus,
    pairs_file,
    plan_shards,
)
from jw2v.corpus import count as count_words
from jw2v.corpus import encode as encode_text
from jw2v.demo import PAIRS, run_demo
from jw2v.display import progress_bar, show_verdicts, verification_bar
from jw2v.display import table as grid
from jw2v.errors import InterruptedTrainingError, Jw2vError, UsageError
from jw2v.judge import Entry
from jw2v.judge.ledgers import score_ledgers
from jw2v.judge.report.mutants import total
from jw2v.judge.report.page import write_html
from jw2v.training import backend
from jw2v.training.checkpoint import EVERY, KEPT
from jw2v.training.config import Config
from jw2v.training.processes import join, leads, part
from jw2v.training.versions import untested
from jw2v.vectors import Format, Layout, Method, Table, analogies, load, word_pairs, write_map
from jw2v.vectors import export as write
from jw2v.vectors.store import FILES, TABLES

Files = tuple[Path, ...]
RESULT = (
    "words", "vocab", "epochs", "seconds", "words_per_s", "loss", "heldout_loss", "backend"
)  # fmt: skip
SECONDS = ("vocabulary", "compile", "train", "total")
app = tyro.extras.SubcommandApp()


@app.command
def demo(out: Path = Path("demo")) -> int:
    """Check the gradients, train on Wikipedia text that pip brought, look at the result.

    Args:
      out: folder for the text, the vectors and the verdicts.
    """
    backend.one_thread()
    run_demo(out, Console())
    return 0


@app.command
def train(
    corpus: Positional[tuple[str, ...]],
    /,
    config: OmitArgPrefixes[Config],
    reading: OmitArgPrefixes[Reading],
    out: Path,
    require: backend.Platform | None = None,
    check: bool = True,
    certify: float = 0.0,
    resume: bool = False,
    save_every: float = EVERY,
    keep: int = KEPT,
    coordinator: str | None = None,
    processes: int | None = None,
    process_id: int | None = None,
    json_: Annotated[bool, arg(name="json")] = False,
) -> int:
    """Train word vectors on a text, its gradients checked first.

    Args:
      corpus: files of UTF-8 text, one sentence a line (plain, .gz, .bz2, .xz, .zst), a folder, or
        -; or the folder of an encoded text, whose words and options are then its own.
      config: options of the run.
      reading: how the text is read.
      out: folder for the vectors.
      require: fail where this platform is not there, instead of running on another.
      check: judge the gradients before training.
      certify: share of the time in which blocks that are about to train are judged, too; try 0.01.
      resume: go on with the run in --out that was stopped or killed.
      save_every: seconds between two checkpoints in --out; 0 saves after each call to the device.
      keep: how many checkpoints are kept, so that one that is damaged does not end the run.
      coordinator: HOST:PORT of the first process of several, or auto under a launcher.
      processes: how many take part in the run, each with this command; their devices are one mesh.
      process_id: which of them this is, from 0; the first writes --out.
      json_: end with one JSON object on standard output.
    """
    if not corpus:
        raise UsageError("no text given; name a file of text, one sentence a line")
    if config.has_small_products:
        backend.one_thread()
    join(coordinator, processes, process_id)
    if not leads():
        logging.getLogger("jw2v").setLevel(logging.WARNING)  # the first tells for all
    stop = _Stop()
    console = Console(stderr=True, quiet=not leads())
    source = _source(corpus, reading)
    with stop, progress_bar(config.epochs, console) as callback:
        try:
            vectors = api.train(
                source,
                config,
                reading=reading,
                out=out,
                callback=callback,
                check=check,
                certify=certify,
                require=require,
                resume=resume,
                save_every=save_every,
                keep=keep,
                stop=stop,
            )
        except InterruptedTrainingError as error:
            if stop.signal:  # else another process was asked to stop
                error.exit_code = 128 + stop.signal
            raise
    run = vectors.run
    if not leads():
        return 0
    if json_:
        result = {key: run[key] for key in RESULT}
        seconds = {key: run["seconds"][key] for key in SECONDS}
        print(json.dumps({**result, "seconds": seconds, "out": str(out)}))
    else:
        told = f"{len(vectors):,} vectors in {out}; try  jw2v neighbors {out} WORD"
        console.print(Text(told), soft_wrap=True)
    return 0


@app.command
def neighbors(
    folder: Positional[Path],
    words: Positional[tuple[str, ...]],
    /,
    topn: int = 10,
    table: Table = "centre",
    json_: Annotated[bool, arg(name="json")] = False,
) -> int:
    """Print the words nearest to each word.

    Args:
      folder: of the vectors, or a file of them.
      words: query words.
      topn: neighbours a word.
      table: centre or outside vectors.
      json_: print one JSON object.
    """
    if not words:
        raise UsageError("no word given; name at least one after the folder")
    vectors = load(folder).table(table)
    found = {word: vectors.most_similar(word, topn=topn) for word in words}
    _print_neighbours(found, "cosine", as_json=json_)
    return 0


@app.command
def analogy(
    folder: Positional[Path],
    a: Positional[str],
    b: Positional[str],
    c: Positional[str],
    /,
    topn: int = 10,
    method: Method = "3cosadd",
    table: Table = "centre",
    json_: Annotated[bool, arg(name="json")] = False,
) -> int:
    """Print what is to C as B is to A.

    Args:
      folder: of the vectors, or a file of them.
      a: as in man.
      b: as in king.
      c: as in woman.
      topn: answers.
      method: how the three words are joined: in a sum, or in a quotient of products.
      table: centre or outside vectors.
      json_: print one JSON object.
    """
    answers = load(folder).table(table).analogy(a, b, c, topn=topn, method=method)
    measure = "cosine" if method == "3cosadd" else method
    _print_neighbours({f"{a} : {b} = {c} : ?": answers}, measure, as_json=json_)
    return 0


@app.command
def evaluate(
    folder: Positional[Path],
    /,
    pairs: Files = (),
    analogies_: Annotated[Files, arg(name="analogies")] = (),
    unseen: bool = False,
    method: Method = "3cosadd",
    table: Table = "centre",
    json_: Annotated[bool, arg(name="json")] = False,
) -> int:
    """Score vectors on word pairs (Spearman) and analogies (accuracy), with coverage and interval.

    The intervals are of 95 %: Fisher's z with Bonett and Wright's variance, and Wilson's.

    Args:
      folder: of the vectors, or a file of them.
      pairs: files of `word word score` lines; by default those of an installed gensim.
      analogies_: files in the form of questions-words.txt.
      unseen: of pairs, make words that are not in the vocabulary of their n-grams.
      method: how the three words of an analogy are joined.
      table: centre or outside vectors.
      json_: print one JSON object.
    """
    vectors = load(folder).table(table)
    if not pairs and not analogies_:
        pairs = tuple(path for name in PAIRS if (path := pairs_file(name)) is not None)
        if not pairs:
            raise UsageError("nothing to evaluate on; give word pairs (--pairs) or --analogies")
    by_pairs = [word_pairs(vectors, path, unseen=unseen) for path in pairs]
    by_questions = [analogies(vectors, path, method=method) for path in analogies_]
    if json_:
        scores = {"pairs": by_pairs, "analogies": by_questions}
        print(json.dumps({key: [s._asdict() for s in value] for key, value in scores.items()}))
        return 0
    measured = [(s, "Spearman", s.spearman, s.pairs) for s in by_pairs]
    measured += [(s, "accuracy", s.accuracy, s.questions) for s in by_questions]
    rows = [
        (s.name, measure, score, _interval(s.interval), f"{s.covered} of {lines}")
        for s, measure, score, lines in measured
    ]
    columns = ("file", "measure", "score", "95 % interval", "in the vocabulary")
    Console().print(grid("Evaluation", columns, rows))
    return 0


@app.command
def export(
    folder: Positional[Path],
    /,
    out: Path,
    format: Format = "word2vec",
    table: Table = "centre",
) -> int:
    """Write vectors in a format that other programs read.

    Args:
      folder: of the vectors, or a file of them.
      out: file to write; a folder for projector and model2vec.
      format: word2vec (text) and word2vec-bin, as gensim and others load them; glove; fasttext
        (.vec); projector (two .tsv files); model2vec (for sentence-transformers, too).
      table: centre or outside vectors.
    """
    _check_apart(folder, out)
    write(load(folder).table(table), out, format=format)
    return 0


@app.command(name="map")
def map_(
    folder: Positional[Path],
    /,
    out: Path,
    layout: Layout = "auto",
    words: int | None = None,
    table: Table = "centre",
) -> int:
    """Write a map of the words: one HTML file that a browser opens from disk.

    Args:
      folder: of the vectors, or a file of them.
      out: file to write.
      layout: umap (of the extra `map`), pca, or auto: umap where it is installed.
      words: only so many, the most frequent ones.
      table: centre or outside vectors.
    """
    _check_apart(folder, out)
    write_map(load(folder).table(table), out, layout=layout, words=words)
    return 0


@app.command
def verify(
    ledgers: Positional[tuple[str, ...]] = (),
    /,
    json_: Annotated[Path | None, arg(name="json")] = None,
    html: Path | None = None,
    dtype: tuple[Literal["float64", "float32", "bfloat16"], ...] = (),
    mutants: int = 0,
    workers: int | None = None,
) -> int:
    """Judge derivations line by line against autodiff, on this backend.

    Ends with 0 where all verdicts are as expected, 1 where one is not (or a wrong mutant is let
    pass), 2 where one is undecided, 3 for bad use.

    Args:
      ledgers: modules or Python files that define DERIVATIONS; by default the document's and ours.
      json_: file for the verdicts.
      html: file for a report that a browser shows.
      dtype: precisions instead of each claim's own.
      mutants: where all is as expected, judge so many wrong variants of each right line, too: the
        judge's own measure.
      workers: processes; by default one for each core, and one where an accelerator is shared.
    """
    if mutants < 0:
        raise UsageError(f"mutants is {mutants}; give 0 or more (--mutants)")
    count = backend.judges() if workers is None else workers
    scores = []
    gc.freeze()  # what is imported stays: collections need not walk it again and again
    with verification_bar(Console(stderr=True)) as show:
        entries = api.verify(*ledgers, dtypes=dtype or None, workers=count, callback=show)
        if mutants and all(entry.as_expected for entry in entries):
            named = ledgers or api.LEDGERS
            scores = score_ledgers(named, most=mutants, workers=count, callback=show)
    show_verdicts(entries, Console())
    if scores:
        print(total(scores), flush=True)
    if json_ is not None:
        api.write_verdicts(json_, entries, scores)
    if html is not None:
        env = api.environment()
        write_html(html, entries, env=env, title="Derivation report", scores=scores)
    alive = any(score["alive"] for score in scores)
    return verify_exit_code(entries) or int(alive)


@app.command
def encode(
    corpus: Positional[tuple[str, ...]],
    /,
    options: OmitArgPrefixes[Options],
    reading: OmitArgPrefixes[Reading],
    out: Path | None = None,
    vocab: Path | None = None,
) -> int:
    """Encode a text as ids in a folder that `train` takes, or one shard by a merged vocabulary.

    Args:
      corpus: files of UTF-8 text as of `train`; with --vocab those of one shard.
      options: how the text is encoded; with --vocab its own are used.
      reading: how the text is read.
      out: folder for the result; with --vocab by default the same.
      vocab: folder that `merge` wrote; the shard becomes a numbered folder in it, or in --out.
    """
    if vocab is not None:
        if options != Options():
            raise UsageError("the options are those of --vocab; leave them out, or merge anew")
        print(encode_shard(corpus, vocab=vocab, directory=out, reading=reading))
    elif out is None:
        raise UsageError("no folder for the result; name one (--out)")
    elif (out / TABLES).exists():
        raise UsageError(f"{out} holds vectors; give another folder (--out)")
    else:
        text = encode_text(corpus, directory=out, reading=reading, **options._asdict())
        words, left_out = f"{text.stats.words:,} words", text.stats.left_out
        print(f"{words}, {len(text.vocab):,} in the vocabulary, in {out}{left_out}")
    return 0


@app.command
def lines(shards: Positional[tuple[str, ...]], /, reading: OmitArgPrefixes[Reading]) -> int:
    """Print of each shard its first line in the whole text, its lines and its name.

    Args:
      shards: files of UTF-8 text, in order.
      reading: how they are read.
    """
    if not shards:
        raise UsageError("no shards given; name the files of the text, in order")
    first = 0
    for shard in shards:
        own = count_lines(shard, reading=reading)
        print(first, own, shard, sep="\t")
        first += own
    return 0


@app.command
def count(
    shard: Positional[str],
    /,
    reading: OmitArgPrefixes[Reading],
    out: Path,
    first_line: int = 0,
    heldout_every: int = Options().heldout_every,
    seed: int = Options().seed,
) -> int:
    """Count the words of a shard of a text, which `merge` makes a vocabulary of.

    Args:
      shard: file of UTF-8 text.
      reading: how it is read.
      out: file for the counts (Parquet).
      first_line: lines of the shards before it, as `lines` prints.
      heldout_every: one line in so many is held out, and not counted; 0 holds nothing out.
      seed: of the held-out split.
    """
    split = {"first_line": first_line, "heldout_every": heldout_every, "seed": seed}
    count_words(shard, reading=reading, **split).save(out)
    return 0


@app.command
def merge(
    counts: Positional[Files],
    /,
    out: Path,
    min_count: int = Options().min_count,
    max_vocab: int | None = Options().max_vocab,
) -> int:
    """Merge the counts of all shards to a vocabulary, which `encode --vocab` takes.

    Args:
      counts: files that `count` wrote, in any order.
      out: folder for the vocabulary; the shards are encoded there, too.
      min_count: words with fewer occurrences are dropped.
      max_vocab: keep only this many most frequent words.
    """
    files = map(Counts.load, counts)
    plan = plan_shards(files, directory=out, min_count=min_count, max_vocab=max_vocab)
    print(
        f"{len(plan.shards)} shards, {sum(shard.words for shard in plan.shards):,} words in {out}"
    )
    return 0


def verify_exit_code(entries: Sequence[Entry]) -> int:
    """0 as expected, 1 otherwise than expected, 2 undecided."""
    undecided = ["undecided" in (e.verdict_value, e.verdict_step) for e in entries]
    surprising = [not e.as_expected for e in entries]
    if any(s and not u for s, u in zip(surprising, undecided, strict=True)):
        return 1
    return 2 if any(undecided) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; a fault is one line on standard error, and the exit code says its kind.

    Args:
      argv: arguments; by default those of the process. `--debug` shows tracebacks.

    Returns:
      The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    verifying = arguments[:1] == ["verify"]
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("jw2v").setLevel(logging.INFO)
    if told := untested():
        logging.getLogger("jw2v").warning("%s", told)
    backend.keep_compiled_programs()
    backend.enough_threads()
    try:
        with backend.starts():
            code = _run(arguments, verifying=verifying)
        sys.stdout.flush()
    except Jw2vError as error:
        if debug:
            raise
        print(f"jw2v: {error}", file=sys.stderr)
        return part(3 if verifying else error.exit_code)
    except BrokenPipeError:
        # The reader of our output left: there is nobody to tell, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("jw2v: stopped by Ctrl-C; run the command again", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            raise
        kind = type(error).__name__
        print(f"jw2v: unexpected {kind}: {error}; see more with --debug", file=sys.stderr)
        return part(3 if verifying else 1)
    return code


def _run(arguments: list[str], *, verifying: bool) -> int:
    if arguments == ["--version"]:
        print(f"jw2v {jw2v.__version__}")
        return 0
    try:
        return app.cli(args=arguments, prog="jw2v", description=jw2v.__doc__)
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        return 3 if verifying and code == 2 else code


def _source(corpus: tuple[str, ...], reading: Reading) -> Source | Corpus:
    """The text that is named, or the encoded one."""
    first, *others = corpus
    if others and (encoded := [name for name in corpus if is_encoded(name)]):
        raise UsageError(f"{encoded[0]} is encoded already; it is a whole corpus, give it alone")
    if not is_encoded(first):
        return corpus
    if reading != AS_IT_IS:
        raise UsageError(f"{first} is encoded already; --encoding and limits are for text")
    text = open_corpus(first)
    told = ", ".join(f"{name} {value}" for name, value in text.options._asdict().items())
    logging.getLogger("jw2v").info("%s is encoded: %s", first, told)
    return text


def _check_apart(source: Path, out: Path) -> None:
    """Refuse to write over what is read."""
    into = out.resolve()
    own = [source.resolve(), *((source / name).resolve() for name in FILES)]
    if into in own:
        raise UsageError(f"{out} is what the vectors are read from; give another place (--out)")


def _interval(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else "{:.4f} to {:.4f}".format(*ends)


def _print_neighbours(
    found: dict[str, list[tuple[str, float]]], measure: str, *, as_json: bool
) -> None:
    if as_json:
        print(json.dumps(found))
        return
    for query, near in found.items():
        Console().print(grid(query, ("word", measure), near))


class _Stop:
    """Ctrl-C or SIGTERM asks the run to stop after the block; a second one ends it at once."""

    def __init__(self) -> None:
        self.signal = 0
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self.signal != 0

    def __enter__(self) -> Callable[[], bool]:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        self.signal = number
        signal.signal(number, self._before[number])
