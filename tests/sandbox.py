"""Runs a command with no more system calls than a systemd unit allows it.

    python -m tests.sandbox UNIT COMMAND…

What systemd would build from `SystemCallFilter`, `SystemCallErrorNumber=EPERM` and
`MemoryDenyWriteExecute` (systemd.exec(5)), here without systemd as the first process.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import re
import subprocess
import sys
from pathlib import Path

_NO_NEW_PRIVILEGES = 38
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_MASKED_EQUAL = 7
_MAP_CALLS = ("mmap", "mprotect", "pkey_mprotect", "shmat")
_PROTECTION = 2
"""Which argument of mmap and mprotect says what the memory is for."""


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def allowed_calls(unit: str) -> set[str]:
    """Return the system calls that `SystemCallFilter=` leaves."""
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        calls = set().union(*(_calls(word) for word in line.lstrip("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def _calls(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    command = ["systemd-analyze", "syscall-filter", "--no-pager", name]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = [line.partition("#")[0].strip() for line in listed.splitlines()[1:]]
    return set().union(*(_calls(word) for word in words if word))


def confine(unit: str) -> None:
    """Give up all other system calls, for good, also in programs that this process becomes."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(_ERRNO | errno.EPERM))

    def allow(name: str, *protections: int) -> None:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # of another kind of machine
        both = mmap.PROT_WRITE | mmap.PROT_EXEC
        mask = both if name == "mmap" else mmap.PROT_EXEC
        for protection in protections or (None,):
            wanted = []
            if protection is not None:
                wanted = [_Comparison(_PROTECTION, _MASKED_EQUAL, mask, protection)]
            array = (_Comparison * len(wanted))(*wanted)
            code = seccomp.seccomp_rule_add_array(rules, _ALLOW, number, len(wanted), array)
            assert code == 0, f"{name}: {os.strerror(-code)}"

    strict = "\nMemoryDenyWriteExecute=yes\n" in unit
    for name in sorted(allowed_calls(unit) - {*(_MAP_CALLS if strict else ())}):
        allow(name)
    if strict:
        allow("mmap", 0, mmap.PROT_WRITE, mmap.PROT_EXEC)
        allow("mprotect", 0)
    assert ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    assert seccomp.seccomp_load(rules) == 0


if __name__ == "__main__":
    confine(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606
