"""python pictures.py FOLDER: the pictures of the benches, made of photos that Debian's package mate-backgrounds has.

Nothing of them is committed: the package is fetched by apt, unpacked in the folder, and what is asked for is cut of it.
"""
import pathlib
import subprocess
import sys

from PIL import Image

PACKAGE = "mate-backgrounds"


def photos(folder):
    unpacked = folder / "unpacked"
    if not unpacked.exists():
        subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True)
        package = next(folder.glob(f"{PACKAGE}*.deb"))
        subprocess.run(["dpkg", "-x", package, unpacked], check=True)
    return unpacked / "usr/share/backgrounds/mate"


def cut(photo, width, height):
    """The middle of a photo in this shape, made smaller where it is larger."""
    scale = max(width / photo.width, height / photo.height)
    size = round(width / scale), round(height / scale)
    left, top = (photo.width - size[0]) // 2, (photo.height - size[1]) // 2
    return photo.resize((width, height), Image.LANCZOS, box=(left, top, left + size[0], top + size[1]))


def fading(photo):
    """The photo, more and more transparent towards its edges."""
    mask = Image.radial_gradient("L").resize(photo.size).point(lambda value: max(0, 255 - value))
    photo = photo.convert("RGBA")
    photo.putalpha(mask)
    return photo


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    of = photos(folder)
    elephants = Image.open(of / "abstract/Elephants_5640x3172.jpg").convert("RGB")
    garden = Image.open(of / "nature/Garden.jpg").convert("RGB")
    wood = Image.open(of / "nature/Wood.jpg").convert("RGB")
    jpeg = {"quality": 88, "subsampling": "4:2:0"}
    cut(elephants, 4000, 3000).save(folder / "big12.jpg", **jpeg)
    cut(elephants, 4000, 3000).save(folder / "big12_prog.jpg", progressive=True, **jpeg)
    # Sides that no power of two divides.
    cut(elephants, 2725, 2225).save(folder / "odd6.jpg", **jpeg)
    cut(garden, 1760, 1100).save(folder / "mid2.jpg", **jpeg)
    fading(cut(garden, 1200, 900)).save(folder / "alpha1.png")
    cut(garden, 1200, 900).quantize(256).save(folder / "palette1.png")
    cut(wood, 2000, 1500).save(folder / "mid3.webp", quality=85)
    frames = [cut(garden, 640, 360).crop((n * 6, n * 3, n * 6 + 480, n * 3 + 270)) for n in range(24)]
    frames = [frame.quantize(128) for frame in frames]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:], duration=60, loop=0)


main(pathlib.Path(sys.argv[1]))
