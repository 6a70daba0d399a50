"""Client programs to paste: any OpenAI client works by changing its base URL."""

from demo.stack import MODEL, Stack
from demo.steps import QUESTION


def python(stack: Stack) -> str:
    """For the package `openai` of Python."""
    return f"""\
from openai import OpenAI

client = OpenAI(base_url="{stack.base_url}", api_key="{stack.key}")
answer = client.chat.completions.create(
    model="{MODEL}",
    messages=[{{"role": "user", "content": "{QUESTION}"}}],
    temperature=0,
)
print(answer.choices[0].message.content)
"""


def javascript(stack: Stack) -> str:
    """For the package `openai` of npm, as an ES module."""
    return f"""\
import OpenAI from "openai";

const client = new OpenAI({{ baseURL: "{stack.base_url}", apiKey: "{stack.key}" }});
const answer = await client.chat.completions.create({{
  model: "{MODEL}",
  messages: [{{ role: "user", content: "{QUESTION}" }}],
  temperature: 0,
}});
console.log(answer.choices[0].message.content);
"""
