# SPDX-License-Identifier: Apache-2.0
"""The saved objects of Kibana: sound among themselves, and every query of theirs returns hits, and every field that they
group by has values, in a real Elasticsearch that holds what the demo wrote."""
import glob
import json
import os
import re
import subprocess
import time
import unittest

import agent as agent_module
import ledger
from agent import command
from test_engine import Engine

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
OBJECTS = os.path.join(ROOT, "deploy", "kibana", "tapewatch.ndjson")


def objects():
    with open(OBJECTS, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def asked():
    """[(title, index pattern, query, fields grouped by)] of charts and searches."""
    patterns = {one["id"]: one["attributes"]["title"] for one in objects() if one["type"] == "index-pattern"}
    found = []
    for one in objects():
        if one["type"] not in ("visualization", "search"):
            continue
        source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        aggregations = json.loads(one["attributes"].get("visState", "{}")).get("aggs", [])
        fields = [a["params"]["field"] for a in aggregations if a["type"] == "terms"]
        found.append((one["attributes"]["title"], patterns[one["references"][0]["id"]], source["query"]["query"], fields))
    return found


class Files(unittest.TestCase):
    def test_the_objects_are_what_their_code_writes(self):
        done = subprocess.run([os.path.join(ROOT, "deploy", "kibana", "generate"), "--check"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_they_are_sound_among_themselves(self):
        known = {(one["type"], one["id"]) for one in objects()}
        self.assertEqual(len(objects()), len(known))
        used = set()
        for one in objects():
            names = {reference["name"]: (reference["type"], reference["id"]) for reference in one["references"]}
            self.assertLessEqual(set(names.values()), known, one["id"])
            used |= set(names.values())
            source = json.loads(one["attributes"].get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))
            if "indexRefName" in source:
                self.assertIn(source["indexRefName"], names)
                self.assertEqual("lucene", source["query"]["language"])
            for panel in json.loads(one["attributes"].get("panelsJSON", "[]")):
                self.assertIn(panel["panelRefName"], names)
                place = panel["gridData"]
                self.assertLessEqual(place["x"] + place["w"], 48)
        boards = {(one["type"], one["id"]) for one in objects() if one["type"] == "dashboard"}
        self.assertEqual(3, len(boards))
        self.assertEqual(known - boards, used, "nothing lies about unused")


class Running(unittest.TestCase):
    """A demo's log, through an agent, in a real engine."""

    def test_every_query_has_hits(self):
        engine = Engine("elasticsearch")
        self.addCleanup(engine.stop)
        folder = engine.folder + "-agent"
        os.makedirs(os.path.join(folder, "logs"))
        self.addCleanup(subprocess.run, ["rm", "-r", folder], check=False)
        with open(os.path.join(folder, "demo.log"), "wb") as log:
            demo = subprocess.Popen([agent_module.binary(), "demo", "--rate", "2000", "--address", "127.0.0.1:0"], stdout=log, stderr=log)
        self.addCleanup(lambda: (demo.terminate(), demo.wait(20)))
        demo_folder = self.demo_folder(os.path.join(folder, "demo.log"))
        config = agent_module.default_config(folder, engine.url)
        config["inputs"][0]["include"] = [demo_folder + "/log/*.log"]
        config["rules"] = {"include": [demo_folder + "/rules/*.yaml"]}
        agent = agent_module.Agent(folder, config)
        applied = command("setup", "apply", "-c", agent.write_config())
        self.assertEqual(0, applied.returncode, applied.stderr)
        agent.start()
        self.addCleanup(agent.kill)
        deadline, silent = time.monotonic() + 90, asked()
        while silent and time.monotonic() < deadline:
            time.sleep(2)
            silent = [one for one in silent if not self.has_hits(engine, *one[1:])]
        self.assertEqual([], [(title, query, fields) for title, _, query, fields in silent], "nothing is found")
        print(f"{len(asked())} queries and their fields have hits in Elasticsearch {engine.version}", flush=True)

    def demo_folder(self, log):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with open(log, encoding="utf-8", errors="replace") as file:
                found = re.search(r"everything is in (\S+) and", file.read())
            if found and glob.glob(found[1] + "/log/*.log"):
                return found[1]
            time.sleep(0.1)
        return self.fail("the demo does not tell its folder")

    @staticmethod
    def has_hits(engine, pattern, query, fields):
        body = {"size": 0, "query": {"query_string": {"query": query, "analyze_wildcard": True}},
                "aggs": {field: {"terms": {"field": field, "size": 5}} for field in fields}}
        reply = engine.ask(f"/{pattern}/_search?ignore_unavailable=true", body)
        aggregations = reply.get("aggregations", {})
        return reply["hits"]["total"]["value"] > 0 and all(aggregations.get(field, {}).get("buckets") for field in fields)


if __name__ == "__main__":
    ledger.main()
