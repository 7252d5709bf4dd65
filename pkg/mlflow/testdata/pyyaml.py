"""Reads documents as PyYAML's safe_load does, for a test of DecodeYAML.

stdin: a JSON list of {"doc": text} or {"value": any, "width": n}; the latter is dumped first, as MLflow dumps.
stdout: a JSON list of {"doc": text, "value": any} or {"doc": text, "error": text}. What JSON has no type for
comes back as the text of its node.
"""
import json
import math
import sys

import yaml


class Loader(yaml.SafeLoader):
    pass


def text(loader, node):
    return loader.construct_scalar(node)


def finite(loader, node):
    v = yaml.SafeLoader.construct_yaml_float(loader, node)
    return v if math.isfinite(v) else text(loader, node)


def pairs(loader, node):
    return [[loader.construct_object(n.value[0][0], True), loader.construct_object(n.value[0][1], True)] for n in node.value]


for tag, fn in {"timestamp": text, "binary": text, "value": text, "float": finite, "omap": pairs, "pairs": pairs}.items():
    Loader.add_constructor("tag:yaml.org,2002:" + tag, fn)
Loader.add_constructor("tag:yaml.org,2002:set", lambda loader, node: loader.construct_mapping(node, True))

out = []
for ask in json.load(sys.stdin):
    doc = ask.get("doc")
    if doc is None:
        doc = yaml.safe_dump(ask["value"], default_flow_style=False, width=ask["width"])
    answer = {"doc": doc}
    try:
        answer["value"] = yaml.load(doc, Loader=Loader)
        json.dumps(answer)
    except Exception as e:
        answer = {"doc": doc, "error": f"{type(e).__name__}: {e}"[:300]}
    out.append(answer)
json.dump(out, sys.stdout)
