r"""Text to ids: tokens, vocabulary, the encoded corpus on disk, and each epoch's stream of tokens.

>>> import tempfile
>>> from pathlib import Path
>>> from jw2v.corpus import encode, keep_probability, segments
>>> with tempfile.TemporaryDirectory() as folder:
...     path = Path(folder, "text")
...     _ = path.write_text("to be or not to be\n")
...     corpus = encode(path, directory=folder, min_count=1, heldout_every=0)
>>> keep = keep_probability(corpus.vocab.counts, sample=0)
>>> [segment.ids.tolist() for segment in segments(corpus.train, keep, seed=1, epoch=0)]
[[0, 1, 2, 3, 0, 1]]
"""

from jw2v.corpus.counting import count, count_lines
from jw2v.corpus.counts import Counts, merge
from jw2v.corpus.demo import PAIRS, SOURCE, demo_sentences, pairs_file, write_demo
from jw2v.corpus.encode import encode
from jw2v.corpus.heldout import is_heldout
from jw2v.corpus.plan import Plan, Shard
from jw2v.corpus.records import AS_IT_IS, Options, Reading, Stats
from jw2v.corpus.sentences import Sentences
from jw2v.corpus.shards import encode_shard, plan_shards
from jw2v.corpus.sources import Chunk, Source, blocks, find
from jw2v.corpus.store import Corpus, is_encoded, open_corpus
from jw2v.corpus.stream import Segment, segments
from jw2v.corpus.vocabulary import Vocabulary, keep_probability

__all__ = [
    "AS_IT_IS",
    "PAIRS",
    "SOURCE",
    "Chunk",
    "Corpus",
    "Counts",
    "Options",
    "Plan",
    "Reading",
    "Segment",
    "Sentences",
    "Shard",
    "Source",
    "Stats",
    "Vocabulary",
    "blocks",
    "count",
    "count_lines",
    "demo_sentences",
    "encode",
    "encode_shard",
    "find",
    "is_encoded",
    "is_heldout",
    "keep_probability",
    "merge",
    "open_corpus",
    "pairs_file",
    "plan_shards",
    "segments",
    "write_demo",
]
