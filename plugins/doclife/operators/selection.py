"""What a DAG author chose by hand: documents by id or by name."""

import json
from collections.abc import Sequence

from doclife.errors import ConfigurationError


def chosen(value: str | Sequence[object], *, name: str) -> list[str]:
    """Return the elements of a templated list, each as text.

    A list keeps its elements; a template such as ``{{ params.ids }}`` renders to text, which is
    read as JSON.

    :param name: of the operator's parameter, for the message.
    :raises ConfigurationError: it is neither.
    """
    elements: object = value
    if isinstance(value, str):
        try:
            elements = json.loads(value)
        except ValueError:
            elements = None
    # LazyXComSequence, what a mapped task's output becomes, is a Sequence but no list.
    if isinstance(elements, str) or not isinstance(elements, Sequence):
        raise ConfigurationError(
            f"{name}={value!r} is not a list. Give a list, the output of a task, or a template "
            f"that renders JSON, e.g. {{{{ params.{name} | tojson }}}}"
        )
    return [str(element) for element in elements]


def as_document_ids(elements: Sequence[str]) -> list[int]:
    """Return the ids that the elements spell.

    :raises ConfigurationError: one is not a whole number.
    """
    wrong = [element for element in elements if not element.strip().isdecimal()]
    if wrong:
        raise ConfigurationError(
            f"document_ids must be whole numbers, not {wrong[0]!r}. "
            "For the names that your application uses, give external_ids."
        )
    return [int(element) for element in elements]
