# SPDX-License-Identifier: Apache-2.0
"""Secrets: those of the agent that somebody exchanges on disk (F44), and those of the application that an engine quotes in
its refusals."""
import base64
import json
import os
import time

import ledger
from agent import command
from sink import Fault, Reply


class Guarded(Fault):
    """Takes requests with one Authorization header only; another may be refused by another status."""

    def __init__(self, authorization, status=401):
        super().__init__()
        self.authorization, self.status = authorization, status
        self.refused_at = []

    def on_request(self, sink, request):
        if request.headers.get("authorization") == self.authorization:
            return None
        self.fired += 1
        self.refused_at.append(time.monotonic())
        return Reply(self.status, b'{"error":{"type":"security_exception","reason":"no"},"status":%d}' % self.status)


class Quoting(Fault):
    """Refuses every second item for good, and quotes what it must not."""

    def __init__(self, reason):
        super().__init__()
        self.reason = reason
        self.last = b""

    def on_item(self, sink, request, index):
        if request.ids[index] in sink.ids or index % 2:
            return None
        self.fired += 1
        return 400

    def on_reply(self, sink, request, body):
        reply = json.loads(body)
        for item in reply["items"]:
            if item["create"]["status"] == 400:
                item["create"]["error"]["reason"] = self.reason
        return Reply(body=json.dumps(reply).encode())


class Secrets(ledger.LedgerCase):
    def secret_file(self, name, content):
        path = os.path.join(self.folder, name)
        temporary = path + ".new"
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
            out.write(content + "\n")
        os.rename(temporary, path)  # as a secret's mount is exchanged
        return path

    def exchange(self, elastic, first, second, status, rotate):
        """The engine takes new credentials from now on; those on disk follow later. The agent is never restarted."""
        self.mark_life()
        agent = self.start({"outputs": {"elasticsearch": {**elastic, "backoff": {"init": "200ms", "max": "1s"}}}})
        guard = Guarded(first, status)
        self.sink.faults = [guard]
        writer = self.writer()
        writer.start(rate=500)
        self.until(lambda: self.sink.distinct() > 200, 20, "lines under the first secret")
        self.assertEqual(0, guard.fired, "the first secret was refused")
        guard.authorization = second
        self.until(lambda: guard.fired >= 3, 20, "refusals")
        taken = self.sink.distinct()
        agent.wait_log("refuses our credentials")
        self.until(lambda: agent.get_json("/api/v1/status")["health"] == "degraded", 5, "health that says so")
        time.sleep(1.5)
        rotate()
        self.until(lambda: self.sink.distinct() > taken, 20, "lines under the second secret")
        self.measure_recovery()
        seconds = guard.refused_at[-1] - guard.refused_at[0]
        self.assertLess(guard.fired / seconds, 10, "asked again without a pause")
        self.fired("refusals", guard.fired)
        self.assertEqual(1, agent.lives)
        writer.stop()
        self.until_delivered()
        self.counters_equal()
        self.quiet()
        self.settle()

    def test_f44_api_key_exchanged_on_disk(self):
        path = self.secret_file("api_key", "first-key")
        self.exchange({"api_key": {"file": path}}, "ApiKey first-key", "ApiKey second-key", 401,
                      lambda: self.secret_file("api_key", "second-key"))

    def test_f44_password_exchanged_on_disk(self):
        path = self.secret_file("password", "first-word")

        def basic(password):
            return "Basic " + base64.b64encode(b"agent:" + password).decode()

        def rotate():
            os.unlink(path)  # and for a while there is none
            time.sleep(1)
            self.agent.wait_log("credentials cannot be read")
            self.secret_file("password", "second-word")
        self.exchange({"username": "agent", "password": {"file": path}}, basic(b"first-word"), basic(b"second-word"), 403,
                      rotate)

    def test_refusals_that_quote_secrets(self):
        canaries = ["4111111111111111", "bob.miller@example.com", "hunter2-hunter2"]
        quoting = Quoting("failed to parse [note], preview: 'card %s of %s {\"password\":\"%s\"}'" % tuple(canaries))
        self.sink.faults = [quoting]
        agent = self.start()
        writer = self.writer()
        writer.write(20)
        with open(self.path(), "ab") as log:
            log.write(("no json: %s %s password=%s\n" % tuple(canaries)).encode())
        agent.wait_log("a line is no JSON object")
        self.until(lambda: agent.items().get("dead_lettered", 0) >= 5, 20, "dead letters")
        self.fired("quoted secrets", quoting.fired)
        agent.stop()
        letters = command("dlq", "list", "--json", "-c", os.path.join(self.folder, "tapewatch.yaml"))
        self.assertIn("failed to parse [note]", letters.stdout, letters.stderr)
        with open(agent.log_path, encoding="utf-8") as log:
            own = log.read()
        for canary in canaries:
            self.assertFalse(canary in letters.stdout, f"{canary} in a dead letter")
            self.assertFalse(canary in own, f"{canary} in the agent's log")
            for folder, _, names in os.walk(os.path.join(self.folder, "state")):
                for name in names:
                    with open(os.path.join(folder, name), "rb") as file:
                        self.assertFalse(canary.encode() in file.read(), f"{canary} in {name}")


if __name__ == "__main__":
    ledger.main()
