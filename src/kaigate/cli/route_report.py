"""What `kaigate route explain` works out and prints."""

import sys
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import msgspec
from rich.console import Console
from rich.table import Table

from kaigate.app.assemble import cost_at, upstreams
from kaigate.app.digests import digest_checks
from kaigate.chat.content import AudioBlock, Block, DocumentBlock, ImageBlock, Message, TextBlock
from kaigate.chat.request import ChatRequest, ResponseFormat, Tool
from kaigate.cli.keys_open import OPERATOR, with_service
from kaigate.cli.ollama_servers import ask_pinned, read
from kaigate.cli.problems import refuse
from kaigate.clock import SystemClock
from kaigate.config.models import GatewayConfig
from kaigate.config.problems import ConfigError, suggestion
from kaigate.errors import GatewayError
from kaigate.keys.entries import principal_of
from kaigate.keys.policy import KeyPolicy
from kaigate.keys.service import KeyService
from kaigate.money import from_usd
from kaigate.pipeline.plan import ModelEntry, RoutePlan
from kaigate.pipeline.principal import Principal
from kaigate.pricing.book import PriceBook
from kaigate.routing.catalogue import Catalogue
from kaigate.routing.digests import DigestBook
from kaigate.routing.explain import described
from kaigate.routing.planner import Demand, Planner
from kaigate.routing.refusals import refusal
from kaigate.routing.state import RoutingState

_NEEDS: Final = ("tools", "vision", "json_schema", "reasoning", "audio", "documents")
_BLOCKS: Final[dict[str, Block]] = {
    "vision": ImageBlock(url="https://example.org/image.png"),
    "audio": AudioBlock("", "wav"),
    "documents": DocumentBlock(text=""),
}


class Question(NamedTuple):
    """What is asked; `max_cost` is in nano-dollars."""

    model: str
    key: str | None
    max_cost: int | None
    needs: tuple[str, ...]
    private: bool
    input_tokens: int
    output_tokens: int

    @classmethod
    def of(
        cls,
        *,
        model: str,
        key: str | None,
        max_cost_usd: str | None,
        needs: tuple[str, ...],
        private: bool,
        input_tokens: int,
        output_tokens: int,
    ) -> Self:
        """The question of these options; raises ValueError for one that is none."""
        for need in needs:
            if need not in _NEEDS:
                raise ValueError(f"--needs: unknown {need!r}{suggestion(need, _NEEDS)}")
        max_cost = None if max_cost_usd is None else from_usd(max_cost_usd)
        if max_cost is not None and max_cost < 0:
            raise ValueError("--max-cost-usd: must not be negative")
        return cls(model, key, max_cost, needs, private, input_tokens, output_tokens)


def report_route(option: Path | None, question: Question, *, as_json: bool) -> int:
    """The plan, as tables for people or JSON; the exit code: 1 where nobody would serve the request."""
    try:
        loaded, _ = read(option)
        caller = _caller(option, loaded.config, question.key)
        if caller is None:
            return 1
        built = upstreams(loaded)
        catalogue = Catalogue.build(loaded.config, built)
        entry = catalogue.resolve(question.model)
        digests = ask_pinned(loaded, digest_checks(loaded.config, catalogue, built))
    except ConfigError as error:
        return refuse(error)
    except GatewayError as error:
        print(error.message, file=sys.stderr)
        return 1
    if not caller.may_use(entry.name):
        print("this key may not use this model", file=sys.stderr)
        return 1
    plan = _plan(loaded.config, catalogue, entry, caller, question, digests)
    refused = None if plan.candidates else refusal(plan, cost_header=question.max_cost is not None)
    shown = {"model": entry.name, "strategy": entry.strategy, **described(plan)}
    if as_json:
        told = None if refused is None else {"code": refused.code, "message": refused.message}
        print(msgspec.json.encode({**shown, "refused": told}).decode())
    else:
        _print(shown)
        if refused is not None:
            print(f"refused: {refused.status} {refused.code}: {refused.message}")
    return 0 if refused is None else 1


def _plan(  # noqa: PLR0917 -- what a plan is made of
    config: GatewayConfig,
    catalogue: Catalogue,
    entry: ModelEntry,
    caller: Principal,
    question: Question,
    digests: DigestBook,
) -> RoutePlan:
    clock = SystemClock()
    costs = cost_at(config, PriceBook.build(config, clock))
    planner = Planner(catalogue, RoutingState(clock).health, costs, digests=digests)
    demand = Demand(
        request=_request(question),
        caller=caller,
        private=question.private or caller.private_only,
        tokens=lambda: question.input_tokens,
        output_tokens=question.output_tokens,
        max_cost=question.max_cost,
    )
    return planner.plan(entry, demand)


def _request(question: Question) -> ChatRequest:
    """A request with these needs."""
    needs = question.needs
    blocks = (TextBlock("hello"), *(_BLOCKS[need] for need in needs if need in _BLOCKS))
    return ChatRequest(
        model=question.model,
        messages=(Message("user", blocks),),
        tools=(Tool("tool"),) if "tools" in needs else (),
        response_format=ResponseFormat("json_schema", "answer", {}) if "json_schema" in needs else None,
        reasoning_effort="low" if "reasoning" in needs else None,
    )


def _caller(option: Path | None, config: GatewayConfig, key: str | None) -> Principal | None:
    """Who would ask: without a key one that may do everything. None, and the reason on stderr, for an unknown key."""
    if key is None:
        return OPERATOR
    static = config.keys.static.get(key)
    if static is not None:
        return Principal(key, key, team=static.team, models=static.models, private_only=static.private_only)
    found: list[Principal] = []

    async def look(service: KeyService) -> int:
        record = await service.get(OPERATOR, key)
        found.append(principal_of(record, {}, KeyPolicy.build(config)))
        return 0

    return found[0] if with_service(option, look) == 0 else None


def _print(shown: dict[str, Any]) -> None:
    console = Console()
    title = f"{shown['model']} ({shown['strategy']})"
    table = Table("", "provider", "upstream model", "zone", "entry", title=title, title_justify="left")
    for number, item in enumerate(shown["candidates"], 1):
        table.add_row(str(number), item["provider"], item["model"], item["zone"], item["entry"])
    console.print(table)
    if shown["excluded"]:
        table = Table("provider", "upstream model", "reason", title="Excluded", title_justify="left")
        for item in shown["excluded"]:
            table.add_row(item["provider"], item["model"], item["reason"])
        console.print(table)
