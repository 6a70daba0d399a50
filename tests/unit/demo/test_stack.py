"""The demo's configuration is pointed at the model server that was started."""

from pathlib import Path

import pytest

from demo.stack import CONFIG, UPSTREAM, written_config


def test_the_template_gets_the_model_servers_address(tmp_path: Path) -> None:
    written = written_config(CONFIG, tmp_path, "http://127.0.0.1:1234/v1").read_text()
    assert "base_url: http://127.0.0.1:1234/v1" in written
    assert UPSTREAM not in written


def test_a_template_without_the_placeholder_is_refused(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("providers: {}\n")
    with pytest.raises(ValueError, match="must name the model server once"):
        written_config(template, tmp_path, "http://127.0.0.1:1234/v1")
