"""What the JSON API is: OpenAPI for programs, and a list of its routes for people."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from doclife.dashboard.api import once
from doclife.dashboard.api.once import OnceRoute
from doclife.dashboard.gate import Need
from doclife.dashboard.visit import Here

router = APIRouter(include_in_schema=False)

VERSION = "1"
DESCRIPTION = (
    "What the pages can do, for programs: the same functions, rights and audit trail. "
    "`?organization=slug` chooses the organization on every route; without it the first that the "
    "user may see. Failures are problem details (RFC 9457)."
)
PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong and how to go on."},
        "errors": {
            "type": "array",
            "description": "Each fault of the request with its place.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "fault": {"type": "string"}},
            },
        },
    },
}
PROBLEMS = {
    "400": "The body cannot be read at all.",
    "401": "No login.",
    "403": "The user may not do it, or the request is not their own.",
    "404": "There is none such in the organization.",
    "409": "It cannot be done in the state that things are in, or is still being done.",
    "422": "The request makes no sense; `errors` says where.",
    "503": "The database does not answer, or somebody else is at work on it.",
}
SWITCH = {
    "name": "organization",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "Which organization; without it the first that the user may see.",
}

KEY = {
    "name": once.HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": '^"?[!#-~]{1,255}"?$'},
    "description": "A new UUID; who sends the request again with it is answered as before.",
}


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """Return the description of every route, for those who have a login."""
    app = request.app
    if app.openapi_schema is None:
        app.openapi_schema = _describe(request)
    # Where it is mounted depends on the request, the rest does not.
    return JSONResponse(
        app.openapi_schema | {"servers": [{"url": request.scope.get("root_path", "") or "/"}]}
    )


@router.get("/docs")
def docs(here: Here) -> Response:
    """Show which routes there are, what each does and which right it needs."""
    return here.page("api/docs.html.j2", routes=_listed(here.request))


def _describe(request: Request) -> dict[str, Any]:
    described = get_openapi(
        title="doclife", version=VERSION, description=DESCRIPTION, routes=request.app.routes
    )
    parts = described.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = PROBLEM
    parts["securitySchemes"] = {"airflow": {"type": "http", "scheme": "bearer"}}
    described["security"] = [{"airflow": []}]
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    keyed = {
        (route.path, method.lower())
        for route in request.app.routes
        if isinstance(route, OnceRoute) and route.takes_key
        for method in route.methods
    }
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parameters = operation.setdefault("parameters", [])
            parameters += [SWITCH, KEY] if (path, method) in keyed else [SWITCH]
            for status, words in PROBLEMS.items():
                operation["responses"][status] = {"description": words, "content": content}
    return described


def _listed(request: Request) -> list[dict[str, str]]:
    return [
        {
            "method": method,
            "path": route.path,
            "summary": (route.description or "").split("\n")[0],
            "right": next(
                (
                    needed.dependency.deed.value
                    for needed in route.dependencies
                    if isinstance(needed.dependency, Need)
                ),
                "read",
            ),
        }
        for route in request.app.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in sorted(route.methods)
    ]
