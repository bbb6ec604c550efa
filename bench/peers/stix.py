"""One table from one run: the validator of Bongsu beside stix2-validator, on the same objects and one core.

usage: stix.py --judge PROGRAM [--rounds N] [--slow N] [--core N] FILE..

`judge` is the example of crates/threat. stix2-validator takes the first N objects of each file (--slow), because the whole
would take minutes; its rate does not depend on how many there are. Verdicts are compared object by object.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import tempfile
from importlib.metadata import version


def user_seconds():
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def theirs(objects):
    """Verdicts of stix2-validator and its processor seconds. Each object by itself, checks as by default."""
    from stix2validator import ValidationOptions
    from stix2validator.validator import validate_instance

    options = ValidationOptions(version="2.1", silent=True)
    validate_instance(objects[0], options)  # Schemas are read once.
    start = user_seconds()
    verdicts = {one["id"]: validate_instance(one, options).is_valid for one in objects}
    return verdicts, user_seconds() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--judge", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--slow", type=int, default=300)
    parser.add_argument("--core", type=int, default=0)
    args = parser.parse_args()
    os.sched_setaffinity(0, {args.core})

    objects = []
    with tempfile.TemporaryDirectory() as folder:
        plain = []
        for file in args.files:
            path = pathlib.Path(file)
            if path.suffix == ".zst":
                path = pathlib.Path(folder) / path.stem
                subprocess.run(["zstd", "-dqf", file, "-o", path], check=True)
            plain.append(str(path))
            objects += json.loads(path.read_text())["objects"][: args.slow]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        run = subprocess.run([args.judge, str(args.rounds), *plain], capture_output=True, check=True, text=True)
        ours = json.loads(run.stdout)
        # Reading the files is in it.
        ours["user_seconds"] = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) / args.rounds
        lines = subprocess.run([args.judge, "-", *plain], capture_output=True, check=True, text=True).stdout
        verdicts = dict(line.split(" ") for line in lines.splitlines())
    expected, seconds = theirs(objects)
    differ = sum(str(valid).lower() != verdicts[key] for key, valid in expected.items())

    rate, slow = ours["objects"] / ours["user_seconds"], len(objects) / seconds
    print("| validator | objects | objects a second of one core, user time | ratio |\n|---|---|---|---|")
    print(f"| stix2-validator {version('stix2-validator')} | {len(objects)} | {slow:,.0f} | 1 |")
    print(f"| Bongsu | {ours['objects']} ({ours['bytes'] / 1e6:.1f} MB) | {rate:,.0f} | {rate / slow:,.0f} |")
    print(f"\nverdicts that differ on the objects of both: {differ} of {len(expected)}")


if __name__ == "__main__":
    main()
