import stat
from pathlib import Path

import pytest

from kaigate.config.database import data_dir, database_url, make_data_dir
from kaigate.config.models import GatewayConfig, StoreSettings
from kaigate.config.secrets import Secret, SecretRef

REFERENCE = SecretRef("env", "DB")
SECRETS = {REFERENCE: Secret("postgresql://kg:pw@db/kaigate")}


def configured(**store: object) -> GatewayConfig:
    return GatewayConfig(store=StoreSettings(**store))


@pytest.mark.parametrize(
    ("config", "env", "url"),
    [
        (configured(), {"HOME": "/home/kg"}, "sqlite:////home/kg/.local/share/kaigate/kaigate.db"),
        (configured(), {"XDG_DATA_HOME": "/data", "HOME": "/x"}, "sqlite:////data/kaigate/kaigate.db"),
        (configured(data_dir="/srv/kg"), {"HOME": "/x"}, "sqlite:////srv/kg/kaigate.db"),
        (configured(database="sqlite:////tmp/a.db"), {}, "sqlite:////tmp/a.db"),
        (configured(database=REFERENCE), {}, "postgresql://kg:pw@db/kaigate"),
        (configured(database=REFERENCE), {"KAIGATE_DATABASE_URL": "sqlite:////b.db"}, "sqlite:////b.db"),
        (configured(database=REFERENCE), {"KAIGATE_DATABASE_URL": ""}, "postgresql://kg:pw@db/kaigate"),
    ],
)
def test_the_environment_comes_before_the_file_and_the_file_before_the_data_folder(config, env, url):
    assert database_url(config, env, SECRETS) == url


def test_the_data_folder_is_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert data_dir(configured(data_dir="here"), {}) == tmp_path / "here"


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path):
    folder = make_data_dir(configured(data_dir=str(tmp_path / "deep" / "kaigate")), {})
    assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    assert make_data_dir(configured(data_dir=str(folder)), {}) == folder
