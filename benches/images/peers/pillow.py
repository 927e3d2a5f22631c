"""python pillow.py SOURCE RESULT TIMES CASE: the same as bench-images, by Pillow as thumbor uses it. CASE is JSON."""
import io
import json
import re
import sys
import time

from PIL import Image, ImageOps

source, result, times, text = sys.argv[1:]
case = json.loads(text)
data = open(source, "rb").read()


def make():
    image = Image.open(io.BytesIO(data))
    width = case["width"]
    height = round(image.height * width / image.width)
    if image.format == "JPEG":
        image.draft("RGB", (width, height))
    image = ImageOps.exif_transpose(image)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    image = image.resize((width, height), Image.LANCZOS)
    out = io.BytesIO()
    options = {"png": {}, "gif": {}}.get(case["format"], {"quality": case["quality"]})
    if case["format"] == "webp":
        options["method"] = 4
    if case["format"] == "jpeg":
        options |= {"optimize": True, "progressive": case.get("progressive", False)}
    if case["format"] == "avif":
        options["speed"] = 9
    image.save(out, case["format"], **options)
    return out.getvalue()


open(result, "wb").write(make())
peak = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
start, used = time.perf_counter(), time.process_time()
for _ in range(int(times)):
    make()
print(json.dumps({
    "cpu": (time.process_time() - used) * 1000 / int(times),
    "wall": (time.perf_counter() - start) * 1000 / int(times),
    "peak_kib": peak,
}))
