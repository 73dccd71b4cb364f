"""What the scripts of the Python peers share: payloads, the clock, the sender."""

import asyncio
import json
import sys
import time

import aiohttp

PHASE, DATABASE, COUNT, URL = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]


def payload(i: int) -> dict:
    return {
        "endpoint": "measured",
        "type": "document.completed",
        "data": {
            "n": i,
            "organization": 42,
            "document": f"01890000-0000-7000-8000-{i:012d}",
            "fields": {f"f{j:02d}": f"value {i * 31 + j * 7919:010d}" for j in range(21)},
            "note": "x" * 240,
        },
    }


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


class Sender:
    """Keep-alive, one session: what a user of these peers would write."""

    async def __aenter__(self) -> "Sender":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=100, ttl_dns_cache=300),
            headers={"Content-Type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=30),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, body: bytes, key: str) -> int:
        headers = {"Idempotency-Key": key}
        async with self._session.post(URL, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status
