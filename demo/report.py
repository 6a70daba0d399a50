"""What a person sees of the demo: commands to paste, answers, and a mark for each claim."""

from typing import Final

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from demo.steps import FAKE_AWS_KEY, PLACEHOLDER, Outcome

HELD: Final = Text("✓ ", style="bold green")
BROKEN: Final = Text("✗ ", style="bold red")


def title(console: Console, number: int, total: int, text: str) -> None:
    """The head line of a step."""
    console.print()
    console.print(Rule(f"[bold]{number}/{total}  {text}", align="left", style="cyan"))


def outcome(console: Console, result: Outcome) -> None:
    """The commands of a step, what came back, and which claims held."""
    for call in result.calls:
        command(console, call.curl())
    console.print(_columns(result) if result.side_by_side else _lines(result))
    for claim, held in result.claims:
        console.print(Text.assemble(HELD if held else BROKEN, claim))


def failure(console: Console, what: str) -> None:
    """A step that could not be performed."""
    console.print(Text.assemble(BROKEN, what), soft_wrap=True)


def command(console: Console, text: str) -> None:
    """A command as it is to be pasted: never wrapped, nothing before or after it."""
    console.print(Text(text, style="dim"), soft_wrap=True)


def verdict(console: Console, broken: int, total: int, seconds: float) -> None:
    """The last line."""
    console.print()
    if broken:
        console.print(Text(f"{broken} of {total} steps did not hold.", style="bold red"))
    else:
        console.print(Text(f"All {total} steps held, in {seconds:.1f} s.", style="bold green"))


def _lines(result: Outcome) -> Table:
    table = Table.grid(padding=(0, 2))
    for label, text in result.shown:
        table.add_row(Text(label, style="bold"), _marked(text))
    return table


def _columns(result: Outcome) -> Table:
    table = Table(*(label for label, _ in result.shown))
    table.add_row(*(_marked(text) for _, text in result.shown))
    return table


def _marked(value: str) -> Text:
    text = Text(value)
    text.highlight_words([FAKE_AWS_KEY], style="bold red")
    text.highlight_words([PLACEHOLDER], style="bold green")
    return text
