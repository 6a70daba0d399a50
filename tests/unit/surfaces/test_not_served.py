"""What is not served says so, and says what is."""

import pytest

from kaigate.surfaces.not_served import explain


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/audio/speech", "Audio endpoints are not served"),
        ("/v1/files", "Files endpoints are not served"),
        ("/v1/files/file-1/content", "Files endpoints are not served"),
        ("/v1/batches", "Batches endpoints"),
        ("/v1/assistants", "Assistants endpoints"),
        ("/v1/threads/t/runs", "Threads endpoints"),
        ("/v1/vector_stores", "Vector stores endpoints"),
        ("/v1/images/generations", "Images endpoints"),
        ("/v1/fine_tuning/jobs", "Fine-tuning endpoints"),
        ("/v1/realtime", "Realtime endpoints"),
        ("/v1/uploads", "Uploads endpoints"),
        ("/v1/evals", "Evals endpoints"),
        ("/v1/moderations/x", "Nothing is served below /v1/moderations"),
        ("/v1/embeddings/x", "Nothing is served below /v1/embeddings"),
        ("/v1/completions/x", "Nothing is served below /v1/completions"),
        ("/v1/responses/resp_1", "Responses are not stored"),
        ("/v1/responses/resp_1/cancel", "Responses are not stored"),
        ("/v1/responses/resp_1/input_items", "Responses are not stored"),
        ("/v1/chat/completions/chatcmpl-1", "Stored chat completions"),
        ("/v1/something", "/v1/'something' is not known"),
        ("/v1/some thing<script>", "(not an identifier)"),
        ("/chat/completions", "base URL ends with /v1"),
        ("/embeddings", "base URL ends with /v1"),
        ("/messages", "base URL ends with /v1"),
        ("", "Not found"),
        ("/v1", "Not found"),
    ],
)
def test_a_path_that_is_not_served_is_explained(path: str, said: str) -> None:
    error = explain("POST", path)
    assert (error.code, error.status) == ("route_not_found", 404)
    assert said in error.message
    assert "POST /v1/chat/completions" in error.message
    assert "<script>" not in error.message


@pytest.mark.parametrize(
    ("path", "said", "served"),
    [
        ("/v1/messages/batches", "Batches of messages", "POST /v1/messages and /v1/messages/count_tokens"),
        ("/v1/messages/batches/b/results", "Batches of messages", "POST /v1/messages and"),
        ("/v1/complete", "Anthropic's text completions", "POST /v1/chat/completions"),
        ("/api/nothing", "Ollama's API", "GET /api/tags"),
        ("/api", "Ollama's API", "POST /api/chat"),
    ],
)
def test_a_client_is_told_what_is_served_of_its_own_api(path: str, said: str, served: str) -> None:
    error = explain("GET", path)
    assert error.code == "route_not_found"
    assert said in error.message
    assert served in error.message


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/responses", "POST"),
        ("POST", "/api/tags", "GET"),
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/models/m", "GET"),
        ("POST", "/v1/models", "GET"),
    ],
)
def test_a_wrong_method_names_the_right_one(method: str, path: str, allowed: str) -> None:
    error = explain(method, path)
    assert (error.code, error.status) == ("method_not_allowed", 405)
    assert allowed in error.message
