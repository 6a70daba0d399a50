"""The estimate errs upwards, and not by much where it matters."""

import base64
import inspect
import json
import random
import warnings
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaigate.chat.content import (
    AudioBlock,
    Block,
    DocumentBlock,
    ImageBlock,
    Message,
    ReasoningBlock,
    RefusalBlock,
    TextBlock,
    ToolCallBlock,
)
from kaigate.chat.request import ChatRequest, ResponseFormat, Tool
from kaigate.providers import openai_events
from kaigate.tokens import estimate as module
from kaigate.tokens.estimate import estimate, estimate_block, estimate_text

RANDOM = random.Random(1)
ENGLISH = {
    "short sentences": "The gateway decides where a request may go. It searches the answer before the user sees it. "
    * 30,
    "long sentences": (
        "Platform teams that run language models beside managed ones need a single place in which identity, budgets "
        "and the handling of personal data are enforced, because nobody reviews every client by hand. "
    )
    * 20,
    "dialogue": "'Where were you?' she asked. \"Out,\" he said, and that was all he would say about it for years. "
    * 25,
    "documentation": (inspect.getdoc(random) or "") + (inspect.getdoc(json) or "").partition("::")[0] * 4,
}
OTHERS = {
    "python": inspect.getsource(openai_events),
    "json": json.dumps([{"id": i, "name": f"user{i}", "tags": ["a", "b"], "score": i * 1.37} for i in range(200)]),
    "json, indented": json.dumps([{"id": i, "score": i * 1.37} for i in range(100)], indent=2),
    "json, minified": json.dumps([{"id": i, "name": f"user{i}"} for i in range(200)], separators=(",", ":")),
    "html": '<div class="card"><a href="https://example.com/a/b?c=1">Read more</a></div>\n' * 40,
    "log": "2026-11-21T22:45:01.123Z INFO request_id=abc123 path=/v1/chat/completions status=200 dur=12.5ms\n" * 30,
    "csv": "\n".join(",".join(str(RANDOM.randrange(10**6)) for _ in range(8)) for _ in range(80)),
    "digits": "".join(RANDOM.choice("0123456789") for _ in range(4000)),
    "hexadecimal": "".join(RANDOM.choice("0123456789abcdef") for _ in range(4000)),
    "base64": base64.b64encode(RANDOM.randbytes(3000)).decode(),
    "any ASCII": "".join(chr(RANDOM.randrange(32, 127)) for _ in range(4000)),
    "upper case": "THE GATEWAY DECIDES WHERE A REQUEST MAY GO. " * 60,
    "German": "Das Gateway setzt Richtlinien durch und verhindert den Abfluss vertraulicher Daten. " * 30,
    "French": "La passerelle applique les règles entre les clients et empêche la fuite de données sensibles. " * 30,
    "Spanish": "La pasarela aplica las políticas entre los clientes y evita la fuga de datos sensibles. " * 30,
    "Dutch": "De poort handhaaft beleid tussen clients en voorkomt het lekken van vertrouwelijke gegevens. " * 30,
    "Polish": "Brama egzekwuje zasady między klientami i zapobiega wyciekom poufnych danych, żółć gęśla jaźń. " * 30,
    "Finnish": "Yhdyskäytävä valvoo käytäntöjä ja estää arkaluonteisten tietojen vuotamisen ulkopuolisille. " * 30,
    "Turkish": "Ağ geçidi, istemciler arasında politika uygular ve hassas verilerin sızmasını önler. " * 30,  # noqa: RUF001
    "Vietnamese": "Cổng thực thi chính sách giữa máy khách và công cụ suy luận, ngăn chặn rò rỉ dữ liệu. " * 30,
    "Russian": "Шлюз применяет политику между клиентами и не допускает утечки конфиденциальных данных. " * 30,
    "Greek": "Η πύλη εφαρμόζει πολιτικές μεταξύ πελατών και μηχανών συμπερασμάτων. " * 30,  # noqa: RUF001
    "Arabic": "تطبق البوابة السياسات بين العملاء ومحركات الاستدلال وتمنع تسرب البيانات الحساسة. " * 30,
    "Hebrew": "השער אוכף מדיניות בין לקוחות ומנועי הסקה ומונע דליפת נתונים רגישים. " * 30,
    "Hindi": "गेटवे क्लाइंट और अनुमान इंजन के बीच नीति लागू करता है और रिसाव को रोकता है। " * 30,
    "Thai": "เกตเวย์บังคับใช้นโยบายระหว่างไคลเอนต์และเอนจินอนุมานและป้องกันการรั่วไหล" * 30,
    "Chinese": "人工智能网关在客户端和推理引擎之间执行策略,检查每个请求和每个回答,防止敏感数据泄露。" * 30,
    "Japanese": "ゲートウェイはクライアントと推論エンジンの間でポリシーを適用し、機密データの漏洩を防ぎます。" * 30,
    "Korean": "게이트웨이는 클라이언트와 추론 엔진 사이에서 정책을 적용하고 데이터의 유출을 방지합니다. " * 30,
    "emoji": "😀🎉🚀👩‍💻🇩🇪❤️🔥" * 60,
}


Count = Callable[[str], int]


@pytest.fixture(scope="module")
def exact() -> dict[str, Count]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import bpe_openai
    encodings = {name: bpe_openai.get_encoding(name) for name in ("o200k_base", "cl100k_base")}
    return {name: lambda text, of=of: len(of.encode_ordinary(text)) for name, of in encodings.items()}  # type: ignore[misc]


@pytest.mark.parametrize("name", [*ENGLISH, *OTHERS])
def test_the_estimate_is_hardly_ever_too_low(name: str, exact: dict[str, Count]) -> None:
    text = {**ENGLISH, **OTHERS}[name]
    most = max(count(text) for count in exact.values())
    assert estimate_text(text) >= 0.95 * most
    assert estimate_text(text) <= 3 * most


@pytest.mark.parametrize("name", ENGLISH)
def test_the_estimate_of_english_is_close(name: str, exact: dict[str, Count]) -> None:
    text = ENGLISH[name]
    assert estimate_text(text) <= 1.5 * exact["o200k_base"](text)


@given(text=st.text(max_size=200), more=st.text(max_size=50))
def test_more_text_never_costs_less_by_much(text: str, more: str) -> None:
    """Only the separators of the added text can lower the rate of the words before it."""
    assert estimate_text(text + more) >= 0.4 * estimate_text(text)
    assert estimate_text(text) >= 1


@pytest.mark.parametrize(
    ("block", "least", "most"),
    [
        (TextBlock("hello"), 1, 4),
        (ReasoningBlock("hello"), 1, 4),
        (RefusalBlock("hello"), 1, 4),
        (ToolCallBlock("c", "look", '{"city": "Paris"}'), module.PER_TOOL_CALL, 30),
        (ImageBlock(url="https://x", detail="low"), 85, 85),
        (ImageBlock(data="A" * 10**6, media_type="image/png"), module.IMAGE, module.IMAGE),
        (AudioBlock("A" * 6000, "wav"), 10, 20),
        (DocumentBlock(data="A" * 4000, media_type="text/plain"), 700, 1500),
        (DocumentBlock(data="A" * 4000, media_type="application/pdf"), 100, 1000),
        (DocumentBlock(file_id="f"), 1, 1),
    ],
)
def test_each_kind_of_content_costs_something(block: Block, least: int, most: int) -> None:
    assert least <= estimate_block(block) <= most


def test_a_request_costs_its_messages_names_tools_and_schema() -> None:
    user = Message("user", (TextBlock("Hi"),))
    costs = [
        estimate(ChatRequest("m", (user,))),
        estimate(ChatRequest("m", (user, user))),
        estimate(ChatRequest("m", (Message("user", (TextBlock("Hi"),), "ann"), user))),
        estimate(ChatRequest("m", (user, user), tools=(Tool("look", "d", {"type": "object"}),))),
        estimate(
            ChatRequest("m", (user, user), response_format=ResponseFormat("json_schema", "x", {"required": ["a"] * 99}))
        ),
    ]
    assert costs == sorted(set(costs))
    assert costs[0] <= 12
