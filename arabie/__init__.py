"""Reads raw Arabic news text and labels who, what, where and why."""

from __future__ import annotations

from arabie.document import Document

__all__ = ["Document"]
__version__ = "0.1.0"
