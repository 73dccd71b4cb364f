"""The small language in which a rule says whom to tell, and what is wrong with a text of it.

Less than Jinja: values of the document, a few filters, conditions; no calls, no loops, no
arithmetic, and no fields but those of the closed list.
"""

from __future__ import annotations

from jinja2 import Environment, TemplateError, nodes

from doclife.domain.faults import did_you_mean

DOCUMENT_FIELDS = frozenset(
    {
        "id",
        "external_id",
        "title",
        "document_type",
        "owner",
        "tags",
        "metadata",
        "media_type",
        "size_bytes",
        "status",
        "created_on",
        "modified_on",
        "last_accessed_on",
        "expires_on",
    }
)
"""What ``document`` has: the columns of notices/read_documents."""

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
_GRAMMAR = Environment(autoescape=True)


def recipient_fault(template: str) -> str | None:
    """What is wrong with a recipient, whichever document it is filled in for; None if nothing."""
    try:
        tree = _GRAMMAR.parse(template)
        found = next((fault for node in _walk(tree) if (fault := _fault(node))), None)
        if found is None:
            _GRAMMAR.compile(tree, raw=True)  # finds tests that there are not
    except TemplateError as error:
        return f"the recipient {template!r} cannot be read: {error.message or error}"
    return found and f"the recipient {template!r} {found}"


def _fault(node: nodes.Node) -> str | None:
    if not isinstance(node, _ALLOWED):
        return (
            f"may not contain {type(node).__name__.lower()}: "
            "write fields such as {{ document.owner }} or {{ document.metadata.contact }}"
        )
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"uses filter {node.name!r}. Filters: {', '.join(sorted(FILTERS))}"
    if isinstance(node, nodes.Name) and node.name != "document":
        return f"uses {node.name!r}; there is only document"
    field = _field(node)
    if field is not None and field not in DOCUMENT_FIELDS:
        return (
            f"asks for {field!r}, which no document has.{did_you_mean(field, DOCUMENT_FIELDS)} "
            f"Fields: {', '.join(sorted(DOCUMENT_FIELDS))}"
        )
    return None


def _field(node: nodes.Node) -> str | None:
    """Return which field of the document a node reads, where the text itself says so."""
    if not isinstance(node, nodes.Getattr | nodes.Getitem) or not isinstance(node.node, nodes.Name):
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    return str(node.arg.value) if isinstance(node.arg, nodes.Const) else None


def _walk(node: nodes.Node) -> list[nodes.Node]:
    found = [node]
    for child in node.iter_child_nodes():
        found += _walk(child)
    return found
