"""How far two pictures are apart to the eye: structural dissimilarity over five scales, in a space of even colour steps.

The measure is SSIM (Wang et al., 2004) with windows of Gauss, of brightness and both colours in CIE L*a*b*, over scales weighted as in
MS-SSIM (Wang et al., 2003): 1/SSIM - 1, so that 0 is no difference. Numbers are near to, not those of, other programs of the name.
"""
import numpy

WEIGHTS = numpy.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
KERNEL = numpy.exp(-(numpy.arange(-5, 6) ** 2) / (2 * 1.5**2))
KERNEL /= KERNEL.sum()
WHITE = numpy.array([0.95047, 1.0, 1.08883])
TO_XYZ = numpy.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(rgb):
    value = rgb / 255
    linear = numpy.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = linear @ TO_XYZ.T / WHITE
    cube = numpy.where(xyz > 0.008856, numpy.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = cube[..., 0], cube[..., 1], cube[..., 2]
    return numpy.stack([116 * y - 16, 500 * (x - y) / 4.4, 200 * (y - z) / 4.4], -1) / 100


def blurred(plane):
    for axis in (0, 1):
        padded = numpy.pad(plane, [(5, 5) if n == axis else (0, 0) for n in range(plane.ndim)], mode="edge")
        length = plane.shape[axis]
        plane = sum(weight * padded.take(range(k, k + length), axis) for k, weight in enumerate(KERNEL))
    return plane


def ssim(a, b):
    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b = blurred(a), blurred(b)
    spread_a = blurred(a * a) - mean_a**2
    spread_b = blurred(b * b) - mean_b**2
    both = blurred(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return (likeness / ((mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2))).mean()


def halved(picture):
    height, width = picture.shape[0] // 2 * 2, picture.shape[1] // 2 * 2
    picture = picture[:height, :width]
    return (picture[::2, ::2] + picture[1::2, ::2] + picture[::2, 1::2] + picture[1::2, 1::2]) / 4


def dssim(a, b):
    """Of two arrays of red, green and blue from 0 to 255."""
    a, b = lab(a), lab(b)
    total = used = 0.0
    for weight in WEIGHTS:
        if min(a.shape[:2]) < 11:
            break
        total += weight * ssim(a, b)
        used += weight
        a, b = halved(a), halved(b)
    return used / max(total, 1e-9) - 1
