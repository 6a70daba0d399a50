"""Embedding requests and answers are values: they can't be changed and compare by content."""

import pytest

from kaigate.chat.embeddings import EmbeddingAnswer, EmbeddingRequest


def test_a_request_keeps_texts_and_token_ids_in_their_order() -> None:
    request = EmbeddingRequest("m", ("a", (1, 2), "b"))
    assert request.inputs == ("a", (1, 2), "b")
    assert request.encoding == "float"
    with pytest.raises(AttributeError, match="immutable"):
        request.model = "n"  # type: ignore[misc]


def test_answers_compare_by_content() -> None:
    assert EmbeddingAnswer("m", ((0.5, 1.0),)) == EmbeddingAnswer("m", ((0.5, 1.0),))
    assert EmbeddingAnswer("m", ((0.5, 1.0),)) != EmbeddingAnswer("m", ((0.5, 2.0),))
