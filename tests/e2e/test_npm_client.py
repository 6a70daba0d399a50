"""The official npm client talks to a real model through the gateway."""

import json

import pytest

from support.node import run_node

CLIENT = """
import OpenAI from "openai";
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 });
const question = {
  model: process.env.MODEL,
  messages: [{ role: "user", content: "What is the capital of France? One sentence." }],
  temperature: 0,
  max_tokens: 40,
};
"""

WHOLE = """
const answer = await client.chat.completions.create(question);
const { choices, provider, usage } = answer;
console.log(JSON.stringify({ text: choices[0].message.content, provider, usage }));
"""

STREAM = """
let text = "", pieces = 0;
for await (const chunk of await client.chat.completions.create({ ...question, stream: true })) {
  text += chunk.choices[0]?.delta?.content ?? "";
  pieces += 1;
}
console.log(JSON.stringify({ text, pieces }));
"""

REFUSED = """
try {
  await client.chat.completions.create({ ...question, model: "gpt-4o" });
} catch (error) {
  console.log(JSON.stringify({ name: error.constructor.name, status: error.status, code: error.code }));
}
"""


# The first use installs the package.
@pytest.mark.timeout(300)
def test_the_model_answers_paris(client_environment: dict[str, str]) -> None:
    answer = json.loads(run_node(CLIENT + WHOLE, **client_environment))
    assert "Paris" in answer["text"]
    assert answer["provider"] == "local"
    assert answer["usage"]["total_tokens"] > 0


def test_the_model_answers_paris_in_a_stream(client_environment: dict[str, str]) -> None:
    answer = json.loads(run_node(CLIENT + STREAM, **client_environment))
    assert "Paris" in answer["text"]
    assert answer["pieces"] > 2


def test_a_refusal_is_the_clients_own_error(client_environment: dict[str, str]) -> None:
    refusal = json.loads(run_node(CLIENT + REFUSED, **client_environment))
    assert refusal == {"name": "NotFoundError", "status": 404, "code": "model_not_found"}
