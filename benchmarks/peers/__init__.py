"""The peers of the queue: installed outside the tree, run in processes of their own.

Each script has the phases ``setup``, ``enqueue`` (COUNT jobs of 1 kB over its bulk interface, from
objects to stored rows), ``nothing`` (drain them with an empty handler) and ``call`` (drain them,
each a POST of its payload), and prints one line of JSON: how many, and from when to when.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PYTHON = (
    "pgqueuer==1.6.0",
    "procrastinate==3.10.0",
    "asyncpg==0.32.0",
    "psycopg[binary,pool]==3.3.9",
    "aiohttp==3.14.5",
    "uvloop==0.23.0",
)
NODE = (
    "node@24.21.0",
    "graphile-worker@0.18.0",
    "pg-boss@12.38.0",
    "pg@8.23.1",
    "undici@7.30.2",
)
SCRIPTS = {
    "graphile-worker": "graphile_worker.mjs",
    "pg-boss": "pg_boss.mjs",
    "pgqueuer": "pgqueuer_jobs.py",
    "procrastinate": "procrastinate_jobs.py",
}
SLOW = ("procrastinate",)
"""Peers that get a tenth of the jobs, or the others would wait for them all day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What the processes of one phase did together."""

    count: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.count / self.seconds


def install_python(venv: Path, packages: Sequence[str]) -> Path:
    """Make an environment with these packages, unless it is there, and return its Python."""
    python, installed = venv / "bin" / "python", venv / "installed.json"
    wanted = json.dumps(packages)
    if not installed.exists() or installed.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        installed.write_text(wanted)
    return python


class Peers:
    """All peers, in a folder of their own.

    :param folder: where they are, or will be installed (Python's by pip, Node's by npm; 300 MB).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._node = self.folder / "node_modules" / "node" / "bin" / "node"
        self._python = self.folder / "venv" / "bin" / "python"

    def install(self) -> None:
        """Install what is not there, and the scripts beside it, where Node looks for packages."""
        self.folder.mkdir(parents=True, exist_ok=True)
        installed = self.folder / "installed.json"
        wanted = json.dumps([PYTHON, NODE])
        if not installed.exists() or installed.read_text() != wanted:
            install_python(self.folder / "venv", PYTHON)
            npm = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", self.folder]
            subprocess.run([*npm, *NODE], check=True, cwd=self.folder)
            installed.write_text(wanted)
        for script in Path(__file__).parent.iterdir():
            if script.suffix in (".py", ".mjs") and script.stem != "__init__":
                shutil.copy(script, self.folder)

    def run(
        self,
        peer: str,
        phase: str,
        *,
        database: str,
        count: int,
        url: str = "",
        processes: int = 1,
        options: Sequence[str] = (),
    ) -> Done:
        """Run one phase in one or more processes at once."""
        script = self.folder / SCRIPTS[peer]
        program = self._node if script.suffix == ".mjs" else self._python
        command = [program, script, phase, database, str(count), url, *options]
        return together([command] * processes, where=self.folder)


def together(commands: Sequence[Sequence[str | Path]], *, where: Path | None = None) -> Done:
    """Run programs that print ``{"done":, "t0":, "t1":}`` at once; all must succeed."""
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=where)
        for command in commands
    ]
    told = [process.communicate(timeout=600)[0] for process in running]
    failed = [process.args for process in running if process.returncode]
    assert not failed, failed
    each = [json.loads(text.splitlines()[-1]) for text in told]
    assert not any(one.get("errors") for one in each), each
    counting = [one for one in each if one["done"]] or each
    return Done(
        count=sum(one["done"] for one in each),
        seconds=max(max(one["t1"] for one in counting) - min(one["t0"] for one in counting), 1e-9),
    )
