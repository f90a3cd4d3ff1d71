"""The same steps by torch's optimizers, given sparse gradients of the same ids and rows."""

from functools import partial

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from row_steps import ACCUMULATED, B1, B2, RATE, TINY, Draws, Side

OPTIMIZERS = {
    "adam": partial(torch.optim.SparseAdam, lr=RATE, betas=(B1, B2), eps=TINY),
    "adagrad": partial(
        torch.optim.Adagrad, lr=RATE, initial_accumulator_value=ACCUMULATED, eps=0.0
    ),
    "sgd": partial(torch.optim.SGD, lr=RATE),
}


def torch_side(optimizer: str, draws: Draws) -> Side:
    """An optimizer's steps, in a loop of Python's, on one thread."""
    torch.set_num_threads(1)
    torch.sparse.check_sparse_tensor_invariants.disable()  # they would cost time
    ids, rows, start = map(torch.tensor, draws)
    table = torch.nn.Parameter(start)
    stepper = OPTIMIZERS[optimizer]([table])

    def call() -> np.ndarray:
        for named in ids.long()[:, None]:
            table.grad = torch.sparse_coo_tensor(named, rows, table.shape)
            stepper.step()
        return table.detach().numpy()

    return Side(call, len(ids), {})
