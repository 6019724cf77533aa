# SPDX-License-Identifier: Apache-2.0
"""The Debian package in a bare Debian: installed, used, upgraded, removed, purged, as deploy/package/README.md says."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import places
from needs import program

README = "deploy/package/README.md"


class Package(places.PlaceCase):
    place = "package"

    def setUp(self):
        places.need_root()
        self.package = places.package()

    def test_lintian(self):
        lintian = program("lintian", "lintian")
        done = places.run(lintian, "--allow-root", "--fail-on", "none", self.package)
        faults = [line for line in done.stdout.splitlines() if line.startswith("E:")]
        self.assertEqual([], faults)
        # The folder of secrets is closed on purpose.
        self.assertEqual(["non-standard-dir-perm"], [line.split()[2] for line in done.stdout.splitlines() if line.startswith("W:")])
        self.tell("lintian")

    def test_manual_knows_every_command(self):
        with tempfile.TemporaryDirectory() as folder:
            places.run("dpkg-deb", "-x", self.package, folder)
            page = places.run("gzip", "-dc", folder + "/usr/share/man/man1/tapewatch.1.gz").stdout
            completion = folder + "/usr/share/bash-completion/completions/tapewatch"
            overview = places.run(folder + "/usr/bin/tapewatch", "help").stdout
            # Ask the completion as bash does: the words so far, and which one is being written.
            script = ('source "$1"; COMP_WORDS=(tapewatch "${@:2}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tapewatch; '
                      'printf "%s\\n" "${COMPREPLY[@]}"')
            ask = lambda *words: places.run("bash", "-c", script, "-", completion, *words).stdout.split()  # noqa: E731
            self.assertEqual(["validate"], ask("val"))
            self.assertEqual(["list"], ask("dlq", "li"))
            self.assertEqual(["--config"], ask("run", "--con"))
            commands = [line.split()[0] for line in overview.split("[ARGUMENTS]\n\n")[1].split("\n\n")[0].splitlines()]
            self.assertGreater(len(commands), 15)
            for command in commands:
                if command != "help":
                    self.assertIn(f'.SS "tapewatch {command}', page)
                self.assertIn(command, ask(command))

    def chroot(self, script, check=True):
        environment = {"PATH": places.PATH, "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        return places.run("chroot", self.tree, "sh", "-ec", script, env=environment, check=check, seconds=300)

    def left(self):
        """Every path that speaks of the package, but for what apt and dpkg write down of their own work."""
        found = self.chroot("find / -xdev -name '*tapewatch*' -not -path '/proc/*' -not -path '/tmp/*'").stdout.split()
        return [path for path in found if not path.startswith(("/var/log/", "/var/cache/"))]

    def test_life_in_a_bare_debian(self):
        tar = places.base()
        # Not below /tmp: that may be too small for a system.
        self.tree = tempfile.mkdtemp(prefix="tree-", dir=places.cache())
        self.addCleanup(shutil.rmtree, self.tree)
        places.run("tar", "-C", self.tree, "-xf", tar)
        for device, number in (("null", (1, 3)), ("urandom", (1, 9)), ("random", (1, 8)), ("zero", (1, 5))):
            path = os.path.join(self.tree, "dev", device)
            if not os.path.exists(path):
                os.mknod(path, 0o20666, os.makedev(*number))
                os.chmod(path, 0o666)
        shutil.copy("/etc/resolv.conf", os.path.join(self.tree, "etc", "resolv.conf"))
        shutil.copy("/etc/hosts", os.path.join(self.tree, "etc", "hosts"))
        shutil.copy(self.package, os.path.join(self.tree, "tmp", "tapewatch.deb"))
        install, use, remove = places.commands_of(README)
        self.chroot("apt-get -q -o APT::Update::Error-Mode=any update && apt-get -q -y --no-install-recommends install "
                    "$(dpkg-deb -f /tmp/tapewatch.deb Depends | sed 's/([^)]*)//g; s/,/ /g')")
        install = install.splitlines()
        self.assertEqual(["deploy/local/install build", "deploy/package/build /tmp/tapewatch.deb"], install[:2])
        self.chroot("\n".join(install[2:]))
        log = os.path.join(self.tree, "var", "log", "trading")
        os.makedirs(log)
        with open(os.path.join(log, "app.log"), "w", encoding="ascii") as out:
            out.writelines(json.dumps({"message": "hello", "n": n}) + "\n" for n in range(100))
        said = self.chroot(use)
        self.assertRegex(said.stdout, r"^tapewatch \d+\.\d+\.\d+")
        size = os.path.getsize(os.path.join(log, "app.log"))
        state = self.chroot("STATE_DIRECTORY=/tmp/tapewatch-state tapewatch state show -c /etc/tapewatch/tapewatch.yaml").stdout
        self.assertIn(f"{size} of {size} bytes", state)
        self.tell("installed, run --once")
        # An edited file survives an upgrade; an installed service is enabled.
        config = os.path.join(self.tree, "etc", "tapewatch", "tapewatch.yaml")
        with open(config, "a", encoding="ascii") as out:
            out.write("service: {name: edited}\n")
        wanted = os.path.join(self.tree, "etc", "systemd", "system", "multi-user.target.wants", "tapewatch.service")
        self.assertTrue(os.path.islink(wanted))
        self.chroot("dpkg -i --force-confold /tmp/tapewatch.deb")
        with open(config, encoding="ascii") as file:
            self.assertIn("edited", file.read())
        os.makedirs(os.path.join(self.tree, "var", "lib", "private", "tapewatch", "store"))
        with open(os.path.join(self.tree, "etc", "tapewatch", "credentials", "api.key"), "w", encoding="ascii") as out:
            out.write("secret")
        removal, purge = remove.splitlines()
        self.chroot(removal)
        self.assertTrue(os.path.exists(config), "removing keeps what the administrator wrote")
        self.assertFalse(os.path.exists(os.path.join(self.tree, "usr", "bin", "tapewatch")))
        self.chroot(purge)
        self.assertEqual([], self.left(), "purging leaves nothing")
        self.assertEqual("", self.chroot("dpkg -l tapewatch 2>/dev/null | grep -E '^[ir]' || true").stdout)
        self.tell("upgraded, removed, purged")


if __name__ == "__main__":
    unittest.main()
