"""The base of gensim's callbacks, called with the model; gensim's own serve as well."""

from typing import Any


class CallbackAny2Vec:
    """What a model tells of its training; the methods that matter are overridden.

    >>> class Announce(CallbackAny2Vec):
    ...     def on_epoch_end(self, model):
    ...         print("an epoch less")
    >>> Announce().on_epoch_end(None)
    an epoch less
    """

    def on_train_begin(self, model: Any) -> None:
        """Hear that training begins."""

    def on_epoch_begin(self, model: Any) -> None:
        """Hear that an epoch begins."""

    def on_epoch_end(self, model: Any) -> None:
        """Hear that an epoch is over; the vectors are those it has left."""

    def on_train_end(self, model: Any) -> None:
        """Hear that training is over."""
