#!/usr/bin/env python3
"""A step that waits until somebody approves the update.

It creates a file NAME.asked in its directory, and goes on when there is a file NAME.approved beside it. NAME.denied fails the step, and with
it the update. When the rollout is aborted or promoted in full, nobody is asked any more.

    stepPlugins: |
      - name: example/approval
        location: file:///plugins/approval.py
        args: ["--directory", "/approvals"]

    steps:
      - plugin:
          name: example/approval
          config: { everySeconds: 10 }
"""

import argparse
import json
import pathlib
import sys

INVALID_REQUEST, UNKNOWN_METHOD, INTERNAL = -32600, -32601, -32603
INVALID_PARAMS, INVALID_CONFIG, UNAVAILABLE = -32602, 1, 2


class Failure(Exception):
    """An error that is answered."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Approval:
    """The step."""

    def __init__(self, directory):
        self.directory = directory

    def name_of(self, params):
        """No name in Kubernetes has an underscore, so these parts stay apart."""
        rollout, step = params["rollout"], params["step"]
        name = f"{rollout['namespace']}_{rollout['name']}_{step['revision']}_{step['index']}"
        if "/" in name:
            raise Failure(INVALID_PARAMS, f"{name!r} is no name of a file")
        return name

    def run(self, params):
        config = params["step"].get("config") or {}
        seconds = config.get("everySeconds", 10) if isinstance(config, dict) else None
        if not isinstance(seconds, (int, float)) or not 1 <= seconds <= 3600:
            raise Failure(INVALID_CONFIG, "everySeconds is a number from 1 to 3600")
        name = self.name_of(params)
        asked = self.directory / f"{name}.asked"
        if (self.directory / f"{name}.denied").exists():
            asked.unlink(missing_ok=True)
            return {"phase": "Failed", "message": f"{name} is denied"}
        if (self.directory / f"{name}.approved").exists():
            asked.unlink(missing_ok=True)
            return {"phase": "Successful", "message": f"{name} is approved"}
        asked.touch()
        return {
            "phase": "Running",
            "message": f"waiting for {self.directory / name}.approved",
            "state": {"asked": name},
            "retryAfterMs": int(seconds * 1000),
        }

    def end(self, params):
        (self.directory / f"{self.name_of(params)}.asked").unlink(missing_ok=True)
        return {"phase": "Successful", "message": "nobody is asked any more"}


def initialize(params):
    if 1 not in params["protocols"]:
        raise Failure(INVALID_PARAMS, f"speaks version 1 of the protocol, and the host {params['protocols']}")
    if params["kind"] != "step":
        raise Failure(INVALID_PARAMS, f"is a plugin of kind step, and configured as {params['kind']}")
    return {
        "protocol": 1,
        "kind": "step",
        "name": "approval",
        "version": "1.0.0",
        "capabilities": ["abort", "terminate"],
    }


def answered(methods, line):
    """The answer to a line, and whether it is the last one."""
    answer = {"jsonrpc": "2.0", "id": None}
    try:
        request = json.loads(line)
        answer["id"] = request["id"]
        method, params = request["method"], request.get("params") or {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return answer | {"error": {"code": INVALID_REQUEST, "message": f"this is no request: {error}"}}, False
    try:
        if method not in methods:
            raise Failure(UNKNOWN_METHOD, f"there is no method {method!r}")
        return answer | {"result": methods[method](params)}, method == "shutdown"
    except Failure as failure:
        error = {"code": failure.code, "message": str(failure)}
    except KeyError as missing:
        error = {"code": INVALID_PARAMS, "message": f"{missing} is missing in the parameters of {method}"}
    except OSError as problem:
        error = {"code": UNAVAILABLE, "message": f"cannot ask for approval: {problem}"}
    except Exception as problem:
        error = {"code": INTERNAL, "message": f"{method}: {problem!r}"}
    return answer | {"error": error}, False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--directory", type=pathlib.Path, required=True)
    approval = Approval(parser.parse_args().directory)
    methods = {
        "initialize": initialize,
        "ping": lambda _: {},
        "shutdown": lambda _: {},
        "step/run": approval.run,
        "step/terminate": approval.end,
        "step/abort": approval.end,
    }
    for line in sys.stdin:
        answer, is_last = answered(methods, line)
        print(json.dumps(answer), flush=True)
        if is_last:
            break


if __name__ == "__main__":
    main()
