"""word2vec in functional JAX, with every hand-derived gradient machine-checked."""

from typing import TYPE_CHECKING

from jw2v.lazy import exported

if TYPE_CHECKING:
    from jw2v.api import load, train, verify
    from jw2v.judge import check_gradient
    from jw2v.losses import Loss
    from jw2v.training.config import Config
    from jw2v.vectors import Vectors

__all__ = ["Config", "Loss", "Vectors", "check_gradient", "load", "train", "verify"]
__version__ = "0.1.0"

__getattr__ = exported(
    __name__,
    {
        "Config": "training.config",
        "Loss": "losses",
        "Vectors": "vectors",
        "check_gradient": "judge",
        "load": "api",
        "train": "api",
        "verify": "api",
    },
)
