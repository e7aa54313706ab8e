"""Reads FHIR resources with the models of `fhir.resources` (R4B), which refuse what the
standard does not allow: unknown elements, wrong types, missing parts.

Argument: a file with a JSON list of resources. Prints a JSON list of what it read."""

import importlib
import json
import sys

told = []
with open(sys.argv[1], encoding="utf-8") as file:
    resources = json.load(file)
for sent in resources:
    kind = sent["resourceType"]
    module = importlib.import_module("fhir.resources.R4B." + kind.lower())
    resource = getattr(module, kind).model_validate(sent)
    entry = getattr(resource, "entry", None) or []
    told.append({"type": kind, "id": resource.id, "entries": [one.resource.get_resource_type() for one in entry]})
print(json.dumps(told))
