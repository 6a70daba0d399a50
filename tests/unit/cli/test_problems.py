import pytest

from kaigate.cli.problems import refuse
from kaigate.config.problems import ConfigError, Problem


@pytest.mark.parametrize(("count", "ending"), [(1, "1 problem\n"), (2, "2 problems\n")])
def test_every_problem_is_printed_to_stderr(capsys, count, ending):
    problems = [Problem("f", line + 1, 1, "server", "is wrong") for line in range(count)]
    assert refuse(ConfigError(problems)) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "".join(f"{problem}\n" for problem in problems) + f"configuration refused: {ending}"
