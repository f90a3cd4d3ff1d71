"""The judge: is a claimed gradient the gradient? It knows nothing of word2vec."""

from typing import TYPE_CHECKING

from jw2v.lazy import exported

if TYPE_CHECKING:
    from jw2v.judge.check import Report, check_gradient
    from jw2v.judge.records import Derivation, Entry, Step, claim
    from jw2v.judge.verify import judge_step, verify_derivations

__all__ = [
    "Derivation",
    "Entry",
    "Report",
    "Step",
    "check_gradient",
    "claim",
    "judge_step",
    "verify_derivations",
]

__getattr__ = exported(
    __name__,
    {
        "Derivation": "records",
        "Entry": "records",
        "Report": "check",
        "Step": "records",
        "check_gradient": "check",
        "claim": "records",
        "judge_step": "verify",
        "verify_derivations": "verify",
    },
)
