#!/usr/bin/env python3
"""What hits cost in latency while nothing but misses of pictures is asked for beside them, and without.

    pip install pillow && cargo build --release && benches/images/beside.py
"""

import re
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
RIMWARD = ROOT / "target" / "release" / "rimward"
PORT = 18970
SECONDS = 8
HIT = f"http://127.0.0.1:{PORT}/cdn-cgi/image/width=300,format=jpeg/photo.jpg"
CONFIG = f"""
[log]
access = false
[[listen]]
address = "127.0.0.1:{PORT}"
limits = {{ max_requests_per_connection = 1000000000 }}
[origin.files]
directory = "."
cache_control = "max-age=3600"
[[site]]
hosts = ["*"]
origin = "files"
  [[site.route]]
  path = "/cdn-cgi/image/*"
  filters = [{{ use = "image" }}]
"""
# Each request is for another picture.
DISTINCT = """
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/cdn-cgi/image/width=" .. (400 + n % 1500) .. ",height=" .. (400 + math.floor(n / 1500)) .. ",format=webp/photo.jpg")
end
"""


def photo(file):
    """Twelve megapixels with something in each of them."""
    noise = Image.effect_noise((1000, 750), 60).resize((4000, 3000), Image.BICUBIC)
    mandelbrot = Image.effect_mandelbrot((4000, 3000), (-2, -1.5, 1, 1.5), 60)
    Image.merge("RGB", [mandelbrot, noise, Image.blend(mandelbrot, noise, 0.5)]).save(file, quality=88)


def hits():
    command = ["wrk", "-t1", "-c8", f"-d{SECONDS}", "--latency", HIT]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    find = lambda pattern: re.search(pattern, told).group(1)
    return find(r"50%\s+(\S+)"), find(r"99%\s+(\S+)"), find(r"Requests/sec:\s+(\S+)")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        photo(folder / "photo.jpg")
        (folder / "pop.toml").write_text(CONFIG)
        (folder / "distinct.lua").write_text(DISTINCT)
        server = subprocess.Popen([RIMWARD, "run", folder / "pop.toml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(HIT, timeout=10).read()
                    break
                except OSError:
                    time.sleep(0.1)
            print("| hits of a picture | p50 | p99 | requests/s |\n|---|--:|--:|--:|")
            print("| alone | {} | {} | {} |".format(*hits()))
            command = ["wrk", "-t1", "-c16", f"-d{SECONDS + 2}", "-s", folder / "distinct.lua", f"http://127.0.0.1:{PORT}"]
            load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            time.sleep(1)
            print("| beside misses | {} | {} | {} |".format(*hits()))
            told, _ = load.communicate()
            print("misses beside them:", re.search(r"Requests/sec:\s+(\S+)", told).group(1), "a second;", *re.findall(r"Non-2xx.*", told))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
