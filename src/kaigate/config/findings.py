"""What the cross-checks found so far."""

from dataclasses import dataclass, field

from kaigate.config.document import Document
from kaigate.config.problems import KeyPath, Problem


@dataclass(slots=True)
class Findings:
    """Errors and warnings, each at its place in the file."""

    document: Document
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def error(self, path: KeyPath, message: str, *, key: bool = False) -> None:
        """What makes the configuration refused."""
        self.errors.append(self.document.problem(path, message, key=key))

    def warn(self, path: KeyPath, message: str, *, key: bool = False) -> None:
        """What works, but is probably not meant."""
        self.warnings.append(self.document.problem(path, message, key=key))
