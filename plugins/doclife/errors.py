"""Every error this package raises on purpose.

DoclifeError
├── ConfigurationError   a setting, rule, file or migration is wrong; retrying cannot help
├── RefusedError         the state of things forbids it: halted, held, stale, not approved
├── StorageError         a store did not do what was asked; the item fails, the rest goes on
│   └── ChangedBytes     the bytes are not the ones that were recorded
└── TryAgainLater        somebody else is at work on it, or something was out of reach for now
"""


class DoclifeError(Exception):
    """Anything this package can raise on purpose."""


class ConfigurationError(DoclifeError):
    """A setting, rule, file or migration is wrong; retrying cannot help."""


class RefusedError(DoclifeError):
    """The present state of things forbids the request; the message says which and what to do."""


class StorageError(DoclifeError):
    """A store did not do what was asked of it."""


class ChangedBytes(StorageError):
    """The bytes found are not the ones that were recorded: another size, digest or version."""


class TryAgainLater(DoclifeError):
    """Nothing is wrong, but it cannot be done now; a retry will do it."""
