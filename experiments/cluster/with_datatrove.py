"""Make a corpus in shards with datatrove: a task a shard, done ones are not repeated.

with_datatrove.py SHARDS --work WORK --out CORPUS

On a cluster put datatrove's SlurmPipelineExecutor in the place of LocalPipelineExecutor.
"""

import os
from functools import partial
from typing import Any

from datatrove.executor import LocalPipelineExecutor  # pyright: ignore[reportMissingImports]
from shard_steps import Job, Step, main


def on_each(step: Step, job: Job) -> None:
    """Run a step on every shard, as many at once as there are cores."""
    LocalPipelineExecutor(
        pipeline=[partial(task, step, job)],
        tasks=len(job.shards),
        workers=min(len(job.shards), os.cpu_count() or 1),
        logging_dir=str(job.work / "logs" / step.__name__),
    ).run()


def task(step: Step, job: Job, data: Any, rank: int, world_size: int) -> None:
    """A step as datatrove calls it: nothing flows through, files are left."""
    step(job, rank)


if __name__ == "__main__":
    main(on_each, __doc__)
