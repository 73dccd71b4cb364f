"""What takes metrics: a StatsD server and an OpenTelemetry collector, on loopback."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

Labels = frozenset[tuple[str, str]]
Numbers = dict[tuple[str, Labels], float]
LINE = re.compile(r"^(?P<name>[^,:]+)(?P<tags>(?:,[^,:=]+=[^,:=]+)*):(?P<value>[^|]+)\|g$")


class Receiver:
    """Numbers as they came, the newest of each."""

    def __init__(self) -> None:
        self.port = 0
        self._numbers: Numbers = {}
        self._changed = threading.Condition()

    def keep(self, name: str, labels: Labels, value: float) -> None:
        """Take one number."""
        with self._changed:
            self._numbers[(name, labels)] = value
            self._changed.notify_all()

    def wait_for(self, name: str, *, seconds: float = 300.0) -> Numbers:
        """Return all numbers of ours once the one of this name has come."""
        with self._changed:
            has_come = self._changed.wait_for(
                lambda: any(known == name for known, _ in self._numbers), timeout=seconds
            )
            assert has_come, f"{name} did not come; what came: {sorted(self._numbers)[:50]}"
            return {key: value for key, value in self._numbers.items() if "doclife" in key[0]}


@contextmanager
def statsd() -> Iterator[Receiver]:
    """A StatsD server that takes tags in the style of InfluxDB."""
    receiver = Receiver()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        server.bind(("127.0.0.1", 0))
        receiver.port = server.getsockname()[1]

        def take() -> None:
            while line := server.recv(65536):
                found = LINE.match(line.decode())
                if found:
                    tags = (tag.split("=", 1) for tag in found["tags"].split(",") if tag)
                    labels = frozenset((name, value) for name, value in tags)
                    receiver.keep(found["name"], labels, float(found["value"]))

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield receiver
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", ("127.0.0.1", receiver.port))
            thread.join()


@contextmanager
def collector() -> Iterator[Receiver]:
    """An OpenTelemetry collector that takes OTLP over HTTP."""
    receiver = Receiver()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        for point in metric.gauge.data_points:
                            labels = frozenset(
                                (each.key, each.value.string_value) for each in point.attributes
                            )
                            receiver.keep(metric.name, labels, point.as_double or point.as_int)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
