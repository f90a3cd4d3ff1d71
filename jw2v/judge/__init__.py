"""The judge: is a claimed gradient the gradient? It knows nothing of word2vec."""

from jw2v.judge.check import Report, check_gradient
from jw2v.judge.claims import Claim, Entry, verify_claims

__all__ = ["Claim", "Entry", "Report", "check_gradient", "verify_claims"]
