"""One table: our TAXII server beside the reference server, each over one connection, by the server's processor time.

What is measured of each, with a STIX bundle: adding its objects in envelopes, getting them all in pages, one page, a pull when nothing
is new, and the memory of the process afterwards. Our node writes to disk before it answers; medallion keeps all in memory. Its work grows
with the square of what it holds, so it gets fewer objects (`--others-objects`). Every run checks that what comes back is what was sent.
"""

import argparse
import base64
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from urllib.parse import quote, urlparse

from taxii_node import Node, program

MEDIA = "application/taxii+json;version=2.1"
COLLECTION = "5f3c0d4e-7a49-4d1c-8a51-3f6d6c1f2a10"
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A running server: the process, where its collection is, and a connection."""

    def __init__(self, name, pid, url, path):
        self.name, self.pid, self.path = name, pid, path
        self.connection = http.client.HTTPConnection(urlparse(url).netloc, timeout=600)
        who = base64.b64encode(b"sensor:secret").decode()
        self.headers = {"Authorization": f"Basic {who}", "Accept": MEDIA}

    def cpu(self):
        """Processor seconds so far."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss_mb(self):
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def ask(self, method, rest, body=None):
        headers = self.headers if body is None else dict(self.headers, **{"Content-Type": MEDIA})
        self.connection.request(method, self.path + rest, body, headers)
        answer = self.connection.getresponse()
        read = answer.read()
        if answer.status not in (200, 202):
            raise SystemExit(f"{self.name}: {method} {rest}: {answer.status} {read[:300]}")
        return json.loads(read), answer.headers, read


def measured(server, count, work):
    """Items a processor second and wall seconds of `work`."""
    cpu, wall = server.cpu(), time.perf_counter()
    result = work()
    return {"per_cpu_s": count / max(server.cpu() - cpu, 1 / TICKS), "wall_s": time.perf_counter() - wall}, result


def compare(server, objects, args):
    envelopes = [objects[at : at + args.envelope] for at in range(0, len(objects), args.envelope)]
    bodies = [json.dumps({"objects": one}, separators=(",", ":")).encode() for one in envelopes]

    def add():
        for body in bodies:
            status, _, _ = server.ask("POST", "objects/", body)
            if status["status"] != "complete" or status.get("failure_count"):
                raise SystemExit(f"{server.name}: {status['status']}, {status.get('failure_count')} failures")

    def get():
        pages, rest = [], ""
        while True:
            page, headers, read = server.ask("GET", f"objects/?limit={args.page}{rest}")
            pages.append((read, headers))
            if not page.get("more"):
                return pages
            rest = "&next=" + quote(page["next"])

    posted, _ = measured(server, len(objects), add)
    got, pages = measured(server, len(objects), get)
    found = {one["id"]: one for read, _ in pages for one in json.loads(read).get("objects", [])}
    if any(found.get(one["id"]) != one for one in objects):
        raise SystemExit(f"{server.name}: what comes back is not what was sent")
    last = pages[-1][1]["X-TAXII-Date-Added-Last"]
    page = [timed(lambda: server.ask("GET", f"objects/?limit={args.page}")) for _ in range(args.rounds)]
    idle, rounds = [], args.rounds * 20
    cpu = server.cpu()
    for _ in range(rounds):
        idle.append(timed(lambda: server.ask("GET", f"objects/?added_after={last}")))
    return {
        "objects": len(objects),
        "post": posted,
        "get": got,
        "page_ms": statistics.median(page) * 1e3,
        "idle_ms": statistics.median(idle) * 1e3,
        "idle_cpu_ms": (server.cpu() - cpu) / rounds * 1e3,
        "rss_mb": server.rss_mb(),
    }


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ours(objects, args):
    def set_up(run):
        run("account", "add", "sensor", "--password-file", "-", text="secret\n")
        run("collection", "add", "Everything", "--read", "sensor", "--write", "sensor", "--id", COLLECTION)

    node = Node(program(), set_up)
    try:
        pin(node.process.pid, args.core)
        path = f"/taxii2/default/collections/{COLLECTION}/"
        return compare(Server("bongsu", node.process.pid, node.url, path), objects, args)
    finally:
        node.close()


def medallion(objects, args):
    folder = tempfile.mkdtemp(prefix="medallion-")
    collection = {
        "id": COLLECTION, "title": "Everything", "can_read": True, "can_write": True,
        "media_types": ["application/stix+json;version=2.1"], "objects": [], "manifest": [],
    }
    root = {"title": "Root", "versions": [MEDIA], "max_content_length": 100 << 20}
    data = {
        "/discovery": {"title": "Server", "default": "/served/", "api_roots": ["/served/"]},
        "served": {"information": root, "status": [], "collections": [collection]},
    }
    with open(os.path.join(folder, "data.json"), "w") as file:
        json.dump(data, file)
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend"}
    backend["filename"] = os.path.join(folder, "data.json")
    settings = {"backend": backend, "users": {"sensor": "secret"}, "taxii": {"max_page_size": args.page}}
    with open(os.path.join(folder, "settings.json"), "w") as file:
        json.dump(settings, file)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [os.path.join(os.path.dirname(sys.executable), "medallion"), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, os.path.join(folder, "settings.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        pin(process.pid, args.core)
        wait_for(port, process)
        path = f"/served/collections/{COLLECTION}/"
        return compare(Server("medallion", process.pid, f"http://127.0.0.1:{port}", path), objects, args)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(port, process):
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit("medallion does not start")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("medallion does not answer")


def pin(pid, core):
    """Puts all threads of a server on one core."""
    cores = os.sched_getaffinity(0)
    if core in cores and len(cores) > 1:
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), {core})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle")
    parser.add_argument("--objects", type=int, default=1 << 30)
    parser.add_argument("--others-objects", type=int, default=2000)
    parser.add_argument("--envelope", type=int, default=1000)
    parser.add_argument("--page", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--core", type=int, default=0)
    args = parser.parse_args()
    with open(args.bundle) as bundle:
        objects = json.load(bundle)["objects"]
    # Where a bundle has several versions of an object, the last one is what comes back: one of each is sent.
    objects = list({one["id"]: one for one in objects}.values())
    others = sorted(os.sched_getaffinity(0) - {args.core})
    rows = []
    for name, run, most in [("bongsu", ours, args.objects), (f"medallion {version('medallion')}", medallion, args.others_objects)]:
        if others:
            os.sched_setaffinity(0, set(others) | {args.core})
        rows.append((name, run(objects[:most], args)))
    print("| server | objects | POST objects/CPU-s | GET objects/CPU-s | page of "
          f"{args.page}, ms | idle pull, ms (CPU ms) | RSS, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, row in rows:
        print(
            f"| {name} | {row['objects']:,} | {row['post']['per_cpu_s']:,.0f} | {row['get']['per_cpu_s']:,.0f} "
            f"| {row['page_ms']:.2f} | {row['idle_ms']:.2f} ({row['idle_cpu_ms']:.2f}) | {row['rss_mb']:.0f} |"
        )
    print(json.dumps(dict(rows)), file=sys.stderr)


if __name__ == "__main__":
    main()
