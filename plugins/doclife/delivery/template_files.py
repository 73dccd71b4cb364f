"""Template files: ours, and an operator's own that stand before them, in a sandbox with limits.

An own file that cannot be used never keeps a message from being sent: ours is used instead, and
what is wrong is noted with file and line.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
)
from jinja2.exceptions import SecurityError
from jinja2.loaders import split_template_path
from jinja2.runtime import BlockReference, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

ORGANIZATIONS = "organizations"
"""In an operator's folder: below it, by short name, what stands before it for one organization."""
MAX_FILE_BYTES = 100_000
MAX_OUTPUT_LENGTH = 2_000_000
"""Characters of one rendered text; a digest has about ten thousand."""
FAULTS_OF_OWN = (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""How a template can fail that somebody else wrote (unreadable bytes are a ValueError)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateFault:
    """Why an own template is not used."""

    place: str
    """``file:line``."""
    reason: str


@dataclass
class FaultLog:
    """What is wrong with own templates, each told once in the life of a process."""

    known: dict[str, TemplateFault] = field(default_factory=dict)
    untold: list[TemplateFault] = field(default_factory=list)

    def note(self, fault: TemplateFault) -> None:
        """Keep a fault until somebody takes it."""
        key = f"{fault.place} {fault.reason}"
        if key not in self.known:
            self.known[key] = fault
            self.untold.append(fault)

    def take(self) -> list[TemplateFault]:
        """Return what nobody has taken yet."""
        taken, self.untold = self.untold, []
        return taken


@dataclass(frozen=True, slots=True)
class TemplateFunction:
    """A function that templates may call; they can call nothing else but macros."""

    function: Callable[[Any], str]

    def __call__(self, value: Any) -> str:
        """Call it."""
        return self.function(value)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Templates read values and call our functions: no methods, and no arithmetic that grows."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def is_safe_callable(self, obj: Any) -> bool:
        # What is undefined says so itself when it is called.
        return isinstance(obj, Macro | BlockReference | TemplateFunction | Undefined)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(each, int | float) for each in (left, right)) or operator == "**":
            raise SecurityError(f"{operator} is for numbers alone, and no powers")
        return super().call_binop(context, operator, left, right)


class _LimitedLoader(FileSystemLoader):
    """Reads small files only, and none of another organization."""

    def get_source(self, environment: Environment, template: str) -> Any:
        # An organization's own folder comes without this: it is a folder of templates itself.
        if split_template_path(template)[:1] == [ORGANIZATIONS]:
            raise TemplateNotFound(template)
        found: tuple[str, str, Any] = super().get_source(environment, template)
        source, path, _ = found
        if len(source) > MAX_FILE_BYTES:
            raise TemplateSyntaxError(
                f"it is larger than {MAX_FILE_BYTES:,} characters", 1, template, path
            )
        return found


def sandbox(
    folders: Sequence[Path],
    *,
    is_html: bool,
    names: Sequence[str],
    finalize: Callable[[object], object],
) -> Environment:
    """Return what renders the templates of some folders; the first that has a file gives it.

    :param names: what every template may ask for; None where nobody says more.
    :param finalize: turns each value into what is written.
    """
    loader: BaseLoader = _LimitedLoader([str(folder) for folder in folders])
    environment = _Sandbox(
        loader=loader,
        autoescape=is_html,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.globals.clear()
    environment.globals |= dict.fromkeys(names)
    for name in ("center", "format", "indent", "xmlattr"):
        del environment.filters[name]  # a width is an amount of memory
    return environment


def rendered(environment: Environment, path: str, context: Mapping[str, object]) -> str:
    """Render a template; it ends where it becomes too long.

    :raises TemplateError: it cannot be rendered.
    """
    parts, length = [], 0
    for part in environment.get_template(path).generate(context):
        length += len(part)
        if length > MAX_OUTPUT_LENGTH:
            raise SecurityError(f"it becomes longer than {MAX_OUTPUT_LENGTH:,} characters")
        parts.append(part)
    return "".join(parts)


def fault_of(error: Exception, path: str, folders: Sequence[Path]) -> TemplateFault:
    """Say which file and line an error is of, and why."""
    reason = str(getattr(error, "message", None) or error) or type(error).__name__
    if isinstance(error, TemplateSyntaxError):
        return TemplateFault(place=f"{error.filename or path}:{error.lineno}", reason=reason)
    if isinstance(error, TemplateNotFound):
        return TemplateFault(place=path, reason=f"there is no template {error.name}")
    frames = [
        f"{frame.filename}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if any(frame.filename.startswith(f"{folder}/") for folder in folders)
        and frame.filename.endswith(".j2")
    ]
    return TemplateFault(place=frames[-1] if frames else path, reason=reason)
