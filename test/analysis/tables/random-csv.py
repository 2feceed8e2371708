"""Prints random texts, and the rows that Python's csv module reads from each.

python3 test/analysis/tables/random-csv.py > test/analysis/tables/random-csv.json
"""

import csv
import io
import json
import random

random.seed(22)
cases = []
while len(cases) < 500:
    text = "".join(random.choice([*'ab,,,"""1', "\n", "\n", "\r\n"]) for _ in range(random.randrange(1, 14)))
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    cases.append(json.dumps([text, rows], separators=(",", ":")))
print("[\n" + ",\n".join(cases) + "\n]")
