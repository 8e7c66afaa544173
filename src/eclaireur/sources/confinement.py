"""Takes away from this process what a reader of files has no use for: memory, network, writing elsewhere.

Called once, at the start of a child process, before any library is loaded: Landlock and seccomp bind the
thread that asks and those it starts. What the host cannot enforce is returned, so that it can be shown.

References
----------
Linux kernel documentation, « Landlock: unprivileged access control » and « Seccomp BPF ».
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from pathlib import Path

__all__ = ["confine", "limit_processor"]

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
# Every right that changes something, and running programs; reading stays free, imports need it.
_WRITES = {1: 0b1_1111_1111_0011, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NETWORK_ABI, _TCP = 4, 0b11
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
# Architecture of the audit subsystem, then: socket, connect, bind, listen, execve, execveat, ptrace,
# process_vm_readv, process_vm_writev, unshare, mount, add_key, request_key, keyctl, bpf, perf_event_open,
# userfaultfd, kill, and those with one number everywhere: pidfd_send_signal, io_uring_setup, pidfd_open.
_SYSTEM_CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 42, 49, 50, 59, 322, 101, 310, 311, 272, 165, 248, 249, 250, 321, 298, 323, 62, 57, 58),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 203, 200, 201, 221, 281, 117, 270, 271, 97, 40, 217, 218, 219, 280, 241, 282, 129),
    ),
}
_EVERYWHERE = (424, 425, 434)
_X32 = 0x40000000


def confine(folder: Path, *, memory: int, files: int = 64) -> tuple[str, ...]:
    """Confine this process; return in French what the host could not enforce.

    Parameters
    ----------
    folder
        The only place where it may write.
    memory
        Bytes of address space.
    files
        Files open at once.
    """
    missing = []
    if not _limit(memory, files):
        missing.append("mémoire")
    if not sys.platform.startswith("linux"):
        return (*missing, "réseau", "écriture")
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if not _landlock(system, folder):
        missing.append("écriture")
    if not _seccomp(system):
        missing.append("réseau")
    return tuple(missing)


def _limit(memory: int, files: int) -> bool:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return True


def limit_processor(seconds: int) -> None:
    """Let this process use so many seconds of processor from now on; the kernel then ends it."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    most = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _landlock(system: ctypes.CDLL, folder: Path) -> bool:
    version = system.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return False
    handled = sum(bits for since, bits in _WRITES.items() if version >= since)
    fields = struct.pack("QQ", handled, _TCP) if version >= _NETWORK_ABI else struct.pack("Q", handled)
    ruleset = system.syscall(_LANDLOCK_CREATE, fields, len(fields), 0)
    if ruleset < 0:
        return False
    try:
        for place, rights in ((folder, handled & ~1), (Path(os.devnull), 1 << 1)):
            opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", rights, opened)
            added = system.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0)
            os.close(opened)
            if added:
                return False
        return int(system.syscall(_LANDLOCK_RESTRICT, ruleset, 0)) == 0
    finally:
        os.close(ruleset)


def _seccomp(system: ctypes.CDLL) -> bool:
    known = _SYSTEM_CALLS.get(platform.machine())
    if known is None:
        return False
    architecture, refused = known
    numbers = [*refused, *_EVERYWHERE]
    program = [
        _step(0x20, 4),  # load the architecture
        _step(0x15, architecture, 1, 0),
        _step(0x06, _KILL),
        _step(0x20, 0),  # load the number of the call
        _step(0x35, _X32, len(numbers) + 1, 0),
    ]
    program += [_step(0x15, number, len(numbers) - index, 0) for index, number in enumerate(numbers)]
    program += [_step(0x06, _ALLOW), _step(0x06, _REFUSE)]
    code = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    return int(system.prctl(_SET_SECCOMP, _FILTER, header, 0, 0)) == 0


def _step(code: int, value: int, when_true: int = 0, when_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, when_true, when_false, value)
