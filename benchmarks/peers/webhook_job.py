"""The job of a Python peer: what it carries, and how its webhook call is made."""

import aiohttp
from meter import URL


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
