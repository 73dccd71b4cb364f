"""Whom a rule's ``to: "{{ document.owner }}"`` names, for one document.

The author of a rule writes this template, and anybody may write what is in a document. So it is
the small language of ``domain.recipient``, and reads no attributes but the keys of the document.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from doclife.domain.recipient import recipient_fault
from doclife.errors import ConfigurationError


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
    fault = recipient_fault(template)
    if fault is not None:
        raise ConfigurationError(fault)
    return _ENVIRONMENT.from_string(template)
