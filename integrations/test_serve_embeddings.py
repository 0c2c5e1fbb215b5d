"""The example that serves embeddings, called by OpenAI's own client, and by a client that gets it wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import openai
import pytest

from m2v_lite import StaticModel

EXAMPLE = Path(__file__).parent.parent / "examples" / "serve_embeddings.py"
TEXTS = ["the kettle is on", "", "naïve ☃ 水", "the kettle " * 600]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a running server."""
    command = [sys.executable, str(EXAMPLE), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        messages = iter(server.stderr or [])
        address = next(filter(None, (re.search(r"running on (http://\S+)", line) for line in messages)), None)
        rest: list[str] = []
        reader = threading.Thread(target=rest.extend, args=[messages])
        reader.start()
        try:
            assert address is not None, "the server did not start"
            yield f"{address[1]}/v1"
        finally:
            server.terminate()
            reader.join()
    assert "Traceback" not in "".join(rest)


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        yield client


def vectors_of(answer: Any) -> Any:
    assert [item.index for item in answer.data] == list(range(len(answer.data)))
    return np.array([item.embedding for item in answer.data], np.float32)


def test_texts(client: openai.OpenAI, model: StaticModel) -> None:
    """The client asks for base64 of its own accord."""
    answer = client.embeddings.create(model="m2v-lite", input=TEXTS)
    np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS), strict=True)
    assert answer.model == "m2v-lite"
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == sum(map(len, model.tokenize(TEXTS)))
    assert answer.usage.total_tokens > 512


def test_one_text(client: openai.OpenAI, model: StaticModel) -> None:
    answer = client.embeddings.create(model="m2v-lite", input=TEXTS[0])
    np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS[:1]), strict=True)


def test_as_numbers(client: openai.OpenAI, model: StaticModel) -> None:
    answer = client.embeddings.create(model="m2v-lite", input=TEXTS, encoding_format="float")
    np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS), strict=True)


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}])
def test_fewer_columns(options: Any, client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="m2v-lite", input=TEXTS, dimensions=64, **options)
    expected = StaticModel.from_pretrained(dimensionality=64).encode(TEXTS)
    np.testing.assert_allclose(vectors_of(answer), expected, atol=1e-7, strict=True)


def test_many_clients_at_once(client: openai.OpenAI, model: StaticModel) -> None:
    lists = [[f"text {number} of list {which}" for number in range(50 + which)] for which in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda texts: client.embeddings.create(model="m2v-lite", input=texts), lists)
        for texts, answer in zip(lists, answers, strict=True):
            np.testing.assert_array_equal(vectors_of(answer), model.encode(texts))


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"input": [[1, 2], [3]]}, openai.BadRequestError, "input"),
        ({"input": [1, 2]}, openai.BadRequestError, "input"),
        ({"input": []}, openai.BadRequestError, "input"),
        ({"input": ["a"] * 2049}, openai.BadRequestError, "input"),
        ({"input": "a", "dimensions": 257}, openai.BadRequestError, "dimensions"),
        ({"input": "a", "dimensions": 0}, openai.BadRequestError, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, openai.BadRequestError, "encoding_format"),
        ({"input": "a", "model": "text-embedding-3-small"}, openai.NotFoundError, "model"),
    ],
)
def test_what_the_client_makes_of_an_error(
    fields: Any, kind: type[openai.APIStatusError], param: str, client: openai.OpenAI
) -> None:
    with pytest.raises(kind) as caught:
        client.embeddings.create(**{"model": "m2v-lite", **fields})
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert caught.value.code == ("model_not_found" if param == "model" else None)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/embeddings", b'{"model": "m2v-lite"}', 400, "give a text"),
        ("/embeddings", b'{"model": "m2v-lite", "input": {"a": "b"}}', 400, "give a text"),
        ("/embeddings", rb'{"model": "m2v-lite", "input": "\ud800"}', 400, "U+D800"),
        ("/embeddings", b'{"model": "m2v-lite", "input": "a", "dimensions": true}', 400, "whole number"),
        ("/embeddings", b'{"input": "a"}', 404, "m2v-lite"),
        ("/embeddings", b"[]", 400, "JSON object"),
        ("/embeddings", b'{"model', 400, "not JSON"),
        ("/embeddings", b"\xff", 400, "not JSON"),
        ("/embeddings", b"[" * 100_000, 400, "not JSON"),
        ("/embeddings", None, 405, "GET"),
        ("/completions", b"{}", 404, "/v1/completions"),
    ],
)
def test_a_wrong_request(path: str, body: bytes | None, status: int, message: str, url: str) -> None:
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(url + path, body))
    with caught.value as answer:
        error = json.loads(answer.read())["error"]
    assert answer.code == status
    assert message in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


def test_null_is_the_default(url: str, model: StaticModel) -> None:
    body = {"model": "m2v-lite", "input": "a", "dimensions": None, "encoding_format": None, "user": "ada"}
    with urlopen(Request(f"{url}/embeddings", json.dumps(body).encode())) as answer:
        numbers = json.loads(answer.read())["data"][0]["embedding"]
    np.testing.assert_array_equal(np.array(numbers, np.float32), model.encode("a"))
