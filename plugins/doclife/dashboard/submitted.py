"""What a form of free shape has sent: every name and value, in order."""

from typing import Annotated

from fastapi import Depends, Request


async def _pairs(request: Request) -> list[tuple[str, str]]:
    form = await request.form()
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


Pairs = Annotated[list[tuple[str, str]], Depends(_pairs)]
"""For forms whose fields repeat or nest; files are left out."""
