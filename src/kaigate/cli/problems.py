"""How a refused configuration is told."""

import sys

from kaigate.config.problems import ConfigError


def refuse(error: ConfigError) -> int:
    """Print every problem to stderr; the exit code of a refusal."""
    for problem in error.problems:
        print(problem, file=sys.stderr)
    count = len(error.problems)
    print(f"configuration refused: {count} problem{'' if count == 1 else 's'}", file=sys.stderr)
    return 1
