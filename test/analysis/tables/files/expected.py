"""Writes expected.json: what pyarrow reads from the files in parquet/ and arrow/. Run it in this folder."""

import base64, datetime, decimal, json, math, pathlib
import pyarrow as pa, pyarrow.ipc as ipc, pyarrow.parquet as pq


def value(v, t):
    if v is None:
        return None
    if pa.types.is_dictionary(t):
        return value(v, t.value_type)
    if pa.types.is_map(t):
        return {str(value(k, t.key_type)): value(i, t.item_type) for k, i in v}
    if pa.types.is_struct(t):
        return {f.name: value(v[f.name], f.type) for f in t}
    if isinstance(v, list):
        return [value(i, t.value_type) for i in v]
    if isinstance(v, decimal.Decimal):
        exact = abs(int(v.scaleb(t.scale))) < 2**53
        return float(v) if exact else format(v, "f")
    if isinstance(v, bool) or isinstance(v, str):
        return v
    if isinstance(v, int):
        return v if abs(v) < 2**53 else str(v)
    if isinstance(v, float):
        names = {math.inf: "Infinity", -math.inf: "-Infinity"}
        return v if math.isfinite(v) else names.get(v, "NaN")
    if isinstance(v, bytes):
        return base64.b64encode(v).decode()
    raise TypeError(t)


def read(path):
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).read()
    return (ipc.open_stream if path.suffix == ".arrows" else ipc.open_file)(path).read_all()


def times(column):
    """Times as milliseconds since 1970, rounded down, because Python has no nanoseconds and few years."""
    t = column.type
    if pa.types.is_date32(t):
        return [None if d is None else d * 86400000 for d in column.cast(pa.int32()).to_pylist()]
    if pa.types.is_date64(t):
        return column.cast(pa.int64()).to_pylist()
    per = {"s": 1000, "ms": 1, "us": 1 / 1000, "ns": 1 / 1000000}[t.unit]
    scale = lambda n: n * per if per >= 1 else n // round(1 / per)
    return [None if n is None else scale(n) for n in column.cast(pa.int64()).to_pylist()]


def clock(column):
    """Times of day as text."""
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[column.type.unit]
    unit = 10**digits
    def text(n):
        seconds, rest = divmod(n, unit)
        fraction = str(rest).zfill(digits).rstrip("0") if rest else ""
        whole = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return f"{whole}.{fraction}" if fraction else whole
    integers = column.cast(pa.int32() if column.type.bit_width == 32 else pa.int64())
    return [None if n is None else text(n) for n in integers.to_pylist()]


def cells(column):
    t = column.type
    if pa.types.is_timestamp(t) or pa.types.is_date(t):
        return [None if ms is None else {"time": int(ms)} for ms in times(column)]
    if pa.types.is_time(t):
        return clock(column)
    if pa.types.is_duration(t):
        return [value(n, pa.int64()) for n in column.cast(pa.int64()).to_pylist()]
    return [value(v, t) for v in column.to_pylist()]


expected = {}
for path in sorted([*pathlib.Path("parquet").iterdir(), *pathlib.Path("arrow").iterdir()]):
    table = read(path)
    first = table.slice(0, 25)
    columns = [cells(column.combine_chunks() if len(column.chunks) > 1 else column) for column in first.columns]
    expected[str(path)] = {
        "rows": table.num_rows,
        "columns": table.column_names,
        "cells": [list(row) for row in zip(*columns)],
    }
pathlib.Path("expected.json").write_text(
    "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in expected.items()) + "\n}\n"
)
