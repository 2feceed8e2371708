"""Writes samples.json: small files that other programs made (Python's zipfile and tarfile, GNU tar, Pillow), or that
follow a specification by struct (safetensors, GGUF), each with what it has in it.

Usage, with Pillow installed: python3 test/analysis/describe/samples.py > test/analysis/describe/samples.json
"""

import base64
import gzip
import io
import json
import pathlib
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile

from PIL import Image

samples = {}
moment = (2026, 1, 1, 0, 0, 0)


def sample(name, content, **facts):
    samples[name] = {"content": base64.b64encode(content).decode(), "facts": facts}


def archive(entries):
    return {
        "entries": len(entries),
        "unpacked_bytes": sum(len(content) for _, content in entries),
        "list": [{"name": name, "bytes": len(content)} for name, content in entries[:100]],
    }


def zip_of(entries, before=b"", **options):
    target = io.BytesIO()
    target.write(before)
    with zipfile.ZipFile(target, "a" if before else "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            info = zipfile.ZipInfo(name, moment)
            info.compress_type = zipfile.ZIP_DEFLATED
            with file.open(info, "w", **options) as entry:
                entry.write(content)
        file.comment = b"a comment"
    return target.getvalue()


few = [("a.txt", b"a" * 5000), ("folder/", b""), ("folder/grün 😀.csv", b"a,b\n1,2\n")]
many = [(f"part-{n:03}.txt", b"x" * n) for n in range(120)]
sample("few.zip", zip_of(few), format="zip", mime_type="application/zip", archive=archive(few))
sample("large.zip", zip_of(few, force_zip64=True), format="zip", mime_type="application/zip", archive=archive(few))
sample("many.zip", zip_of(many), format="zip", mime_type="application/zip", archive=archive(many))
sample("none.zip", zip_of([]), format="zip", mime_type="application/zip", archive=archive([]))
document = [("[Content_Types].xml", b'<Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'), ("word/document.xml", b"<w/>")]
sample(
    "letter.docx",
    zip_of(document),
    format="docx",
    mime_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    archive=archive(document),
)


def tar_of(entries, format):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=format) as file:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return target.getvalue()


long = [("short.txt", b"12345"), ("long/" * 30 + "grün.txt", b"x" * 1000), ("d/" + "n" * 99, b""), ("last", b"y" * 512)]
posix = [("short.txt", b"12345"), ("long/" * 30 + "last.txt", b"x" * 1000), ("last", b"y" * 512)]
tar_facts = {"format": "tar", "mime_type": "application/x-tar"}
sample("posix.tar", tar_of(posix, tarfile.USTAR_FORMAT), **tar_facts, archive=archive(posix))
sample("gnu.tar", tar_of(long, tarfile.GNU_FORMAT), **tar_facts, archive=archive(long))
sample("pax.tar", tar_of(long, tarfile.PAX_FORMAT), **tar_facts, archive=archive(long))
packed = gzip.compress(tar_of(long, tarfile.GNU_FORMAT), mtime=0)
sample("gnu.tar.gz", packed, **tar_facts, compression="gzip", archive=archive(long))

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    (root / "data").mkdir()
    (root / "data" / "a.txt").write_bytes(b"hello")
    (root / "data" / "link").symlink_to("a.txt")
    command = ["tar", "--sort=name", "--mtime=2026-01-01", "--owner=0", "--group=0", "-cf", "-", "data"]
    content = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    sample("links.tar", content, **tar_facts, archive=archive([("data/", b""), ("data/a.txt", b"hello"), ("data/link", b"")]))

for extension, type in [("png", "png"), ("jpg", "jpeg"), ("gif", "gif"), ("webp", "webp"), ("bmp", "bmp"), ("tif", "tiff")]:
    target = io.BytesIO()
    Image.new("RGB", (23, 17), "red").save(target, type)
    facts = {"mime_type": f"image/{type}", "image": {"width": 23, "height": 17}}
    sample(f"picture.{extension}", target.getvalue(), format=extension, **facts)

header = json.dumps(
    {
        "__metadata__": {"format": "pt", "note": "n" * 300},
        "layer.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "layer.bias": {"dtype": "BF16", "shape": [3], "data_offsets": [24, 30]},
        "scale": {"dtype": "F16", "shape": [], "data_offsets": [30, 32]},
    }
).encode()
sample(
    "model.safetensors",
    struct.pack("<Q", len(header)) + header + bytes(32),
    format="safetensors",
    tensors={
        "tensors": 3,
        "parameters": 10,
        "list": [
            {"name": "layer.weight", "type": "F32", "shape": [2, 3]},
            {"name": "layer.bias", "type": "BF16", "shape": [3]},
            {"name": "scale", "type": "F16", "shape": []},
        ],
        "metadata": {"format": "pt", "note": "n" * 199 + "…"},
    },
)


def gguf(order):
    """https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, in either order of bytes."""

    def pack(types, *values):
        return struct.pack(order + types, *values)

    def text(value):
        return pack("Q", len(value.encode())) + value.encode()

    entries = [
        text("general.architecture") + pack("I", 8) + text("llama"),
        text("general.file_type") + pack("I", 4) + pack("I", 7),
        text("llama.rope.base") + pack("I", 6) + pack("f", 1e-5),
        text("llama.big") + pack("I", 10) + pack("Q", 2**64 - 1),
        text("llama.flag") + pack("I", 7) + b"\1",
        text("llama.template") + pack("I", 8) + text("t" * 5000),
        text("tokenizer.tokens") + pack("I", 9) + pack("IQ", 8, 3) + text("a") + text("bc") + text(""),
        text("tokenizer.scores") + pack("I", 9) + pack("IQ", 6, 2) + pack("ff", 1, 2),
        text("nested") + pack("I", 9) + pack("IQ", 9, 1) + pack("IQ", 5, 2) + pack("ii", 1, 2),
    ]
    tensors = [
        text("blk.0.weight") + pack("I", 2) + pack("QQ", 64, 32) + pack("IQ", 8, 0),
        text("blk.0.norm") + pack("I", 1) + pack("Q", 64) + pack("IQ", 0, 2176),
    ]
    return b"GGUF" + pack("IQQ", 3, len(tensors), len(entries)) + b"".join(entries) + b"".join(tensors) + bytes(2176 + 256)


for name, order in [("model.gguf", "<"), ("big-endian.gguf", ">")]:
    sample(
        name,
        gguf(order),
        format="gguf",
        tensors={
            "tensors": 2,
            "parameters": 64 * 32 + 64,
            "list": [
                {"name": "blk.0.weight", "type": "Q8_0", "shape": [64, 32]},
                {"name": "blk.0.norm", "type": "F32", "shape": [64]},
            ],
            "metadata": {
                "general.architecture": "llama",
                "general.file_type": "7",
                "llama.rope.base": "0.00001",
                "llama.big": "18446744073709551615",
                "llama.flag": "true",
                "llama.template": "t" * 199 + "…",
                "tokenizer.tokens": "array of 3 strings",
                "tokenizer.scores": "array of 2 float32 values",
                "nested": "array of 1 arrays",
            },
        },
    )

json.dump(samples, sys.stdout, indent=1, ensure_ascii=False)
print()
