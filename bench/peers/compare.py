"""One table of ratios from one run: Bongsu beside python-sgp4, heyoka, astroz, the Rust sgp4 crate and scipy.

Every piece of work is done in rounds, all programs after one another in each, and the median is taken. Compiling
(heyoka), reading files and preparing element sets are not timed, save in `ingest`, which is about just that.
"""

import argparse
import json
import pathlib
import platform
import resource
import statistics
import subprocess
import time
from datetime import datetime
from importlib.metadata import version

import numpy as np

STEPS = 1440
KEPT = 240
CHUNK = 120  # steps at once: the results of a whole day do not fit into memory
WITHIN_KM = 5.0
BASELINE_S = 600  # the k-d tree is scaled from ten minutes
BASELINE_STEP_S = 5


def timed(work):
    """The result of work, wall seconds, processor seconds (user)."""
    cpu, wall = resource.getrusage(resource.RUSAGE_SELF).ru_utime, time.perf_counter()
    result = work()
    return result, time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_SELF).ru_utime - cpu


class Bench:
    def __init__(self, args):
        self.peers, self.dir, self.rounds = args.peers, pathlib.Path(args.work), args.rounds
        catalogue = args.tle or pathlib.Path(__file__).parents[2] / "samples/orbit/celestrak-active-2026-03.csv.zst"
        self.source = str(catalogue)
        self.split = self.rust("split", str(catalogue), str(self.dir))
        # Whole microseconds, and the day apart from its part, so that every program means the same instant.
        start = datetime.fromisoformat(self.split["start"])
        self.start = start.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        self.whole = 2440587.5 + midnight.timestamp() / 86400.0
        self.part = (start - midnight).total_seconds() / 86400.0
        self.rows = []

    def rust(self, *command):
        done = subprocess.run([self.peers, *command], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def path(self, name):
        return str(self.dir / name)

    def satrecs(self, name):
        from sgp4.api import Satrec

        lines = pathlib.Path(self.path(name)).read_text().splitlines()
        return [Satrec.twoline2rv(one, two) for one, two in zip(lines[::2], lines[1::2])]

    def median(self, works):
        """Rounds of all works, interleaved: name -> (last result, median wall, median cpu)."""
        results = {name: [] for name in works}
        for _ in range(self.rounds):
            for name, work in works.items():
                results[name].append(work())
        return {
            name: (all_[-1][0], statistics.median(r[1] for r in all_), statistics.median(r[2] for r in all_))
            for name, all_ in results.items()
        }

    def row(self, kind, peer, found, result, extra=""):
        """A line of the table; `found` has all programs, Bongsu among them."""
        (_, wall, cpu), (_, our_wall, our_cpu) = found[peer], found["Bongsu"]
        self.rows.append((kind, peer, result, f"{wall:.3f}", f"{cpu:.3f}", f"{wall / our_wall:.2f}",
                          f"{cpu / our_cpu:.2f}", extra))

    # Propagation

    def propagation(self, kind, name, works):
        objects = self.split[kind]
        found = self.median({"Bongsu": self.rust_propagation("bongsu", name),
                             "Rust sgp4 2.4": self.rust_propagation("sgp4", name), **works})
        reference = self.reference(name)
        for peer, (positions, wall, _) in found.items():
            rate = f"{objects * STEPS / wall / 1e6:.2f} M/s"
            self.row(f"{kind}: {objects} x {STEPS}", peer, found, rate, exactness(positions, reference))

    def rust_propagation(self, engine, name):
        def work():
            out = self.path(f"{engine}.f64")
            told = self.rust("propagate", engine, self.path(name), "--start", self.start, "--steps", str(STEPS),
                             "--positions", out)
            positions = np.fromfile(out).reshape(-1, len(range(0, STEPS, KEPT)), 3)
            return positions, told["wall_s"], told["cpu_s"] or told["wall_s"]

        return work

    def reference(self, name):
        from sgp4.api import SatrecArray

        minutes = np.arange(0, STEPS, KEPT)
        errors, positions, _ = SatrecArray(self.satrecs(name)).sgp4(
            np.full(len(minutes), self.whole), self.part + minutes / 1440.0)
        positions[errors != 0] = np.nan
        return positions

    def python_sgp4(self, name):
        from sgp4.api import SatrecArray

        satrecs = self.satrecs(name)
        # By objects, so that the results stay small; a second array costs nothing.
        parts = [SatrecArray(satrecs[i:i + 1000]) for i in range(0, len(satrecs), 1000)]
        minutes = np.arange(STEPS, dtype=float)
        jd, fr = np.full(STEPS, self.whole), self.part + minutes / 1440.0

        def run():
            kept = []
            for part in parts:
                errors, positions, _ = part.sgp4(jd, fr)
                some = positions[:, ::KEPT].copy()
                some[errors[:, ::KEPT] != 0] = np.nan
                kept.append(some)
            return np.concatenate(kept)

        return lambda: timed(run)

    def heyoka(self, name):
        import heyoka

        satrecs = self.satrecs(name)
        propagator = heyoka.model.sgp4_propagator(satrecs)
        epochs = np.array([(self.whole - s.jdsatepoch + (self.part - s.jdsatepochF)) * 1440.0 for s in satrecs])
        out = np.empty((CHUNK, 7, len(satrecs)))
        minutes = [np.ascontiguousarray(epochs[None, :] + np.arange(at, at + CHUNK)[:, None])
                   for at in range(0, STEPS, CHUNK)]
        propagator(minutes[0], out=out)

        def run():
            kept = []
            for index, times in enumerate(minutes):
                propagator(times, out=out)
                if index * CHUNK % KEPT == 0:
                    some = out[0, :3].T.copy()
                    some[out[0, 6] != 0] = np.nan
                    kept.append(some)
            return np.stack(kept, axis=1)

        return lambda: timed(run)

    def astroz(self, name):
        import astroz

        order = self.astroz_order(name)
        constellation = astroz.Constellation(pathlib.Path(self.path(name)).read_text())
        start = datetime.fromisoformat(self.start)

        def run():
            kept = []
            for at in range(0, STEPS, CHUNK):
                minutes = np.arange(at, at + CHUNK, dtype=float)
                positions, _ = astroz.propagate(constellation, minutes, start_time=start, output="teme",
                                                velocities=True)
                if at % KEPT == 0:
                    kept.append(positions[0].copy())
            return np.stack(kept, axis=1)[order]

        return lambda: timed(run)

    def astroz_order(self, name):
        """astroz puts its own order on satellites: the places of ours in it."""
        import astroz

        text = pathlib.Path(self.path(name)).read_text()
        place = {int(number): i for i, number in enumerate(astroz.Constellation(text).satnums)}
        return np.array([place[s.satnum] for s in self.satrecs(name)])

    # Screening

    def screening(self, name):
        import astroz

        constellation = astroz.Constellation(pathlib.Path(self.path(name)).read_text())
        start = datetime.fromisoformat(self.start)

        def ours():
            told = self.rust("screen", self.path(name), "--start", self.start, "--within-km", str(WITHIN_KM))
            result = f"{told['events']} events, {told['intervals']} stays"
            return result, told["wall_s"], told["cpu_s"] or told["wall_s"]

        def theirs():
            found, wall, cpu = timed(lambda: astroz.screen(constellation, 1440, threshold=WITHIN_KM, step=0.5,
                                                           start_time=start))
            return f"{len(found.i)} encounters", wall, cpu

        found = self.median({"Bongsu": ours, "astroz screen, step 0.5": theirs, "k-d tree, 10 min x 144":
                             self.k_d_tree(name)})
        for peer, (result, _, _) in found.items():
            self.row(f"screen: {self.split['all']}, 24 h, 5 km", peer, found, result)

    def k_d_tree(self, name):
        """What one would write in an hour: positions every few seconds, neighbours by a tree, straight motion."""
        from scipy.spatial import cKDTree
        from sgp4.api import SatrecArray

        array = SatrecArray(self.satrecs(name))
        radius = WITHIN_KM + 16.0 * BASELINE_STEP_S / 2.0

        def run():
            pairs = set()
            for second in range(0, BASELINE_S, BASELINE_STEP_S):
                errors, r, v = array.sgp4(np.array([self.whole]), np.array([self.part + second / 86400.0]))
                good = np.flatnonzero(errors[:, 0] == 0)
                r, v = r[good, 0], v[good, 0]
                near = cKDTree(r).query_pairs(radius, output_type="ndarray")
                apart, speed = r[near[:, 1]] - r[near[:, 0]], v[near[:, 1]] - v[near[:, 0]]
                squared = np.einsum("ij,ij->i", speed, speed)
                when = -np.einsum("ij,ij->i", apart, speed) / np.where(squared > 0, squared, 1)
                when = np.clip(when, -BASELINE_STEP_S / 2, BASELINE_STEP_S / 2)
                hit = np.linalg.norm(apart + speed * when[:, None], axis=1) <= WITHIN_KM
                pairs.update(map(tuple, good[near[hit]]))
            return len(pairs)

        def work():
            count, wall, cpu = timed(run)
            scale = 86400.0 / BASELINE_S
            return f"{count} pairs in 10 min", wall * scale, cpu * scale

        return work

    # Reading

    def ingest(self):
        path = self.path("omm.json")

        def ours():
            told = self.rust("ingest", path)
            result = (f"{told['objects']} objects, parse {told['parse_s'] * 1e3:.0f} ms, "
                      f"init {told['initialise_s'] * 1e3:.0f} ms")
            return result, told["wall_s"], told["cpu_s"] or told["wall_s"]

        def theirs():
            from sgp4 import omm
            from sgp4.api import Satrec

            data = pathlib.Path(path).read_bytes()

            def run():
                count = 0
                for fields in json.loads(data):
                    # It reads text only, and numbers that Alpha-5 can hold.
                    fields = {key: str(value) for key, value in fields.items()}
                    fields["NORAD_CAT_ID"] = str(int(fields["NORAD_CAT_ID"]) % 340_000)
                    omm.initialize(Satrec(), fields)
                    count += 1
                return count

            count, wall, cpu = timed(run)
            return f"{count} objects", wall, cpu

        found = self.median({"Bongsu": ours, "python-sgp4 omm": theirs})
        for peer, (result, _, _) in found.items():
            self.row(f"ingest: {self.split['omm']} OMM JSON", peer, found, result)

    def print_table(self):
        print(f"catalogue: {self.source}, {self.split['all']} objects, from {self.start}")
        print(f"processor: {processor()}, {platform.system()} {platform.release()}, Python {platform.python_version()}")
        names = ["sgp4", "heyoka", "astroz", "scipy", "numpy"]
        print("versions: " + ", ".join(f"{name} {version(name)}" for name in names) + ", Rust sgp4 crate 2.4")
        print(f"medians of {self.rounds}, one core; ratios are times over those of Bongsu\n")
        head = ("work", "program", "result", "wall s", "user s", "wall ratio", "user ratio", "km from python-sgp4")
        print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


def exactness(positions, reference):
    apart = np.linalg.norm(positions - reference, axis=-1)
    apart = apart[np.isfinite(apart)]
    if not len(apart):
        return "none in common"
    return f"median {np.median(apart):.1e}, 99.9 % {np.quantile(apart, 0.999):.1e}, max {apart.max():.1e}"


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", required=True, help="our program")
    parser.add_argument("--work", required=True, help="a folder for inputs")
    parser.add_argument("--tle", help="a catalogue [default: the active one that ships]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="near,deep,screen,ingest")
    args = parser.parse_args()
    bench = Bench(args)
    only = set(args.only.split(","))
    if "near" in only:
        works = {"heyoka": bench.heyoka("near.tle"), "astroz": bench.astroz("near.tle"),
                 "python-sgp4 SatrecArray": bench.python_sgp4("near.tle")}
        bench.propagation("near", "near.tle", works)
    if "deep" in only:
        works = {"astroz": bench.astroz("deep.tle"), "python-sgp4 SatrecArray": bench.python_sgp4("deep.tle")}
        bench.propagation("deep", "deep.tle", works)
    if "screen" in only:
        bench.screening("all.tle")
    if "ingest" in only:
        bench.ingest()
    bench.print_table()


if __name__ == "__main__":
    main()
