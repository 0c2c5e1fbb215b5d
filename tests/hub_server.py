"""A model hub on loopback: the endpoints that `huggingface_hub` asks when it downloads, and what can go wrong.

Files with the ending of a table lie in a file store, behind a redirect, as with git-lfs on the real hub.
The formats are those of https://huggingface.co/docs/hub/api and of what the client is seen to ask.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from time_limit import await_end

# The ending of files in the store.
STORED = (".safetensors", ".bin")
# What a fault does with a request: returns True if it has answered it.
Fault = Callable[["Answer"], bool]


@dataclass
class Repository:
    """One repository: its commits, and the branches and tags that name them."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    gated: bool = False

    def commit(self, files: Mapping[str, bytes], *revisions: str) -> str:
        """Add a commit that holds these files, let branches or tags name it, and return its hash."""
        text = repr(sorted(files.items())).encode()
        commit = hashlib.sha1(text).hexdigest()
        self.commits[commit] = dict(files)
        self.revisions.update(dict.fromkeys(revisions or ["main"], commit))
        return commit


@dataclass
class Hub:
    """The hub: its repositories, all requests that came, and faults by a part of the path."""

    url: str = ""
    store: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    faults: list[tuple[str, Fault]] = field(default_factory=list)

    def clear(self) -> None:
        self.repositories.clear()
        self.requests.clear()
        self.faults.clear()

    def add(self, name: str, files: Mapping[str, bytes], *revisions: str) -> Repository:
        repository = self.repositories[name] = Repository()
        repository.commit(files, *revisions)
        return repository

    def fail(self, request: str, fault: Fault, times: int = 1) -> None:
        """Answer the next requests whose line has this part by a fault."""
        self.faults.extend([(request, fault)] * times)

    def fault_for(self, line: str) -> Fault | None:
        for number, (request, fault) in enumerate(self.faults):
            if request in line:
                del self.faults[number]
                return fault
        return None


class Answer(BaseHTTPRequestHandler):
    """One request and its answer."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        line = f"{self.command} {self.path} {self.headers['Range'] or ''}".rstrip()
        self.hub.requests.append(line)
        fault = self.hub.fault_for(line)
        if fault is not None and fault(self):
            return
        path = urlsplit(self.path).path
        if found := re.fullmatch("/store/([0-9a-f]{64})", path):
            self.send(200, self.stored(found[1]))
        elif found := re.fullmatch("/api/models/([^/]+/[^/]+)(?:/(revision|tree)/(.+))?", path):
            self.listing(found[1], found[2], unquote(found[3] or "main"))
        elif found := re.fullmatch("/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self.file(*map(unquote, found.groups()))
        else:
            self.refuse(404, "")

    def listing(self, name: str, kind: str | None, revision: str) -> None:
        if (found := self.commit_of(name, revision)) is None:
            return
        commit, files = found
        if kind == "tree":
            entries: Any = [
                {"type": "file", "path": path, "size": len(content), "oid": git_hash(content)}
                | ({"lfs": {"oid": sha256(content), "size": len(content), "pointerSize": 130}} if lfs else {})
                for path, content in files.items()
                for lfs in [path.endswith(STORED)]
            ]
        else:
            siblings = [
                {"rfilename": path, "size": len(content), "blobId": git_hash(content)}
                | (
                    {"lfs": {"sha256": sha256(content), "size": len(content), "pointerSize": 130}}
                    if lfs
                    else {}
                )
                for path, content in files.items()
                for lfs in [path.endswith(STORED)]
            ]
            entries = {"id": name, "modelId": name, "sha": commit, "siblings": siblings, "tags": []}
        self.send(200, json.dumps(entries).encode(), {"Content-Type": "application/json"})

    def file(self, name: str, revision: str, path: str) -> None:
        if (found := self.commit_of(name, revision)) is None:
            return
        commit, files = found
        if path not in files:
            self.refuse(404, "EntryNotFound", {"X-Repo-Commit": commit})
            return
        content = files[path]
        headers = {"X-Repo-Commit": commit}
        if path.endswith(STORED):
            address = f"{self.hub.store}/store/{sha256(content)}"
            linked = {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{sha256(content)}"'}
            self.send(302, b"", {**headers, **linked, "Location": address})
        else:
            self.send(200, content, {**headers, "ETag": f'"{git_hash(content)}"'})

    def stored(self, wanted: str) -> bytes:
        return next(
            content
            for repository in self.hub.repositories.values()
            for files in repository.commits.values()
            for content in files.values()
            if sha256(content) == wanted
        )

    def commit_of(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """Find the files of a commit, or refuse as the hub does."""
        repository = self.hub.repositories.get(name)
        may = repository is not None and (
            repository.token is None or self.headers["Authorization"] == f"Bearer {repository.token}"
        )
        is_file = "/resolve/" in self.path  # what a gated repository has may be listed by all
        if repository is not None and repository.gated and is_file and not may:
            self.refuse(403 if self.headers["Authorization"] else 401, "GatedRepo")
        elif repository is None or not (may or repository.gated):
            self.refuse(404 if self.headers["Authorization"] else 401, "RepoNotFound")
        elif (commit := repository.revisions.get(revision, revision)) not in repository.commits:
            self.refuse(404, "RevisionNotFound")
        else:
            return commit, repository.commits[commit]
        return None

    def refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        refusal = {"X-Error-Code": code, "X-Error-Message": f"refused: {code}"}
        self.send(status, b"", {**refusal, **(headers or {})})

    def send(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send an answer, or the part of it that is asked for."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or "")
        extra = dict(headers or {})
        if status == 200 and asked:
            start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
            extra["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            status, content = 206, content[start : end + 1]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **extra}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


def cut_after(number: int) -> Fault:
    """Send so many bytes of a stored file, and close the connection."""

    def fault(answer: Answer) -> bool:
        content = answer.stored(answer.path.rpartition("/")[2])
        start = int(re.sub("[^0-9]", "", (answer.headers["Range"] or "").partition("-")[0]) or 0)
        answer.send_response(206 if start else 200)
        answer.send_header("Content-Length", str(len(content) - start))
        answer.end_headers()
        answer.wfile.write(content[start : start + number])
        answer.wfile.flush()
        answer.close_connection = True
        return True

    return fault


def stall_after(number: int, go_on: threading.Event) -> Fault:
    """Send so many bytes of a stored file, and the rest when the event is set."""

    def fault(answer: Answer) -> bool:
        content = answer.stored(answer.path.rpartition("/")[2])
        answer.send_response(200)
        answer.send_header("Content-Length", str(len(content)))
        answer.end_headers()
        with suppress(ConnectionError):
            answer.wfile.write(content[:number])
            answer.wfile.flush()
            go_on.wait(60)
            answer.wfile.write(content[number:])
        return True

    return fault


def reset(answer: Answer) -> bool:
    """Break the connection as a router does that has forgotten it."""
    linger = struct.pack("ii", 1, 0)
    answer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    answer.close_connection = True
    return True


def invalid_credentials(answer: Answer) -> bool:
    """Refuse a token that the hub does not know, as the hub says it."""
    answer.send(401, b"", {"X-Error-Message": "Invalid credentials in Authorization header"})
    return True


def status(number: int) -> Fault:
    """Answer with a status and nothing else."""

    def fault(answer: Answer) -> bool:
        answer.send(number, b"")
        return True

    return fault


def instead(content: bytes) -> Fault:
    """Answer with other bytes."""

    def fault(answer: Answer) -> bool:
        answer.send(200, content)
        return True

    return fault


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_hash(content: bytes) -> str:
    """Return the hash that git gives a file (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects)."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class HubServer(ThreadingHTTPServer):
    """The server of a hub. It has its port at once, and answers while it is entered."""

    daemon_threads = True
    # Connections that are cut by the client are no error here.
    block_on_close = False

    def __init__(self) -> None:
        self.hub = Hub()
        super().__init__(("127.0.0.1", 0), type("Bound", (Answer,), {"hub": self.hub}), False)
        self.server_bind()
        self.hub.url = f"http://127.0.0.1:{self.server_port}"
        self.hub.store = f"http://localhost:{self.server_port}"  # another host's name, as with the real hub

    @contextmanager
    def answering(self) -> Iterator[Hub]:
        self.server_activate()
        thread = threading.Thread(target=self.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self.hub
        finally:
            self.shutdown()
            await_end(thread)
            self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone."""
