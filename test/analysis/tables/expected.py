"""Prints what is known of the tables in vega-datasets, computed with Python's csv and json modules.

python3 test/analysis/tables/expected.py node_modules/vega-datasets/data > test/analysis/tables/expected.json

JSON that is an array of objects counts as JSON Lines, as the test makes it: an object a line.
"""

import csv
import datetime
import json
import os
import re
import sys

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
CODE = re.compile(r"[+-]?0\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def time_of(text):
    if not TIME.fullmatch(text):
        return None
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)


def kind_of(value, from_text):
    """The type of a value, and what orders it."""
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int):
        return "integer", value
    if isinstance(value, float):
        # JavaScript has one kind of numbers: 1.0 is an integer there.
        return ("integer", int(value)) if value.is_integer() else ("number", value)
    if isinstance(value, list):
        return "list", None
    if isinstance(value, dict):
        return "object", None
    if from_text and CODE.fullmatch(value):
        return "text", value
    if from_text and INTEGER.fullmatch(value):
        return "integer", int(value)
    if from_text and NUMBER.fullmatch(value):
        return "number", float(value)
    if time_of(value):
        return "time", time_of(value)
    if from_text and value.lower() in ("true", "false"):
        return "boolean", value
    return "text", value


def text_of(value):
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def column(name, values, from_text):
    full = [value for value in values if value is not None and value != ""]
    kinds = [kind_of(value, from_text) for value in full]
    types = {kind for kind, _ in kinds}
    if from_text and types <= {"integer", "number", "text"} and any(CODE.fullmatch(value) for value in full):
        kinds = [("text", value) for value in full]  # as 00501 is a code, 99950 is one too
        types = {"text"}
    kind = "empty" if not types else types.pop() if len(types) == 1 else "number" if types == {"integer", "number"} else "mixed"
    facts = {"name": name, "type": kind, "empties": len(values) - len(full)}
    if kind in ("integer", "number"):
        facts["least"], facts["greatest"] = min(order for _, order in kinds), max(order for _, order in kinds)
    elif kind == "time":
        ordered = [(order, text) for (_, order), text in zip(kinds, full)]
        facts["least"], facts["greatest"] = min(ordered)[1], max(ordered)[1]
    elif kind == "text" or (kind == "mixed" and not {"list", "object"} & {k for k, _ in kinds}):
        texts = [text_of(value) for value in full]
        facts["least"], facts["greatest"] = min(texts)[:100], max(texts)[:100]
    if not {"list", "object"} & {k for k, _ in kinds}:
        counts = {}
        for value in full:
            counts[(type(value).__name__, value) if isinstance(value, bool) else value] = 1
        facts["distinct"] = len(counts)
    return facts


def table(name, rows, names, from_text, **about):
    columns = [column(n, [row[i] for row in rows], from_text) for i, n in enumerate(names)]
    return {"file": name, **about, "rows": len(rows), "columns": columns}


def csv_table(folder, name, delimiter):
    with open(os.path.join(folder, name), newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file, delimiter=delimiter) if row]
    names, data = rows[0], rows[1:]
    assert all(len(row) <= len(names) for row in data), name
    data = [row + [""] * (len(names) - len(row)) for row in data]
    return table(name, data, names, True)


def members(one):
    """JavaScript puts names that are array indexes first."""
    indexes = [name for name in one if re.fullmatch(r"0|[1-9]\d{0,8}", name)]
    return sorted(indexes, key=int) + [name for name in one if name not in indexes]


def json_table(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8-sig") as file:
        objects = json.load(file)
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        return None
    names = list(dict.fromkeys(member for one in objects[:1000] for member in members(one)))
    return table(name, [[one.get(member) for member in names] for one in objects], names, False)


def main(folder):
    tables = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".csv"):
            tables.append(csv_table(folder, name, ","))
        elif name.endswith(".tsv"):
            tables.append(csv_table(folder, name, "\t"))
        elif name.endswith(".json") and os.path.getsize(os.path.join(folder, name)) < 2_000_000:
            tables.append(json_table(folder, name))
    lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in tables if one]
    print("[\n" + ",\n".join(lines) + "\n]")


main(sys.argv[1])
