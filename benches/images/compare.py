"""python compare.py [--rounds N] [--only WORD] [--json FILE]: images, ours and sharp's and Pillow's in turn.

Prints a table of processor time, bytes, memory and how far each result is from the picture made smaller with exact numbers. See
README.md for how to get what it needs.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

import numpy
from PIL import Image

from dssim import dssim

HERE = pathlib.Path(__file__).parent

# What is made, how often in a round, and by how much more than sharp's ours is to be made a second.
CASES = [
    ("12 MP to 800, JPEG", "big12.jpg", dict(width=800, format="jpeg", quality=80), 12, 1.20),
    ("12 MP progressive to 800, JPEG", "big12_prog.jpg", dict(width=800, format="jpeg", quality=80), 6, 1.30),
    ("6 MP of odd sides to 720, JPEG", "odd6.jpg", dict(width=720, format="jpeg", quality=80), 15, 1.25),
    ("2 MP to 320, JPEG", "mid2.jpg", dict(width=320, format="jpeg", quality=80), 60, 1.50),
    ("12 MP to 800, progressive JPEG", "big12.jpg", dict(width=800, format="jpeg", quality=80, progressive=True), 10, None),
    ("12 MP to 800, WebP", "big12.jpg", dict(width=800, format="webp", quality=75), 6, 1.20),
    ("12 MP to 800, AVIF, sharp's effort 0", "big12.jpg", dict(width=800, format="avif", quality=50, effort=0), 5, 1.35),
    ("12 MP to 800, AVIF, sharp's effort 1", "big12.jpg", dict(width=800, format="avif", quality=50, effort=1), 5, 2.50),
    ("PNG with alpha to 400, PNG", "alpha1.png", dict(width=400, format="png", quality=80), 10, 1.90),
    ("PNG with alpha to 400, WebP", "alpha1.png", dict(width=400, format="webp", quality=75), 8, 1.45),
    ("PNG with palette to 400, PNG", "palette1.png", dict(width=400, format="png", quality=80), 15, None),
    ("3 MP WebP to 400, WebP", "mid3.webp", dict(width=400, format="webp", quality=75), 8, 1.40),
    ("GIF of 24 frames to 240, WebP", "moving.gif", dict(width=240, format="webp", quality=75, animated=True), 2, 1.00),
    ("GIF of 24 frames to 240, GIF", "moving.gif", dict(width=240, format="gif", quality=80, animated=True), 1, None),
]


def ours(case):
    """The case in our syntax. AVIF's number is another scale: the one that gives as many bytes as sharp's is found below."""
    name = {"jpeg": "jpeg" if case.get("progressive") else "baseline-jpeg"}.get(case["format"], case["format"])
    quality = "" if case["format"] in ("png", "gif") else f",quality={case['quality']}"
    return f"width={case['width']},format={name}{quality}"


def run(command, folder):
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return json.loads(done.stdout)


def commands(options, source, times, case):
    """What each peer is called by, and the file it writes."""
    text = json.dumps(case)
    out = options.folder / f"out.{case['format']}"
    yield "ours", [options.ours, source, out.with_stem("ours"), str(times), options.case or ours(case)]
    yield "sharp", ["node", HERE / "peers/sharp.mjs", source, out.with_stem("sharp"), str(times), text]
    if not case.get("animated"):
        yield "Pillow", [sys.executable, HERE / "peers/pillow.py", source, out.with_stem("pillow"), str(times), text]


def with_bytes_of_sharp(options, source, case):
    """Our options for AVIF: the quality whose file is nearest to sharp's in size."""
    peers = dict((name, command) for name, command in commands(options, source, 1, case))
    run(peers["sharp"], options.npm)
    wanted = peers["sharp"][3].stat().st_size
    low, high = 1, 99
    while low < high:
        middle = (low + high) // 2
        peers["ours"][4] = ours(case | {"quality": middle})
        run(peers["ours"], options.folder)
        low, high = (middle + 1, high) if peers["ours"][2].stat().st_size < wanted else (low, middle)
    return ours(case | {"quality": low - 1})


def reference(path, width):
    """The picture made smaller by Lanczos in floating point, on white."""
    image = Image.open(path).convert("RGBA")
    ground = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(ground, image).convert("RGB")
    size = width, round(image.height * width / image.width)
    planes = [plane.convert("F").resize(size, Image.LANCZOS) for plane in image.split()]
    return numpy.clip(numpy.stack([numpy.asarray(plane) for plane in planes], -1), 0, 255)


def seen(path):
    image = Image.open(path).convert("RGBA")
    ground = Image.new("RGBA", image.size, "white")
    return numpy.asarray(Image.alpha_composite(ground, image).convert("RGB"), dtype=float)


def measure(options, name, file, case, times, target):
    source = options.folder / file
    options.case = with_bytes_of_sharp(options, source, case) if case["format"] == "avif" else None
    peers = list(commands(options, source, times, case))
    turns = {peer: [] for peer, _ in peers}
    for _ in range(options.rounds):
        for peer, command in peers:
            turns[peer].append(run(command, options.npm))
    exact = reference(source, case["width"])
    rows = {}
    for peer, command in peers:
        rows[peer] = {
            "cpu_ms": statistics.median(turn["cpu"] for turn in turns[peer]),
            "peak_mb": statistics.median(turn["peak_kib"] for turn in turns[peer]) / 1024,
            "bytes": command[3 if peer != "ours" else 2].stat().st_size,
            "dssim": dssim(exact, seen(command[3 if peer != "ours" else 2])),
        }
    times_faster = statistics.median(
        theirs["cpu"] / own["cpu"] for theirs, own in zip(turns["sharp"], turns["ours"])
    )
    print(f"\n{name}: {times_faster:.2f} times sharp's throughput" + (f" (target {target})" if target else ""))
    for peer, row in rows.items():
        print("  {:7} {cpu_ms:8.1f} ms {bytes:9d} bytes {peak_mb:6.0f} MB  DSSIM {dssim:.5f}".format(peer, **row))
    sys.stdout.flush()
    return {"case": name, "times_faster": times_faster, "target": target, "peers": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where pictures.py put them")
    parser.add_argument("--ours", type=pathlib.Path, default="target/release/bench-images")
    parser.add_argument("--npm", type=pathlib.Path, required=True, help="a folder where `npm install sharp` was said")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="a word that cases have to have in their names")
    parser.add_argument("--json", type=pathlib.Path)
    parser.set_defaults(case=None)
    options = parser.parse_args()
    options.folder, options.ours = options.folder.resolve(), options.ours.resolve()
    results = [
        measure(options, name, file, case, times, target)
        for name, file, case, times, target in CASES
        if options.only in name
    ]
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


main()
