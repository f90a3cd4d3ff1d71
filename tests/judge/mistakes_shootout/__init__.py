"""Fifty further mistakes the way people make them, for the shoot-out of gradient checkers."""

from judge.mistakes import Mistake
from judge.mistakes_shootout import others, words

SHOOTOUT: tuple[Mistake, ...] = (*words.SHOOTOUT, *others.SHOOTOUT)

__all__ = ["SHOOTOUT"]
