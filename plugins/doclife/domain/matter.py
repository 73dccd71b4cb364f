"""The standing condition of a matter: which documents a legal hold catches by itself.

A condition protects where it is true **and where it cannot be said**: judged STRICT, a missing
value is a gap in what is known, never a reason to let a document go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from doclife.domain.condition import Condition
from doclife.domain.condition_reader import read_condition
from doclife.domain.condition_sql import Purpose, compile_condition
from doclife.domain.faults import Path, did_you_mean, shown
from doclife.domain.fields import MetadataType
from doclife.domain.fragment import Fragment, merged_parameters
from doclife.domain.rule_file import RuleFault, RuleFileError
from doclife.domain.rule_yaml import read_yaml
from doclife.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class StandingCondition:
    """The condition of one matter.

    :param matter: its name, for messages.
    """

    matter_id: int
    matter: str
    condition: Condition


def load_condition(
    text: str, *, file: str, metadata_types: Mapping[str, MetadataType]
) -> Condition:
    """Read a condition from YAML or JSON: ``when:`` as in a rule, or the condition alone.

    :param file: how messages name it.
    :param metadata_types: what the organization has declared.
    :raises RuleFileError: with every fault of the file, in the order of its lines.
    """
    data = read_yaml(text)
    faults = [RuleFault(file=file, line=one.line, message=one.message) for one in data.faults]
    content = data.value
    path: Path = ()
    if isinstance(content, dict) and not {"field", "all", "any", "not"} & set(content):
        path = ("when",)
        for key in content:
            if key != "when":
                hint = did_you_mean(key, ("when", "field", "all", "any", "not"))
                message = f"unknown key {shown(key)} in a matter's condition.{hint}"
                faults.append(RuleFault(file=file, line=data.line((key,)), message=message))
        if "when" not in content:
            faults.append(RuleFault(file=file, line=1, message="needs 'when', a condition"))
            raise RuleFileError(faults)
        content = content["when"]
    condition, found = read_condition(content, metadata_types=metadata_types, path=path)
    faults += [
        RuleFault(file=file, line=data.line(fault.path), message=str(fault)) for fault in found
    ]
    if condition is None or faults:
        raise RuleFileError(sorted(faults, key=lambda fault: fault.line))
    return condition


def read_stored(
    plain: object, *, matter_id: int, matter: str, metadata_types: Mapping[str, MetadataType]
) -> StandingCondition:
    """Read a matter's condition as the catalogue keeps it.

    :raises ConfigurationError: it cannot be judged. What cannot be judged cannot protect either,
        so nothing may be planned past it.
    """
    condition, faults = read_condition(plain, metadata_types=metadata_types)
    if condition is None:
        raise ConfigurationError(
            f"the condition of matter {matter!r} cannot be judged, so nothing is planned past it: "
            f"{'; '.join(str(fault) for fault in faults)}. "
            f"Give it another: doclife matters change {matter!r} --when FILE"
        )
    return StandingCondition(matter_id=matter_id, matter=matter, condition=condition)


def catches(
    standing: Sequence[StandingCondition],
    *,
    metadata_types: Mapping[str, MetadataType],
    time_zone: str,
    as_of: date,
) -> Fragment:
    """A SELECT of what the conditions catch among the rows of a relation ``candidates``.

    Columns: matter_id bigint, document_id bigint, basis text (matched or unknown).

    :param standing: at least one, each of another matter.
    :param as_of: the present day in the organization's zone; a date, never a datetime.
    """
    answers = [
        compile_condition(
            each.condition,
            purpose=Purpose.STRICT,
            metadata_types=metadata_types,
            time_zone=time_zone,
            as_of=as_of,
            prefix=f"m{each.matter_id}",
        )
        for each in standing
    ]
    ids = Fragment(
        text="%(standing_matters)s::bigint[]",
        parameters={"standing_matters": [each.matter_id for each in standing]},
    )
    listed = ",\n            ".join(answer.text for answer in answers)
    # One array per document and OFFSET 0, for the reasons given at protections.protections.
    return Fragment(
        text=(
            "SELECT\n    answer.matter_id,\n    judged.document_id,\n"
            "    CASE WHEN answer.is_met THEN 'matched' ELSE 'unknown' END AS basis\n"
            "FROM (\n"
            f"    SELECT\n        d.id AS document_id,\n        ARRAY[\n            {listed}\n"
            "        ]::boolean[] AS answers\n"
            "    FROM candidates AS candidate\n"
            "    INNER JOIN documents AS d ON candidate.document_id = d.id\n"
            "    OFFSET 0\n"
            ") AS judged\n"
            f"CROSS JOIN LATERAL unnest({ids.text}, judged.answers) AS answer (matter_id, is_met)\n"
            "WHERE answer.is_met IS NOT FALSE"
        ),
        parameters=merged_parameters(ids, *answers),
    )
