"""Types are closed, ranked and have a placeholder that is no secret itself."""

from kaigate.guardrails.findings import PLACEHOLDERS, RANK, TYPES
from kaigate.guardrails.redaction import RedactionSettings, Redactor


def test_placeholders_are_never_redacted_again():
    redactor = Redactor.build(RedactionSettings())
    for placeholder in PLACEHOLDERS.values():
        for text in (
            placeholder,
            f"Bearer {placeholder}",
            f"postgres://{placeholder}@h",
            f"secret={placeholder}{placeholder}",
        ):
            assert redactor.redact(text).text is text


def test_every_type_has_a_rank():
    assert sorted(RANK, key=lambda kind: RANK[kind]) == list(TYPES)
