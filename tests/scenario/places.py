# SPDX-License-Identifier: Apache-2.0
"""What the tests of the places share: a bare Debian, the package, podman with a store of its own, the closing row.

Everything that takes long is kept in $XDG_CACHE_HOME/tapewatch/places, outside the tree.
"""
import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import time
import unittest

from agent import binary
from needs import program, publish, skip

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BASE_IMAGE = "docker.io/library/debian:bookworm-slim"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def cache(*names):
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(home, "tapewatch", "places")
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, *names)


@contextlib.contextmanager
def only_one(what):
    """Two tests that need the same thing: the second one finds it made."""
    with open(cache(what + ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*words, seconds=300, check=True, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}\nended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def need_root():
    if os.geteuid() != 0:
        skip("needs root: containers and chroot")


def package():
    """The Debian package of the build under test."""
    program("cpack", "cmake")
    build = os.path.dirname(os.path.dirname(binary()))
    with only_one("package"):
        run("ninja", "-C", build, "tapewatch", "package_files", seconds=900)
        run("cpack", "--config", os.path.join(build, "CPackConfig.cmake"))
        found = [name for name in os.listdir(os.path.join(build, "package")) if name.endswith(".deb")]
        if len(found) != 1:
            raise AssertionError(f"not one package: {found}")
        return os.path.join(build, "package", found[0])


def base():
    """A tar of the smallest Debian, made once."""
    need_root()
    path = cache("base.tar")
    with only_one("base"):
        if os.path.exists(path):
            return path
        debootstrap = program("debootstrap", "debootstrap")
        mirror = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm",
                     check=False).stdout.split()
        tree = cache("base.tree")
        shutil.rmtree(tree, ignore_errors=True)
        made = run(debootstrap, "--variant=minbase", "--include=ca-certificates", "bookworm", tree, *mirror[:1], seconds=600,
                   check=False)
        if made.returncode != 0:
            skip("debootstrap failed: " + (made.stdout + made.stderr).strip()[-300:])
        shutil.rmtree(os.path.join(tree, "var", "cache", "apt", "archives"), ignore_errors=True)
        run("tar", "-C", tree, "--exclude=./dev/*", "-cf", path + ".new", ".")
        os.rename(path + ".new", path)
        shutil.rmtree(tree)
    return path


class Podman:
    """podman with its own settings and its own store, so that nothing of the machine's is touched."""

    def __init__(self):
        need_root()
        self.path = program("podman", "podman")
        folder = cache("podman")
        os.makedirs(folder, exist_ok=True)
        runtime = "runc" if shutil.which("runc") else "crun"
        # The limits are those that a container without rights over limits can still be given.
        self._write("containers.conf", '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=8192:8192"]\n'
                    f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "{runtime}"\n')
        self._write("storage.conf", f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/storage"\nrunroot = "{folder}/run"\n')
        self.environment = {**os.environ, "CONTAINERS_CONF": os.path.join(folder, "containers.conf"),
                            "CONTAINERS_STORAGE_CONF": os.path.join(folder, "storage.conf")}

    @staticmethod
    def _write(name, text):
        with open(cache("podman", name), "w", encoding="ascii") as out:
            out.write(text)

    def __call__(self, *words, seconds=120, check=True, **options):
        return run(self.path, *words, seconds=seconds, check=check, env=self.environment, **options)

    def has(self, image):
        return self("image", "exists", image, check=False).returncode == 0

    def base_image(self):
        """The name that Dockerfiles use: found in the store, so nobody asks a registry."""
        tar = base()
        with only_one("base-image"):
            if not self.has(BASE_IMAGE):
                self("import", "--change", f"ENV PATH={PATH}", "--change", 'CMD ["bash"]', tar, BASE_IMAGE, seconds=300)
        return BASE_IMAGE

    def remove(self, *containers):
        self("rm", "-f", "-t", "2", *containers, check=False)

    def bytes_of(self, image):
        return int(json.loads(self("image", "inspect", image).stdout)[0]["Size"])


class PlaceCase(unittest.TestCase):
    """Prints at the end what ran and how long, also into the rows that tests/run shows."""
    place = ""

    @classmethod
    def setUpClass(cls):
        cls.began = time.monotonic()
        cls.ran = []

    @classmethod
    def tearDownClass(cls):
        if cls.ran:
            row = f"place: {cls.place}, {'; '.join(cls.ran)}, {time.monotonic() - cls.began:.0f} s"
            print(row, flush=True)
            publish(row)

    def tell(self, what):
        type(self).ran.append(what)

    def until(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {what}" if isinstance(what, str) else what())


def commands_of(readme, language="sh"):
    """The commands of a README's blocks, one string a block, as a newcomer would paste them."""
    with open(os.path.join(ROOT, readme), encoding="utf-8") as file:
        return [block.strip() for block in re.findall(rf"```{language}\n(.*?)```", file.read(), re.DOTALL)]
