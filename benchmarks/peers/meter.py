"""What the script of a Python peer is asked to do, and how much of it is done since when."""

import asyncio
import json
import sys
import time

PHASE, DATABASE, COUNT, URL = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]


class Meter:
    def __init__(self) -> None:
        self.done = self.errors = 0
        self.start()

    def start(self) -> None:
        self.t0 = self.t1 = time.time()

    def tick(self, count: int = 1) -> None:
        self.done += count
        self.t1 = time.time()

    async def end(self) -> None:
        """Wait until all is done, or, where several processes share it, none came for a while."""
        while self.done < COUNT and time.time() - self.t1 < (1.5 if self.done else 10):
            await asyncio.sleep(0.05)

    def print(self) -> None:
        told = {"done": self.done, "errors": self.errors, "t0": self.t0, "t1": self.t1}
        print(json.dumps(told))
