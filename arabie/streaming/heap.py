"""Less memory that the C library keeps for later."""

from __future__ import annotations

import ctypes
import os
import platform

ARENA_MAX = -8  # of malloc.h


def share_heap() -> None:
    """Have glibc serve all threads from one heap: by itself it makes several, each of which keeps what it no longer needs.

    For the start of a process of our own, before it has threads; it holds for the whole process. Does nothing with another C
    library, or where the user has set MALLOC_ARENA_MAX.
    """
    if platform.libc_ver()[0] == "glibc" and "MALLOC_ARENA_MAX" not in os.environ:
        ctypes.CDLL(None).mallopt(ARENA_MAX, 1)
