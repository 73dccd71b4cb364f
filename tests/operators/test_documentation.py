"""docs/operators.md: its examples are DAGs that Airflow reads, and it leaves no operator out."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from tests.airflow_environment import ROOT

PAGE = (ROOT / "docs" / "operators.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
MODULES = sorted((ROOT / "plugins" / "doclife" / "operators").glob("*.py"))


def test_there_are_examples_to_check():
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0].strip('"'))
def test_an_example_is_a_dag_that_airflow_reads(example: str, tmp_path: Path):
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    (tmp_path / "example.py").write_text(example)

    bag = DagBag(str(tmp_path))

    assert not bag.import_errors, bag.import_errors
    (dag,) = bag.dags.values()
    DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def operators():
    from doclife.operators.lifecycle_operator import LifecycleOperator

    for path in MODULES:
        module = importlib.import_module(f"doclife.operators.{path.stem}")
        for name, member in inspect.getmembers(module, inspect.isclass):
            if (
                issubclass(member, LifecycleOperator)
                and member.__module__ == module.__name__
                and not inspect.isabstract(member)
                and name not in ("ActionOperator", "MessageOperator")
            ):
                yield member


def test_every_operator_has_an_example():
    shown = "\n".join(EXAMPLES)
    missing = [member.__name__ for member in operators() if member.__name__ not in shown]

    assert missing == ["PlanRulesOperator"], "that one is shown by dags/execute_automation_rules.py"


def test_every_parameter_of_an_operator_is_explained():
    for member in operators():
        words = " ".join(parent.__doc__ or "" for parent in member.__mro__[:-1])
        for name, parameter in inspect.signature(member.__init__).parameters.items():
            if parameter.kind is parameter.KEYWORD_ONLY and name != "trigger_rule":
                assert f":param {name}:" in words, f"{member.__name__} does not explain {name}"
