"""The rules of the house that no linter knows."""

from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parent.parent
SOURCE: Final = TESTS.parent / "src" / "kaigate"

# Modules whose claims are made elsewhere: protocols, plain data, and stages that show only in a whole request.
COVERED_BY: Final = {
    "admin/auth.py": "unit/admin/test_keys.py",
    "admin/schemas.py": "unit/admin/test_keys.py",
    "admin/teams.py": "unit/admin/test_keys.py",
    "app/asgi.py": "unit/app/test_ops.py",
    "app/key_sets.py": "integration/gateway/test_tokens.py",
    "app/server_state.py": "unit/app/test_connection.py",
    "app/snapshot.py": "unit/app/test_assemble.py",
    "app/stores.py": "integration/gateway/test_store_failures.py",
    "cli/teams_run.py": "unit/cli/test_keys.py",
    "clock.py": "unit/app/test_data.py",
    "errors.py": "unit/docs/test_pages.py",
    "guardrails/logprobs.py": "unit/stages/test_guard_output.py",
    "keys/desk.py": "integration/keys/test_service.py",
    "keys/directory.py": "integration/keys/test_directory.py",
    "keys/repository.py": "integration/keys/test_service.py",
    "keys/service.py": "integration/keys/test_service.py",
    "keys/team_repository.py": "integration/keys/test_service.py",
    "keys/teams.py": "integration/keys/test_service.py",
    "limits/model.py": "unit/limits/test_memory.py",
    "pipeline/delivery.py": "unit/pipeline/test_driver.py",
    "pipeline/exchange.py": "unit/pipeline/test_driver.py",
    "pipeline/plan.py": "unit/routing/test_catalogue.py",
    "pipeline/principal.py": "unit/keys/test_keyring.py",
    "pipeline/stage.py": "unit/pipeline/test_driver.py",
    "providers/framing.py": "contract/test_recorded_traffic.py",
    "serve.py": "e2e/test_life_cycle.py",
    "stages/attempt.py": "integration/gateway/test_faults.py",
    "stages/authenticate.py": "integration/gateway/test_bad_input.py",
    "stages/authorise.py": "integration/gateway/test_bad_input.py",
    "stages/count.py": "integration/gateway/test_bad_input.py",
    "stages/inform.py": "integration/gateway/test_chat.py",
    "stages/limit.py": "integration/gateway/test_limits.py",
    "stages/observe.py": "integration/gateway/test_faults.py",
    "stages/order.py": "unit/app/test_assemble.py",
    "stages/parse.py": "integration/gateway/test_bad_input.py",
    "stages/plan.py": "integration/gateway/test_chat.py",
    "store/errors.py": "unit/store/sql/test_failures.py",
    "store/sql/base.py": "integration/store/test_sql.py",
    "store/sql/engine.py": "integration/store/test_sql.py",
    "store/sql/key_tables.py": "integration/store/test_sql.py",
    "store/sql/migrate.py": "integration/store/test_sql.py",
    "store/sql/migrations/versions/v0001_keys.py": "integration/store/test_sql.py",
}

MODULES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if not path.name.startswith("__"))


def expected(module: str) -> str:
    room, _, name = module.rpartition("/")
    return COVERED_BY.get(module, f"unit/{room}/test_{name}")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_test_file(module):
    assert (TESTS / expected(module)).is_file(), f"write tests/{expected(module)}, or name the file that covers it"


def test_no_exception_outlives_its_module():
    assert set(COVERED_BY) <= set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_one_idea(module):
    assert len((SOURCE / module).read_text().splitlines()) <= 400


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_a_drawer(module):
    assert Path(module).stem not in {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
