"""How an application's table is read as documents: column names, no expressions."""

from __future__ import annotations

from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from doclife.domain.faults import did_you_mean, shown
from doclife.errors import ConfigurationError

Column = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class Part(BaseModel):
    """A mapping with a closed list of keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class OrganizationByColumn(Part):
    """Whose a row is, by what stands in a column of it."""

    column: Column
    names: Annotated[dict[str, str], Field(min_length=1)]
    """Short name of the organization for each value of the column."""


class FollowedColumns(Part):
    """Columns that fields follow. A moment becomes a day in the organization's zone."""

    title: Column | None = None
    document_type: Column | None = None
    owner: Column | None = None
    tags: Column | None = None
    metadata: Column | None = None
    media_type: Column | None = None
    size_bytes: Column | None = None
    created_on: Column | None = None
    modified_on: Column | None = None
    last_accessed_on: Column | None = None
    expires_on: Column | None = None

    def given(self) -> dict[str, str]:
        """Return the column of each field that follows one."""
        return self.model_dump(exclude_none=True)


class PlaceOfBytes(Part):
    """Where the bytes of a row lie: a registered store, and the way within it."""

    store: str
    path: Column
    bucket: Column | None = None
    """The first folder within the store, where the table keeps it apart from the path."""


class WrittenBack(Part):
    """Columns that doclife writes when it changes the state of a document."""

    status: Column | None = None
    archived_at: Column | None = None
    deleted_at: Column | None = None
    purged_at: Column | None = None

    def given(self) -> dict[str, str]:
        """Return the column for each thing that is written."""
        return self.model_dump(exclude_none=True)


class TableMapping(Part):
    """How one table is read.

    :param name: what this attachment is called; the table's name by default.
    :param key: the primary key; what stands behind ``prefix`` in the external id.
    :param document_type: the same type for every row, where no column says it.
    """

    table: Annotated[str, StringConstraints(pattern=r"^[^.]+\.[^.]+$")]
    name: Word | None = None
    organization: str | OrganizationByColumn = "default"
    key: Column = "id"
    prefix: Annotated[str, StringConstraints(max_length=100)] = ""
    document_type: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    fields: FollowedColumns = FollowedColumns()
    bytes: PlaceOfBytes | None = None
    write_back: WrittenBack = WrittenBack()

    @property
    def schema_name(self) -> str:
        """The schema that the table is in."""
        return self.table.split(".")[0]

    @property
    def table_name(self) -> str:
        """The table without its schema."""
        return self.table.split(".")[1]

    @property
    def attachment(self) -> str:
        """What the attachment is called."""
        return self.name or self.table_name

    @property
    def followed_fields(self) -> list[str]:
        """The fields of documents that the table decides about."""
        constant = ["document_type"] if self.document_type else []
        return sorted({*self.fields.given(), *constant})


def read_mapping(text: str, *, where: str) -> TableMapping:
    """Return what a YAML (or JSON) file says.

    :param where: the file's name, for messages.
    :raises ConfigurationError: names every fault of the file.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{where}: a mapping begins with `table: schema.table`.")
    try:
        mapping = TableMapping.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(_told(where, [_fault(each) for each in error.errors()])) from None
    faults = list(_contradictions(mapping))
    if faults:
        raise ConfigurationError(_told(where, faults))
    return mapping


def _contradictions(mapping: TableMapping) -> list[str]:
    faults = []
    read = {mapping.key, *mapping.fields.given().values()}
    if isinstance(mapping.organization, OrganizationByColumn):
        read.add(mapping.organization.column)
    written = list(mapping.write_back.given().values())
    faults += [
        f"write_back: column {column!r} is also read, so each would answer the other. "
        "Write into a column of its own"
        for column in written
        if column in read
    ]
    if len(set(written)) < len(written):
        faults.append("write_back: the same column is written twice")
    if "$doclife$" in mapping.model_dump_json():
        faults.append("'$doclife$' ends the functions that are made; no name can hold it")
    if mapping.document_type and mapping.fields.document_type:
        faults.append("document_type is given twice: here and as a column in fields")
    return faults


def _fault(error: Any) -> str:
    *above, last = error["loc"]
    where = ".".join(str(step) for step in error["loc"] if step != "OrganizationByColumn")
    if error["type"] == "extra_forbidden":
        part: Any = TableMapping
        if above:
            parts = {"fields": FollowedColumns, "bytes": PlaceOfBytes, "write_back": WrittenBack}
            part = parts.get(str(above[0]), OrganizationByColumn)
        return f"{where}: there is no such key.{did_you_mean(last, part.model_fields)}"
    if error["type"] == "missing":
        return f"{where}: is missing"
    return f"{where}: {error['msg']}, not {shown(error['input'])}"


def _told(where: str, faults: list[str]) -> str:
    return "\n".join(f"{where}: {fault}." for fault in faults)
