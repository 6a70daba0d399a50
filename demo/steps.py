"""The steps of the demo: each sends real requests and says which of its claims held."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from demo.call import Answer, Call, send, stream
from demo.stack import MODEL, Stack

QUESTION: Final = "What is the capital of France? One sentence."
# Assembled here, so that no scanner takes this file for a leak; the demo's whole secret is fake.
FAKE_AWS_KEY: Final = "AKIA" + "KAIGATEDEMO23456"
PLACEHOLDER: Final = "[REDACTED_AWS_KEY]"


@dataclass(frozen=True)
class Outcome:
    """What a step did: its calls, labelled texts (as columns if `side_by_side`), and claims with whether they held."""

    calls: tuple[Call, ...]
    shown: tuple[tuple[str, str], ...]
    claims: tuple[tuple[str, bool], ...]
    side_by_side: bool = False


@dataclass(frozen=True)
class Step:
    """A title and the function that performs it."""

    title: str
    perform: Callable[[Stack], Outcome]


def chat(url: str, key: str | None, *messages: tuple[str, str], model: str = MODEL, streamed: bool = False) -> Call:
    """A chat completion of `messages` (role, text) at the OpenAI base URL `url`; the same answer every time."""
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": role, "content": text} for role, text in messages],
        "temperature": 0,
        "max_tokens": 60,
    }
    if streamed:
        body["stream"] = True
    return Call(f"{url}/chat/completions", body, key)


def completion_call(stack: Stack) -> Call:
    """A plain question."""
    return chat(stack.base_url, stack.key, ("user", QUESTION))


def stream_call(stack: Stack) -> Call:
    """The same question, answered piece by piece."""
    return chat(stack.base_url, stack.key, ("user", QUESTION), streamed=True)


def unlisted_call(stack: Stack) -> Call:
    """A model that the allowlist does not name."""
    return chat(stack.base_url, stack.key, ("user", QUESTION), model="gpt-4o")


def wrong_key_call(stack: Stack) -> Call:
    """A key that nobody has."""
    return chat(stack.base_url, "kg-not-a-key-of-anybody", ("user", QUESTION))


def secret_call(url: str, key: str | None, *, streamed: bool = False) -> Call:
    """A conversation that makes the small model repeat the fake key; without the example it often does not."""
    return chat(
        url,
        key,
        ("user", "Say: The AWS key is red."),
        ("assistant", "The AWS key is red."),
        ("user", f"Say: The AWS key is {FAKE_AWS_KEY}."),
        streamed=streamed,
    )


def completion(stack: Stack) -> Outcome:
    """The real model answers through the gateway."""
    call = completion_call(stack)
    answer = send(call)
    provider, usage = _field(answer, "provider"), _field(answer, "usage")
    tokens = usage.get("total_tokens") if isinstance(usage, Mapping) else None
    return Outcome(
        calls=(call,),
        shown=(("answer", answer.text() or answer.body.decode()), ("provider", f"{provider}, {tokens} tokens")),
        claims=(
            ("status 200", answer.status == 200),
            ("the answer names Paris", "Paris" in answer.text()),
            ("it says which provider answered", isinstance(provider, str) and provider != ""),
            ("usage is filled", isinstance(tokens, int) and tokens > 0),
        ),
    )


def streaming(stack: Stack) -> Outcome:
    """The answer arrives piece by piece."""
    call = stream_call(stack)
    started = time.monotonic()
    pieces = [(piece, time.monotonic() - started) for piece in stream(call)]
    texts = [(piece, at) for piece, at in pieces if piece]
    first, last = (texts[0][1], texts[-1][1]) if texts else (0.0, 0.0)
    text = "".join(piece for piece, _ in texts)
    return Outcome(
        calls=(call,),
        shown=(
            ("pieces", " | ".join(piece for piece, _ in texts)),
            ("timing", f"first after {first * 1000:.0f} ms, last after {last * 1000:.0f} ms"),
        ),
        claims=(
            ("several pieces arrive, one after another", len(texts) > 2 and last > first),
            ("together they name Paris", "Paris" in text),
        ),
    )


def unlisted_model(stack: Stack) -> Outcome:
    """A model that is not on the allowlist is refused."""
    return _refused(unlisted_call(stack), status=404, code="model_not_found")


def wrong_key(stack: Stack) -> Outcome:
    """An unknown key is refused."""
    return _refused(wrong_key_call(stack), status=401, code="invalid_api_key")


def secret_redacted(stack: Stack) -> Outcome:
    """A secret in an answer is redacted, in one piece and in a stream; the model server's raw answer shows it."""
    raw_call = secret_call(stack.raw_url, None)
    guarded_call = secret_call(stack.base_url, stack.key)
    streamed_call = secret_call(stack.base_url, stack.key, streamed=True)
    raw, guarded, streamed = send(raw_call).text(), send(guarded_call), "".join(stream(streamed_call))
    return Outcome(
        calls=(raw_call, guarded_call, streamed_call),
        shown=(("from the model server", raw), ("through kaigate", guarded.text()), ("as a stream", streamed)),
        side_by_side=True,
        claims=(
            ("the model itself repeats the key", FAKE_AWS_KEY in raw),
            ("the guarded answer has the placeholder", PLACEHOLDER in guarded.text()),
            ("and is otherwise the same", guarded.text() == raw.replace(FAKE_AWS_KEY, PLACEHOLDER)),
            ("no part of the key is left", FAKE_AWS_KEY[4:] not in guarded.text() + streamed),
            ("the stream says the same", streamed == guarded.text()),
        ),
    )


STEPS: Final = (
    Step("A completion from the real model", completion),
    Step("The same as a stream", streaming),
    Step("A model that is not on the allowlist", unlisted_model),
    Step("A wrong key", wrong_key),
    Step("A secret in an answer: raw and guarded", secret_redacted),
)


def _refused(call: Call, *, status: int, code: str) -> Outcome:
    answer = send(call)
    error = _field(answer, "error")
    details = error if isinstance(error, Mapping) else {}
    return Outcome(
        calls=(call,),
        shown=(("answer", f"{answer.status} {details.get('code')}: {details.get('message')}"),),
        claims=(
            (f"status {status}", answer.status == status),
            (f"error code {code}", details.get("code") == code),
        ),
    )


def _field(answer: Answer, name: str) -> object:
    return answer.json().get(name)
