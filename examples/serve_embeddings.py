"""Serve embeddings over HTTP, like OpenAI's /v1/embeddings, to the other programs on this board.

    pip install ".[serve]"
    python examples/serve_embeddings.py --port 8000
    curl -d '{"model": "m2v-lite", "input": "the kettle is on"}' http://127.0.0.1:8000/v1/embeddings

Clients for OpenAI work: OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none"). The server has no
password and no encryption, so leave --host as it is, unless you trust the network.
"""

from __future__ import annotations

import argparse
import base64
from typing import Any

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from m2v_lite import M2VLiteError, StaticModel

MOST_TEXTS = 2048  # in one request, as OpenAI allows


class Refused(Exception):
    """A request is wrong. Holds a message, the wrong field, the HTTP status and OpenAI's error code."""

    def __init__(self, message: str, field: str | None = None, status: int = 400, code: str | None = None):
        error = {"message": message, "type": "invalid_request_error", "param": field, "code": code}
        self.response = JSONResponse({"error": error}, status)


def embeddings(body: Any, model: StaticModel, name: str) -> dict[str, Any]:
    """Return the answer to a request."""
    if not isinstance(body, dict):
        raise Refused("the body is not a JSON object")
    if body.get("model") != name:
        raise Refused(f"this server has one model, {name!r}", "model", 404, "model_not_found")
    texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused("give a text or a list of texts; this model cannot use token ids", "input")
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise Refused(f"there are {len(texts)} texts; give 1 to {MOST_TEXTS}", "input")
    columns = model.dim if body.get("dimensions") is None else body["dimensions"]
    if type(columns) is not int or not 1 <= columns <= model.dim:
        raise Refused(f"give a whole number from 1 to {model.dim}, the model's columns", "dimensions")
    encoding = body.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise Refused("give 'float' or 'base64'", "encoding_format")
    try:
        tokens = sum(map(len, model.tokenize(texts)))
        vectors = model.encode(texts)[:, :columns].astype("<f4")
    except M2VLiteError as error:
        raise Refused(str(error), "input") from error
    if columns < model.dim and model.normalize:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-32
    rows = vectors.tolist() if encoding == "float" else [base64.b64encode(row).decode() for row in vectors]
    data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": name, "usage": usage}


def application(model: StaticModel, name: str) -> Starlette:
    """Return the server's application."""

    async def answer(request: Request) -> JSONResponse:
        try:
            body = await request.json()
        except (ValueError, RecursionError) as error:
            raise Refused(f"the body is not JSON: {error}") from error
        return JSONResponse(await run_in_threadpool(embeddings, body, model, name))

    async def refuse(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, HTTPException):  # unknown path or method
            error = Refused(f"{request.method} {request.url.path}: {error.detail}", status=error.status_code)
        assert isinstance(error, Refused)
        return error.response

    routes = [Route("/v1/embeddings", answer, methods=["POST"])]
    return Starlette(routes=routes, exception_handlers={Refused: refuse, HTTPException: refuse})


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve embeddings over HTTP, like OpenAI's /v1/embeddings.")
    parser.add_argument("--model", help="a model folder, packed model or name on the hub (default: bundled)")
    parser.add_argument("--name", default="m2v-lite", help="what clients call the model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    model = StaticModel.from_pretrained(options.model, preload=True)  # so that no request waits for the disk
    uvicorn.run(application(model, options.name), host=options.host, port=options.port)


if __name__ == "__main__":
    main()
