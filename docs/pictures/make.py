#!/usr/bin/env python3
"""Makes the pictures of docs/fits.md, the page itself, and the picture of the quickstart: draws a card, and has the product make all
others of it.

    pip install pillow && cargo build --release && docs/pictures/make.py
"""

import subprocess
from pathlib import Path

from PIL import Image, ImageDraw

HERE = Path(__file__).resolve().parent
RIMWARD = HERE.parents[1] / "target" / "release" / "rimward"

FITS = {
    "scale-down": "inside width and height, never enlarged; the default",
    "contain": "inside width and height, enlarged if need be",
    "cover": "width and height exactly, the rest cut off, enlarged if need be",
    "crop": "as `cover`, but never enlarged: what is smaller is only cut, or left as it is",
    "aspect-crop": "never enlarged, but always of the shape of width and height",
    "pad": "inside width and height, enlarged if need be, with `background` around it",
    "squeeze": "width and height exactly, distorted",
}
# Sizes that cut something off at the sides, and above and below.
GRAVITIES = {
    "120x120": ["left", "center", "right", "0.25x0.5", "auto"],
    "160x48": ["top", "center", "bottom", "0.5x0.7", "auto"],
}


def card(width, height):
    """A meadow with a house on its right side, and a mark in each corner."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        part = y / height
        sky = (int(110 + 120 * part), int(170 + 60 * part), 235)
        grass = (int(150 - 60 * part), int(190 - 70 * part), 80)
        draw.line([(0, y), (width, y)], fill=sky if part < 0.6 else grass)
    unit = width / 48
    at = lambda x, y: (x * unit, y * unit)
    draw.rectangle([*at(32, 13), *at(42, 22)], fill=(235, 225, 205), outline=(70, 50, 40), width=2)
    draw.polygon([at(30.5, 13), at(37, 7), at(43.5, 13)], fill=(190, 50, 40), outline=(70, 30, 30))
    for x in (33.5, 38.5):
        draw.rectangle([*at(x, 15), *at(x + 2.2, 17.4)], fill=(80, 120, 170), outline=(70, 50, 40), width=2)
    draw.rectangle([*at(35.8, 18), *at(38, 22)], fill=(120, 80, 50), outline=(70, 50, 40), width=2)
    size, edge = 2 * unit, unit / 2
    for x, y, colour in [(0, 0, "red"), (1, 0, "gold"), (0, 1, "blue"), (1, 1, "purple")]:
        left, top = edge + x * (width - size - 2 * edge), edge + y * (height - size - 2 * edge)
        draw.ellipse([left, top, left + size, top + size], fill=colour, outline="white", width=2)
    return image


def made(source, name, options):
    """One picture; its name, width and height."""
    out = HERE / f"{name}.webp"
    subprocess.run([RIMWARD, "image", source, "--options", options, "--format", "webp", "-o", out], check=True)
    with Image.open(out) as image:
        return out.name, image.size


def cell(picture):
    name, (width, height) = picture
    return f"![](pictures/{name})<br>{width}×{height}"


def page():
    """The page, from the pictures as they came out."""
    large, small = HERE / "card.png", HERE / "small.png"
    card(480, 320).save(large)
    card(96, 64).save(small)
    shown = [made(file, file.stem, "quality=90") for file in (large, small)]
    lines = [
        "# Fits and gravities",
        "",
        "What `fit` and `gravity` of [images](images.md) do, shown on two pictures, one that is larger than what is asked for and one that is smaller.",
        "All were made by `rimward image`; `docs/pictures/make.py` makes them again, and this page.",
        "",
        f"{cell(shown[0])} {cell(shown[1])}",
        "",
        "## Fits",
        "",
        "Each with `width=160,height=160`:",
        "",
        "| `fit` | of the large one | of the small one | |",
        "|---|---|---|---|",
    ]
    for fit, told in FITS.items():
        options = f"width=160,height=160,fit={fit}" + (",background=%23ddd" if fit == "pad" else "")
        pictures = [made(file, f"{file.stem}-{fit}", options) for file in (large, small)]
        lines.append(f"| `{fit}` | {' | '.join(map(cell, pictures))} | {told} |")
    lines += [
        "",
        "## Gravities",
        "",
        "What is kept where something is cut off, with `fit=cover` and each of these sizes. Two numbers say a point of the picture, from its left and top edge,",
        "that stays as close to the middle as it can; `auto` keeps what draws attention, here the house, and `face` does the same. Corners are `top-left` and so on.",
        "",
    ]
    for size, gravities in GRAVITIES.items():
        width, height = size.split("x")
        options = f"width={width},height={height},fit=cover,gravity="
        pictures = [made(large, f"gravity-{size}-{gravity}", options + gravity) for gravity in gravities]
        lines += [f"| {' | '.join(f'`{gravity}`' for gravity in gravities)} |", "|---" * len(gravities) + "|", f"| {' | '.join(map(cell, pictures))} |", ""]
    for file in (large, small):
        file.unlink()
    card(1200, 800).save(HERE.parents[1] / "examples" / "site" / "meadow.jpg", quality=85, optimize=True)
    (HERE.parent / "fits.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    page()
