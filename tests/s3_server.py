"""Fixtures: an S3 server on the loopback, and a fresh bucket in it."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

CREDENTIALS = {"key": "test", "secret": "test-secret"}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """URL of moto's server."""
    from moto.server import ThreadedMotoServer  # takes a second, which few tests need

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_options(s3_server: str) -> dict[str, Any]:
    """What a store needs to reach the server."""
    return {
        **CREDENTIALS,
        "endpoint_url": s3_server,
        "client_kwargs": {"region_name": "us-east-1"},
        "skip_instance_cache": True,
    }


@pytest.fixture
def s3_client(s3_server: str) -> Iterator[Any]:
    """Boto's own client, to look behind our back."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=s3_server,
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS["key"],
        aws_secret_access_key=CREDENTIALS["secret"],
    )
    yield client
    client.close()


@pytest.fixture
def bucket(s3_client: Any) -> str:
    """Name of an empty bucket."""
    name = f"bucket-{next(_numbers)}"
    s3_client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned_bucket(s3_client: Any, bucket: str) -> str:
    """Name of an empty bucket that keeps every version."""
    s3_client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket
