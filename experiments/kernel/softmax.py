"""A step of naive softmax beside the same step in PyTorch, on all cores, alternating.

Both gather the centres' rows, score them against the whole vocabulary, take the log softmax, the
windows' weighted loss and its gradient, and make a step of plain SGD on the rows of V and on U.
"""

import sys
from pathlib import Path

import numpy as np
import torch  # pyright: ignore[reportMissingImports]

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

from results import read, write
from timing import CALLS, Timed, alternating, corpus, step

from jw2v import Config
from jw2v.blocks.windows import contexts
from jw2v.training import backend
from jw2v.training.call import draw_blocks
from jw2v.training.lookups import lookups_of
from jw2v.training.texts import feeds_of, text_of

VOCAB = 20_000
CONFIG = Config(loss="naive_softmax", damping="none", blocks_per_call=8)


def main() -> None:
    """Time both, and put the result beside those of run.py."""
    torch.set_num_threads(backend.cores())
    text = corpus(VOCAB)
    found = alternating({"jw2v": step(text, CONFIG), "torch": torch_step(text)})
    results = read(FOLDER / "results.json")
    results["softmax"] = {
        "ns": found,
        "vocab": VOCAB,
        "dim": CONFIG.dim,
        "block": CONFIG.block_size,
        "threads": backend.cores(),
        "torch": torch.__version__.partition("+")[0],
    }
    write(FOLDER / "results.json", results)
    print(results["softmax"])


def torch_step(text) -> Timed:
    """The same blocks, by PyTorch's autograd and its SGD."""
    blocks = _blocks(text)
    V = torch.nn.Embedding(VOCAB, CONFIG.dim, sparse=True)
    U = torch.nn.Parameter(torch.zeros(VOCAB, CONFIG.dim))
    torch.nn.init.uniform_(V.weight, -0.5 / CONFIG.dim, 0.5 / CONFIG.dim)
    optimizer = torch.optim.SGD([V.weight, U], lr=CONFIG.start_lrs.V)

    def call() -> None:
        for centre, outside, weight in blocks:
            optimizer.zero_grad()
            log_y_hat = torch.log_softmax(V(centre) @ U.T, dim=-1)
            loss = -(weight * torch.gather(log_y_hat, 1, outside)).sum()
            loss.backward()
            optimizer.step()

    return Timed(call, len(blocks) * CONFIG.block_size)


def _blocks(text) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """The centre words, outside words and weights of the blocks that jw2v trains on."""
    import jax
    import jax.numpy as jnp

    feeds = feeds_of(text, CONFIG)
    found = []
    for _ in range(CALLS):
        drawn = draw_blocks(
            jax.random.key(0),
            text_of(next(feeds)),
            lookups_of(text.vocab, CONFIG),
            config=CONFIG,
            negatives=(1, 0),
        )
        for i in range(CONFIG.call_blocks):
            block = jax.tree.map(lambda x, i=i: x[i], drawn)
            o, weight = contexts(block, weights=CONFIG.weights, dtype=jnp.float32)
            arrays = block.ids[block.centres], o, weight
            centre, outside, weight = (torch.from_numpy(np.array(x)) for x in arrays)
            found.append((centre.long(), outside.long(), weight))
    return found


if __name__ == "__main__":
    main()
