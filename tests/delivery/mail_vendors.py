"""Mail vendors on the loopback: each takes only what its public documentation lets through.

SendGrid: docs.sendgrid.com, "Mail Send" and its personalizations. Mailgun:
documentation.mailgun.com, "Send an email". Written from the documentation in our own words;
neither was tried with an account.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator

from doclife.domain.address import is_address

_ADDRESS = {
    "type": "object",
    "properties": {"email": {"type": "string", "minLength": 3}, "name": {"type": "string"}},
    "required": ["email"],
    "additionalProperties": False,
}
_HEADERS = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "propertyNames": {
        "not": {
            "pattern": "(?i)^(x-sg-id|x-sg-eid|received|dkim-signature|content-type|"
            "content-transfer-encoding|to|from|subject|reply-to|cc|bcc)$"
        }
    },
}
SENDGRID = {
    "type": "object",
    "properties": {
        "from": _ADDRESS,
        "reply_to": _ADDRESS,
        "subject": {"type": "string", "minLength": 1},
        "headers": _HEADERS,
        "attachments": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "content": {"type": "string", "minLength": 1},
                    "filename": {"type": "string"},
                    "type": {"type": "string", "minLength": 1},
                    "disposition": {"enum": ["inline", "attachment"]},
                    "content_id": {"type": "string"},
                },
                "required": ["content", "filename"],
                "additionalProperties": False,
            },
        },
        "content": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "type": {"enum": ["text/plain", "text/html"]},
                    "value": {"type": "string", "minLength": 1},
                },
                "required": ["type", "value"],
                "additionalProperties": False,
            },
        },
        "personalizations": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {
                "type": "object",
                "properties": {
                    "to": {"type": "array", "minItems": 1, "maxItems": 1000, "items": _ADDRESS},
                    "headers": _HEADERS,
                    "custom_args": {
                        "type": "object",
                        "additionalProperties": {"type": "string"},
                    },
                },
                "required": ["to"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["from", "subject", "content", "personalizations"],
    "additionalProperties": False,
}


@dataclass
class Vendor:
    """What a vendor took, and whom it refuses."""

    refuses: set[str] = field(default_factory=set)
    """Addresses that make it refuse a whole call."""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """(address, delivery id)."""
    calls: list[dict[str, Any]] = field(default_factory=list)


def sendgrid(vendor: Vendor) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answer as POST /v3/mail/send does."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if (request.method, request.path) != ("POST", "/v3/mail/send"):
            return web.json_response({"errors": [{"message": "not found"}]}, status=404)
        if request.headers.get("Authorization") != "Bearer SG.right":
            return web.json_response({"errors": [{"message": "authorization"}]}, status=401)
        body = await request.json()
        faults = [error.message for error in Draft202012Validator(SENDGRID).iter_errors(body)]
        people = [to["email"] for one in body["personalizations"] for to in one["to"]]
        if len({address.lower() for address in people}) < len(people):
            faults.append("Each email address should be unique between to, cc, and bcc")
        if [part["type"] for part in body["content"]][:1] != ["text/plain"]:
            faults.append("text/plain comes first")
        faults += [
            f"{one} does not contain a valid address" for one in people if one in vendor.refuses
        ]
        if faults:
            return web.json_response({"errors": [{"message": text} for text in faults]}, status=400)
        vendor.calls.append(body)
        vendor.taken += [
            (to["email"], one["custom_args"]["delivery_id"])
            for one in body["personalizations"]
            for to in one["to"]
        ]
        return web.Response(status=202, headers={"X-Message-Id": "sg-1"})

    return answer


def mailgun(vendor: Vendor) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answer as POST /v3/{domain}/messages does."""
    login = "Basic " + base64.b64encode(b"api:key-right").decode()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path != "/v3/mg.example.org/messages":
            return web.json_response({"message": "Domain not found"}, status=404)
        if request.headers.get("Authorization") != login:
            return web.Response(text="Forbidden", status=401)
        if not request.headers["Content-Type"].startswith("multipart/form-data"):
            return web.json_response({"message": "multipart, please"}, status=400)
        form = await request.post()
        people = [to.strip() for field in form.getall("to", []) for to in str(field).split(",")]
        variables = json.loads(str(form.get("recipient-variables", "{}")))
        faults = [name for name in ("from", "to", "subject", "text") if not form.get(name)]
        faults += ["to"] if not 1 <= len(people) <= 1000 else []
        faults += [one for one in people if not is_address(one) or one in vendor.refuses]
        if faults:
            return web.json_response({"message": f"{faults[0]} is not valid"}, status=400)
        vendor.calls.append({name: [_kept(one) for one in form.getall(name)] for name in form})
        for one in dict.fromkeys(people):
            id_ = str(form["v:delivery_id"])
            for name, value in variables.get(one, {}).items():
                id_ = id_.replace(f"%recipient.{name}%", value)
            vendor.taken.append((one, id_))
        return web.json_response({"id": "<1@mg.example.org>", "message": "Queued. Thank you."})

    return answer


def _kept(value: Any) -> Any:
    """A field as it was sent; of a file its name, type and bytes, which the request takes away."""
    if isinstance(value, web.FileField):
        return value.filename, value.content_type, value.file.read()
    return value
