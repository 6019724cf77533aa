# SPDX-License-Identifier: Apache-2.0
"""The compose file is valid, and those parts of the stack that Debian has are brought up by deploy/compose/up for real.

Elasticsearch, Kibana and Grafana come from registries alone: the sink of the tests stands in for the first, the others are left out.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import containers
import ledger
import places
from needs import program

FILE = os.path.join(places.ROOT, "deploy", "compose.yaml")
README = "deploy/compose/README.md"
SERVICES = ("prometheus", "alertmanager", "redis", "app", "tapewatch")
PASSWORDS = ("ELASTIC_PASSWORD", "KIBANA_PASSWORD", "KIBANA_KEY", "TAPEWATCH_ES_PASSWORD", "TAPEWATCH_HTTP_TOKEN",
             "GRAFANA_PASSWORD", "REDIS_PASSWORD")
PARTS = "localhost/tapewatch-parts:test"
# Debian's programs under the names that the official images have them by, and the sink in place of Elasticsearch.
PARTS_FILE = """FROM {base}
RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install prometheus prometheus-alertmanager \\
    redis-server wget curl python3-minimal libpython3-stdlib
RUN ln -sf /usr/bin/prometheus-alertmanager /bin/alertmanager && install -d -o 65534 /prometheus /alertmanager && install -d -o 999 /data
"""
SINK = """
import json, sys, time
sys.path.insert(0, "/scenario")
from sink import FaultSink
sink = FaultSink(9200, "0.0.0.0")
while True:
    time.sleep(0.2)
    with open("/out/sink.json", "w") as out:
        json.dump({"created": sink.created, "others": sink.other_requests, "last": sink.foreign[-1:][0].decode() if sink.foreign else ""}, out)
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Compose(places.PlaceCase):
    place = "compose"

    def setUp(self):
        self.compose = program("docker-compose", "docker-compose")
        self.folder = tempfile.mkdtemp(prefix="tapewatch-compose-")
        self.addCleanup(shutil.rmtree, self.folder)

    def check(self, text):
        """What compose says of this file, with every password set."""
        path = os.path.join(self.folder, "compose.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return places.run(self.compose, "-f", path, "config", check=False, env={**os.environ, **{name: "x" for name in PASSWORDS}})

    def test_file(self):
        with open(FILE, encoding="utf-8") as file:
            text = file.read()
        good = self.check(text)
        self.assertEqual((0, ""), (good.returncode, good.stderr))
        self.assertNotEqual(0, self.check(text.replace("mem_limit: 512m", "mem_limits: 512m", 1)).returncode, "it can say no")
        missing = places.run(self.compose, "-f", FILE, "config", "-q", check=False)
        self.assertIn("deploy/compose/up", missing.stderr, "no password, no start")
        images = {line.split("image:")[1].strip() for line in good.stdout.splitlines() if "image:" in line}
        self.assertEqual(7, len(images), images)
        for image in images:
            self.assertRegex(image, r":v?\d+\.\d+\.\d+$", "a version is pinned")
        published = re.findall(r'ports: \["([^"]+)"', text)
        self.assertEqual(6, len(published))
        self.assertEqual([], [port for port in published if not port.startswith("127.0.0.1:")], "ports of this machine alone")
        self.assertEqual("deploy/compose/up", places.commands_of(README)[0])
        self.tell("file")

    def override(self, podman):
        """The images that cannot be pulled, replaced; the script of the tests' own sink in place of Elasticsearch."""
        scenario = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(self.folder, "sink.py"), "w", encoding="ascii") as out:
            out.write(SINK)
        os.mkdir(os.path.join(self.folder, "out"))
        podman("tag", containers.IMAGE, "localhost/tapewatch:0.1.0")
        parts = {name: {"image": PARTS} for name in ("prometheus", "alertmanager", "redis", "users")}
        parts["prometheus"]["entrypoint"] = ["/usr/bin/prometheus"]
        for name in ("prometheus", "alertmanager"):
            parts[name]["user"] = "65534:65534"
        services = {name: {"image": "localhost/tapewatch:0.1.0"} for name in ("app", "tapewatch", "templates")}
        services |= parts
        services["elasticsearch"] = {
            "image": PARTS, "entrypoint": ["python3", "/stand-in/sink.py"], "command": [],
            "volumes": [f"{scenario}:/scenario:ro", f"{self.folder}/sink.py:/stand-in/sink.py:ro", f"{self.folder}/out:/out"]}
        path = os.path.join(self.folder, "override.yaml")
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"services": services}, out)
        return path

    def serve(self, podman):
        """podman's API, which compose takes for docker's."""
        path = os.path.join(self.folder, "podman.sock")
        service = subprocess.Popen([podman.path, "system", "service", "-t", "0", "unix://" + path], env=podman.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(service.wait)
        self.addCleanup(service.terminate)
        self.until(lambda: os.path.exists(path), 10, "podman's socket")
        return "unix://" + path

    def get(self, url, token=""):
        request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token} if token else {})
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.read().decode()

    def sink_says(self):
        try:
            with open(os.path.join(self.folder, "out", "sink.json"), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {"created": 0, "others": [], "last": ""}

    def test_up(self):
        podman = places.Podman()
        containers.image(podman)
        podman.base_image()
        with open(os.path.join(self.folder, "Dockerfile"), "w", encoding="ascii") as out:
            out.write(PARTS_FILE.format(base=places.BASE_IMAGE))
        podman("build", "--network", "host", "--pull=never", "-q", "-t", PARTS, self.folder, seconds=600)
        ports = {name + "_PORT": str(free_port()) for name in ("TAPEWATCH", "PROMETHEUS", "ALERTMANAGER", "ELASTICSEARCH")}
        passwords = {name: f"secret-{name.lower()}" for name in PASSWORDS}
        environment = {**os.environ, **ports, **passwords, "DOCKER_HOST": self.serve(podman), "COMPOSE_SECONDS": "90",
                       "DOCKER_BUILDKIT": "0"}
        override = self.override(podman)
        up = [os.path.join(places.ROOT, "deploy", "compose", "up"), "--file", override, *SERVICES]
        for made in ("run", ".env"):  # of a person's own stack, if there is one, nothing is touched
            path = os.path.join(places.ROOT, "deploy", "compose", made)
            if not os.path.exists(path):
                self.addCleanup(places.run, "rm", "-rf", path)
        self.addCleanup(places.run, os.path.join(places.ROOT, "deploy", "compose", "down"), "--volumes", env=environment, check=False)
        began = time.monotonic()
        said = places.run(*up, env=environment, seconds=300)
        self.tell(f"up in {time.monotonic() - began:.0f} s")
        self.assertIn("http://localhost:" + ports["TAPEWATCH_PORT"], said.stdout)
        # The application's lines reach the agent and the sink; the templates came before them.
        self.until(lambda: self.sink_says()["created"] > 100, 30, "lines delivered")
        others = [target for _, target in self.sink_says()["others"]]
        self.assertTrue(any("/_security/user/tapewatch" in target for target in others), others)
        self.assertTrue(any("_index_template/" in target for target in others), others)
        self.assertEqual("demo", json.loads(self.sink_says()["last"])["service.environment"])
        # Prometheus scrapes the agent with its token, and knows Alertmanager.
        prometheus = "http://localhost:" + ports["PROMETHEUS_PORT"]
        def value(query):
            result = json.loads(self.get(f"{prometheus}/api/v1/query?query={query}"))["data"]["result"]
            return float(result[0]["value"][1]) if result else 0
        self.until(lambda: value("up") == 1 and value("tapewatch_input_events_total") > 100, 40, lambda: self.get(prometheus + "/api/v1/targets"))
        self.assertEqual(1, len(json.loads(self.get(prometheus + "/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]))
        # The page wants its token.
        page = "http://localhost:" + ports["TAPEWATCH_PORT"]
        self.assertIn("tapewatch", self.get(page + "/"))
        self.assertIn('"service":"trading-app"', self.get(page + "/api/v1/status", passwords["TAPEWATCH_HTTP_TOKEN"]).replace(" ", ""))
        with self.assertRaises(urllib.error.HTTPError):
            self.get(page + "/api/v1/status")
        # Redis wants its password.
        names = podman("ps", "--format", "{{.Names}}").stdout.split()
        redis = next(name for name in names if "redis" in name)
        self.assertIn("NOAUTH", podman("exec", redis, "redis-cli", "ping").stdout)
        self.assertIn("PONG", podman("exec", redis, "sh", "-c", 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli ping').stdout)
        # The health checks of the file, asked by hand: podman's own clock for them needs systemd.
        for name in names:
            if any(service in name for service in ("tapewatch_tapewatch", "prometheus", "alertmanager", "redis")):
                self.assertEqual(0, podman("healthcheck", "run", name, check=False).returncode, name)
        self.tell(", ".join(SERVICES).replace(", ", " "))


if __name__ == "__main__":
    ledger.main()
