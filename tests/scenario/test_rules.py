# SPDX-License-Identifier: Apache-2.0
"""The shipped rules: they are good, every one is tested, the table says what the files say, and Sigma's own tool agrees."""
import json
import os
import re
import shutil
import sys
import tempfile
import unittest

import places
from agent import command
from needs import skip

ALERTS = os.path.join(places.ROOT, "rules", "alerts")
TESTS = os.path.join(places.ROOT, "rules", "tests")
SIGMA = "sigma-cli==3.1.0"
# They compare tags with lists that they fetch; where those cannot be fetched the rest is checked all the same.
FETCHING = ["attacktag", "d3_fendtag"]
OWN_KINDS = re.compile(r"^(flow|anomaly):", re.M)
ALERTING_LEAST = 60


def rules():
    listed = command("rules", "list", "--json", "-r", ALERTS)
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def documents():
    """name -> its text, of every file."""
    found = {}
    for name in sorted(os.listdir(ALERTS)):
        if name.endswith(".yaml"):
            with open(os.path.join(ALERTS, name), encoding="utf-8") as file:
                for text in re.split(r"^---\n", file.read(), flags=re.M):
                    found[re.search(r"^name: (\S+)$", text, re.M)[1]] = text
    return found


def sigma():
    """The command, installed once into a folder of its own."""
    folder = places.cache("sigma-cli-3.1.0")
    with places.only_one("sigma-cli"):
        if not os.path.exists(folder):
            new = folder + ".new"
            shutil.rmtree(new, ignore_errors=True)
            fetched = places.run(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install",
                                 "--target", new, SIGMA, check=False)
            if fetched.returncode != 0:
                skip("sigma-cli cannot be fetched: " + fetched.stderr.strip()[-200:])
            os.rename(new, folder)
    return folder


class Rules(unittest.TestCase):
    def test_every_rule_is_tested(self):
        said = command("test", TESTS)
        text = said.stdout + said.stderr
        self.assertEqual(0, said.returncode, text[-3000:])
        summary = re.search(r"(\d+) tests, 0 failed, 0 with faults, 0 rules untested", text)
        self.assertTrue(summary, text[-3000:])
        self.assertGreater(int(summary[1]), 70)
        print(summary[0], flush=True)

    def test_they_are_valid_together(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tapewatch.yaml")
            with open(path, "w", encoding="utf-8") as out:
                json.dump({"service": {"name": "t"}, "inputs": [{"name": "app", "include": [folder + "/*.log"]}],
                           "state_dir": folder, "rules": {"include": [ALERTS + "/*.yaml"]},
                           "outputs": {"elasticsearch": {"hosts": ["http://127.0.0.1:9"]}}}, out)
            said = command("validate", "-c", path)
            self.assertEqual(0, said.returncode, said.stdout + said.stderr)

    def test_the_table_says_what_the_files_say(self):
        texts = documents()
        wanted = []
        for rule in rules():
            if rule["silent"]:
                continue
            text = texts[rule["name"]]
            of = {key: (re.search(rf"^ *{key}: (.*)$", text, re.M) or [None, ""])[1] for key in
                  ("id", "description", "runbook", "falsepositives")}
            for key, value in of.items():
                self.assertTrue(value, f"{rule['name']} has no {key}")
            self.assertRegex(of["id"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
            star = "\\*" if OWN_KINDS.search(text) else ""
            file = os.path.basename(rule["file"]).removesuffix(".yaml") + star
            wanted.append(f"| {file} | `{rule['name']}` | {rule['level']} | {of['description']} | {of['runbook']} |")
        with open(os.path.join(ALERTS, "README.md"), encoding="utf-8") as file:
            table = [line for line in file.read().splitlines() if re.match(r"\| \S+ \| `", line)]
        self.assertEqual(sorted(wanted), sorted(table))
        self.assertGreaterEqual(len(wanted), ALERTING_LEAST)
        print(f"{len(wanted)} rules that alert, {len(texts)} in all", flush=True)

    def test_own_kinds_stand_in_files_of_their_own(self):
        for name in sorted(os.listdir(ALERTS)):
            if name.endswith(".yaml"):
                with open(os.path.join(ALERTS, name), encoding="utf-8") as file:
                    own = [bool(OWN_KINDS.search(text)) for text in re.split(r"^---\n", file.read(), flags=re.M)]
                self.assertIn(own, ([True] * len(own), [False] * len(own)), name)

    def test_sigma_check(self):
        folder = sigma()
        pure = []
        for name in sorted(os.listdir(ALERTS)):
            if name.endswith(".yaml"):
                with open(os.path.join(ALERTS, name), encoding="utf-8") as file:
                    if not OWN_KINDS.search(file.read()):
                        pure.append(os.path.join(ALERTS, name))
        self.assertGreater(len(pure), 5)
        environment = {**os.environ, "PYTHONPATH": folder}

        def check(*more):
            return places.run(sys.executable, "-c", "from sigma.cli.main import main; main()", "check", "--fail-on-issues", *more,
                              *pure, check=False, env=environment)
        said = check()
        if said.returncode != 0 and "Failed to load MITRE" in said.stdout + said.stderr:
            print("the lists of tags cannot be fetched: checked without " + " and ".join(FETCHING), flush=True)
            said = check(*(word for name in FETCHING for word in ("--exclude", name)))
        text = said.stdout + said.stderr
        self.assertEqual(0, said.returncode, text[-3000:])
        self.assertIn("Found 0 errors, 0 condition errors and 0 issues", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
