# SPDX-License-Identifier: Apache-2.0
"""RealAlertmanager: the real server on loopback, in a folder of its own, asked with amtool."""
import json
import os
import subprocess
import time
import urllib.request

import needs
from real_prometheus import free_port


class RealAlertmanager:
    def __init__(self, folder, receiver=None):
        """`receiver`: the URL that it notifies."""
        self.program = needs.program("prometheus-alertmanager", "prometheus-alertmanager")
        self.amtool = needs.program("amtool", "prometheus-alertmanager")
        self.port, self.data = free_port(), os.path.join(folder, "alertmanager")
        self.log_path = os.path.join(folder, "alertmanager.log")
        self.config = os.path.join(folder, "alertmanager.yaml")
        self.process = None
        hooks = [{"url": receiver, "send_resolved": True}] if receiver else []
        with open(self.config, "w", encoding="utf-8") as out:
            json.dump({"route": {"receiver": "test", "group_wait": "1s", "group_interval": "1s", "group_by": ["..."]},
                       "receivers": [{"name": "test", "webhook_configs": hooks}]}, out)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.program, f"--config.file={self.config}", f"--storage.path={self.data}",
                                             f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="],
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url + "/-/ready", timeout=5):
                    return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the Alertmanager does not answer")

    def stop(self, gently=False):
        """Gently: it remembers whom it has notified of what."""
        if self.process is not None:
            if gently:
                self.process.terminate()
            else:
                self.process.kill()
            self.process.wait()
            self.process = None

    def alerts(self, *matchers):
        """What amtool sees firing."""
        time.sleep(0.2)  # asked in a loop
        done = subprocess.run([self.amtool, "alert", "query", f"--alertmanager.url={self.url}", "-o", "json", *matchers],
                              capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            return []
        return json.loads(done.stdout)

    def complaints(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return [line.strip() for line in log if "level=error" in line or "level=warn" in line]
