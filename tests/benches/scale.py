#!/usr/bin/env python3
"""Measures how the client's costs grow with the work, and writes the tables of docs/PERFORMANCE.md.

    tests/benches/scale.py              # all tables: about 5 minutes on a quiet machine
    tests/benches/scale.py --only flight idle
    tests/benches/scale.py --quick      # once each with few requests, nothing written: does it still work?

It builds the program `aapns` and the bench `wall` as releases, and uses nothing else: the server is `aapns mock`, on
loopback, which takes several times the client's CPU. So CPU per request is the client's own and holds elsewhere;
requests a second and latencies are what the two reach together on this machine.
"""
import argparse, json, os, platform, re, statistics, subprocess, sys, tempfile, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPORT = HERE.parents[1] / "docs" / "PERFORMANCE.md"
TOKEN = "eyJhbGciOiJFUzI1NiJ9." + "x" * 160  # as long as a provider token; signs nothing
COLUMNS = "requests/s | CPU µs a request | p50 ms | p99 ms | peak MiB"


def build(*what):
    command = ["cargo", "build", "-q", "--release", "--locked", "-p", "aapns-tokio", "--message-format=json", *what]
    said = subprocess.run(command, capture_output=True, text=True, cwd=HERE)
    if said.returncode:
        sys.exit(said.stderr)
    messages = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    return {m["target"]["name"]: m["executable"] for m in messages if m.get("executable")}


class Mock:
    """`aapns mock` for as long as a `with` block lasts."""

    def __init__(self, aapns, latency=0):
        self.scratch = tempfile.TemporaryDirectory()
        command = [aapns, "mock", "--port", "0", "--self-signed", self.scratch.name, "--latency", str(latency)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = json.loads(self.process.stdout.readline())["listening"].rsplit(":", 1)[1]
        self.ca = f"{self.scratch.name}/ca.pem"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.scratch.cleanup()


class Runs:
    def __init__(self, aapns, wall, times, share):
        self.aapns, self.wall, self.times, self.share = aapns, wall, times, share

    def once(self, mock, requests, flight, connections, extra=()):
        command = [self.aapns, "bench", "--port", mock.port, "--ca", mock.ca, "--token", TOKEN, "--requests", requests,
                   "--concurrency", flight, "--connections", connections, *extra]
        client = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        said = client.stdout.read()
        _, status, usage = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
        if client.returncode:
            sys.exit(f"{' '.join(map(str, command))}: exit {client.returncode}\n{said}")
        result = json.loads(said.splitlines()[-1])
        return {**result, "rps": result["ok"] / result["seconds"], "peak": usage.ru_maxrss / 1024}

    def row(self, label, mock, requests, flight, connections, extra=()):
        """A row of medians."""
        requests = max(requests // self.share, min(flight, 2_000))
        runs = [self.once(mock, requests, flight, connections, extra) for _ in range(self.times)]
        of = lambda key: statistics.median(run[key] for run in runs)
        cpu = [run["cpu_us_per_request"] for run in runs]
        print(f"  {label}: {of('cpu_us_per_request'):.2f} µs", file=sys.stderr)
        return (f"| {label} | {of('rps'):,.0f} | {of('cpu_us_per_request'):.2f} ({min(cpu):.2f}–{max(cpu):.2f}) | "
                f"{of('p50_us') / 1e3:.1f} | {of('p99_us') / 1e3:.1f} | {of('peak'):.0f} |")


def table(head, rows):
    columns = f"{head} | {COLUMNS}"
    return "\n".join([f"| {columns} |", "|" + "---|" * (columns.count("|") + 1), *rows])


def connections(runs):
    with Mock(runs.aapns) as mock:
        return table("connections", [runs.row(str(n), mock, 100_000, 1_000, n) for n in (1, 2, 10, 50)])


def flight(runs):
    """What doesn't fit the connections' 1000 streams each waits in the queue."""
    rows = []
    with Mock(runs.aapns) as mock:
        for links, most in ((1, 1_000), (10, 100_000)):
            for n in (1, 10, 100, 1_000, 10_000, 100_000):
                requests = {1: 5_000, 10: 20_000}.get(n, 200_000 if n == 100_000 else 100_000)
                if n <= most and (links == 1 or n >= 10):
                    rows.append(runs.row(f"{n:,} on {links}", mock, requests, n, links))
    return table("in flight, on connections", rows)


def delay(runs):
    with Mock(runs.aapns, latency=50) as mock:
        cases = [(1_000, 1), (1_000, 10), (10_000, 10)]
        return table("in flight, on connections", [runs.row(f"{n:,} on {k}", mock, 20 * n, n, k) for n, k in cases])


def payload(runs):
    rows = []
    with Mock(runs.aapns) as mock, tempfile.TemporaryDirectory() as scratch:
        for octets in (100, 200, 1_024, 4_096):
            path = Path(scratch) / "payload.json"
            path.write_text('{"aps":{"alert":"' + "x" * (octets - 20) + '"}}')
            assert path.stat().st_size == octets
            rows.append(runs.row(f"{octets:,}", mock, 100_000, 1_000, 1, ["--payload", path]))
    return table("octets of payload", rows)


def threads(runs):
    rows = []
    with Mock(runs.aapns) as mock:
        for runtime, name in (("current", "one thread"), ("multi", f"{os.cpu_count()} threads")):
            for links in (1, 10):
                rows.append(runs.row(f"{name}, {links}", mock, 100_000, 1_000, links, ["--runtime", runtime]))
        rows.append(runs.row("one thread, 1; typed, JSON built for each", mock, 100_000, 1_000, 1, ["--typed"]))
    return table("runtime, connections", rows)


def queue(runs):
    """Peak memory with very many waiting, less that with few: the allocator's overhead and the futures are in it."""
    many = 1_000_000 // runs.share
    rows = []
    with Mock(runs.aapns) as mock:
        for extra, name, own in (((), "ready requests, shared by 4,096 device tokens", 0), (["--typed"], "typed notifications", 200)):
            few = runs.once(mock, 10_000, 1_000, 1, extra)["peak"]
            full = runs.once(mock, many, many, 1, extra)
            octets = (full["peak"] - few) * 1024 * 1024 / many - own
            rows.append(f"| {name} | {many:,} | {full['rps']:,.0f} | {full['cpu_us_per_request']:.2f} | {full['peak']:,.0f} | {octets:.0f} |")
    head = "queued at once | waiting | requests/s | CPU µs a request | peak MiB | octets each, beyond the payload"
    return "\n".join([f"| {head} |", "|---|---|---|---|---|---|", *rows])


def idle(runs):
    seconds = 60 if runs.share == 1 else 1
    rows = []
    for n in (1, 50):
        said = subprocess.run([runs.wall, "idle", str(n), str(seconds)], capture_output=True, text=True, check=True).stdout
        cost = json.loads(said.splitlines()[-1])
        rows.append(f"| {n} | {seconds} | {cost['wakes']} | {cost['cpu_ms']:.1f} |")
    return "\n".join(["| connections | seconds | wake-ups | CPU ms |", "|---|---|---|---|", *rows])


def peers(runs):
    if runs.share != 1:
        return ""
    said = subprocess.run([runs.wall, "--bench"], capture_output=True, text=True, check=True).stdout
    return said.strip()


TABLES = {f.__name__: f for f in (peers, connections, flight, delay, payload, threads, queue, idle)}


def machine():
    """Of what the tables are."""
    git = subprocess.run(["git", "log", "-1", "--format=%h of %cs"], capture_output=True, text=True, cwd=HERE).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "-uno", ":/", ":!/docs"], capture_output=True, text=True, cwd=HERE).stdout.strip()
    rustc = subprocess.run(["rustc", "-V"], capture_output=True, text=True).stdout.strip()
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (f"Measured on {time.strftime('%Y-%m-%d')}: commit {git}{' with changes' if changed else ''}, {rustc}, "
            f"{os.cpu_count()} × {model[1] if model else platform.machine()}, {platform.system()} {platform.release()}{load}.")


def write(name, text):
    """Puts a table in place of the one that is there."""
    report = REPORT.read_text()
    begin, end = f"<!-- scale.py: {name} -->\n", "<!-- end -->"
    start = report.index(begin) + len(begin)
    REPORT.write_text(report[:start] + text + "\n" + report[report.index(end, start):])


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES), help="these tables alone")
    args.add_argument("--quick", action="store_true", help="once each, with few requests; writes nothing")
    args.add_argument("--times", type=int, default=3, help="runs of which the medians are taken")
    args = args.parse_args()
    aapns = build("--features", "cli", "--bin", "aapns")["aapns"]
    wall = build("--features", "cli", "--bench", "wall")["wall"]
    runs = Runs(aapns, wall, 1, 50) if args.quick else Runs(aapns, wall, args.times, 1)
    for name in args.only:
        print(name, file=sys.stderr)
        text = TABLES[name](runs)
        print(f"\n{text}\n", flush=True)
        if not args.quick:
            write(name, f"{machine()}\n\n{text}")


main()
