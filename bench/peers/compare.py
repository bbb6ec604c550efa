"""One table of ratios from one run: Bongsu beside python-sgp4, heyoka, astroz, the Rust sgp4 crate and scipy.

Every piece of work is done in rounds, all programs after one another in each, and the median is taken. Compiling
(heyoka), reading files and preparing element sets are not timed, save in `ingest`, which is about just that.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import time
from datetime import datetime
from importlib.metadata import version

import numpy as np

STEPS = 1440
DAYS = 7  # over which the exactness of our ways is looked at
EVERY = 60  # minutes between states that are compared there
EARTH_KM = 6378.137
FAR_KM = 100_000.0
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
    def __init__(self, args, cores):
        self.peers, self.dir = args.peers, pathlib.Path(args.work)
        self.rounds, self.slow_rounds, self.days, self.cores = args.rounds, args.slow_rounds, args.days, cores
        catalogue = args.tle or pathlib.Path(__file__).parents[2] / "samples/orbit/celestrak-active-2026-03.csv.zst"
        self.source = str(catalogue)
        self.split = self.rust("split", str(catalogue), str(self.dir))
        # Our ways, the fastest first: the first stands for Bongsu.
        self.engines = {f"Bongsu, {engine}": engine for engine in reversed(self.split["engines"])}
        # Whole microseconds, and the day apart from its part, so that every program means the same instant.
        start = datetime.fromisoformat(self.split["start"])
        self.start = start.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        self.whole = 2440587.5 + midnight.timestamp() / 86400.0
        self.part = (start - midnight).total_seconds() / 86400.0
        self.rows, self.exact = [], []

    def rust(self, *command, threads=1):
        """What our program tells. With threads it may take as many cores, without it keeps to the one of this process."""
        free = (lambda: pin(self.cores[:threads])) if threads > 1 else None
        done = subprocess.run([self.peers, *command], capture_output=True, text=True, preexec_fn=free)
        if done.returncode != 0:
            raise SystemExit(f"peers {' '.join(command)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def path(self, name):
        return str(self.dir / name)

    def satrecs(self, name):
        from sgp4.api import Satrec

        lines = pathlib.Path(self.path(name)).read_text().splitlines()
        return [Satrec.twoline2rv(one, two) for one, two in zip(lines[::2], lines[1::2])]

    def median(self, works, slow=()):
        """Rounds of all works, interleaved: name -> (last result, median wall, median cpu, rounds). Those that are
        named in `slow` take part in the first rounds only."""
        results = {name: [] for name in works}
        for at in range(max(self.rounds, self.slow_rounds if slow else 0)):
            for name, work in works.items():
                if at < (self.slow_rounds if name in slow else self.rounds):
                    results[name].append(work())
        return {
            name: (all_[-1][0], statistics.median(r[1] for r in all_), statistics.median(r[2] for r in all_), len(all_))
            for name, all_ in results.items()
        }

    def row(self, kind, program, found, ours, result, extra=""):
        """A line of the table; `found` has all programs, `ours` among them."""
        (_, wall, cpu, rounds), (_, our_wall, our_cpu, _) = found[program], found[ours]
        self.rows.append((kind, program, str(rounds), result, f"{wall:.3f}", f"{cpu:.3f}", f"{wall / our_wall:.2f}",
                          f"{cpu / our_cpu:.2f}", extra))

    def ours_alone(self, kind, work, slow=False):
        """A line of ours that nobody else has."""
        found = self.median({"Bongsu": work}, slow=("Bongsu",) if slow else ())
        self.row(kind, "Bongsu", found, "Bongsu", found["Bongsu"][0])

    # Propagation

    def propagation(self, kind, works):
        name, objects = f"{kind}.tle", self.split[kind]
        ours = {label: self.rust_propagation(engine, name) for label, engine in self.engines.items()}
        found = self.median({**ours, "Rust sgp4 2.4": self.rust_propagation("sgp4", name), **works})
        reference, _ = self.reference(name, range(0, STEPS, KEPT))
        for program, (positions, wall, _, _) in found.items():
            rate = f"{objects * STEPS / wall / 1e6:.2f} M/s"
            self.row(f"{kind}: {objects} x {STEPS}", program, found, next(iter(ours)), rate,
                     apart(positions, reference))

    def rust_propagation(self, engine, name):
        def work():
            out = self.path(f"{engine}.f64")
            told = self.rust("propagate", engine, self.path(name), "--start", self.start, "--steps", str(STEPS),
                             "--kept", str(KEPT), "--positions", out)
            positions = np.fromfile(out).reshape(-1, len(range(0, STEPS, KEPT)), 3)
            return positions, *times(told)

        return work

    def exactness(self, kind):
        """Our ways beside python-sgp4 over days, on orbits only: what has decayed or has been thrown out is counted."""
        name, steps = f"{kind}.tle", range(0, DAYS * 1440, EVERY)
        reference, errors = self.reference(name, steps)
        radii = np.linalg.norm(reference, axis=-1)
        low, far = radii < EARTH_KM, radii > FAR_KM  # NaN is neither
        reference[low | far] = np.nan
        out = self.path("exactness.f64")
        for label, engine in self.engines.items():
            self.rust("positions", engine, self.path(name), out, "--start", self.start, "--steps", str(steps.stop),
                      "--kept", str(EVERY))
            positions = np.fromfile(out).reshape(reference.shape)
            # An error here and a position there, where there is still an orbit.
            differ = int((np.isnan(positions[..., 0]) & np.isfinite(reference[..., 0])).sum()
                         + (np.isfinite(positions[..., 0]) & errors).sum())
            km = distances_km(positions, reference)
            figures = [f"{x:.1e}" for x in (np.median(km), np.quantile(km, 0.999), km.max())] if len(km) else ["-"] * 3
            self.exact.append((kind, label, str(len(km)), *figures, str(int(far.sum())), str(int(low.sum())),
                               str(int(errors.sum())), str(differ)))

    def reference(self, name, minutes):
        """Positions of python-sgp4 (NaN in error states), and which are error states."""
        from sgp4.api import SatrecArray

        satrecs, minutes = self.satrecs(name), np.array(minutes, dtype=float)
        jd, fr = np.full(len(minutes), self.whole), self.part + minutes / 1440.0
        kept, failed = np.empty((len(satrecs), len(minutes), 3)), np.empty((len(satrecs), len(minutes)), dtype=bool)
        for at in range(0, len(satrecs), 1000):
            errors, positions, _ = SatrecArray(satrecs[at:at + 1000]).sgp4(jd, fr)
            positions[errors != 0] = np.nan
            kept[at:at + 1000], failed[at:at + 1000] = positions, errors != 0
        return kept, failed

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

        def theirs():
            found, wall, cpu = timed(lambda: astroz.screen(constellation, 1440, threshold=WITHIN_KM, step=0.5,
                                                           start_time=start))
            return f"{len(found.i)} encounters", wall, cpu

        found = self.median({"Bongsu": self.rust_screen(name), "astroz screen, step 0.5": theirs,
                             "k-d tree, 10 min x 144": self.k_d_tree(name)}, slow=("astroz screen, step 0.5",))
        for program, (result, *_) in found.items():
            self.row(f"screen: {self.split['all']}, 24 h, 5 km", program, found, "Bongsu", result)

    def rust_screen(self, name, *more, threads=1):
        def work():
            told = self.rust("screen", self.path(name), "--start", self.start, "--within-km", str(WITHIN_KM), "--threads",
                             str(threads), *more, threads=threads)
            return f"{told['events']} events, {told['intervals']} stays{memory(told)}", *times(told)

        return work

    def screening_for_days(self, name):
        """All against all on two threads; one object, and 500 of which new element sets came, against all."""
        hours, objects = ("--hours", str(self.days * 24)), self.split["all"]
        threads = min(2, len(self.cores))
        self.ours_alone(f"screen: {objects}, {self.days} d, 5 km, {threads} threads",
                        self.rust_screen(name, *hours, threads=threads), slow=True)
        for count in (1, 500):
            self.ours_alone(f"screen: {count} against {objects}, {self.days} d, 5 km",
                            self.rust_screen(name, *hours, "--primaries", str(count)))

    def losses(self, name):
        def work():
            told = self.rust("losses", self.path(name), "--start", self.start, "--hours", str(self.days * 24))
            result = (f"{told['satellites']} satellites, {told['cells']} cells: windows {told['windows_s']:.2f} s, "
                      f"{told['losses']} losses {told['losses_s']:.2f} s{memory(told)}")
            return result, *times(told)

        self.ours_alone(f"losses: all of one and two, {self.days} d", work)

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
            return result, *times(told)

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
        for program, (result, *_) in found.items():
            self.row(f"ingest: {self.split['omm']} OMM JSON", program, found, "Bongsu", result)

    def print_table(self):
        print(f"catalogue: {self.source}, {self.split['all']} objects, from {self.start}")
        print(f"processor: {processor()}, {platform.system()} {platform.release()}, Python {platform.python_version()}")
        names = ["sgp4", "heyoka", "astroz", "scipy", "numpy"]
        print("versions: " + ", ".join(f"{name} {version(name)}" for name in names) + ", Rust sgp4 crate 2.4")
        print("medians of as many rounds as each line says; one core where no threads are named; ratios are times over "
              "those of the first line of Bongsu\n")
        table(("work", "program", "rounds", "result", "wall s", "user s", "wall ratio", "user ratio",
               "km from python-sgp4"), self.rows)
        if self.exact:
            print(f"\nDistance to python-sgp4 in km over {DAYS} days, every {EVERY} min. Left out and counted: states of "
                  f"python-sgp4 further than {FAR_KM:.0f} km or nearer than {EARTH_KM} km, and its error states.\n")
            table(("work", "program", "states", "median", "99.9 %", "max", "too far", "too low", "error states",
                   "only one has an error"), self.exact)


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def times(told):
    return told["wall_s"], told["cpu_s"] or told["wall_s"]


def memory(told):
    return f", peak {told['peak_mib']:.0f} MiB" if told["peak_mib"] else ""


def distances_km(positions, reference):
    """Where both have a position."""
    km = np.linalg.norm(positions - reference, axis=-1)
    return km[np.isfinite(km)]


def apart(positions, reference):
    km = distances_km(positions, reference)
    if not len(km):
        return "none in common"
    return f"median {np.median(km):.1e}, 99.9 % {np.quantile(km, 0.999):.1e}, max {km.max():.1e}"


def pin(cores):
    """Keeps this process to some cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def cores_of(first):
    """The cores that this process may use, the one that everything is pinned to first."""
    if not hasattr(os, "sched_getaffinity"):
        print("this system pins nothing to a core", file=sys.stderr)
        return list(range(os.cpu_count() or 1))
    cores = sorted(os.sched_getaffinity(0))
    if first not in cores:
        raise SystemExit(f"core {first} cannot be had; there are {cores}")
    return [first, *(core for core in cores if core != first)]


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
    parser.add_argument("--rounds", type=whole, default=5)
    parser.add_argument("--slow-rounds", type=whole, default=1,
                        help="rounds of astroz screening and of screening for days on two threads [default: 1]")
    parser.add_argument("--days", type=whole, default=7, help="length of long screening and of losses [default: 7]")
    parser.add_argument("--core", type=int, default=0, help="the core that everything is pinned to [default: 0]")
    parser.add_argument("--only", default=",".join(WORKS), help="some of " + ",".join(WORKS))
    args = parser.parse_args()
    only = args.only.split(",")
    if unknown := sorted(set(only) - set(WORKS)):
        parser.error(f"unknown work `{','.join(unknown)}`; there are {','.join(WORKS)}")
    cores = cores_of(args.core)
    pin(cores[:1])
    bench = Bench(args, cores)
    for work in WORKS:
        if work in only:
            WORKS[work](bench)
    bench.print_table()


def whole(text):
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def near(bench):
    bench.propagation("near", {"heyoka": bench.heyoka("near.tle"), "astroz": bench.astroz("near.tle"),
                               "python-sgp4 SatrecArray": bench.python_sgp4("near.tle")})


def deep(bench):
    bench.propagation("deep", {"astroz": bench.astroz("deep.tle"),
                               "python-sgp4 SatrecArray": bench.python_sgp4("deep.tle")})


def exact(bench):
    for kind in ("near", "deep"):
        bench.exactness(kind)


WORKS = {
    "near": near,
    "deep": deep,
    "exact": exact,
    "screen": lambda bench: bench.screening("all.tle"),
    "days": lambda bench: bench.screening_for_days("all.tle"),
    "losses": lambda bench: bench.losses("all.tle"),
    "ingest": Bench.ingest,
}


if __name__ == "__main__":
    main()
