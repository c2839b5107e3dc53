"""Runs a command and tells how long it took and how much memory: ``python -I -S launch.py COMMAND …``.

The system counts the memory of whoever starts a process as the process's own, so this is a process that has hardly any.
"""

import json
import os
import sys
import time


def main() -> None:
    """Print JSON: ``code``, the exit code; ``seconds`` of wall time; ``peak``, memory in MB."""
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    started = time.perf_counter()
    number = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
    _, status, used = os.wait4(number, 0)
    seconds = time.perf_counter() - started
    peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(json.dumps({"code": os.waitstatus_to_exitcode(status), "seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
