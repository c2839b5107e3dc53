"""The threads of a command share one heap, where the C library can be told."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

KEEP = """
import ctypes, threading
from arabie.streaming.heap import share_heap
{call}
barrier = threading.Barrier(6)
def fill():
    block = [bytearray(90_000) for _ in range(40)]
    barrier.wait()
threads = [threading.Thread(target=fill) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stream)
libc.fflush(stream)
"""


def heaps(call: str, **environment: str) -> int:
    """How many heaps glibc has for six threads that allocate at once."""
    done = subprocess.run([sys.executable, "-c", KEEP.format(call=call)], capture_output=True, text=True, env=os.environ | environment, check=True)
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_all_threads_share_a_heap_unless_the_user_has_said_how_many(monkeypatch):
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    assert heaps("") > 1 and heaps("share_heap()") == 1
    assert heaps("share_heap()", MALLOC_ARENA_MAX="3") == 3


def test_another_c_library_is_left_alone(monkeypatch):
    from arabie.streaming import heap

    monkeypatch.setattr(heap.platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(heap, "ctypes", None)
    heap.share_heap()
