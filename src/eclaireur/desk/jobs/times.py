"""How long the tasks wait for what: the figures of `worker`, in one place so that tests can shorten them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Times"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds, and a number of deaths.

    Parameters
    ----------
    idle
        Between two looks at an empty queue.
    beat
        Between two signs of life of a worker that carries a task.
    lease
        How long a sign of life counts. Two may be missed before the task is taken back.
    reap
        Between two searches for tasks whose worker is silent. With ``lease``, under a minute in all.
    look
        Between two looks at whether cancelling was asked.
    grace
        What a task has to end by itself, once asked, before it is killed.
    halt
        The same, when its case was suspended. With ``look``, under five seconds in all.
    pace
        Between two writings of a task's progress.
    tick
        Between two looks at the process that carries the task.
    deaths
        How many processes a task may kill before it is set aside.
    nightly
        Whether the worker asks, each night, for what was kept too long to be erased.

    Examples
    --------
    >>> Times().lease + Times().reap < 60, Times().look + Times().halt < 5
    (True, True)
    """

    idle: float = 1.0
    beat: float = 15.0
    lease: float = 40.0
    reap: float = 15.0
    look: float = 1.0
    grace: float = 20.0
    halt: float = 3.0
    pace: float = 1.0
    tick: float = 0.1
    deaths: int = 3
    nightly: bool = True
