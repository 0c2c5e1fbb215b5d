"""Serve embeddings over HTTP, like OpenAI's /v1/embeddings, to the other programs on this board.

    pip install -e ".[serve]"
    python examples/serve_embeddings.py --port 8000
    curl -d '{"model": "potion-base-8M", "input": "the kettle is on"}' http://127.0.0.1:8000/v1/embeddings

OpenAI clients work: OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="none"). The server has no
password and no encryption, so do not change --host unless you trust the network.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from m2v_lite import M2VLiteError, StaticModel

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as missing:
    sys.exit(f"{missing.name} is not installed; install it with: pip install -e '.[serve]'")

MOST_BYTES = 8_000_000  # in the body of a request; while Python parses its JSON, no other thread runs
MOST_TEXTS = 2048  # in one request, as OpenAI allows
PART = 32  # texts are encoded at once, which takes some milliseconds


class Refused(Exception):
    """A request is wrong. Holds a message, the wrong field, the HTTP status and OpenAI's error code."""

    def __init__(self, message: str, field: str | None = None, status: int = 400, code: str | None = None):
        error = {"message": message, "type": "invalid_request_error", "param": field, "code": code}
        self.response: ASGIApp = JSONResponse({"error": error}, status)


class HearOut:
    """Sends a response at once, but ends it when the client has sent all of its body, which is dropped.

    If the connection were closed earlier, a client that is still sending would not see the response.
    """

    def __init__(self, response: Response, stream: AsyncIterator[bytes]):
        self.response, self.stream = response, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, headers = self.response.status_code, self.response.raw_headers
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": self.response.body, "more_body": True})
        with contextlib.suppress(ClientDisconnect):
            async for _ in self.stream:
                pass
        await send({"type": "http.response.body"})


class Server:
    """Answers requests.

    Args:
        model: the model.
        name: what clients call it.
        any_name: whether they may call it anything else.
        most_bytes: how large the body of a request may be.
        decode: returns the text of OpenAI's token ids; None if there is no such function.
    """

    def __init__(
        self,
        model: StaticModel,
        name: str,
        any_name: bool = False,
        most_bytes: int = MOST_BYTES,
        decode: Callable[[list[int]], str] | None = None,
    ):
        self.model, self.name, self.any_name = model, name, any_name
        self.most_bytes, self.decode = most_bytes, decode
        # Requests take turns here, part by part, so that large ones do not hold up small ones. More threads
        # would not help: mostly, one of them runs at a time.
        self.threads = ThreadPoolExecutor(2)
        # Of a longer text, the model uses no more characters than these.
        self.most_characters = model.max_length and model.max_length * model.median_token_length

    async def embeddings(self, request: Request) -> Response:
        run = asyncio.get_running_loop().run_in_executor
        inputs, columns, encoding = await run(self.threads, self.parse, await self.read(request))
        parts, tokens = [], 0
        for start in range(0, len(inputs), PART):
            if await request.is_disconnected():  # nobody waits for the rest
                raise ClientDisconnect
            part = inputs[start : start + PART]
            data, count = await run(self.threads, self.encode, part, start, columns, encoding)
            parts.append(data)
            tokens += count
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        rest = json.dumps({"object": "list", "model": self.name, "usage": usage})
        return Response(f'{rest[:-1]}, "data": [{", ".join(parts)}]}}', media_type="application/json")

    async def read(self, request: Request) -> bytearray:
        """Return the body; refuse it as soon as it is known to be too large."""
        body, stream = bytearray(), request.stream()
        too_large = int(request.headers.get("content-length", 0)) > self.most_bytes
        while not too_large and (chunk := await anext(stream, b"")):  # a chunked body tells no length
            body += chunk
            too_large = len(body) > self.most_bytes
        if too_large:
            refused = Refused(f"the body has more than {self.most_bytes} bytes; send fewer texts", status=413)
            refused.response = HearOut(refused.response, stream)
            raise refused
        return body

    def parse(self, content: bytearray) -> tuple[list[Any], int, str]:
        """Return the texts or lists of token ids, how many columns are wanted, and in which encoding."""
        try:
            body = json.loads(content, parse_constant=not_json)
        except (ValueError, RecursionError) as error:
            raise Refused(f"the body is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise Refused("the body is not a JSON object")
        self.check_name(body.get("model"))
        inputs = body.get("input")
        if isinstance(inputs, str) or are_tokens(inputs):
            inputs = [inputs]
        if not isinstance(inputs, list):
            raise Refused("give a text or a list of texts", "input")
        texts = all(isinstance(item, str) for item in inputs)
        if not texts and not all(map(are_tokens, inputs)):
            raise Refused("an input is not a text", "input")
        if not texts and self.decode is None:
            raise Refused(
                "this model has no use for OpenAI's token ids: send texts (in LangChain, set "
                "check_embedding_ctx_length=False), or install tiktoken where the server runs",
                "input",
            )
        if not all(inputs):
            raise Refused("an input is empty", "input")
        if len(inputs) > MOST_TEXTS:
            raise Refused(f"there are {len(inputs)} inputs; give at most {MOST_TEXTS}", "input")
        columns = self.model.dim if body.get("dimensions") is None else body["dimensions"]
        if type(columns) is not int or not 1 <= columns <= self.model.dim:
            raise Refused(
                f"give a whole number from 1 to {self.model.dim}, the model's columns", "dimensions"
            )
        encoding = body.get("encoding_format") or "float"
        if encoding not in ("float", "base64"):
            raise Refused("give 'float' or 'base64'", "encoding_format")
        return inputs, columns, encoding

    def encode(self, inputs: list[Any], start: int, columns: int, encoding: str) -> tuple[str, int]:
        """Return the JSON of the vectors of some inputs, and how many tokens these inputs have."""
        try:
            texts = [item if isinstance(item, str) else self.text_of(item) for item in inputs]
            texts = [text[: self.most_characters] for text in texts]
            tokens = sum(map(len, self.model.tokenize(texts)))
            vectors = self.model.encode(texts)[:, :columns].astype("<f4")
        except M2VLiteError as error:
            raise Refused(str(error), "input") from error
        if columns < self.model.dim and self.model.normalize:
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-32
        rows = (
            vectors.tolist() if encoding == "float" else [base64.b64encode(row).decode() for row in vectors]
        )
        data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows, start)]
        return json.dumps(data)[1:-1], tokens

    def text_of(self, tokens: list[int]) -> str:
        assert self.decode is not None
        try:
            return self.decode(tokens)
        except (KeyError, OverflowError) as error:
            raise Refused(f"cl100k_base has no such token: {error}", "input") from error

    async def models(self, request: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "data": [self.card()]})

    async def one_model(self, request: Request) -> JSONResponse:
        self.check_name(request.path_params["name"])
        return JSONResponse(self.card())

    def card(self) -> dict[str, Any]:
        return {"id": self.name, "object": "model", "created": 0, "owned_by": "m2v-lite"}

    def check_name(self, name: Any) -> None:
        if name != self.name and not self.any_name:
            raise Refused(f"this server has one model, {self.name!r}", "model", 404, "model_not_found")

    async def refuse(self, request: Request, error: Exception) -> ASGIApp:
        if isinstance(error, ClientDisconnect):
            return Response()  # which nobody reads
        if isinstance(error, HTTPException):  # unknown path or method
            error = Refused(f"{request.method} {request.url.path}: {error.detail}", status=error.status_code)
        assert isinstance(error, Refused)
        return error.response

    def application(self) -> Starlette:
        routes = [
            Route("/v1/embeddings", self.embeddings, methods=["POST"]),
            Route("/v1/models", self.models),
            Route("/v1/models/{name:path}", self.one_model),  # a name on the hub has a slash
        ]
        errors = (Refused, HTTPException, ClientDisconnect)
        return Starlette(routes=routes, exception_handlers=dict.fromkeys(errors, self.refuse))


def are_tokens(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int for item in value)


def not_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity, which Python would accept


def decoder() -> Callable[[list[int]], str] | None:
    """Return what makes texts of the token ids that OpenAI's embedding models have, if tiktoken is there."""
    try:
        import tiktoken

        decode: Callable[[list[int]], str] = tiktoken.get_encoding("cl100k_base").decode
    except ImportError:
        return None
    except (OSError, ValueError) as error:  # the vocabulary is not in its cache, and cannot be downloaded
        print(f"token ids will be refused: {error}", file=sys.stderr)
        return None
    return decode


def own_name(model: str | None) -> str:
    """Return what a model is called: as on the hub, or as its folder or file."""
    if model is None:
        return "potion-base-8M"
    path = Path(model)
    return path.resolve().name.removesuffix(".safetensors") if path.exists() else model


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve embeddings over HTTP, like OpenAI's /v1/embeddings.")
    parser.add_argument("--model", help="a model folder, packed model or name on the hub (default: bundled)")
    parser.add_argument("--name", help="what clients call the model (default: its own name)")
    parser.add_argument(
        "--accept-any-model", action="store_true", help="whatever they call it, for those with a fixed name"
    )
    parser.add_argument(
        "--max-body", type=int, default=MOST_BYTES, help="the most bytes of a request (default: %(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    model = StaticModel.from_pretrained(options.model, preload=True)  # so that no request waits for the disk
    name = options.name or own_name(options.model)
    server = Server(model, name, options.accept_any_model, options.max_body, decoder())
    uvicorn.run(server.application(), host=options.host, port=options.port)


if __name__ == "__main__":
    main()
