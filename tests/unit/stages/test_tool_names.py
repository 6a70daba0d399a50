"""A tool that a key may not offer is named where the client wrote its name."""

import pytest

from kaigate.chat.content import Message, TextBlock
from kaigate.chat.request import ChatRequest, HostedTool, Tool
from kaigate.errors import AccessDeniedError
from kaigate.pipeline.principal import Principal
from kaigate.routing.catalogue import Catalogue
from kaigate.stages.authorise import Authorise
from kaigate.surfaces.anthropic_messages import AnthropicMessages
from kaigate.surfaces.ollama_chat import OllamaChat
from kaigate.surfaces.openai_chat import OpenAIChat
from kaigate.surfaces.openai_responses import OpenAIResponses
from support.app_snapshot import loaded_from, upstreams_of
from support.exchanges import exchange as exchange_of

SEARCH = HostedTool("web_search", "anthropic_messages", {})


@pytest.mark.parametrize(
    ("surface", "fields", "param"),
    [
        (OpenAIChat, {}, "tools[1].function.name"),
        (OllamaChat, {}, "tools[1].function.name"),
        (OpenAIResponses, {}, "tools[1].name"),
        (AnthropicMessages, {}, "tools[1].name"),
        (OpenAIChat, {"legacy_functions": True}, "functions[1].name"),
        (AnthropicMessages, {"hosted_tools": (SEARCH,)}, "tools"),
    ],
)
def test_a_tool_is_named_as_the_client_wrote_it(tmp_path, surface, fields, param):
    loaded = loaded_from(tmp_path)
    stage = Authorise(Catalogue.build(loaded.config, upstreams_of(loaded)))
    tools = (Tool("read_file"), Tool("delete_file"))
    request = ChatRequest("m", (Message("user", (TextBlock("x"),)),), tools=tools, **fields)
    exchange = exchange_of(request)
    exchange.surface = surface(max_depth=64)
    exchange.principal = Principal("id", "name", tools=("read_*",))
    with pytest.raises(AccessDeniedError) as caught:
        stage.enter(exchange)
    assert (caught.value.code, caught.value.param) == ("tool_not_allowed", param)
    exchange.principal = Principal("id", "name", tools=("*_file",))
    stage.enter(exchange)
