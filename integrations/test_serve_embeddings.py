"""The example that serves embeddings, called by OpenAI's own client, and by a client that gets it wrong."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import numpy as np
import openai
import pytest
from time_limit import LONGEST, await_end, started

from m2v_lite import StaticModel

EXAMPLE = Path(__file__).parent.parent / "examples" / "serve_embeddings.py"
NAME = "potion-base-8M"
TEXTS = ["the kettle is on", " ", "naïve ☃ 水", "the kettle " * 600]
KETTLE = json.dumps({"model": NAME, "input": TEXTS[0]}).encode()
LIMIT = 8_000_000  # bytes of a body, by default
ABSENT = "raise ImportError"
# Instead of cl100k_base: an id is a byte. As with the real one, a wrong id is one of two errors.
PRESENT = """
class get_encoding:
    def __init__(self, name):
        assert name == "cl100k_base"
    def decode(self, ids):
        if min(ids) < 0:
            raise OverflowError("out of range integral type conversion attempted")
        if max(ids) > 255:
            raise KeyError(f"Invalid token for decoding: {max(ids)}")
        return bytes(ids).decode(errors="replace")
"""
WITHOUT_VOCABULARY = """
def get_encoding(name):
    raise OSError("there is no network")
"""


class Running(NamedTuple):
    """A server: its address, and the number of its process."""

    url: str
    process: int

    def connect(self) -> socket.socket:
        return socket.create_connection(self.host_and_port, timeout=LONGEST)

    @property
    def host_and_port(self) -> tuple[str, int]:
        address = urlsplit(self.url)
        assert address.hostname is not None
        assert address.port is not None
        return address.hostname, address.port

    def answer(self, body: bytes | None, path: str = "/v1/embeddings") -> tuple[int, Any]:
        """Return the status and the JSON of the answer to a body; None asks with GET."""
        try:
            with urlopen(Request(self.url + path, body), timeout=LONGEST) as response:
                return response.status, json.loads(response.read())
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


@contextmanager
def serving(folder: Path, *options: str, tiktoken: str = ABSENT) -> Iterator[Running]:
    """Run a server that finds this module as tiktoken; see that it has logged no traceback in the end."""
    (folder / "tiktoken.py").write_text(tiktoken)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    command = [sys.executable, str(EXAMPLE), "--port", "0", *options]
    with started(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        messages: Iterator[str] = iter(server.stderr or [])
        address = next(filter(None, (re.search(r"running on (http://\S+)", line) for line in messages)), None)
        rest: list[str] = []
        reader = threading.Thread(target=rest.extend, args=[messages])
        reader.start()
        try:
            assert address is not None, "the server did not start"
            yield Running(address[1], server.pid)
        finally:
            server.terminate()
            await_end(reader)
    assert not [line for line in rest if not line.startswith("INFO:")]


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that takes bodies of a thousand bytes."""
    with serving(tmp_path_factory.mktemp("server"), "--max-body", "1000") as server:
        yield server


@pytest.fixture(scope="module")
def url(server: Running) -> str:
    return f"{server.url}/v1"


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        yield client


def vectors_of(answer: Any) -> Any:
    assert [item.index for item in answer.data] == list(range(len(answer.data)))
    return np.array([item.embedding for item in answer.data], np.float32)


def test_texts(client: openai.OpenAI, model: StaticModel) -> None:
    """The client asks for base64 of its own accord."""
    answer = client.embeddings.create(model=NAME, input=TEXTS)
    np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS), strict=True)
    assert answer.model == NAME
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == sum(map(len, model.tokenize(TEXTS)))
    assert answer.usage.total_tokens > 512


def test_one_text(client: openai.OpenAI, model: StaticModel) -> None:
    answer = client.embeddings.create(model=NAME, input=TEXTS[0])
    np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS[:1]), strict=True)


def test_as_numbers(client: openai.OpenAI, model: StaticModel) -> None:
    answer = client.embeddings.create(model=NAME, input=TEXTS, encoding_format="float")
    np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS), strict=True)


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}])
def test_fewer_columns(options: Any, client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model=NAME, input=TEXTS, dimensions=64, **options)
    expected = StaticModel.from_pretrained(dimensionality=64).encode(TEXTS)
    np.testing.assert_allclose(vectors_of(answer), expected, atol=1e-7, strict=True)


def test_many_clients_at_once(client: openai.OpenAI, model: StaticModel) -> None:
    lists = [[f"text {number} of list {which}" for number in range(50 + which)] for which in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda texts: client.embeddings.create(model=NAME, input=texts), lists)
        for texts, answer in zip(lists, answers, strict=True):
            np.testing.assert_array_equal(vectors_of(answer), model.encode(texts))


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"input": [[1, 2], [3]]}, openai.BadRequestError, "input"),
        ({"input": [1, 2]}, openai.BadRequestError, "input"),
        ({"input": [True]}, openai.BadRequestError, "input"),
        ({"input": [[1], "a"]}, openai.BadRequestError, "input"),
        ({"input": ["a", [1]]}, openai.BadRequestError, "input"),
        ({"input": ["a", None]}, openai.BadRequestError, "input"),
        ({"input": 1}, openai.BadRequestError, "input"),
        ({"input": []}, openai.BadRequestError, "input"),
        ({"input": [[]]}, openai.BadRequestError, "input"),
        ({"input": ""}, openai.BadRequestError, "input"),
        ({"input": ["a", ""]}, openai.BadRequestError, "input"),
        ({"input": ["a"] * 2049}, openai.BadRequestError, "input"),
        ({"input": "a", "dimensions": 257}, openai.BadRequestError, "dimensions"),
        ({"input": "a", "dimensions": 0}, openai.BadRequestError, "dimensions"),
        ({"input": "a", "dimensions": 2.0}, openai.BadRequestError, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, openai.BadRequestError, "encoding_format"),
        ({"input": "a", "encoding_format": ["float"]}, openai.BadRequestError, "encoding_format"),
        ({"input": "a", "model": ["potion-base-8M"]}, openai.NotFoundError, "model"),
        ({"input": "a", "model": "text-embedding-3-small"}, openai.NotFoundError, "model"),
    ],
)
def test_what_the_client_makes_of_an_error(
    fields: Any, kind: type[openai.APIStatusError], param: str, client: openai.OpenAI
) -> None:
    with pytest.raises(kind) as caught:
        client.embeddings.create(**{"model": NAME, **fields})
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert caught.value.code == ("model_not_found" if param == "model" else None)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/embeddings", b'{"model": "potion-base-8M"}', 400, "give a text"),
        ("/embeddings", b'{"model": "potion-base-8M", "input": {"a": "b"}}', 400, "give a text"),
        ("/embeddings", rb'{"model": "potion-base-8M", "input": "\ud800"}', 400, "U+D800"),
        (
            "/embeddings",
            b'{"model": "potion-base-8M", "input": "a", "dimensions": true}',
            400,
            "whole number",
        ),
        ("/embeddings", b'{"model": "potion-base-8M", "input": ["a", ""]}', 400, "empty"),
        (
            "/embeddings",
            b'{"model": "potion-base-8M", "input": [1]}',
            400,
            "check_embedding_ctx_length=False",
        ),
        ("/embeddings", b'{"model": "potion-base-8M", "input": NaN}', 400, "not JSON: NaN"),
        ("/embeddings", b'{"model": "potion-base-8M", "input": "a", "x": -Infinity}', 400, "not JSON: -Inf"),
        ("/embeddings", b'{"model": "potion-base-8M", "input": ' + b"9" * 5000 + b"}", 400, ""),
        ("/embeddings", b'{"input": "a"}', 404, "potion-base-8M"),
        ("/embeddings", rb'{"model": "\ud800", "input": "a"}', 404, "potion-base-8M"),
        ("/models/m2v-lite", None, 404, "potion-base-8M"),
        ("/models", b"{}", 405, "POST"),
        ("/embeddings", b"[]", 400, "JSON object"),
        ("/embeddings", b'{"model', 400, "not JSON"),
        ("/embeddings", b"\xff", 400, "not JSON"),
        ("/embeddings", b"", 400, "not JSON"),
        ("/embeddings", b"[" * 100_000, 400, "not JSON"),
        ("/embeddings", b'{"a":' * 1_000_000, 400, "not JSON"),
        ("/embeddings", None, 405, "GET"),
        ("/completions", b"{}", 404, "/v1/completions"),
    ],
)
def test_a_wrong_request(path: str, body: bytes | None, status: int, message: str, url: str) -> None:
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(url + path, body), timeout=LONGEST)
    with caught.value as answer:
        error = json.loads(answer.read())["error"]
    assert answer.code == status
    assert message in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


def test_null_is_the_default(url: str, model: StaticModel) -> None:
    body = {"model": NAME, "input": "a", "dimensions": None, "encoding_format": None, "user": "ada"}
    with urlopen(Request(f"{url}/embeddings", json.dumps(body).encode()), timeout=LONGEST) as answer:
        numbers = json.loads(answer.read())["data"][0]["embedding"]
    np.testing.assert_array_equal(np.array(numbers, np.float32), model.encode("a"))


class TestModels:
    def test_the_model_is_listed(self, client: openai.OpenAI) -> None:
        (listed,) = client.models.list()
        assert listed.id == NAME
        assert listed.object == "model"
        assert client.models.retrieve(NAME) == listed
        with pytest.raises(openai.NotFoundError) as caught:
            client.models.retrieve("text-embedding-3-small")
        assert caught.value.code == "model_not_found"

    def test_a_name_with_a_slash(self, tmp_path: Path) -> None:
        with (
            serving(tmp_path, "--name", "minishlab/potion-base-8M") as server,
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
        ):
            assert client.models.retrieve("minishlab/potion-base-8M").id == "minishlab/potion-base-8M"
            assert server.answer(None, "/v1/models/minishlab/potion-base-8M")[0] == 200
            client.embeddings.create(model="minishlab/potion-base-8M", input="a")
            with pytest.raises(openai.NotFoundError):
                client.embeddings.create(model=NAME, input="a")

    def test_any_name(self, tmp_path: Path, model: StaticModel) -> None:
        with (
            serving(tmp_path, "--accept-any-model") as server,
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
        ):
            answer = client.embeddings.create(model="text-embedding-3-small", input=TEXTS)
            np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS), strict=True)
            assert answer.model == NAME
            assert client.models.retrieve("text-embedding-3-small").id == NAME
            assert server.answer(b'{"input": "a"}')[0] == 200
            assert server.answer(b'{"model": 1, "input": ""}')[0] == 400

    def test_its_own_name(self, tmp_path: Path) -> None:
        spec = importlib.util.spec_from_file_location("serve_embeddings", EXAMPLE)
        assert spec is not None
        assert spec.loader is not None
        example = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(example)
        (tmp_path / "notes.v2").mkdir()
        (tmp_path / "packed.safetensors").touch()
        assert example.own_name(None) == NAME
        assert example.own_name(str(tmp_path / "notes.v2")) == "notes.v2"
        assert example.own_name(str(tmp_path / "notes.v2") + "/../notes.v2/") == "notes.v2"
        assert example.own_name(str(tmp_path / "packed.safetensors")) == "packed"
        assert example.own_name("minishlab/potion-base-8M") == "minishlab/potion-base-8M"


class TestTokenIds:
    def test_are_decoded_with_tiktoken(self, tmp_path: Path, model: StaticModel) -> None:
        with (
            serving(tmp_path, tiktoken=PRESENT) as server,
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
        ):
            ids = [list(text.encode()) for text in TEXTS]
            answer = client.embeddings.create(model=NAME, input=ids)
            np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS), strict=True)
            answer = client.embeddings.create(model=NAME, input=ids[2])
            np.testing.assert_array_equal(vectors_of(answer), model.encode(TEXTS[2:3]), strict=True)
            for wrong in ([300], [-1], [2**70], [[1], [300]], [1, 2.0], [1, True], [[1], []], [[1], "a"]):
                status, answer = server.answer(json.dumps({"model": NAME, "input": wrong}).encode())
                assert status == 400, wrong
                assert answer["error"]["param"] == "input"
            assert len(client.embeddings.create(model=NAME, input=[65] * 5000).data) == 1

    def test_are_refused_without_the_vocabulary(self, tmp_path: Path) -> None:
        with serving(tmp_path, tiktoken=WITHOUT_VOCABULARY) as server:
            assert server.answer(json.dumps({"model": NAME, "input": [1]}).encode())[0] == 400
            assert server.answer(KETTLE)[0] == 200


def test_the_tokens_that_count_are_those_of_the_vector(server: Running, model: StaticModel) -> None:
    text = "kettles " * 100_000
    used = text[: (model.max_length or 0) * model.median_token_length]
    _, answer = server.answer(json.dumps({"model": NAME, "input": text}).encode())
    assert answer["usage"]["total_tokens"] == len(model.tokenize([used])[0]) > 100


def of_size(size: int) -> bytes:
    """Return a good body of so many bytes."""
    return KETTLE[:-1] + b" " * (size - len(KETTLE)) + b"}"


def received(connection: socket.socket) -> tuple[int, Any]:
    """Return the status and the JSON of an answer."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read())


def most_memory(process: int) -> int:
    """Return the most memory that a process has had, in kB."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert match is not None
    return int(match[1])


HEAD = b"POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n"


class TestLimit:
    def test_help_tells_it(self) -> None:
        command = [sys.executable, str(EXAMPLE), "--help"]
        done = subprocess.run(command, capture_output=True, check=True, timeout=LONGEST)
        assert str(LIMIT) in done.stdout.decode()

    @pytest.mark.parametrize("chunks", [None, 1, 7, 1000])
    def test_a_byte_more_is_refused(self, chunks: int | None, small_server: Running) -> None:
        """Afterwards, the connection is as good as before."""
        connection = http.client.HTTPConnection(*small_server.host_and_port, timeout=LONGEST)
        for size, status in [(1000, 200), (1001, 413), (1000, 200), (50_000, 413), (1000, 200)]:
            body = of_size(size)
            parts = chunks and (body[start : start + chunks] for start in range(0, size, chunks))
            connection.request("POST", "/v1/embeddings", parts or body, encode_chunked=bool(chunks))
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == status
            if status == 413:
                assert set(answer["error"]) == {"message", "type", "param", "code"}
                assert "1000 bytes" in answer["error"]["message"]
        connection.close()

    def test_the_default(self, server: Running) -> None:
        assert server.answer(of_size(LIMIT))[0] == 200
        assert server.answer(of_size(LIMIT + 1))[0] == 413
        assert server.answer(of_size(10 * LIMIT))[0] == 413

    @pytest.mark.parametrize(
        "begun",
        [
            b"Content-Length: 1001\r\n\r\n",
            b"Content-Length: 999999999999999999\r\n\r\n{",
            b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b" " * 1001,
            b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 1001,
        ],
    )
    def test_is_refused_before_the_end(self, begun: bytes, small_server: Running) -> None:
        with small_server.connect() as connection:
            connection.sendall(HEAD + begun)
            assert received(connection)[0] == 413

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
    def test_what_is_refused_is_not_kept(self, tmp_path: Path) -> None:
        with serving(tmp_path) as server, server.connect() as connection:
            assert server.answer(KETTLE)[0] == 200
            before = most_memory(server.process)
            connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(80):
                connection.sendall(b"f4240\r\n" + b" " * 1_000_000 + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
            assert received(connection)[0] == 413
            assert most_memory(server.process) - before < 3 * LIMIT / 1000


def test_slow_bodies_keep_nobody_waiting(server: Running) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connect()) for _ in range(50)]
        for connection in slow:
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(KETTLE))
        for byte in KETTLE[:10]:
            for connection in slow:
                connection.sendall(bytes([byte]))
            assert server.answer(KETTLE)[0] == 200
        for connection in slow:
            connection.sendall(KETTLE[10:])
        assert {received(connection)[0] for connection in slow} == {200}


MANY = json.dumps({"model": NAME, "input": ["the kettle is on " * 200] * 2048}).encode()


def test_clients_that_hang_up(tmp_path: Path) -> None:
    """Wherever they do, and whether they say so or not, nothing is logged but what was answered."""
    length = b"Content-Length: %d\r\n\r\n"
    begun = [
        b"",
        b"POST /v1/emb",
        HEAD,
        HEAD + length % len(KETTLE),
        HEAD + length % len(KETTLE) + KETTLE[:9],
        HEAD + length % len(KETTLE) + KETTLE,
        HEAD + length % len(KETTLE) + KETTLE + HEAD,
        HEAD + length % LIMIT + MANY[:100_000],
        HEAD + length % (LIMIT + 1) + MANY[:100_000],
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12",
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ]
    with serving(tmp_path) as server:
        for rude in (False, True):
            with ExitStack() as stack:
                for number in range(275):
                    connection = stack.enter_context(server.connect())
                    if rude:  # closing resets the connection
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.sendall(begun[number % len(begun)])
        assert server.answer(KETTLE)[0] == 200


def test_nobody_works_for_clients_that_have_hung_up(tmp_path: Path) -> None:
    def seconds(server: Running) -> float:
        start = time.perf_counter()
        assert server.answer(MANY)[0] == 200
        return time.perf_counter() - start

    with serving(tmp_path) as server:
        alone = min(seconds(server), seconds(server))
        for _ in range(20):
            with server.connect() as connection:
                connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(MANY) + MANY)
        assert seconds(server) < 8 * alone  # not 21 times


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_small_requests_come_between_the_parts_of_large_ones(encoding: str, server: Running) -> None:
    """There are more large ones than the server has threads."""
    body = {"model": NAME, "input": ["the kettle is on " * 228] * 2048, "encoding_format": encoding}
    large = json.dumps(body).encode()
    assert LIMIT * 0.97 < len(large) <= LIMIT
    with ThreadPoolExecutor(3) as pool:
        start = time.perf_counter()
        answers = [pool.submit(server.answer, large) for _ in range(3)]
        waits = []
        while not any(answer.done() for answer in answers):
            before = time.perf_counter()
            assert server.answer(KETTLE)[0] == 200
            waits.append(time.perf_counter() - before)
        took = time.perf_counter() - start
    for answer in answers:
        status, content = answer.result(LONGEST)
        assert status == 200
        assert [item["index"] for item in content["data"]] == list(range(2048))
    assert len(waits) > 5
    assert max(waits) < took / 2
