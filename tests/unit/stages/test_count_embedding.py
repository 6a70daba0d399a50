"""What is reserved for embeddings: the input, and nothing for an answer."""

import msgspec
import pytest

from kaigate.chat.embeddings import EmbeddingRequest
from kaigate.errors import GatewayError
from kaigate.pipeline.exchange import Exchange
from kaigate.pipeline.plan import ModelEntry
from kaigate.pipeline.principal import UNLIMITED, Limits, Principal
from kaigate.stages.count_embedding import CountEmbedding
from support.exchanges import deployment, exchange

ENTRY = ModelEntry(name="m", label="m", deployments=(deployment(),), max_input_tokens=50)
INPUTS = ((1,) * 40, (2,) * 30)


def entered(caller: Principal, *, default: int | None = None, truncate: bool | None = None) -> Exchange:
    made = exchange()
    made.principal, made.entry = caller, ENTRY
    made.embedding = EmbeddingRequest(model="m", inputs=INPUTS, truncate=truncate)
    CountEmbedding(lambda: None, default_ceiling=default).enter(made)
    return made


def caller(most: int | None = None, *, master: bool = False) -> Principal:
    return Principal("k", "caller", limits=Limits(max_input_tokens=most), master=master)


def test_the_input_is_counted_and_no_output_reserved():
    made = entered(caller())
    assert (made.input_tokens, made.longest_input, made.output_ceiling) == (70, 40, 0)


@pytest.mark.parametrize(
    ("who", "default", "kept"),
    [
        (caller(70), None, True),
        (caller(69), None, False),
        (caller(), 69, False),
        (caller(70), 69, True),
        (caller(UNLIMITED), 69, True),
        (caller(69, master=True), 69, True),
    ],
)
def test_the_keys_ceiling_holds_for_all_inputs_together(who, default, kept):
    if kept:
        assert entered(who, default=default).input_tokens == 70
        return
    with pytest.raises(GatewayError, match="69"):
        entered(who, default=default)


def test_the_models_ceiling_holds_for_each_input_unless_it_may_be_cut(monkeypatch):
    monkeypatch.setitem(globals(), "ENTRY", msgspec.structs.replace(ENTRY, max_input_tokens=39))
    with pytest.raises(GatewayError, match="39"):
        entered(caller())
    assert entered(caller(), truncate=True).longest_input == 0


def test_what_was_not_authorised_is_not_counted():
    with pytest.raises(GatewayError):
        CountEmbedding(lambda: None).enter(exchange())
