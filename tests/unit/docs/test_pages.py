"""The documentation agrees with the source, and its links and configurations hold."""

import re
from pathlib import Path

import pytest

from docs.generate.errors import ADVICE
from docs.generate.pages import FOLDER, PAGES
from kaigate.config.check import check
from kaigate.config.load import load
from kaigate.config.models import GuardrailSettings
from kaigate.config.watch import AT_START
from kaigate.errors import CODES
from kaigate.guardrails.findings import PLACEHOLDERS
from kaigate.providers.registry import ROWS

ROOT = Path(__file__).parents[3]
WRITTEN = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in WRITTEN
    for number, text in enumerate(YAML.findall(page.read_text()), 1)
]
CONFIGURATIONS = [block for block in BLOCKS if "providers:" in str(block.values[0])]
GUARDRAILS = [block for block in BLOCKS if str(block.values[0]).startswith("output:")]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "run `make docs`"


def test_every_error_code_has_advice() -> None:
    assert set(ADVICE) == set(CODES)


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in _anchors(linked), f"{page.name}: {target}"


def test_every_type_of_secret_is_documented() -> None:
    page = (ROOT / "docs" / "how-to" / "tune-redaction.md").read_text()
    for kind, placeholder in PLACEHOLDERS.items():
        assert f"| `{kind}` |" in page
        assert placeholder in page


def test_what_a_reload_cannot_change_is_documented() -> None:
    page = (ROOT / "docs" / "how-to" / "reload-configuration.md").read_text()
    for setting in AT_START:
        assert f"`{setting}`" in page or setting.endswith(("host", "port"))


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_configurations_in_the_documentation_are_valid(text: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    check(load(file, {}, resolve_secrets=False), ROWS)


@pytest.mark.parametrize("text", GUARDRAILS)
def test_guardrail_files_in_the_documentation_are_valid(text: str, tmp_path: Path) -> None:
    (tmp_path / "guardrails.yaml").write_text(text)
    file = tmp_path / "gateway.yaml"
    file.write_text("providers: {ollama: {type: ollama}}\nmodels: {llama3: {}}\nkeys: {master_key: env:KEY}\n")
    loaded = load(file, {}, resolve_secrets=False)
    assert loaded.config.guardrails != GuardrailSettings()


def test_there_are_configurations_to_check() -> None:
    assert CONFIGURATIONS
    assert GUARDRAILS


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
