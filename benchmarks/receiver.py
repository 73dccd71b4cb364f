"""The far side of the measured calls: nginx with one worker that answers 200 at once."""

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """Start it, and stop it afterwards. Needs nginx (Debian: ``nginx-light``)."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/bin")
    if program is None:
        raise SystemExit("nginx is missing, which answers the calls: apt-get install nginx-light")
    with scratch(None) as folder:
        port = free_port()
        path = Path(folder) / "nginx.conf"
        path.write_text(CONFIGURATION.format(folder=folder, port=port))
        process = subprocess.Popen([program, "-c", path, "-p", folder, "-e", folder / "error.log"])
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
