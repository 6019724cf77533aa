# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the agent, and promtool finds nothing to say about its metrics."""
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import ledger
import needs


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Prometheus(ledger.LedgerCase):
    def running_agent(self):
        agent = self.start()
        writer = self.writer()
        writer.start(rate=200)
        self.until(lambda: self.sink.distinct() > 100, 20, "some lines")
        return agent

    def test_promtool_is_silent(self):
        promtool = needs.program("promtool", "prometheus")
        text = self.running_agent().get("/metrics")
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
        self.assertIn("tapewatch_build_info", text)

    def test_prometheus_scrapes(self):
        program = needs.program("prometheus", "prometheus")
        agent = self.running_agent()
        port, data = free_port(), os.path.join(self.folder, "prometheus")
        config = os.path.join(self.folder, "prometheus.yaml")
        with open(config, "w", encoding="utf-8") as out:
            json.dump({"global": {"scrape_interval": "1s"},
                       "scrape_configs": [{"job_name": "tapewatch", "static_configs": [{"targets": [agent.address]}]}]}, out)
        with open(os.path.join(self.folder, "prometheus.log"), "wb") as log:
            process = subprocess.Popen([program, f"--config.file={config}", f"--storage.tsdb.path={data}",
                                        f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        self.addCleanup(lambda: (process.kill(), process.wait(), shutil.rmtree(data, ignore_errors=True)))

        def value(query):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query}),
                                            timeout=5) as reply:
                    result = json.load(reply)["data"]["result"]
            except OSError:
                return 0.0
            return float(result[0]["value"][1]) if result else 0.0
        began = time.monotonic()
        self.until(lambda: value('sum(tapewatch_input_read_bytes_total{job="tapewatch"})') > 0, 60, "a sample with bytes read")
        self.facts.append(f"first sample after {time.monotonic() - began:.1f} s")
        self.assertEqual(1, value('up{job="tapewatch"}'))
        self.assertGreater(value('sum(tapewatch_output_items_total{result="created"})'), 0)
        self.until(lambda: value("sum(rate(tapewatch_input_events_total[10s]))") > 50, 30, "a rate of lines")
        self.quiet()
        self.settle()


if __name__ == "__main__":
    ledger.main()
