"""python pictures.py FOLDER: the pictures of the benches, made of photos of Debian's wallpapers.

Nothing of them is committed: packages are fetched by apt, unpacked in the folder, and what is asked for is cut of them.
"""
import pathlib
import subprocess
import sys

from PIL import Image

PACKAGES = ["lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04"]


def photos(folder):
    unpacked = folder / "unpacked"
    if not unpacked.exists():
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, unpacked], check=True)
    return unpacked / "usr/share/backgrounds"


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
    def photo(name):
        return Image.open(next(of.glob(f"{name}_by_*.jpg"))).convert("RGB")

    bird, flowers, mountains = photo("Kleiber"), photo("life"), photo("picosdeeuropa")
    jpeg = {"quality": 88, "subsampling": "4:2:0"}
    cut(bird, 4000, 3000).save(folder / "big12.jpg", **jpeg)
    cut(bird, 4000, 3000).save(folder / "big12_prog.jpg", progressive=True, **jpeg)
    # Sides that no power of two divides.
    cut(mountains, 2725, 2225).save(folder / "odd6.jpg", **jpeg)
    cut(flowers, 1760, 1100).save(folder / "mid2.jpg", **jpeg)
    fading(cut(flowers, 1200, 900)).save(folder / "alpha1.png")
    cut(flowers, 1200, 900).quantize(256).save(folder / "palette1.png")
    cut(mountains, 2000, 1500).save(folder / "mid3.webp", quality=85)
    frames = [cut(flowers, 640, 360).crop((n * 6, n * 3, n * 6 + 480, n * 3 + 270)) for n in range(24)]
    frames = [frame.quantize(128) for frame in frames]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:], duration=60, loop=0)


main(pathlib.Path(sys.argv[1]))
