#!/usr/bin/env python3
"""A step that misbehaves as its first argument says. The second is a file that gets the process id of each start."""

import json
import os
import subprocess
import sys
import time

how, starts = sys.argv[1], sys.argv[2]
with open(starts, "a") as file:
    file.write(f"{os.getpid()}\n")


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def answer(request, result):
    say(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}))


if how == "ends":
    print("This binary is a plugin of another host.", file=sys.stderr)
    sys.exit(3)
if how == "greets people":
    say("Listening on :8080")
if how == "is endless":
    while True:
        sys.stdout.write("x" * 65536)
if how == "is silent":
    time.sleep(600)
if how == "shouts":
    for _ in range(100_000):
        print("and another thing", file=sys.stderr)
    sys.stderr.write("x" * 1_000_000)
    sys.stderr.flush()

for line in sys.stdin:
    request = json.loads(line)
    method = request["method"]
    if method == "initialize":
        answer(request, {"protocol": 1, "kind": "step", "name": "misbehaving", "version": "1.0.0"})
    elif method == "shutdown" and how == "stays":
        time.sleep(600)
    elif method in ("ping", "shutdown"):
        answer(request, {})
        if method == "shutdown":
            break
    elif how == "hangs at calls":
        time.sleep(600)
    elif how == "ends at calls":
        print("out of luck", file=sys.stderr)
        os.kill(os.getpid(), 9)
    elif how == "leaves a child":
        child = subprocess.Popen(["sleep", "600"])
        with open(starts, "a") as file:
            file.write(f"{child.pid}\n")
        sys.exit(0)
    elif how == "lies":
        answer(request, {"phase": "Splendid"})
    elif how == "remembers too much":
        answer(request, {"phase": "Running", "state": "x" * 100_000})
    else:
        answer(request, {"phase": "Successful", "message": how})
