"""The list of generated pages."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs.generate import cli, compatibility, configuration, errors, metrics

FOLDER: Final = Path(__file__).parents[1] / "reference"

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "cli.md": cli.page,
    "compatibility.md": compatibility.page,
    "configuration.md": configuration.page,
    "errors.md": errors.page,
    "metrics.md": metrics.page,
}
