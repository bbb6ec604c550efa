"""A node of ours for the comparisons with TAXII servers and clients: set up by its own commands, served on loopback."""

import json
import os
import shutil
import subprocess
import tempfile


class Node:
    """A node on a fresh folder; `set_up` is called with a function that runs a command on it before it serves."""

    def __init__(self, program, set_up):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="bongsu-taxii-")
        self.data = os.path.join(self.folder, "node")
        self.process = None
        set_up(self.run)
        self.start()

    def run(self, *arguments, text=None):
        """Runs `bongsu taxii ...` on the stopped node; gives the lines that it prints."""
        command = [self.program, "taxii", *arguments, "--data", self.data, "--format", "ndjson"]
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start(self):
        command = [self.program, "serve", "--data", self.data, "--name", "seoul", "--country", "KOR"]
        any_port = ["--listen", "127.0.0.1:0", "--link-listen", "127.0.0.1:0", "--format", "ndjson"]
        quiet = dict(os.environ, BONGSU_LOG="off")
        self.process = subprocess.Popen(
            command + any_port, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=quiet
        )
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"`{self.program} serve` does not start on {self.data}")
        self.url = json.loads(line)["url"]

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def program():
    """The program to run: `BONGSU`, else the release build of this checkout."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.environ.get("BONGSU") or os.path.join(root, "target", "release", "bongsu")
