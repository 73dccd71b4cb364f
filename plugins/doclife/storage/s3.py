"""Bytes in S3 and what speaks its protocol, through s3fs.

s3fs keeps the sessions, retries and threads; the calls are S3's own, because exact versions,
etags and the difference between 403 and 404 matter here.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from io import RawIOBase
from typing import Any, BinaryIO, cast

import fsspec.asyn
from botocore.exceptions import BotoCoreError

from doclife.storage import uris
from doclife.storage.filesystem import Chunk, Listed, Reach, Stat

READ_BYTES = 2 * 1024 * 1024
"""Objects are read in ranges of this size: several threads at once must not fill the memory."""
PART_BYTES = 5 * 1024 * 1024
"""Larger objects are written in parts of this size, the smallest that S3 takes."""
PARTS_PER_STEP = 1000
"""S3 takes 10,000 parts. Every 1,000 they grow, so that 275 GB fit and memory stays small."""

COLD_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html (2026-11)"""
DAYS_WITHIN_REACH = 14
"""Restores are completed nightly; so long a store may be away or everything be halted."""


class S3Filesystem:
    """S3 buckets.

    :param options: arguments of ``s3fs.S3FileSystem``: ``key``, ``secret``, ``endpoint_url``,
        ``client_kwargs`` ... Empty: the standard AWS variables and profiles.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = dict(options)

    @cached_property
    def _s3(self) -> Any:
        import s3fs  # takes 0.3 s, which a deployment without S3 need not wait for

        return s3fs.S3FileSystem(**self._options)

    def _call(self, method: str, uri: str, **arguments: Any) -> dict[str, Any]:
        bucket, key = uris.bucket_and_key(uri)
        return self._request(method, Bucket=bucket, Key=key, **arguments)

    def _request(self, method: str, **arguments: Any) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            return cast(dict[str, Any], self._s3.call_s3(method, **given))
        except BotoCoreError as error:  # no credentials, no connection, ...
            raise OSError(f"{method}: {error}") from error

    def stat(self, uri: str, *, version_id: str | None = None) -> Stat:
        """Ask for the object's head."""
        found = _facts(self._call("head_object", uri, VersionId=version_id))
        # Some servers do not repeat the version that they were asked for.
        return found if found.version_id else replace(found, version_id=version_id)

    def open(self, uri: str, *, version_id: str | None = None) -> tuple[Stat, BinaryIO]:
        """Open for reading in parts, each of exactly the version described."""
        found = self.stat(uri, version_id=version_id)
        return found, cast(BinaryIO, _Parts(self, uri, found))

    def part(self, uri: str, found: Stat, *, start: int) -> bytes:
        """Read up to READ_BYTES of a described object."""
        bucket, key = uris.bucket_and_key(uri)
        arguments = {"Bucket": bucket, "Key": key}
        if found.version_id is not None:
            arguments["VersionId"] = found.version_id
        elif found.etag is not None:
            arguments["IfMatch"] = f'"{found.etag}"'
        if found.size_bytes > READ_BYTES:
            arguments["Range"] = f"bytes={start}-{start + READ_BYTES - 1}"
        try:
            return cast(bytes, fsspec.asyn.sync(self._s3.loop, self._body, arguments))
        except BotoCoreError as error:
            raise OSError(f"get_object: {error}") from error

    async def _body(self, arguments: dict[str, str]) -> bytes:
        response = await self._s3._call_s3("get_object", **arguments)
        async with response["Body"] as body:
            return cast(bytes, await body.read())

    def listed(self, uri: str) -> Iterator[Listed]:
        """List page by page; keys that end in a slash only stand for folders."""
        bucket, prefix = uris.bucket_and_key(uri)
        token = None
        while True:
            page = self._request(
                "list_objects_v2",
                Bucket=bucket,
                Prefix=f"{prefix}/" if prefix else "",
                ContinuationToken=token,
            )
            for entry in page.get("Contents", ()):
                if not entry["Key"].endswith("/"):
                    found = Stat(
                        size_bytes=entry["Size"],
                        modified_at=entry["LastModified"].astimezone(UTC),
                        etag=entry["ETag"].strip('"'),
                    )
                    yield Listed(uri=f"s3://{bucket}/{entry['Key']}", stat=found)
            token = page.get("NextContinuationToken")
            if not token:
                return

    def create(self, uri: str, chunks: Iterable[Chunk], *, is_durable: bool = True) -> Stat:  # noqa: ARG002 - S3 always is
        """Upload in one request, or in parts that become visible together."""
        parts = _parts_of(chunks)
        first = next(parts)
        if len(first) < PART_BYTES:
            # S3 checks it on arrival and keeps it: where bytes grow cold, it is how they are known.
            digest = base64.b64encode(hashlib.sha256(first).digest()).decode()
            answer = self._call(
                "put_object",
                uri,
                Body=bytes(first),
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=digest,
            )
            size = len(first)
        else:
            answer, size = self._upload(uri, first, parts)
        version_id = answer.get("VersionId")
        if version_id == "null":  # some servers say so where nothing is versioned
            version_id = None
        # The time is the store's, and only a head says it.
        found = self.stat(uri, version_id=version_id)
        if found.etag != answer["ETag"].strip('"') or found.size_bytes != size:
            raise OSError(f"{uri} was overwritten by somebody else while it was written")
        return found

    def _upload(
        self, uri: str, first: bytearray, rest: Iterator[bytearray]
    ) -> tuple[dict[str, Any], int]:
        upload = self._call("create_multipart_upload", uri)["UploadId"]
        try:
            size, content = 0, first
            sent: list[dict[str, Any]] = []
            while content:
                number = len(sent) + 1
                part = self._call(
                    "upload_part", uri, UploadId=upload, PartNumber=number, Body=bytes(content)
                )
                sent.append({"PartNumber": number, "ETag": part["ETag"]})
                size += len(content)
                content = next(rest, bytearray())
            answer = self._call(
                "complete_multipart_upload",
                uri,
                UploadId=upload,
                MultipartUpload={"Parts": sent},
                IfNoneMatch="*",
            )
        except BaseException:
            self._call("abort_multipart_upload", uri, UploadId=upload)
            raise
        return answer, size

    def replace(self, uri: str, content: bytes) -> None:
        """Upload; S3 shows the old or the new object whole."""
        self._call("put_object", uri, Body=content)

    def flush(self, uri: str) -> None:
        """Nothing to do: S3 answers a write when it is durable."""

    def forget_cached(self, uri: str) -> None:
        """Nothing to do: nothing is cached on this side."""

    def remove(self, uri: str, *, etag: str | None = None, version_id: str | None = None) -> None:
        """Remove one version for good, or the object if its etag still is the one given."""
        condition = f'"{etag}"' if etag is not None and version_id is None else None
        answer = self._call("delete_object", uri, VersionId=version_id, IfMatch=condition)
        if version_id is None and answer.get("DeleteMarker"):
            raise OSError("the bucket keeps versions by now: the bytes are hidden, not removed")

    def remove_folders(self, uri: str) -> None:
        """Nothing to do: S3 has no folders."""

    def kept_sha256(self, uri: str, *, version_id: str | None = None) -> bytes | None:
        """Ask for the object's head with its checksum; that of parts is none of the whole."""
        try:
            head = self._call("head_object", uri, VersionId=version_id, ChecksumMode="ENABLED")
        except PermissionError:  # the head itself may be read, the checksum of an encrypted one not
            return None
        kept = head.get("ChecksumSHA256")
        if not kept or "-" in kept or head.get("ChecksumType") == "COMPOSITE":
            return None
        return base64.b64decode(kept)

    def ask_for(self, uri: str, *, version_id: str | None = None) -> None:
        """Order a readable copy, which S3 keeps beside the cold one for some days."""
        request: dict[str, Any] = {"GlacierJobParameters": {"Tier": "Standard"}}
        if "ArchiveStatus" not in self._call("head_object", uri, VersionId=version_id):
            # Intelligent-Tiering moves the object itself back, for as long as it is used.
            request["Days"] = DAYS_WITHIN_REACH
        self._call("restore_object", uri, VersionId=version_id, RestoreRequest=request)

    def other_versions(self, uri: str, *, version_id: str | None = None) -> list[str]:
        """List the versions of the key; delete markers hold no bytes."""
        bucket, key = uris.bucket_and_key(uri)
        found: list[str] = []
        page: dict[str, Any] = {}
        while True:
            page = self._request(
                "list_object_versions",
                Bucket=bucket,
                Prefix=key,
                KeyMarker=page.get("NextKeyMarker"),
                VersionIdMarker=page.get("NextVersionIdMarker"),
            )
            versions = page.get("Versions", ())
            found += [
                entry["VersionId"]
                for entry in versions
                if entry["Key"] == key and entry["VersionId"] != version_id
            ]
            # In order of keys: behind this one come only longer ones.
            if not page.get("IsTruncated") or any(entry["Key"] > key for entry in versions):
                return found


class _Parts(RawIOBase):
    """Reads an object part by part."""

    def __init__(self, filesystem: S3Filesystem, uri: str, found: Stat) -> None:
        self._filesystem = filesystem
        self._uri = uri
        self._found = found
        self._position = 0
        self._part = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._part and self._position < self._found.size_bytes:
            part = self._filesystem.part(self._uri, self._found, start=self._position)
            if not part:
                raise OSError(f"{self._uri} ended after {self._position} bytes")
            self._part = memoryview(part)
            self._position += len(part)
        length = min(len(buffer), len(self._part))
        buffer[:length] = self._part[:length]
        self._part = self._part[length:]
        return length


def _parts_of(chunks: Iterable[Chunk]) -> Iterator[bytearray]:
    """Yield content in parts as large as S3 wants them; at least one, which may be empty."""
    part = bytearray()
    number = 0
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            wanted = PART_BYTES * (1 + number // PARTS_PER_STEP)
            room = wanted - len(part)
            part += rest[:room]
            rest = rest[room:]
            if len(part) == wanted:
                yield part
                part = bytearray()
                number += 1
    if part or number == 0:
        yield part


def _facts(head: Mapping[str, Any]) -> Stat:
    modified_at: datetime = head["LastModified"]
    return Stat(
        size_bytes=head["ContentLength"],
        modified_at=modified_at.astimezone(UTC),
        etag=head["ETag"].strip('"'),
        version_id=head.get("VersionId"),
        reach=_reach(head),
    )


def _reach(head: Mapping[str, Any]) -> Reach:
    if head.get("StorageClass") not in COLD_CLASSES and "ArchiveStatus" not in head:
        return Reach.AT_ONCE
    request = head.get("Restore", "")
    if 'ongoing-request="true"' in request:
        return Reach.ASKED_FOR
    return Reach.AT_ONCE if request else Reach.ON_REQUEST
