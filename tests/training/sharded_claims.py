"""Judges some claims of the sharded ledger, and a wrong one: run by test_mesh in a child."""

import json
from dataclasses import replace

import jax
import numpy as np
from jax.sharding import PartitionSpec

from jw2v.judge import verify_derivations
from jw2v.judge.records import claim
from jw2v.ledger import sharded
from jw2v.training.mesh import DIM, Grid, laid_out, mesh_of

TRIED = ("negative_sampling block", "cbow block", "adagrad", "adam", "rowwise_adagrad", "merge")


def main() -> None:
    some = [
        d
        for d in sharded.DERIVATIONS
        if any(name in d.id for name in TRIED) and ("merge" in d.id or "vocab=2,dim=2" in d.id)
    ]
    entries = verify_derivations(some, ledger="sharded", samples=4)
    wrong = [entry.id for entry in entries if entry.verdict_value != entry.expected]
    print(
        json.dumps(
            {
                "judged": len(entries),
                "not_as_expected": wrong,
                "reduced": reductions(),
                "forgotten": forgotten(),
            }
        )
    )


def reductions() -> int:
    """Sums over devices in the program of a step."""
    step = next(d for d in sharded.DERIVATIONS if d.id.startswith("step negative_sampling block"))
    args = [np.ones(np.shape(x), np.float32) for x in step.args]
    program = jax.jit(step.steps[0].fn).lower(*args).compile()
    return (program.as_text() or "").count("all-reduce(")


def forgotten() -> str:
    """The verdict on scores of which each device has a part and nobody has added them up."""
    mesh = mesh_of(Grid(dim=4))
    assert mesh is not None
    columns = PartitionSpec(None, DIM)

    def scores(v, u):
        v, u = (laid_out(mesh, x, dim=8) for x in (v, u))
        local = jax.shard_map(
            lambda v, u: jax.lax.all_gather(v @ u.T, DIM)[0],
            mesh=mesh,
            in_specs=(columns, columns),
            out_specs=PartitionSpec(),
            check_vma=False,
        )
        return local(v, u)

    args = np.ones((3, 8)), np.ones((5, 8))
    made = claim("forgotten", lambda v, u: v @ u.T, scores, args, kind="equals")
    (entry,) = verify_derivations([replace(made, wrt=None)], ledger="sharded")
    return entry.verdict_value


if __name__ == "__main__":
    main()
