"""The traffic of the benchmark: one chat request, its answer, and the same answer as a stream.

Load generator and mock both read it, so that every answer can be checked for exactly the expected text.
Shapes follow OpenAI's chat completion and chat completion chunk objects (platform.openai.com/docs/api-reference/chat).
"""

from typing import Final

import msgspec

MODEL: Final = "bench-model"
PATH: Final = "/v1/chat/completions"
CHUNKS: Final = 50
CHUNK_INTERVAL_S: Final = 0.015

_PROMPT: Final = (
    "Summarise for the platform team what changed in the cluster last night. The batch deployment was scaled from two "
    "to six replicas, the ingress controller was upgraded, and one node was drained for a kernel update. Say which "
    "workloads were moved, whether any request failed meanwhile, and what has to be watched this week. Mention the "
    "dashboards that show it, keep to plain words, and close with one sentence that a manager can forward. The answer "
    "should have no more than four short paragraphs and no list. If something is not known, say that it is not known."
)
WORDS: Final = (
    "The", " batch", " deployment", " now", " runs", " six", " replicas", ",", " and", " none", " of", " them", " was",
    " restarted", " during", " the", " night", ".", " One", " node", " was", " drained", ";", " its", " pods", " moved",
    " within", " two", " minutes", " and", " no", " request", " failed", ".", " Watch", " the", " latency", " panel",
    " of", " the", " ingress", " dashboard", " this", " week", ",", " most", " of", " all", " on", " Monday.",
)  # fmt: skip
"""One a chunk."""
STREAM_TEXT: Final = "".join(WORDS)
ANSWER_TEXT: Final = f"{STREAM_TEXT} It is not known whether the kernel update changes the restart times. " * 2

_COMMON: Final = {
    "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
    "created": 1_741_569_952,
    "model": MODEL,
    "service_tier": "default",
    "system_fingerprint": "fp_50cad350e4",
}
_USAGE: Final = {
    "prompt_tokens": 152,
    "completion_tokens": CHUNKS,
    "total_tokens": 152 + CHUNKS,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}


def request_body(*, stream: bool) -> bytes:
    """A chat request of about 1 KB; a streamed one asks for the usage chunk."""
    body: dict[str, object] = {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "You are the on-call assistant of a platform team. Be brief and exact."},
            {"role": "user", "content": "Is the cluster fine this morning? One sentence is enough for me."},
            {"role": "assistant", "content": "Yes: every workload is ready, and no alert has fired since midnight."},
            {"role": "user", "content": _PROMPT},
        ],
        "temperature": 0.2,
        "max_tokens": 256,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return msgspec.json.encode(body)


def answer_body() -> bytes:
    """A complete answer of about 1 KB."""
    message: dict[str, object] = {"role": "assistant", "content": ANSWER_TEXT, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return msgspec.json.encode({**_COMMON, "object": "chat.completion", "choices": [choice], "usage": _USAGE})


def stream_frames() -> tuple[bytes, ...]:
    """Server-sent events of a stream: role, `CHUNKS` text chunks, finish, usage, `[DONE]`."""
    deltas: list[dict[str, str]] = [{"content": word} for word in WORDS]
    chunks = [
        _chunk([{"index": 0, "delta": {"role": "assistant", "content": "", "refusal": None}, **_open_end()}]),
        *(_chunk([{"index": 0, "delta": delta, **_open_end()}]) for delta in deltas),
        _chunk([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]),
        _chunk([], usage=_USAGE),
    ]
    return (*(b"data: %b\n\n" % chunk for chunk in chunks), b"data: [DONE]\n\n")


def _open_end() -> dict[str, None]:
    return {"logprobs": None, "finish_reason": None}


def _chunk(choices: list[dict[str, object]], usage: object = None) -> bytes:
    fields = {**_COMMON, "object": "chat.completion.chunk", "choices": choices, "usage": usage}
    return msgspec.json.encode(fields)
