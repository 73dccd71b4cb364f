"""The values for Airflow's Helm chart and the Job beside them, as far as that needs no chart.

deploy/helm/README.md says what was checked with the chart itself, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from airflow.cli.cli_parser import get_parser
from kubernetes.client import models

from local.state import ROOT

FOLDER = ROOT / "deploy" / "helm"
README = (FOLDER / "README.md").read_text()
VALUES = yaml.safe_load((FOLDER / "values.yaml").read_text())
JOB = yaml.safe_load((FOLDER / "prepare-job.yaml").read_text())
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())

PARTS = {
    "api-server": "apiServer",
    "scheduler": "scheduler",
    "dag-processor": "dagProcessor",
    "triggerer": "triggerer",
    "worker": "workers",
}
"""A service of docker-compose.yaml, and its part of the chart's values."""


def faults(value: Any, kind: str, path: str) -> Iterator[str]:
    """Name what Kubernetes' own client would not understand.

    :param kind: a type as that client writes it: ``str``, ``list[V1Volume]``, ``dict[str, str]``.
    """
    inner = re.fullmatch(r"(?:list|dict)\[(?:str, )?(.+)\]", kind)
    if inner and isinstance(value, list if kind.startswith("list") else dict):
        parts = enumerate(value) if isinstance(value, list) else value.items()
        for name, part in parts:
            yield from faults(part, inner[1], f"{path}.{name}")
    elif kind.startswith("V1") and isinstance(value, dict):
        model = getattr(models, kind)
        fields = {written: field for field, written in model.attribute_map.items()}
        for name, part in value.items():
            if name in fields:
                yield from faults(part, model.openapi_types[fields[name]], f"{path}.{name}")
            else:
                yield f"{path}.{name}: no field of {kind}"
    elif type(value).__name__ != kind:
        yield f"{path}: {value!r} is no {kind}"


def test_kubernetes_knows_every_field_of_the_job() -> None:
    assert list(faults(JOB, "V1Job", "job")) == []
    assert len(list(faults({"spec": {"backoffLimits": 3}}, "V1Job", "job"))) == 1
    assert len(list(faults({"spec": {"backoffLimit": "3"}}, "V1Job", "job"))) == 1


def test_the_job_and_all_pods_have_one_image() -> None:
    image = f"{VALUES['defaultAirflowRepository']}:{VALUES['defaultAirflowTag']}"

    assert JOB["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert image in README
    # These would come before the default, and only for some of the pods.
    assert "images" not in VALUES


def test_every_secret_is_one_that_the_steps_make() -> None:
    steps = re.findall(r"create secret generic (\S+)((?:\\\n|.)+)", README)
    made = {
        (name, key) for name, body in steps for key in re.findall(r"--from-literal=([\w-]+)=", body)
    }
    container = JOB["spec"]["template"]["spec"]["containers"][0]
    used = {
        (VALUES["data"]["metadataSecretName"], "connection"),
        (VALUES["fernetKeySecretName"], "fernet-key"),
        (VALUES["apiSecretKeySecretName"], "api-secret-key"),
        (VALUES["jwtSecretName"], "jwt-secret"),
    } | {
        (source["name"], source["key"])
        for source in (
            entry["valueFrom"]["secretKeyRef"] for entry in container["env"] if "valueFrom" in entry
        )
    }
    whole = [entry["secretRef"]["name"] for entry in container["envFrom"]]
    whole += [entry["secretRef"]["name"] for entry in yaml.safe_load(VALUES["extraEnvFrom"])]

    assert used <= made
    assert set(whole) | {name for name, _ in used} == {name for name, _ in made}


def test_folders_are_in_the_pods_that_docker_compose_gives_them_to() -> None:
    def of_compose(service: str) -> set[str]:
        targets = {volume.rsplit(":", 1)[1] for volume in COMPOSE["services"][service]["volumes"]}
        return targets - {"/opt/airflow/logs"}

    mounted = {
        service: {mount["mountPath"] for mount in VALUES[part].get("extraVolumeMounts", [])}
        for service, part in PARTS.items()
    }

    assert mounted == {service: of_compose(service) for service in PARTS}
    assert mounted["worker"] == {"/documents", "/archive"}
    assert not {"volumes", "volumeMounts"} & VALUES.keys(), "all pods would have these"
    for part in PARTS.values():
        named = {mount["name"] for mount in VALUES[part].get("extraVolumeMounts", [])}
        assert named == {volume["name"] for volume in VALUES[part].get("extraVolumes", [])}


def test_tasks_and_browsers_are_let_to_the_api_server() -> None:
    """The chart's policy without a rule lets in nobody."""
    assert VALUES["networkPolicies"]["enabled"]
    allowed = VALUES["apiServer"]["networkPolicy"]["ingress"]["from"]
    release = re.search(r"helm upgrade --install (\S+)", README)

    assert release
    assert {"podSelector": {"matchLabels": {"tier": "airflow", "release": release[1]}}} in allowed
    assert any("namespaceSelector" in peer for peer in allowed)
    assert any("namespaceSelector" in peer for peer in VALUES["statsd"]["extraNetworkPolicies"])


@pytest.mark.parametrize("part", ["scheduler", "dagProcessor", "triggerer"])
def test_probes_are_commands_of_airflow(part: str) -> None:
    """The chart's own begin with a script that our image has not."""
    probes = {name: probe for name, probe in VALUES[part].items() if name.endswith("Probe")}

    assert {"livenessProbe"} <= probes.keys()
    assert part != "scheduler" or "startupProbe" in probes
    for probe in probes.values():
        program, *arguments = probe["command"]
        asked = get_parser().parse_args(arguments)
        assert (program, *arguments[:2]) == ("airflow", "jobs", "check")
        assert asked.job_type.casefold() == f"{part}Job".casefold()
        assert asked.local


def test_statsd_maps_our_numbers_as_the_file_for_prometheus_does() -> None:
    ours = yaml.safe_load((ROOT / "deploy" / "metrics" / "statsd_exporter.yaml").read_text())

    assert VALUES["statsd"]["extraMappings"] == ours["mappings"]
