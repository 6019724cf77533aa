# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the agent: its numbers, what it derives from lines, exemplars; promtool finds nothing to say."""
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.request

import agent as agent_module
import ledger
import needs
from real_prometheus import RealPrometheus

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


class Prometheus(ledger.LedgerCase):
    def running_agent(self):
        agent = self.start()
        writer = self.writer()
        writer.start(rate=200)
        self.until(lambda: self.sink.distinct() > 100, 20, "some lines")
        return agent

    def prometheus(self, agent):
        server = RealPrometheus(self.folder, agent.address)
        self.addCleanup(server.stop)
        return server

    def promtool(self, text):
        promtool = needs.program("promtool", "prometheus")
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))

    def test_promtool_is_silent(self):
        text = self.running_agent().get("/metrics")
        self.promtool(text)
        self.assertIn("tapewatch_build_info", text)

    def test_prometheus_scrapes(self):
        agent = self.running_agent()
        server = self.prometheus(agent)
        began = time.monotonic()
        self.until(lambda: server.value('sum(tapewatch_input_read_bytes_total{job="tapewatch"})') > 0, 60, "a sample with bytes read")
        self.facts.append(f"first sample after {time.monotonic() - began:.1f} s")
        self.assertEqual(1, server.value('up{job="tapewatch"}'))
        self.assertGreater(server.value('sum(tapewatch_output_items_total{result="created"})'), 0)
        self.until(lambda: server.value("sum(rate(tapewatch_input_events_total[10s]))") > 50, 30, "a rate of lines")
        self.quiet()
        self.settle()


class FromLogs(ledger.LedgerCase):
    """The agent alone, over lines of a test's own."""

    def agent_with(self, metrics, more=None):
        config = agent_module.default_config(self.folder, None)
        config["metrics"] = metrics
        config.update(more or {})
        agent = agent_module.Agent(self.folder, config).start()
        self.addCleanup(agent.kill)
        return agent

    def write(self, events, name="own.log"):
        with open(os.path.join(self.folder, "logs", name), "a", encoding="utf-8") as out:
            out.writelines(json.dumps(event) + "\n" for event in events)

    def openmetrics(self, agent):
        request = urllib.request.Request(f"http://{agent.address}/metrics", headers={"Accept": OPENMETRICS})
        with urllib.request.urlopen(request, timeout=10) as reply:
            self.assertTrue(reply.headers["Content-Type"].startswith("application/openmetrics-text"))
            return reply.read().decode()

    def test_trading_defaults_with_exemplars(self):
        shipped = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "config", "metrics", "trading.yaml")
        agent = self.agent_with({"include": [os.path.abspath(shipped)]})
        server = RealPrometheus(self.folder, agent.address)
        self.addCleanup(server.stop)
        trace = "4bf92f3577b34da6a3ce929d0e0e47%02x"

        def request(n):
            now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{n:03d}Z"
            return {"@timestamp": now, "event.duration": 20_000_000, "url.path": f"/api/v1/orders/ORD-{n:06d}",
                    "http.request.method": "GET", "http.response.status_code": 200, "trace.id": trace % n, "log.level": "INFO"}
        self.write(request(n) for n in range(20))
        self.until(lambda: agent.metric("trading_request_duration_seconds_count") == 20, 20, "20 requests counted")
        self.assertEqual(20, agent.metric("trading_request_duration_seconds_count", route="/api/v1/orders/:id", status="2xx"))
        found = []

        def exemplar_is_there():
            found[:] = server.exemplars("trading_request_duration_seconds_bucket")
            return bool(found)
        self.until(exemplar_is_there, 60, "an exemplar")
        labels, exemplar = found[0]
        self.assertEqual("/api/v1/orders/:id", labels["route"])
        self.assertIn(exemplar["labels"]["trace_id"], [trace % n for n in range(20)])
        self.assertEqual("0.02", exemplar["value"])
        self.write([{"event.action": "order-submitted", "order.side": "buy", "trace.id": trace % 77}])
        self.until(lambda: server.exemplars("trading_orders_total"), 30, "an exemplar of a counter")
        self.assertEqual(1, server.value('trading_orders_total{side="buy"}'))
        self.assertEqual([], server.complaints())
        self.facts.append(f"{len(found)} exemplars")

    def test_both_forms_say_the_same(self):
        agent = self.agent_with({"from_logs": [{"name": "waits_seconds", "type": "histogram", "value": "wait", "buckets": [1, 2.5]}]})
        self.write({"wait": n, "trace.id": "a" * 32} for n in range(4))
        self.until(lambda: agent.metric("waits_seconds_count") == 4, 20, "the lines counted")
        text, open_form = agent.get("/metrics"), self.openmetrics(agent)
        needs.program("promtool", "prometheus")
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
        self.assertTrue(open_form.endswith("\n# EOF\n"))
        self.assertIn('waits_seconds_bucket{le="1.0"} 2 # {trace_id="' + "a" * 32, open_form)

        def names(form):
            return sorted(line.split("{")[0].split(" ")[0] for line in form.splitlines() if line and not line.startswith("#"))
        self.assertEqual(names(text), names(open_form))

    def test_the_application_is_served_with_ours(self):
        """The application's own metrics, in OpenMetrics, through the agent into Prometheus: types, times, exemplars."""
        stamp = time.time() - 2
        page = ('# TYPE app_latency_seconds histogram\n# HELP app_latency_seconds Of the application.\n'
                'app_latency_seconds_bucket{le="0.1"} 8 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.067\n'
                'app_latency_seconds_bucket{le="+Inf"} 9\napp_latency_seconds_sum 3.5\napp_latency_seconds_count 9\n'
                '# TYPE app_jobs counter\n# HELP app_jobs Jobs.\napp_jobs_total 17\n'
                f'# TYPE app_price gauge\n# HELP app_price Of a share.\napp_price{{symbol="7203.T"}} 2750.5 {stamp:.3f}\n'
                '# TYPE process_open_fds gauge\nprocess_open_fds 77\n# EOF\n').encode()
        state = {"status": 200}

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(state["status"])
                self.send_header("Content-Type", OPENMETRICS)
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_):
                pass
        app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=app.serve_forever, daemon=True).start()
        self.addCleanup(app.server_close)
        self.addCleanup(app.shutdown)
        agent = self.agent_with({
            "scrape": [{"name": "oms", "url": f"http://127.0.0.1:{app.server_port}/metrics", "interval": "1s"}],
            "processes": [{"name": "oms", "pid_file": self.pid_file()}]})
        server = RealPrometheus(self.folder, agent.address)
        self.addCleanup(server.stop)
        self.until(lambda: server.value('app_jobs_total{app="oms"}') == 17, 60, "the application's counter")
        self.assertEqual(1, server.value('up{app="oms"}'))
        self.assertEqual(77, server.value('process_open_fds{app="oms"}'))
        self.assertEqual(2, len(server.result("process_open_fds")), "ours beside it")
        self.assertAlmostEqual(stamp, server.value("timestamp(app_price)"), places=2)
        self.until(lambda: server.exemplars("app_latency_seconds_bucket"), 30, "the application's exemplar")
        types = {name: entry[0]["type"] for name, entry in (server.ask("metadata") or {}).items()}
        self.assertEqual(("histogram", "counter", "gauge"),
                         (types["app_latency_seconds"], types["app_jobs"], types["app_price"]))
        self.assertEqual(1, server.value('tapewatch_app_up{app="oms"}'))
        self.assertGreater(server.value('tapewatch_app_resident_memory_bytes{app="oms"}'), 1 << 20)
        for name in ("cpu_seconds_total", "memory_bytes", "load", "open_files"):
            self.assertTrue(server.result("tapewatch_host_" + name), name)
        done = subprocess.run([needs.program("promtool", "prometheus"), "check", "metrics"], input=agent.get("/metrics"),
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))
        self.assertEqual([], server.complaints())
        state["status"] = 500
        self.until(lambda: agent.metric("up", app="oms") == 0, 20, "down")
        self.assertNotIn("app_jobs_total", agent.get("/metrics"))
        self.assertGreater(agent.metric("tapewatch_scrape_failures_total", app="oms", reason="status"), 0)

    def pid_file(self):
        path = os.path.join(self.folder, "app.pid")
        with open(path, "w", encoding="ascii") as out:
            out.write(str(os.getpid()))
        return path

    def test_a_million_label_values(self):
        """Against an agent that derives nothing, over the same lines: what it takes more is what the metric takes."""
        flood = os.path.join(self.folder, "flood.log")
        with open(flood, "w", encoding="ascii") as out:
            out.writelines(f'{{"event.action":"click","page":"p{n}"}}\n' for n in range(1_000_000))
        metric = {"name": "clicks_total", "when": {"event.action": "click"}, "labels": {"page": "page"}, "series_max": 100}
        memory = {}
        for name, metrics in (("without", {}), ("with", {"from_logs": [metric]})):
            folder = os.path.join(self.folder, name)
            os.mkdir(folder)
            config = agent_module.default_config(folder, None)
            config["inputs"][0]["include"] = [flood]
            config["metrics"] = metrics
            agent = agent_module.Agent(folder, config).start()
            self.addCleanup(agent.kill)
            self.until(lambda agent=agent: agent.metric("tapewatch_store_records_total") == 1_000_000, 120, "a million lines")
            memory[name] = agent.memory("RssAnon")
            if metrics:
                self.assertEqual(101, len(agent.metrics()["clicks_total"]))
                self.assertEqual(999_900, agent.metric("clicks_total", page="_other"))
                self.assertEqual(999_900, agent.metric("tapewatch_series_limit_hits_total", metric="clicks_total"))
            agent.stop()
        grown = memory["with"] - memory["without"]
        self.assertLess(grown, 64 << 20)  # the buffers of the store differ from run to run; a million series take 300 MiB and more
        self.facts.append(f"{grown / 1024:+.0f} KiB for a million label values")


if __name__ == "__main__":
    ledger.main()
