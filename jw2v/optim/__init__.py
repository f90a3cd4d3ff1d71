"""Updates of tables: any optax transformation by rows, damping, optimizers by name."""

from jw2v.blocks.tables import RowGrads
from jw2v.optim.by_rows import rowwise, why_not_rowwise
from jw2v.optim.row_values import RowwiseError
from jw2v.optim.rows import apply_updates, dense, linear
from jw2v.optim.rowwise_adagrad import rowwise_adagrad, scale_by_row_rss

__all__ = [
    "RowGrads",
    "RowwiseError",
    "apply_updates",
    "dense",
    "linear",
    "rowwise",
    "rowwise_adagrad",
    "scale_by_row_rss",
    "why_not_rowwise",
]
