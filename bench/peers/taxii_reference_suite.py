"""Runs the suite of OASIS' reference TAXII server against a node of ours, over HTTP.

    python bench/peers/taxii_reference_suite.py CHECKOUT [PYTEST OPTIONS]

CHECKOUT is a checkout of oasis-open/cti-taxii-server 3.0 with its folder medallion/test, which no package holds; pytest, requests and
what medallion needs must be installed (bench/peers/taxii-requirements.txt). `BONGSU` names the program, else it is the release build.
For each server that a test asks for, a fresh node loads the suite's own data by `bongsu taxii load --fixture medallion`. Tests that
look inside the reference server's process, its configuration and its file, have nothing to look at and are left out.
"""

import base64
import os
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = ["no_config", "no_taxii_section", "no_auth_section", "no_backend_section", "save_to_file"]
DATA = os.path.join("medallion", "test", "data", "default_data.json")


class Answer:
    """What the suite expects of an answer: the fields of a test client of Flask."""

    def __init__(self, answer):
        self.status_code, self.data, self.headers = answer.status_code, answer.content, answer.headers
        self.content_type = answer.headers.get("Content-Type")
        self._answer = answer

    @property
    def json(self):
        try:
            return self._answer.json()
        except ValueError:
            return None

    def get_json(self, *_, **__):
        return self.json


class Client:
    def __init__(self, url):
        import requests

        self.url, self.session = url, requests.Session()

    def ask(self, method, path, headers=None, data=None, json=None, query_string=None, follow_redirects=False, **_):
        if query_string:
            text = query_string if isinstance(query_string, str) else urllib.parse.urlencode(query_string)
            path = f"{path}?{text}"
        answer = self.session.request(
            method, self.url + path, headers=headers, data=data, json=json, allow_redirects=follow_redirects
        )
        return Answer(answer)

    def get(self, path, **rest):
        return self.ask("GET", path, **rest)

    def post(self, path, **rest):
        return self.ask("POST", path, **rest)

    def delete(self, path, **rest):
        return self.ask("DELETE", path, **rest)


def set_up(test, *_):
    from taxii_node import Node, program

    fixture = os.path.join(os.environ["TAXII_SUITE"], DATA)
    test.node = Node(program(), lambda run: run("load", fixture, "--fixture", "medallion"))
    test.__name__ = test.type
    test.app = None
    test.client = Client(test.node.url)
    media = "application/taxii+json;version=2.1"
    who = base64.b64encode(b"admin:Password0").decode()
    test.headers = {"Accept": media, "Authorization": f"Basic {who}"}
    test.post_headers = dict(test.headers, **{"Content-Type": media})


def pytest_configure(config):
    from medallion.test import base_test

    base_test.TaxiiTest.setUp = set_up
    base_test.TaxiiTest.tearDown = lambda test: test.node.close()


def pytest_collection_modifyitems(config, items):
    inside = [item for item in items if any(word in item.name for word in INSIDE)]
    items[:] = [item for item in items if item not in inside]
    config.hook.pytest_deselected(items=inside)


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    suite = os.path.abspath(sys.argv[1])
    tests = os.path.join(suite, "medallion", "test", "test_backends.py")
    for needed in [tests, os.path.join(suite, DATA)]:
        if not os.path.exists(needed):
            raise SystemExit(f"{needed} is not there; give a checkout of oasis-open/cti-taxii-server at 3.0.0")
    paths = [suite, HERE, os.environ.get("PYTHONPATH", "")]
    environment = dict(os.environ, TAXII_SUITE=suite, PYTHONPATH=os.pathsep.join(filter(None, paths)))
    command = [sys.executable, "-m", "pytest", "-p", "taxii_reference_suite", tests, *sys.argv[2:]]
    if os.path.exists(os.path.join(suite, "conftest.py")):
        command += ["--backends", "memory"]
    raise SystemExit(subprocess.run(command, env=environment, cwd=suite).returncode)


if __name__ == "__main__":
    main()
