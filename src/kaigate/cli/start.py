"""From options to a running gateway: reads and checks the configuration, then serves."""

from pathlib import Path

from kaigate.cli.problems import refuse
from kaigate.cli.read import find
from kaigate.config.check import check
from kaigate.config.loaded import ServerOverrides
from kaigate.config.problems import ConfigError
from kaigate.providers.registry import ROWS
from kaigate.serve import run


def start(option: Path | None, overrides: ServerOverrides) -> int:
    """Serve until stopped; the exit code. A configuration that is refused is 1, with every problem on stderr."""
    try:
        found = find(option, overrides=overrides)
        loaded = check(found.loaded, ROWS)
    except ConfigError as error:
        return refuse(error)
    return run(loaded, config_path=found.path, generated_key=found.generated_key)
