#!/usr/bin/env python3
"""Counts the core's instructions per request, and holds them against the committed baseline.

    tests/benches/instructions.py            # fails if a case grew by more than 3 %
    tests/benches/instructions.py --update   # writes the baseline

The counts are callgrind's and repeatable, on a busy machine too. They depend on compiler and target, so the
baseline is keyed by both: with another compiler this only reports. Needs valgrind; says so and passes without it.
"""
import json, re, shutil, subprocess, sys, tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
CASES = ["encode", "decode", "connection", "pool", "client"]
FEW, MANY = 6_400, 64_000  # the slope between them leaves out what the start costs
TOLERANCE = 1.03


def compiler():
    """What the counts depend on: release and target of rustc."""
    said = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    facts = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return f"{facts['release']} {facts['host']}"


def build():
    """The bench program, built as a release is."""
    command = ["cargo", "build", "-q", "--release", "-p", "aapns-proto", "--features", "client", "--bench", "instructions", "--locked"]
    said = subprocess.run([*command, "--message-format=json"], capture_output=True, text=True, cwd=HERE)
    if said.returncode:
        sys.exit(said.stderr)
    messages = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    programs = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "instructions"]
    return programs[-1]


def count(program, case, requests):
    with tempfile.TemporaryDirectory() as scratch:
        callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={scratch}/out"]
        said = subprocess.run([*callgrind, program, case, str(requests)], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", said.stderr)
    if said.returncode or not found:
        sys.exit(said.stderr)
    return int(found[1])


def main():
    if not shutil.which("valgrind"):
        return print("not counted: there is no valgrind")
    program, key = build(), compiler()
    baselines = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    known = baselines.get(key, {})
    slope = lambda case: (count(program, case, MANY) - count(program, case, FEW)) / (MANY - FEW)
    counted = {case: round(slope(case), 1) for case in CASES}
    grown = []
    for case, now in counted.items():
        before = known.get(case)
        change = f"{now / before - 1:+.1%} against {before:.1f}" if before else "no baseline for this compiler"
        print(f"{case:<12}{now:>9.1f} instructions a request   {change}")
        if before and now > before * TOLERANCE:
            grown.append(case)
    if "--update" in sys.argv:
        baselines[key] = counted
        BASELINE.write_text(json.dumps(baselines, indent=2, sort_keys=True) + "\n")
    elif grown:
        sys.exit(f"more than 3 % more instructions than the baseline: {', '.join(grown)}")


main()
