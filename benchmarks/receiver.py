"""The far side of the measured calls: nginx with one worker that answers 200 at once."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.benchmark import find_program, program
from benchmarks.machine import scratch
from local.ports import free_port

CONFIGURATION = """
worker_processes 1;
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location /served {{ stub_status; }}
        location /hook {{ return 200 "ok"; }}
    }}
}}
"""


NGINX = program("nginx", why="answers the calls", package="nginx-light")


class Receiver:
    """A running nginx."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self.url = f"{self._base}/hook"

    def served(self) -> int:
        """How many requests it has answered, but for those of this question."""
        with urllib.request.urlopen(f"{self._base}/served") as answer:
            return int(answer.read().split()[9])


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Start it, and stop it afterwards."""
    command = find_program("nginx")
    assert command is not None, NGINX.how
    with scratch() as folder:
        port = free_port()
        path = Path(folder) / "nginx.conf"
        path.write_text(CONFIGURATION.format(folder=folder, port=port))
        process = subprocess.Popen([command, "-c", path, "-p", folder, "-e", folder / "error.log"])
        try:
            found = Receiver(port)
            for _ in range(100):
                try:
                    found.served()
                    break
                except OSError:
                    time.sleep(0.05)
            yield found
        finally:
            process.terminate()
            process.wait()
