# SPDX-License-Identifier: Apache-2.0
"""Agent: the real binary under test, started with a generated configuration, stopped, killed and asked."""
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def binary():
    path = os.environ.get("TAPEWATCH")
    if not path:
        here = os.path.dirname(os.path.abspath(__file__))
        path = os.path.join(here, "..", "..", "build", "release", "bin", "tapewatch")
    return os.path.abspath(path)


def merge(base, more):
    """`more` over `base`, map by map; None takes a key away."""
    out = dict(base)
    for key, value in more.items():
        out[key] = merge(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return {key: value for key, value in out.items() if value is not None}


def default_config(folder, url):
    """Short waits, so that a case does not last; batches one after the other, so that the order can be judged."""
    config = {
        "service": {"name": "ledger-app", "instance": "ledger"},
        "inputs": [{"name": "app", "include": [os.path.join(folder, "logs", "*.log*")], "scan_interval": "200ms"}],
        "http": {"address": "127.0.0.1:0"},
        "limits": {"checkpoint_interval": "100ms"},
        "state_dir": os.path.join(folder, "state"),
    }
    if url:
        config["outputs"] = {"elasticsearch": {
            "hosts": [url], "bulk_max_age": "50ms", "concurrency": {"max": 1}, "timeout": "20s",
            "backoff": {"init": "50ms", "max": "1s"}}}
    return config


class Agent:
    def __init__(self, folder, config):
        self.folder = folder
        self.config = config
        self.process = None
        self.log = []            # lines of its own log of this life, as objects
        self.log_path = os.path.join(folder, "agent.log")
        self.address = None
        self.lives = 0
        self.started_at = 0.0
        self.lost_counters = {}  # loss counters of earlier lives, summed
        os.makedirs(os.path.join(folder, "logs"), exist_ok=True)

    # Life.

    def write_config(self):
        path = os.path.join(self.folder, "tapewatch.yaml")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(self.config, out)  # JSON is YAML
        return path

    def start(self, wait=True, arguments=(), prefix=(), seconds=20):
        path = self.write_config()
        self.log, self.address = [], None
        self.lives += 1
        self.started_at = time.monotonic()
        with open(self.log_path, "ab") as log:
            log.write(b"-- life %d\n" % self.lives)
        self.process = subprocess.Popen([*prefix, binary(), "run", "-c", path, *arguments], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, cwd=self.folder)
        self.read_log_of(self.process)
        if wait:
            self.wait_listening(seconds)
        return self

    def read_log_of(self, process):
        threading.Thread(target=self._read_log, args=(process,), daemon=True).start()

    def _read_log(self, process):
        with open(self.log_path, "ab") as copy, process.stderr:
            for line in process.stderr:
                copy.write(line)
                copy.flush()
                if process is not self.process:
                    continue
                try:
                    record = json.loads(line)
                except ValueError:
                    record = {"message": line.decode(errors="replace").strip(), "not_json": True}
                self.log.append(record)
                if record.get("message") == "listening":
                    self.address = record.get("address")

    def wait_listening(self, seconds=20):
        deadline = time.monotonic() + seconds
        while self.address is None:
            if self.process.poll() is not None:
                raise AssertionError(f"the agent ended with {self.process.returncode}:\n{self.tail_log()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"the agent does not listen after {seconds} s:\n{self.tail_log()}")
            time.sleep(0.005)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.running():
            self.process.kill()
        return self.wait(10)

    def wait(self, seconds=20):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent still runs after {seconds} s:\n{self.tail_log()}") from None

    def stop(self, seconds=20):
        """SIGTERM; its exit code and the seconds it took. The loss counters of this life are kept."""
        if not self.running():
            return self.process.returncode if self.process else None, 0.0
        self.keep_loss_counters()
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = self.wait(seconds)
        return code, time.monotonic() - began

    def tail_log(self, lines=40):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""

    # Questions.

    def get(self, path, seconds=10):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=seconds) as reply:
            return reply.read().decode()

    def get_json(self, path):
        return json.loads(self.get(path))

    def metrics(self):
        """{name: {labels as a frozenset of pairs: value}}"""
        out = {}
        for line in self.get("/metrics").splitlines():
            match = SAMPLE.match(line)
            if match:
                labels = frozenset(LABEL.findall(match[2] or ""))
                out.setdefault(match[1], {})[labels] = float(match[3])
        return out

    def metric(self, name, metrics=None, **labels):
        """The sum of a family's series that carry these labels."""
        wanted = set(labels.items())
        return sum(v for k, v in (metrics or self.metrics()).get(name, {}).items() if wanted <= k)

    def items(self, metrics=None):
        """Verdicts of the Elasticsearch output, by result."""
        out = {}
        for labels, value in (metrics or self.metrics()).get("tapewatch_output_items_total", {}).items():
            labels = dict(labels)
            if "store" not in labels.get("output", ""):
                out[labels["result"]] = out.get(labels["result"], 0) + int(value)
        return out

    def loss_counters(self, metrics=None):
        metrics = metrics or self.metrics()
        return {name: self.metric(name, metrics)
                for name in ("tapewatch_input_missed_bytes_total", "tapewatch_input_abandoned_bytes_total")}

    def keep_loss_counters(self):
        try:
            for name, value in self.loss_counters().items():
                self.lost_counters[name] = self.lost_counters.get(name, 0) + value
        except (OSError, ValueError, TypeError):
            pass

    def bytes_told_lost(self):
        told = sum(self.lost_counters.values())
        if self.running():
            try:
                told += sum(self.loss_counters().values())
            except (OSError, ValueError):
                pass
        return told

    def memory(self, field="VmHWM"):
        """Bytes: VmHWM is the peak, VmRSS what is resident now."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        return 0

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")

    def wait_log(self, message, seconds=20):
        """The first record of this life whose message contains the text."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for record in list(self.log):
                if message in str(record.get("message", "")):
                    return record
            time.sleep(0.01)
        raise AssertionError(f"no log line with {message!r} within {seconds} s:\n{self.tail_log()}")


def command(*arguments, seconds=60, **options):
    """Runs the binary with other verbs."""
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=seconds, check=False, **options)
