"""Schemathesis against a running server and its own description.

    contract.py WORLD

WORLD is a JSON file: `base` (origin and prefix of the API), `callers` (name, headers, operations to leave out), `ids` (what
really exists, by the kind of thing), `max_examples`, `seed` and, for a longer run, `seconds` per caller.

The description is taken from the server and told which ids exist, so that half of the cases get past "there is no such
thing". Ends with 1 when a check failed. The last line of each caller's run says how many cases there were.
"""

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

# What is checked on every answer. The others, and why they are off, are in docs/limits.md.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]

# It never ends.
NEVER = ["events::stream"]

# Kinds of ids by the place in the path, or by the field of a body.
IN_PATH = [
    (r"^/users/\{id\}", "user"),
    (r"^/rooms/\{code\}/providers/\{id\}", "provider"),
    (r"^/visits/\{id\}", "visit"),
    (r"^/intakes/\{id\}", "intake"),
    (r"^/api_apps/\{id\}", "app"),
]
BY_NAME = {
    "code": "room",
    "guest_id": "guest",
    "room_code": "room",
    "provider_id": "provider",
    "member_id": "patient",
    "intake_id": "intake",
    "visit_id": "visit",
    "id": None,
}


def real(kind, ids):
    return [str(one) for one in ids.get(kind, [])]


def either(schema, values):
    """One of the things that exist, or anything the schema allows."""
    return {"anyOf": [{"type": "string", "enum": values}, schema]} if values else schema


def narrowed(schema, document):
    """The schema of an answer that `fields` may narrow: what is there has the right type, and nothing of the objects in
    `data` must be there."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    schema = json.loads(json.dumps(schema))
    data = schema["properties"]["data"]
    item = data.get("items", data)
    if "$ref" in item:
        item = json.loads(json.dumps(document["components"]["schemas"][item["$ref"].rsplit("/", 1)[1]]))
    for one in [item, *item.get("oneOf", []), *item.get("anyOf", [])]:
        one.pop("required", None)
    if "items" in data:
        data["items"] = item
    else:
        schema["properties"]["data"] = item
    return schema


def informed(document, ids):
    """The description, knowing what exists."""
    for path, item in document["paths"].items():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                kind = BY_NAME.get(parameter["name"])
                if parameter["in"] == "path":
                    if path.startswith("/visits/join/"):
                        kind = "code"
                    for pattern, wanted in IN_PATH:
                        if parameter["name"] == "id" and re.match(pattern, path):
                            kind = wanted
                values = real(kind, ids)
                if values and parameter["in"] in ("path", "query"):
                    parameter["schema"] = either(parameter["schema"], values)
            if any(parameter["name"] == "fields" for parameter in operation.get("parameters", [])):
                answer = operation["responses"]["200"]["content"]["application/json"]
                answer["schema"] = narrowed(answer["schema"], document)
    for schema in document["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            values = real(BY_NAME.get(name), ids)
            # Only requests refer to these; answers are read as they are.
            if values and schema.get("x-request"):
                schema["properties"][name] = either(field, values)
    return document


def requests_of(document):
    """Marks the schemas that only requests use."""

    def names(value, into):
        if isinstance(value, dict):
            if "$ref" in value:
                name = value["$ref"].rsplit("/", 1)[1]
                if name not in into:
                    into.add(name)
                    names(document["components"]["schemas"].get(name, {}), into)
            for inner in value.values():
                names(inner, into)
        elif isinstance(value, list):
            for inner in value:
                names(inner, into)

    sent, answered = set(), set()
    for item in document["paths"].values():
        for operation in item.values():
            names(operation.get("requestBody", {}), sent)
            for answer in operation["responses"].values():
                names(answer, answered)
    for name in sent - answered:
        if name in document["components"]["schemas"]:
            document["components"]["schemas"][name]["x-request"] = True


def run(world, caller, description):
    # One worker: two threads that parse at once break Python's own parser now and then (python/cpython#106905: "AST
    # constructor recursion depth mismatch"), and Hypothesis parses.
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(Path(__file__).with_name("schemathesis.toml")),
        "run", description, "--url", world["base"], "--no-color",
        "--checks", ",".join(CHECKS), "--phases", caller.get("phases", "examples,fuzzing"), "--workers", "1",
        "--max-examples", str(world["max_examples"]), "--seed", str(world["seed"]), "--generation-database", "none",
        "--suppress-health-check", "all", "--continue-on-failure", "--request-timeout", "60", "--warnings", "off",
    ]
    if world.get("seconds"):
        command += ["--max-time", str(world["seconds"])]
    for name, value in caller["headers"].items():
        command += ["-H", f"{name}:{value}"]
    for operation in NEVER + caller.get("without", []):
        command += ["--exclude-operation-id", operation]
    for operation in caller.get("only", []):
        command += ["--include-operation-id", operation]
    # It keeps notes where it runs.
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(description).parent)
    said = done.stdout + done.stderr
    counted = re.search(r"Test cases:\s*\n?\s*([\d,]+)", said) or re.search(r"([\d,]+) generated", said)
    cases = int(counted.group(1).replace(",", "")) if counted else 0
    if done.returncode != 0:
        print(said)
    print(f"{caller['name']}: {cases} cases, {'well' if done.returncode == 0 else 'FAILED'}", flush=True)
    return done.returncode == 0


def main():
    world = json.loads(Path(sys.argv[1]).read_text())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(world["base"] + "/openapi.json") as answer:
        document = json.load(answer)
    requests_of(document)
    with tempfile.TemporaryDirectory() as folder:
        description = Path(folder) / "openapi.json"
        description.write_text(json.dumps(informed(document, world["ids"])))
        results = [run(world, caller, str(description)) for caller in world["callers"]]
    sys.exit(0 if all(results) else 1)


main()
