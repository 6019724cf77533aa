# SPDX-License-Identifier: Apache-2.0
"""RealPrometheus: the real server with a configuration of one job, in a folder of its own, asked over its API."""
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import needs


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class RealPrometheus:
    def __init__(self, folder, targets, rule_files=(), interval="1s"):
        program = needs.program("prometheus", "prometheus")
        self.port, self.data = free_port(), os.path.join(folder, "prometheus")
        self.log_path = os.path.join(folder, "prometheus.log")
        config = os.path.join(folder, "prometheus.yaml")
        with open(config, "w", encoding="utf-8") as out:
            json.dump({"global": {"scrape_interval": interval, "evaluation_interval": interval},
                       "rule_files": list(rule_files),
                       "scrape_configs": [{"job_name": "tapewatch", "static_configs": [{"targets": [targets] if isinstance(targets, str) else targets}]}]}, out)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([program, f"--config.file={config}", f"--storage.tsdb.path={self.data}",
                                             f"--web.listen-address=127.0.0.1:{self.port}",
                                             "--enable-feature=exemplar-storage"], stdout=log, stderr=log)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)

    def ask(self, path, **parameters):
        """What stands under "data"; None while the server does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters),
                                        timeout=10) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError(f"{path} {parameters}: {error.read().decode(errors='replace')}") from None
        except OSError:
            return None

    def result(self, query):
        return (self.ask("query", query=query) or {"result": []})["result"]

    def value(self, query):
        """Of the first series; 0 without one."""
        result = self.result(query)
        return float(result[0]["value"][1]) if result else 0.0

    def exemplars(self, query):
        """[(labels of the series, exemplar)] of the last minutes."""
        now = time.time()
        found = self.ask("query_exemplars", query=query, start=now - 600, end=now + 60) or []
        return [(series["seriesLabels"], exemplar) for series in found for exemplar in series["exemplars"]]

    def complaints(self):
        """What it says about what it scraped."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return [line.strip() for line in log if "scrape" in line and ("level=warn" in line or "level=error" in line)]
