"""Less memory that the C library keeps for later."""

from __future__ import annotations

import ctypes
import os
import platform

ARENA_MAX, TRIM_THRESHOLD, MMAP_THRESHOLD = -8, -1, -3  # of malloc.h
LARGE = 1 << 20  # bytes


def keep_little() -> None:
    """Have glibc serve all threads from one heap, and give large blocks back to the system as soon as they are free.

    For the start of a process of our own, before it has threads; it holds for the whole process. Does nothing with another C
    library, or where the user has set MALLOC_ARENA_MAX.
    """
    if platform.libc_ver()[0] != "glibc" or "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = ctypes.CDLL(None).mallopt
    for parameter, value in ((ARENA_MAX, 1), (TRIM_THRESHOLD, LARGE), (MMAP_THRESHOLD, LARGE)):
        mallopt(parameter, value)
