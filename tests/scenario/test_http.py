# SPDX-License-Identifier: Apache-2.0
"""The front door of the real binary: lines are found within a second, strangers are refused (S13, S14, S15), and a
flood of slow sockets, headers and chunks neither costs memory nor keeps an honest client waiting (S16)."""
import json
import os
import shutil
import socket
import tempfile
import threading
import time
import unittest
import urllib.parse

from agent import Agent, default_config, merge

REFUSALS = [  # name, request, status
    ("other host", "GET /-/healthy HTTP/1.1\r\nHost: evil.example.com\r\n\r\n", 421),
    ("host that only ends like ours", "GET / HTTP/1.1\r\nHost: localhost.evil.com\r\n\r\n", 421),
    ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    ("reload by GET", "GET /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ("reload by HEAD", "HEAD /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ("reload by another page", "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example.com\r\n\r\n", 403),
    ("reload by a page without origin", "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403),
    ("reload across sites", "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403),
    ("read across sites", "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403),
    ("read with an origin", "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example.com\r\n\r\n", 403),
    ("POST where GET belongs", "POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ("OPTIONS", "OPTIONS /api/v1/search HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ("DELETE", "DELETE /api/v1/search HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ("chunked", "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n", 411),
    ("gzip", "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n", 415),
    ("large body", "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n", 413),
    ("folded header", "GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n", 400),
    ("bare line feeds", "GET / HTTP/1.1\nHost: localhost\n\n", 400),
    ("long address", "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    ("path upwards", "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ("old version", "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", 505),
]
HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Http(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tapewatch-http-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def agent(self, **more):
        agent = Agent(self.folder, merge(default_config(self.folder, None), more))
        self.addCleanup(agent.kill)
        return agent

    def connect(self, agent):
        host, port = agent.address.rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=5)

    def ask(self, agent, request):
        with self.connect(agent) as s:
            s.sendall(request if isinstance(request, bytes) else request.encode())
            answer = b""
            while b"\r\n\r\n" not in answer:
                part = s.recv(65536)
                if not part:
                    break
                answer += part
        return answer

    def status(self, agent, request):
        answer = self.ask(agent, request)
        return int(answer[9:12]) if answer else 0

    def write(self, *lines):
        with open(os.path.join(self.folder, "logs", "app.log"), "a", encoding="utf-8") as log:
            log.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)

    def until(self, done, seconds=5):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = done()
            if found:
                return found
            time.sleep(0.02)
        return self.fail("not within %s s" % seconds)

    def test_lines_are_found_traced_and_told(self):
        agent = self.agent().start()
        hostile = "<img src=x onerror=alert(1)>\"]}\r\nHTTP/1.1 200 OK\r\n\r\n"
        with self.connect(agent) as tail:
            tail.sendall(b"GET /api/v1/tail?query=canary HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.until(lambda: b"text/event-stream" in tail.recv(65536, socket.MSG_PEEK))
            began = time.monotonic()
            self.write({"@timestamp": "2026-01-05T09:00:00Z", "log.level": "ERROR", "message": "canary 約定", "order": {"id": "ORD-1"}},
                       {"@timestamp": "2026-01-05T09:00:01Z", "log.level": "INFO", "message": hostile, "order": {"id": "ORD-1"}})
            search = "/api/v1/search?" + urllib.parse.urlencode({"query": "約定 canary"})
            self.until(lambda: agent.get_json(search)["events"])
            print("found after %.2f s" % (time.monotonic() - began))
            self.until(lambda: b"canary" in tail.recv(65536, socket.MSG_PEEK))
        trace = self.until(lambda: [e for e in [agent.get_json("/api/v1/trace/ORD-1")["events"]] if len(e) == 2])[0]
        self.assertEqual(hostile, trace[1]["message"])
        self.until(lambda: agent.get_json("/api/v1/status")["events"] == 2)
        status = agent.get_json("/api/v1/status")
        self.assertTrue(status["losses"], "loss counters are told even at 0")
        self.assertEqual(1, len(agent.get_json("/api/v1/files")["files"]))

    def test_strangers_are_refused(self):
        agent = self.agent().start()
        for name, request, status in REFUSALS:
            with self.subTest(name):
                self.assertEqual(status, self.status(agent, request))
        answer = self.ask(agent, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").decode()
        self.assertIn("Content-Security-Policy: default-src 'none'; script-src 'self'", answer)
        self.assertNotIn("Access-Control", answer)
        self.assertEqual(200, self.status(agent, HEALTHY))

    def test_an_open_address_needs_a_token(self):
        agent = self.agent(http={"address": "0.0.0.0:0"}).start(wait=False)
        self.assertNotEqual(0, agent.wait(20))
        token = os.path.join(self.folder, "token")
        with open(token, "w", encoding="ascii") as out:
            out.write("s3cret\n")
        os.chmod(token, 0o600)
        agent = self.agent(http={"address": "0.0.0.0:0", "token": {"file": token}}).start()
        head = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
        self.assertEqual(401, self.status(agent, head + "\r\n"))
        self.assertEqual(401, self.status(agent, head + "Authorization: Bearer s3cre\r\n\r\n"))
        self.assertEqual(200, self.status(agent, head + "Authorization: Bearer s3cret\r\n\r\n"))
        self.assertEqual(200, self.status(agent, HEALTHY))

    def test_floods_cost_little(self):
        agent = self.agent().start()
        self.assertEqual(200, self.status(agent, HEALTHY))
        before, stop = agent.memory("VmRSS"), threading.Event()
        many = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 200_000

        def hold_sockets():
            held = []
            while not stop.wait(0.2):
                for s in held[:]:
                    try:
                        s.send(b"a")
                    except OSError:
                        s.close()
                        held.remove(s)
                while len(held) < 500 and not stop.is_set():
                    try:
                        held.append(self.connect(agent))
                        held[-1].setblocking(False)
                        held[-1].send(b"GET / HTTP/1.1\r\nX-Slow: ")
                    except OSError:
                        break
            for s in held:
                s.close()

        def send(*parts, times):
            while not stop.is_set():
                try:
                    with self.connect(agent) as s:
                        s.sendall(parts[0])
                        for _ in range(times):
                            s.sendall(parts[1])
                        s.recv(100)
                except OSError:
                    pass

        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        threads = [threading.Thread(target=hold_sockets),
                   threading.Thread(target=send, args=(many,), kwargs={"times": 0}),
                   threading.Thread(target=send, args=(b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                                                       b"chunked\r\n\r\n", chunk), kwargs={"times": 3200})]
        for thread in threads:
            thread.start()
        waits, peak, lost = [], before, 0
        try:
            time.sleep(1)
            end = time.monotonic() + 6
            while time.monotonic() < end:
                began = time.monotonic()
                try:
                    self.assertEqual(200, self.status(agent, HEALTHY))
                    waits.append((time.monotonic() - began) * 1000)
                except OSError:
                    lost += 1
                peak = max(peak, agent.memory("VmRSS"))
                time.sleep(0.01)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        waits.sort()
        p99 = waits[int(len(waits) * 0.99)]
        print("honest clients: %d, lost %d, p50 %.1f ms, p99 %.1f ms, max %.1f ms; memory %+.1f MiB" %
              (len(waits), lost, waits[len(waits) // 2], p99, waits[-1], (peak - before) / 2**20))
        self.assertLessEqual(p99, 100)
        self.assertLessEqual(lost, len(waits) / 100)
        self.assertLessEqual(peak - before, 16 << 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
