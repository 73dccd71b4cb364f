"""A world with a store in a bucket of the test server."""

from __future__ import annotations

import hashlib
from typing import Any

from doclife.lifecycle.stores import open_stores, register_store
from doclife.storage.marker import MARKER_NAME
from doclife.storage.stores import Stores

from .conftest import ACTOR, World


class Cloud(World):
    """A world whose documents lie in a bucket."""

    options: dict[str, Any]
    bucket: str
    client: Any

    @property
    def stores(self) -> Stores:
        """Every store; the bucket's is reached with the test server's credentials."""
        return open_stores(self.conn, options=lambda _connection_id: self.options)

    def add_object(self, key: str, content: bytes) -> int:
        """Put an object and register a document over it, as an import does."""
        answer = self.client.put_object(Bucket=self.bucket, Key=f"root/{key}", Body=content)
        document = self.add_document(key, content=None, document_type="draft")
        self.conn.execute(
            "WITH object AS (INSERT INTO stored_objects"
            " (store_id, uri, size_bytes, sha256, etag, version_id)"
            " SELECT id, root_uri || '/' || %s, %s, %s, %s, %s FROM stores WHERE name = 'cloud'"
            " RETURNING id)"
            " UPDATE documents SET stored_object_id = object.id FROM object"
            " WHERE documents.id = %s",
            (
                key,
                len(content),
                hashlib.sha256(content).digest(),
                answer["ETag"].strip('"'),
                answer.get("VersionId"),
                document,
            ),
        )
        return document

    def versions(self) -> list[str]:
        """Return the versions of every object that hold bytes."""
        page = self.client.list_object_versions(Bucket=self.bucket, Prefix="root/")
        return [one["VersionId"] for one in page["Versions"] if MARKER_NAME not in one["Key"]]

    def switch_versions_on(self) -> None:
        """Let the bucket keep versions from now on."""
        self.client.put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"}
        )

    def freeze(self) -> None:
        """Move what lies in bags to a cold tier, as a bucket's own rules do."""
        for one in self.client.list_objects_v2(Bucket=self.bucket)["Contents"]:
            if "/data/" in one["Key"]:
                self.client.copy_object(
                    Bucket=self.bucket,
                    Key=one["Key"],
                    CopySource={"Bucket": self.bucket, "Key": one["Key"]},
                    StorageClass="GLACIER",
                )


def cloud_of(world: World, *, bucket: str, client: Any, options: dict[str, Any]) -> Cloud:
    """Register a store ``cloud`` in a bucket."""
    cloud = Cloud(conn=world.conn, folder=world.folder)
    cloud.options, cloud.bucket, cloud.client = options, bucket, client
    register_store(
        world.conn,
        name="cloud",
        root=f"s3://{bucket}/root",
        connection_id="bucket",
        now=world.now,
        actor=ACTOR,
        options=lambda _connection_id: options,
    )
    return cloud
