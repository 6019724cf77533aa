# SPDX-License-Identifier: Apache-2.0
"""The image: built, looked at, and judged by the ledger while it runs with everything taken away. As deploy/image/README.md says."""
import json
import os
import signal
import tempfile
import time

import containers
import ledger
import places
import test_life
from agent import default_config, merge

README = "deploy/image/README.md"
BYTES_MAX = 60_000_000


class Inside(places.PlaceCase):
    """A case of the ledger in which every agent runs in the image."""

    place = "image"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.podman = places.Podman()
        began = time.monotonic()
        cls.image = containers.image(cls.podman)
        cls.ran.append(f"built in {time.monotonic() - began:.0f} s")

    def make_agent(self, more=None, url=None, folder=None):
        agent = containers.ContainerAgent(self.podman, self.folder,
                                          merge(default_config(self.folder, url or self.sink.url), more or {}))
        self.addCleanup(self.podman.remove, agent.name)
        self.agents.append(agent)
        self.agent = agent
        return agent


class Life(Inside, test_life.Life):
    """Everything switched on at once."""

    def test_everything_at_once(self):
        super().test_everything_at_once()
        self.tell("the life of tests/scenario/test_life.py")


class Image(Inside, ledger.LedgerCase):
    def test_what_it_holds(self):
        about = json.loads(self.podman("image", "inspect", self.image).stdout)[0]
        size = self.podman.bytes_of(self.image)
        self.assertLess(size, BYTES_MAX)
        config = about["Config"]
        self.assertEqual("65532:65532", config["User"])
        self.assertEqual("tapewatch", config["Labels"]["org.opencontainers.image.title"])
        self.assertEqual(["/usr/bin/tapewatch", "health", "-c", "/etc/tapewatch/tapewatch.yaml"], about["Healthcheck"]["Test"][1:])
        with tempfile.TemporaryDirectory() as folder:
            archive = os.path.join(folder, "image.tar")
            made = self.podman("create", "--pull=never", self.image).stdout.strip()
            self.addCleanup(self.podman.remove, made)
            self.podman("export", "-o", archive, made)
            listed = places.run("tar", "-tvf", archive).stdout.splitlines()
        programs = sorted(line.split()[5] for line in listed if line.startswith("-rwx") and ".so" not in line)
        self.assertEqual(["usr/bin/tapewatch"], programs, "nothing else can be run: no shell")
        self.assertFalse([line for line in listed if "s" in line.split()[0][1:]], "no setuid")
        self.assertTrue(any("status.d/libc6" in line for line in listed), "scanners find what it holds")
        self.assertEqual([], [line for line in listed if line.startswith("-") and line[8] == "w"], "nobody else may write")
        self.tell(f"{size / 1e6:.0f} MB, no shell")

    def test_ledger_inside(self):
        """Rotation, a reload, kill -9 and a stop: nothing lost, nothing doubled."""
        agent = self.start()
        status = places.run("cat", f"/proc/{agent.pid}/status").stdout
        for expected in ("Uid:\t65532\t65532", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            self.assertIn(expected, status)
        writer = self.writer()
        writer.start(rate=500)
        for _ in range(2):
            time.sleep(0.5)
            writer.rotate()
            self.assertEqual(-signal.SIGKILL, agent.kill())
            agent.start()
        agent.wait_log("running")
        runs = sum(record.get("message") == "running" for record in agent.log)
        agent.signal(signal.SIGHUP)
        self.until(lambda: sum(r.get("message") == "running" for r in agent.log) > runs, 30, "the reload")
        healthy = self.podman("exec", agent.name, "/usr/bin/tapewatch", "health", "--ready", "--url", agent.address, check=False)
        self.assertEqual(0, healthy.returncode, healthy.stderr)
        self.quiet()
        self.settle()
        code, seconds = agent.stop()
        self.assertEqual(0, code)
        self.assertLess(seconds, 10)
        self.tell("rotation, 2 kills, reload and stop by the ledger")

    def test_readme(self):
        build, use = places.commands_of(README)
        self.assertEqual("podman build --format docker -t tapewatch .", build)
        self.podman("tag", self.image, "localhost/tapewatch:latest")
        with open(self.path(), "w", encoding="ascii") as out:
            out.writelines(json.dumps({"message": "hello", "n": n}) + "\n" for n in range(20))
        os.chmod(self.folder, 0o755)
        self.addCleanup(self.podman.remove, "tapewatch")
        run, ready, search, stop = use.replace("\\\n", "").replace("/var/log/trading:/", self.logs + ":/").split("\n")

        def shell(line, **options):
            return places.run("sh", "-c", line, env=self.podman.environment, **options)
        shell(run)
        self.until(lambda: shell(ready, check=False).returncode == 0, 20, "ready")
        self.until(lambda: len(shell(search).stdout.splitlines()) == 5, 20, "events found")
        # By the health check of the image itself, and it can say no.
        self.assertEqual(0, self.podman("healthcheck", "run", "tapewatch", check=False).returncode)
        self.podman("kill", "-s", "STOP", "tapewatch")
        self.assertNotEqual(0, self.podman("healthcheck", "run", "tapewatch", check=False).returncode)
        self.podman("kill", "-s", "CONT", "tapewatch")
        shell(stop)
        self.assertEqual("0", self.podman("inspect", "-f", "{{.State.ExitCode}}", "tapewatch").stdout.strip())
        self.tell("health check")


if __name__ == "__main__":
    ledger.main()
