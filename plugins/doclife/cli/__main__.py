"""``python -m doclife.cli``."""

from doclife.cli.app import app

app(prog_name="doclife")
