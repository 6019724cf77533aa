# SPDX-License-Identifier: Apache-2.0
"""FaultSink: an Elasticsearch that does what a script says, and remembers every item it was sent.

It answers `create` as the real one does (201 the first time, 409 for an _id it has), and a Fault may have any request or
any item of it answered otherwise. Sockets and threads only: http.server would be the slowest part of every test.
"""
import gzip
import json
import re
import socket
import struct
import threading
import time
import zlib

KEY = re.compile(rb'"ledger":\{"stream":"([^"]*)","n":(\d+),"crc":"([0-9a-f]{8})","size":"(\w+)","len":(\d+)\},')
REASONS = {429: ("es_rejected_execution_exception", "rejected execution"),
           400: ("mapper_parsing_exception", "failed to parse field"),
           500: ("internal_error", "something broke"), 503: ("unavailable_shards_exception", "primary shard is not active")}
PRODUCT = {"name": "fault-sink", "cluster_name": "ledger", "cluster_uuid": "l", "tagline": "You Know, for Search",
           "version": {"number": "8.19.0", "build_flavor": "default", "minimum_wire_compatibility_version": "7.17.0"}}


class Request:
    """One bulk request, as it came. `understood` becomes true when a whole, honest reply to it was written out."""

    def __init__(self, number, connection, headers, body):
        self.number, self.connection, self.headers = number, connection, headers
        self.arrived = time.monotonic()
        self.wire_bytes = len(body)
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.bytes = len(body)
        lines = body.split(b"\n")
        self.well_formed = len(lines) % 2 == 1 and lines[-1] == b""
        self.actions, self.docs = lines[0:-1:2], lines[1::2]
        self.ids = self._ids()
        self.statuses = []
        self.understood = False

    def _ids(self):
        mark, ids = b'"_id":"', []
        for action in self.actions:
            if not action.startswith(b'{"create":{'):
                self.well_formed = False
            begin = action.find(mark) + len(mark)
            ids.append(action[begin:action.find(b'"', begin)])
        return ids


class Reply:
    """What to answer instead: a status with a body, or only the beginning of one, or nothing."""

    def __init__(self, status=200, body=b"{}", headers=(), content_type="application/json", after_s=0.0, send_bytes=None,
                 reset=False):
        self.status, self.body, self.headers, self.content_type = status, body, headers, content_type
        self.after_s, self.send_bytes, self.reset = after_s, send_bytes, reset


class Fault:
    """What goes wrong. Each hook returns None to let things take their course; `fired` counts what it did."""

    def __init__(self):
        self.fired = 0

    def on_head(self, sink, headers):
        """Before the body is read: True cuts the connection there."""

    def on_request(self, sink, request):
        """Before anything of it is taken: a Reply, and nothing is."""

    def on_item(self, sink, request, index):
        """The status of one item; anything but 201 and 409 means it is not taken."""

    def on_reply(self, sink, request, body):
        """The items are taken; a Reply replaces the honest answer."""

    def after_reply(self, sink, request):
        """The whole answer has left."""


class Book:
    """What was accepted: the half of the ledger that a sink or a store writes."""

    def __init__(self):
        self.lock = threading.RLock()
        self.ids = {}         # _id -> (stream, n), or None for a document that is no ledger line
        self.foreign = []     # documents that are no ledger lines
        self.taken = {}       # stream -> bytearray: how often line n was created
        self.newest = {}      # stream -> highest n created
        self.created = 0
        self.resent = 0       # items answered 409
        self.inversions = 0
        self.mangled = []
        self.malformed = 0    # requests that are not create actions and documents in turn

    def create(self, identity, doc):
        self.created += 1
        match = KEY.search(doc)
        if not match:
            self.ids[identity] = None
            self.foreign.append(doc)
            return
        stream, n, crc, _, length = match.groups()
        stream, n = stream.decode(), int(n)
        self.ids[identity] = (stream, n)
        if zlib.crc32(doc[match.end():match.end() + int(length)], n) != int(crc, 16) or not whole(doc, n):
            self.mangled.append(doc[:2000])
        taken = self.taken.setdefault(stream, bytearray())
        if len(taken) <= n:
            taken.extend(bytes(n + 1 - len(taken)))
        if taken[n] == 0:
            if n < self.newest.get(stream, -1):
                self.inversions += 1
            else:
                self.newest[stream] = n
        taken[n] = min(taken[n] + 1, 255)

    def distinct(self, stream=None):
        with self.lock:
            names = [stream] if stream is not None else list(self.taken)
            return sum(len(self.taken.get(name, b"")) - self.taken.get(name, b"").count(0) for name in names)

    def has(self, stream, n):
        taken = self.taken.get(stream, b"")
        return n < len(taken) and taken[n] > 0


class FaultSink(Book):
    def __init__(self, port=0, host="127.0.0.1"):
        super().__init__()
        self.host = host
        self.faults = []
        self.requests = []         # every bulk request, without its documents
        self.other_requests = []   # (method, target)
        self.statuses = {}         # status -> items answered with it
        self.connections = 0
        self.open_sockets = set()
        self.listener = None
        self.port = port
        self.open()

    # The listener.

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def open(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self):
        """Refuses connections from now on, and cuts those that are open."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        with self.lock:
            sockets = list(self.open_sockets)
        for one in sockets:
            reset(one)

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
                self.open_sockets.add(client)
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def wait_unconnected(self, seconds=5):
        """Until every connection (of an agent that has died) has been worked off."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self.lock:
                if not self.open_sockets:
                    return
            time.sleep(0.005)

    # One connection.

    def _serve(self, client, number):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = bytearray()
        try:
            while self._serve_one(client, number, buffer):
                pass
        except OSError:
            pass
        finally:
            with self.lock:
                self.open_sockets.discard(client)
            client.close()

    def _serve_one(self, client, number, buffer):
        while b"\r\n\r\n" not in buffer:
            if not receive(client, buffer):
                return False
        end = buffer.index(b"\r\n\r\n")
        first, *rest = bytes(buffer[:end]).decode("latin-1").split("\r\n")
        del buffer[:end + 4]
        method, target, _ = first.split(" ", 2)
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in rest)}
        bulk = target.split("?")[0].endswith("/_bulk")
        if bulk and any(fault.on_head(self, headers) for fault in list(self.faults)):
            reset(client)
            return False
        if headers.get("expect", "").lower() == "100-continue":
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(headers.get("content-length", 0))
        while len(buffer) < length:
            if not receive(client, buffer, length - len(buffer)):
                return False
        body = bytes(buffer[:length])
        del buffer[:length]
        if bulk:
            return self._bulk(client, number, headers, body)
        with self.lock:
            self.other_requests.append((method, target))
        return self._send(client, self._other(method, target), method == "HEAD")

    @staticmethod
    def _other(method, target):
        path = target.split("?")[0]
        if method == "PUT" or path == "/hook":  # the webhook of alerts
            return Reply(body=b'{"acknowledged":true}')
        if path == "/":
            return Reply(body=json.dumps(PRODUCT).encode())
        if path.startswith("/_cluster/health"):
            return Reply(body=b'{"status":"green"}')
        return Reply(status=404, body=b'{"error":"not found","status":404}')

    def _send(self, client, reply, head_only=False):
        if reply.after_s:
            time.sleep(reply.after_s)
        if reply.status:
            text = (f"HTTP/1.1 {reply.status} X\r\nContent-Type: {reply.content_type}\r\nX-elastic-product: Elasticsearch\r\n"
                    f"Content-Length: {len(reply.body)}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in reply.headers) + "\r\n")
            data = text.encode() + (b"" if head_only else reply.body)
            client.sendall(data if reply.send_bytes is None else data[:reply.send_bytes])
        if reply.reset:
            reset(client)
            return False
        return bool(reply.status)

    # Bulk.

    def _bulk(self, client, connection, headers, body):
        with self.lock:
            request = Request(len(self.requests) + 1, connection, headers, body)
            self.requests.append(request)
            faults = list(self.faults)
        for fault in faults:
            reply = fault.on_request(self, request)
            if reply:
                request.docs = request.actions = None
                return self._send(client, reply)
        with self.lock:
            text = self._take(request, faults)
        for fault in faults:
            reply = fault.on_reply(self, request, text)
            if reply:
                return self._send(client, reply)
        alive = self._send(client, Reply(body=text))
        with self.lock:
            request.understood = True
            for status in request.statuses:
                self.statuses[status] = self.statuses.get(status, 0) + 1
        for fault in faults:
            fault.after_reply(self, request)
        return alive

    def _take(self, request, faults):
        if not request.well_formed:
            self.malformed += 1
        items, errors = [], False
        for i, (identity, doc) in enumerate(zip(request.ids, request.docs)):
            status = None
            for fault in faults:
                status = status or fault.on_item(self, request, i)
            if status is None:
                status = 409 if identity in self.ids else 201
            if status == 201:
                self.create(identity, doc)
                result = '"_version":1,"result":"created","_seq_no":%d,"status":201' % self.created
            elif status == 409:
                self.resent += 1
                errors = True
                result = '"status":409,"error":{"type":"version_conflict_engine_exception","reason":"document already exists"}'
            else:
                kind, reason = REASONS.get(status, ("exception", "refused"))
                errors = True
                result = '"status":%d,"error":{"type":"%s","reason":"%s"}' % (status, kind, reason)
            request.statuses.append(status)
            items.append('{"create":{"_index":"ledger","_id":"%s",%s}}' % (identity.decode(), result))
        request.docs = request.actions = None
        return ('{"took":1,"errors":%s,"items":[%s]}' % ("true" if errors else "false", ",".join(items))).encode()

    def snapshot(self):
        """The items answered so far in replies that reached the agent, by status."""
        with self.lock:
            return dict(self.statuses)


def whole(doc, n):
    """Every document has its braces; one in eight is read as JSON, which would cost too much for all of them."""
    if not (doc.startswith(b"{") and doc.endswith(b"}")):
        return False
    if n % 8:
        return True
    try:
        json.loads(doc)
        return True
    except ValueError:
        return False


def receive(client, buffer, wanted=65536):
    chunk = client.recv(max(min(wanted, 1 << 20), 65536))
    buffer += chunk
    return bool(chunk)


def reset(client):
    """Ends the connection with RST, as a crashed peer would."""
    try:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.shutdown(socket.SHUT_RD)
        client.close()
    except OSError:
        pass
