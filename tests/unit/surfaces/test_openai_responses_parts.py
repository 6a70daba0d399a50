"""Output items in OpenAI's form."""

from kaigate.surfaces.openai_responses_parts import CallOutput, MessageOutput, ReasoningOutput, RefusalPart, TextPart


def test_a_message_has_its_parts_in_order() -> None:
    message, refusal, text = MessageOutput("msg_1", 0), RefusalPart(0), TextPart(1)
    refusal.texts += ["N", "o."]
    text.texts += ["a", "b"]
    message.parts += [refusal, text]
    assert message.wire("completed") == {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [
            {"type": "refusal", "refusal": "No."},
            {"type": "output_text", "text": "ab", "annotations": [], "logprobs": []},
        ],
    }


def test_reasoning_has_a_summary_only_if_there_is_text() -> None:
    item = ReasoningOutput("rs_1", 0)
    assert item.wire("in_progress") == {"id": "rs_1", "type": "reasoning", "summary": []}
    item.texts += ["a", "b"]
    item.encrypted = "x"
    assert item.wire("completed") == {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "ab"}],
        "encrypted_content": "x",
    }


def test_a_call() -> None:
    call = CallOutput("fc_1", 2, "c1", "look")
    call.arguments += ['{"a"', ":1}"]
    assert call.wire("incomplete") == {
        "id": "fc_1",
        "type": "function_call",
        "status": "incomplete",
        "call_id": "c1",
        "name": "look",
        "arguments": '{"a":1}',
    }
