"""Measurements against named peers, each in one run; see docs/performance.md."""
