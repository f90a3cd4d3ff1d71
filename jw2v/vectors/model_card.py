"""The model card of a folder for model2vec: what the vectors are, how made, how used."""

import json

from jw2v.vectors.table import Vectors


def model_card(vectors: Vectors) -> str:
    """The text of `README.md`: tags that model hubs read, use, and the run where it is known.

    >>> import numpy as np
    >>> print(model_card(Vectors(("king",), np.ones((1, 2), np.float32))).splitlines()[6:9])
    ['---', '', '# Word vectors: 1 words, 2 numbers each']
    """
    vocab, dim = vectors.vectors.shape
    return _CARD.format(vocab=vocab, dim=dim, made=_made(vectors))


def _made(vectors: Vectors) -> str:
    if "config" not in vectors.run:
        return "It is not recorded how they were made."
    told = {name: vectors.run[name] for name in _TOLD if name in vectors.run}
    return f"```json\n{json.dumps(told, indent=2, ensure_ascii=False)}\n```"


_TOLD = ("words", "epochs", "loss", "heldout_loss", "backend", "config")
_CARD = """\
---
library_name: model2vec
tags:
- embeddings
- static-embeddings
- sentence-transformers
---

# Word vectors: {vocab} words, {dim} numbers each

Written by `jw2v export --format model2vec` (jw2v is word2vec in JAX). The vector of a text is the
mean of those of its words, and a word is what stands between blanks, letter for letter: lower-case
the text and part off its punctuation as in the training text. Unknown words are left out.

```python
from model2vec import StaticModel

model = StaticModel.from_pretrained("FOLDER")
model.encode(["a text"])
```

With sentence-transformers: `SentenceTransformer("FOLDER").encode(["a text"])`.

## How they were made

{made}

## What they are not

They know a word by its neighbours in the training text, one vector a spelling: no senses, no word
order, and whatever leanings that text has.
"""
