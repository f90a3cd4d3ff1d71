"""A child that works in a folder and is killed at a random moment, and what it left behind.

Children are forked from a parent that has imported all they need, so that a kill costs
milliseconds.
"""

import os
import re
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from jw2v.errors import DataError
from jw2v.training.checkpoint_files import read, saved

LITTER = (".*.tmp", ".tmp??????")  # as in jw2v.training.folder, which knows JAX
COUNTED = ("kills", "mid_write", "corrupt", "lost", "different")
_NUMBER = re.compile(r"[0-9]+")


def strike(work: Callable[[], object], wait: Callable[[int], object]) -> bool:
    """Fork a child that works, and kill it after a wait; whether it was still at work then.

    Args:
      work: what the child does.
      wait: given the child's number, returns when it is time.

    Raises:
      RuntimeError: it had failed by itself.
    """
    child = os.fork()
    if child == 0:
        leave_after(work)
    wait(child)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("a child failed by itself; it has told why")
    return os.WIFSIGNALED(status)


def leave_after(work: Callable[[], object]) -> None:
    """Work in a child, and leave it without what the parent would do at its end."""
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def until_ended(child: int) -> None:
    """Wait until a child has ended; it can still be struck then, which does nothing."""
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def until_saved(child: int, folder: Path) -> None:
    """Wait until a child has saved a checkpoint to a folder, or has ended."""
    before = saved(folder)[:1]
    while saved(folder)[:1] in ([], before):
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            return
        time.sleep(0.002)


def left_behind(folder: Path, seen: list[Path]) -> Counter[str]:
    """What a kill did to the checkpoints of a folder.

    Args:
      folder: where the child worked.
      seen: the checkpoints that were there before the kill.

    Returns:
      `mid_write` where a file was half written; `corrupt` checkpoints that cannot be read; `lost`
      where the last that was seen is gone, and no later one there.
    """
    whole = [path for path in saved(folder) if _is_whole(path)]
    return Counter(
        kills=1,
        mid_write=any(next(folder.glob(pattern), None) for pattern in LITTER),
        corrupt=len(saved(folder)) - len(whole),
        lost=bool(seen) and calls_of(whole[:1]) < calls_of(seen[:1]),
    )


def plain(found: Counter[str]) -> dict[str, int]:
    """Counts as JSON can hold them, those of nothing too."""
    return {name: int(found[name]) for name in COUNTED}


def calls_of(path: list[Path]) -> int:
    """The calls that a checkpoint's name tells; -1 of none."""
    return int(_NUMBER.findall(path[0].name)[0]) if path else -1


def _is_whole(path: Path) -> bool:
    try:
        read(path)
    except DataError:
        return False
    return True
