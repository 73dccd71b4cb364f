"""Whom a rule's ``to: "{{ document.owner }}"`` names, for one document.

The author of a rule writes this template, and anybody may write what is in a document. So it is
less than Jinja: values of the document, a few filters, conditions; no calls, no loops, no
arithmetic, and no attributes but the keys of the document.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from doclife.errors import ConfigurationError

FILTERS = frozenset({"d", "default", "first", "last", "lower", "trim", "upper"})
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.Filter,
    nodes.Test,
    nodes.If,
    nodes.CondExpr,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Compare,
    nodes.Operand,
    nodes.Keyword,
)


def render_recipient(template: str, document: Mapping[str, Any]) -> str:
    """Return whom ``template`` names for a document, without surrounding blanks; maybe nobody.

    A field without a value and metadata that the document does not have count as empty.

    :raises ConfigurationError: not a template of this small language, or a field that no
        document has.
    """
    try:
        return str(_compiled(template).render(document=_Fields(document))).strip()
    except UndefinedError as error:
        raise ConfigurationError(
            f"the recipient {template!r} asks for what no document has: {error.message}"
        ) from error
    except TemplateError as error:
        raise ConfigurationError(
            f"the recipient {template!r} cannot be rendered: {error.message or error}"
        ) from error


class _Fields(dict[str, Any]):
    """The fields of a document: a closed list, in which a misspelt name is a mistake."""


class _KeysOnly(ImmutableSandboxedEnvironment):
    """Reads keys of mappings, never attributes of Python objects."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping) and isinstance(argument, str):
            if argument in obj:
                return obj[argument]
            if not isinstance(obj, _Fields):
                return None  # metadata: every document has keys of its own
        return self.undefined(hint=f"there is no field {argument!r}")


def _empty_for_none(value: object) -> object:
    return "" if value is None else value


_ENVIRONMENT = _KeysOnly(undefined=StrictUndefined, finalize=_empty_for_none, autoescape=False)
_ENVIRONMENT.globals.clear()


@lru_cache(maxsize=500)
def _compiled(template: str) -> Any:
    for node in _walk(_ENVIRONMENT.parse(template)):
        if not isinstance(node, _ALLOWED):
            raise ConfigurationError(
                f"the recipient {template!r} may not contain {type(node).__name__.lower()}: "
                "write fields such as {{ document.owner }} or {{ document.metadata.contact }}"
            )
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise ConfigurationError(
                f"the recipient {template!r} uses filter {node.name!r}. "
                f"Filters: {', '.join(sorted(FILTERS))}"
            )
        if isinstance(node, nodes.Name) and node.name != "document":
            raise ConfigurationError(
                f"the recipient {template!r} uses {node.name!r}; there is only document"
            )
    return _ENVIRONMENT.from_string(template)


def _walk(node: nodes.Node) -> list[nodes.Node]:
    found = [node]
    for child in node.iter_child_nodes():
        found += _walk(child)
    return found
