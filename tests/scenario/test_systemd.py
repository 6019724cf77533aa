# SPDX-License-Identifier: Apache-2.0
"""The real unit under a real systemd, in a container: install, start, reload, a broken file, kill -9, stop. As systemd/README.md says."""
import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
import time
import unittest

import places
from needs import program

README = "systemd/README.md"
UNIT = os.path.join(places.ROOT, "systemd", "tapewatch.service")
CONFIG = "/etc/tapewatch/tapewatch.yaml"
EXPOSURE_MAX = 1.5


class Service(places.PlaceCase):
    place = "systemd"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.podman = places.Podman()
        cls.folder = tempfile.mkdtemp(prefix="tapewatch-systemd-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        shutil.copy(places.package(), os.path.join(cls.folder, "tapewatch.deb"))
        os.mkdir(os.path.join(cls.folder, "logs"))
        os.chmod(cls.folder, 0o755)
        cls.container = cls.podman(
            "run", "-d", "--pull=never", "--network", "none", "--systemd=always", "--cap-add", "SYS_ADMIN,SYS_PTRACE",
            "--security-opt", "seccomp=unconfined", "-v", cls.folder + "/tapewatch.deb:/tmp/tapewatch.deb:ro",
            "-v", cls.folder + "/logs:/var/log/trading", "--tmpfs", "/tmp/x", cls.image()).stdout.strip()
        cls.addClassCleanup(cls.podman.remove, cls.container)
        cls.written = 0

    @classmethod
    def image(cls):
        """A Debian with systemd and what the package depends on; made again when that changes."""
        depends = places.run("dpkg-deb", "-f", os.path.join(cls.folder, "tapewatch.deb"), "Depends").stdout
        names = sorted(name.strip().split()[0] for name in depends.split(","))
        tag = "localhost/tapewatch-systemd:" + hashlib.sha256(" ".join(names).encode()).hexdigest()[:12]
        with places.only_one("systemd-image"):
            if not cls.podman.has(tag):
                text = (f"FROM {cls.podman.base_image()}\nRUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install "
                        f"--no-install-recommends systemd systemd-sysv dbus procps {' '.join(names)}\nCMD [\"/sbin/init\"]\n")
                with open(os.path.join(cls.folder, "Dockerfile"), "w", encoding="ascii") as out:
                    out.write(text)
                cls.podman("build", "--network", "host", "--pull=never", "-q", "-t", tag, cls.folder, seconds=600)
        return tag

    def sh(self, script, check=True):
        done = self.podman("exec", self.container, "bash", "-ec", script, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{script}\nended with {done.returncode}: {done.stdout}{done.stderr}\n{self.journal()[-3000:]}")
        return done

    def show(self, name):
        return self.sh(f"systemctl show -P {name} tapewatch").stdout.strip()

    def journal(self):
        return self.sh("journalctl --no-pager -o cat -u tapewatch", check=False).stdout

    def write(self, lines):
        with open(os.path.join(self.folder, "logs", "app.log"), "a", encoding="ascii") as out:
            for _ in range(lines):
                out.write(json.dumps({"message": "numbered", "n": type(self).written}) + "\n")
                type(self).written += 1

    def stored(self):
        """The numbers in the store, as the command line finds them."""
        said = self.sh(f"tapewatch search -c {CONFIG} --json --limit 1000000 numbered", check=False)
        return [int(n) for n in re.findall(r'"n": (\d+)', said.stdout)]

    def all_stored(self):
        self.until(lambda: len(self.stored()) >= self.written, 30, lambda: self.journal()[-3000:])
        self.assertEqual(list(range(self.written)), sorted(self.stored()), "each once")

    def test_exposure(self):
        analyze = program("systemd-analyze", "systemd")
        said = places.run(analyze, "security", "--offline=true", "--no-pager", UNIT).stdout
        exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said)[1])
        self.assertLessEqual(exposure, EXPOSURE_MAX)
        self.tell(f"exposure {exposure}")

    def test_life(self):
        self.until(lambda: self.sh("systemctl is-system-running", check=False).stdout.strip() in ("running", "degraded"), 30,
                   "systemd is up")
        # What systemd does by itself on a machine, but not in a container: else mounts of credentials are not seen.
        self.sh("mount --make-rshared /")
        install, look, secret = places.commands_of(README)
        self.write(1000)
        os.chmod(os.path.join(self.folder, "logs", "app.log"), 0o644)
        self.sh("DEBIAN_FRONTEND=noninteractive dpkg -i /tmp/tapewatch.deb")
        status = self.sh(install.splitlines()[1]).stdout
        self.assertIn("active (running)", status)
        self.assertIn("enabled", status)
        self.assertEqual("notify", self.show("Type"))
        verify = self.sh("systemd-analyze verify --man=no /lib/systemd/system/tapewatch.service 2>&1").stdout
        self.assertEqual("", verify)
        self.sh(look)
        self.all_stored()
        self.until(lambda: re.search(r"1 file, \d+ events, 0 bytes behind", self.show("StatusText")), 15, "the status line")
        self.tell("verify, start")
        self.sandbox()
        self.reload()
        self.broken()
        self.secrets(secret)
        self.killed()
        self.watchdog()
        self.stop()

    def sandbox(self):
        pid = self.show("MainPID")
        status = self.sh(f"cat /proc/{pid}/status").stdout
        self.assertRegex(status, r"CapEff:\s+0+\n")
        self.assertRegex(status, r"NoNewPrivs:\s+1\n")
        self.assertRegex(status, r"Seccomp:\s+2\n")
        self.assertNotRegex(status, r"Uid:\s+0\s")
        self.assertIn("drwx------", self.sh("ls -ld /var/lib/private/tapewatch").stdout)

    def reload(self):
        pid, runs = self.show("MainPID"), self.journal().count('"running"')
        self.sh("echo 'service: {environment: reloaded}' > /etc/tapewatch/conf.d/10.yaml; systemctl reload tapewatch")
        self.until(lambda: self.journal().count('"running"') == runs + 1, 20, self.journal)
        self.until(lambda: self.show("ActiveState") == "active", 10, "active again")
        self.assertEqual(pid, self.show("MainPID"))
        self.write(10)
        self.all_stored()
        said = self.sh(f"tapewatch search -c {CONFIG} --json --limit 20 service.environment:reloaded").stdout
        self.assertEqual(10, len(said.splitlines()))
        self.tell("reload")

    def broken(self):
        """The old configuration stays, and the reason is there to be read."""
        pid, runs = self.show("MainPID"), self.journal().count('"running"')
        self.sh("echo 'servise: {}' > /etc/tapewatch/conf.d/20.yaml")
        refused = self.sh("systemctl reload tapewatch", check=False)
        self.assertNotEqual(0, refused.returncode)
        self.assertIn('unknown key "servise"', self.journal())
        self.assertIn("status=78", self.sh("journalctl --no-pager -u tapewatch -u init.scope _PID=1").stdout)
        # Also when somebody sends the signal by hand.
        self.sh(f"kill -HUP {pid}")
        self.until(lambda: "reload refused" in self.journal(), 10, self.journal)
        self.until(lambda: "the last reload was refused" in self.show("StatusText"), 15, "told in the status")
        self.assertEqual((pid, "active", runs), (self.show("MainPID"), self.show("ActiveState"), self.journal().count('"running"')))
        self.write(10)
        self.sh("rm /etc/tapewatch/conf.d/20.yaml")
        self.all_stored()
        # A start with it fails for good, with the exit code that says why.
        self.sh("echo 'servise: {}' > /etc/tapewatch/conf.d/20.yaml")
        self.assertNotEqual(0, self.sh("systemctl restart tapewatch", check=False).returncode)
        time.sleep(3)  # longer than RestartSec
        self.assertEqual(("failed", "78"), (self.show("ActiveState"), self.show("ExecMainStatus")), "not tried again")
        self.assertIn('did you mean "service"?', self.journal())
        self.sh("rm /etc/tapewatch/conf.d/20.yaml; systemctl start tapewatch")
        self.all_stored()
        self.tell("broken file refused")

    def secrets(self, commands):
        self.sh(commands)
        pid = self.show("MainPID")
        self.assertIn("tapewatch_http.token", self.sh(f"ls -l /proc/{pid}/root/run/credentials/tapewatch.service").stdout)
        self.assertEqual("", self.sh("ls /etc/tapewatch/credentials/ | grep -v http.token || true").stdout)
        refused = self.sh("mv /etc/tapewatch/conf.d/token.yaml /tmp/x; tapewatch search '*'", check=False)
        self.assertIn("token", refused.stderr)
        self.sh("mv /tmp/x/token.yaml /etc/tapewatch/conf.d/")
        self.sh("systemctl reload tapewatch")  # what validates sees the same secrets as the agent
        self.until(lambda: self.show("ActiveState") == "active", 20, "active")
        self.all_stored()
        self.tell("credentials")

    def killed(self):
        stop = threading.Event()

        def writer():
            while not stop.is_set():
                self.write(20)
                time.sleep(0.01)
        thread = threading.Thread(target=writer)
        thread.start()
        try:
            for _ in range(3):
                pid = self.show("MainPID")
                self.sh(f"kill -9 {pid}")
                self.until(lambda pid=pid: self.show("MainPID") not in ("0", pid) and self.show("ActiveState") == "active", 20,
                           self.journal)
        finally:
            stop.set()
            thread.join()
        self.assertEqual("3", self.show("NRestarts"))
        self.all_stored()
        self.tell("3 kills")

    def watchdog(self):
        """Stopped, it makes no progress: systemd ends it and starts another."""
        self.sh("mkdir -p /run/systemd/system/tapewatch.service.d; "
                "printf '[Service]\\nWatchdogSec=2\\n' > /run/systemd/system/tapewatch.service.d/test.conf; "
                "systemctl daemon-reload; systemctl restart tapewatch")
        pid = self.show("MainPID")
        time.sleep(5)
        self.assertEqual(pid, self.show("MainPID"), "while it goes on it is fed\n" + self.journal()[-2000:])
        self.sh(f"kill -STOP {pid}")
        self.until(lambda: self.show("MainPID") not in ("0", pid), 20, self.journal)
        self.write(10)
        self.all_stored()
        self.tell("watchdog")

    def stop(self):
        self.write(2000)
        self.all_stored()
        began = time.monotonic()
        self.sh("systemctl stop tapewatch")
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(("inactive", "success", "0"), (self.show("ActiveState"), self.show("Result"), self.show("ExecMainStatus")))
        last = json.loads(re.findall(r'^\{.*"message":"stopped".*\}$', self.journal(), re.MULTILINE)[-1])
        self.assertTrue(last["all_delivered"])
        self.sh("apt-get purge --yes tapewatch")
        self.assertEqual("", self.sh("ls -d /etc/tapewatch /var/lib/private/tapewatch /var/lib/tapewatch 2>/dev/null || true").stdout)
        self.tell(f"stop in {time.monotonic() - began:.1f} s, purge")


if __name__ == "__main__":
    unittest.main()
