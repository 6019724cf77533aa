# SPDX-License-Identifier: Apache-2.0
"""ContainerAgent: the agent of the ledger, but in a container with everything taken away; and the image that it runs."""
import os
import shutil
import signal
import subprocess
import tempfile
import time

import places
from agent import Agent

IMAGE = "localhost/tapewatch:test"
HARD = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--pull=never")


def image(podman):
    """Builds it by the Dockerfile of the tree around the package of the build under test."""
    package = places.package()
    podman.base_image()
    with tempfile.TemporaryDirectory(prefix="tapewatch-context-") as context, places.only_one("image"):
        shutil.copy(package, os.path.join(context, "tapewatch.deb"))
        shutil.copy(os.path.join(places.ROOT, "Dockerfile"), context)
        shutil.copytree(os.path.join(places.ROOT, "deploy", "image"), os.path.join(context, "deploy", "image"))
        podman("build", "--network", "host", "--pull=never", "--format", "docker", "-q", "-t", IMAGE, "--build-arg",
               "PACKAGE=tapewatch.deb", context, seconds=600)
    return IMAGE


class ContainerAgent(Agent):
    """Signals go to the process in the container; the one that is held here is podman's, which waits for it."""

    def __init__(self, podman, folder, config):
        super().__init__(folder, config)
        self.podman = podman
        self.name = f"tapewatch-test-{os.getpid()}-{id(self)}"
        # The user of the image owns nothing of what the test makes.
        os.chmod(folder, 0o777)
        os.chmod(os.path.join(folder, "logs"), 0o755)

    def start(self, wait=True, arguments=(), prefix=(), seconds=20):
        path = self.write_config()
        os.chmod(path, 0o644)
        self.podman.remove(self.name)
        self.log, self.address = [], None
        self.lives += 1
        self.started_at = time.monotonic()
        logs = os.path.join(self.folder, "logs")
        self.process = subprocess.Popen(
            [self.podman.path, "run", "--rm", "--name", self.name, "--network=host", *HARD, "-v", f"{self.folder}:{self.folder}",
             "-v", f"{logs}:{logs}:ro", IMAGE, "run", "--strict", "-c", path, *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.podman.environment)
        self.read_log_of(self.process)
        if wait:
            self.wait_listening(seconds)
        return self

    @property
    def pid(self):
        return int(self.podman("inspect", "-f", "{{.State.Pid}}", self.name).stdout)

    def signal(self, number):
        self.podman("kill", "-s", signal.Signals(number).name, self.name)

    def kill(self):
        if self.running():
            self.signal(signal.SIGKILL)
        return self.wait(20)
