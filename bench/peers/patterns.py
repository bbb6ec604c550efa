"""One table: our pattern matcher beside the OASIS one, on the same observations and patterns, by processor time."""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import time
from importlib.metadata import version

from stix2matcher.matcher import Pattern


def ours(args, *command):
    """What our program tells."""
    done = subprocess.run([args.patterns, *map(str, command)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"patterns {' '.join(map(str, command))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def theirs(patterns, observed):
    """How many patterns match, and processor seconds."""
    start = time.process_time()
    hits = sum(1 for pattern in patterns if pattern.match(observed))
    return hits, time.process_time() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--patterns", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--observations", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set-patterns", type=int, default=100_000)
    parser.add_argument("--set-observations", type=int, default=100_000)
    args = parser.parse_args()
    os.sched_setaffinity(0, {args.core})

    folder = pathlib.Path(args.work)
    ours(args, "write", "--observations", args.observations, folder)
    observed = json.loads((folder / "observed.json").read_text())
    texts = json.loads((folder / "patterns.json").read_text())
    start = time.process_time()
    patterns = [Pattern(text, "2.1") for text in texts]
    their_compile = (time.process_time() - start) / len(texts)

    own, other = [], []
    for _ in range(args.rounds):
        own.append(ours(args, "match", "--observations", args.observations))
        other.append(theirs(patterns, observed))
    work = args.observations * len(texts)
    our_rate = statistics.median(one["per_s"] for one in own)
    their_rate = statistics.median(work / seconds for _, seconds in other)
    if {one["hits"] for one in own} != {hits for hits, _ in other}:
        raise SystemExit(f"not the same patterns match: {own[0]['hits']} and {other[0][0]}")
    first = statistics.median(one["first_round_s"] for one in own)
    read = statistics.median(one["read_s"] for one in own)
    compile_s = statistics.median(one["compile_s"] for one in own) / len(texts)

    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, core {args.core}, ", end="")
    print(f"stix2-matcher {version('stix2-matcher')}, {args.rounds} rounds, medians; {own[0]['hits']} of {len(texts)} patterns match")
    print(f"| {args.observations} observations x {len(texts)} patterns | Bongsu | stix2-matcher | ratio |")
    print("|---|---|---|---|")
    print(f"| observations x patterns a second | {our_rate:,.0f} | {their_rate:,.0f} | {our_rate / their_rate:,.0f} |")
    print(f"| the same, first round | {work / first:,.0f} | - | {work / first / their_rate:,.0f} |")
    print(f"| patterns made ready a second | {1 / compile_s:,.0f} | {1 / their_compile:,.0f} | {their_compile / compile_s:,.0f} |")
    print(f"| observations read a second | {args.observations / read:,.0f} | - | - |")
    found = ours(args, "set", "--patterns", args.set_patterns, "--observations", args.set_observations)
    name = f"set of {args.set_patterns:,} patterns, {args.set_observations:,} observations"
    print(f"| {name}: observations a second | {found['observations_per_s']:,.0f} | - | - |")


if __name__ == "__main__":
    main()
