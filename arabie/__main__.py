"""``python -m arabie`` is the command ``arabie``."""

from arabie.cli import main

main()
