"""Make a corpus in shards with Ray Data: a row a shard.

with_ray.py SHARDS --work WORK --out CORPUS

On a cluster start it there, or give `ray.init` its address.
"""

import ray  # pyright: ignore[reportMissingImports]
from shard_steps import Job, Step, main


def on_each(step: Step, job: Job) -> None:
    """Run a step on every shard, as many at once as there are cores."""

    def done(row: dict[str, int]) -> dict[str, int]:
        step(job, row["id"])
        return row

    shards = len(job.shards)
    ray.data.range(shards, override_num_blocks=shards).map(done).materialize()


if __name__ == "__main__":
    ray.init(include_dashboard=False)
    main(on_each, __doc__)
