"""Writes vega-facts.json: what Python's own modules say of the files of vega-datasets that are no tables. The tables in
JSON are not told: expected.py in the folder of tables tells them.

Usage: python3 test/analysis/describe/vega-facts.py node_modules/vega-datasets/data > test/analysis/describe/vega-facts.json
"""

import json
import pathlib
import re
import struct
import sys


class Pairs(list):
    """The members of an object, in their order."""


def type_of(value):
    if isinstance(value, Pairs):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    return "string" if isinstance(value, str) else "number"


def shape_of(values, level, told=True):
    """The shape that all these values have in common."""
    types = {type_of(value) for value in values}
    nullable = {"nullable": True} if "null" in types and len(types) > 1 else {}
    if nullable:
        types.remove("null")
        values = [value for value in values if value is not None]
    if len(types) > 1:
        return {"type": "mixed", **nullable}
    (name,) = types
    shape = {"type": name, **nullable}
    if name not in ("object", "array"):
        return shape
    sizes = {len(value) for value in values}
    if len(sizes) == 1:
        shape["size"] = sizes.pop()
    children = [child for value in values for child in value]
    if not told or not children:
        return shape
    if name == "array":
        # Objects in an array that is in the root are told a level deeper.
        told = level < 1 or (level == 1 and any(type_of(child) == "object" for child in children))
        shape["items"] = shape_of(children, level + 1, told)
        return shape
    names = list(dict.fromkeys(key for key, _ in children))[:50]
    shape["members"] = {key: shape_of([child for other, child in children if other == key], level + 1, level < 1) for key in names}
    return shape


def text_facts(content):
    assert not content.startswith(b"\xef\xbb\xbf")
    content.decode("utf-8")
    lf, crlf = content.count(b"\n"), content.count(b"\r\n")
    assert lf > 0 or b"\r" not in content
    lines = re.split(b"\r?\n", content)
    if lines[-1] == b"":
        lines.pop()
    longest = max(len(line) for line in lines)
    return {
        "encoding": "utf-8",
        "bom": False,
        "line_ends": "none" if lf == 0 else "lf" if crlf == 0 else "crlf" if crlf == lf else "mixed",
        "lines": len(lines),
        "longest_line": {"line": next(n for n, line in enumerate(lines, 1) if len(line) == longest), "bytes": longest},
    }


facts = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    content = path.read_bytes()
    if path.suffix == ".json":
        value = json.loads(content, object_pairs_hook=Pairs)
        facts[path.name] = {
            "format": "json",
            "mime_type": "application/json",
            "text": text_facts(content),
            "json": shape_of([value], 0),
        }
    elif path.suffix == ".png":
        assert content[12:16] == b"IHDR"
        width, height = struct.unpack(">II", content[16:24])
        facts[path.name] = {"format": "png", "mime_type": "image/png", "image": {"width": width, "height": height}}
json.dump(facts, sys.stdout, indent=1)
print()
