"""Pictures of any mode → RGB in sRGB: profiles converted, transparency on white, deep greys in 8 bits."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode of Pillow's → RGB in sRGB, transparency on white.

    Args:
        image: decoded; its `info` may hold a profile (`icc_profile`) and a transparent level (`transparency`).

    Returns:
        Of mode RGB, in the same size; the image itself where it is so already.
    """
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        image = _with_key(_to_eight_bits(image), image)
    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    if transparent:
        image = image.convert("RGBA")
    elif image.mode in ("P", "1", "YCbCr", "HSV"):
        image = image.convert("RGB")
    if not transparent:
        image = _to_srgb(image, profile)
        return image if image.mode == "RGB" else image.convert("RGB")  # which copies what is RGB already
    alpha = image.getchannel("A")
    photo = Image.new("RGB", image.size, "white")
    photo.paste(_to_srgb(image.convert("RGB"), profile), mask=alpha)
    return photo


def _with_key(grey: Image.Image, image: Image.Image) -> Image.Image:
    """Grey whose pixels are transparent where those of a deeper image have its transparent level."""
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey.putalpha(Image.fromarray(np.where(np.asarray(image) == key, 0, 255).astype(np.uint8)))
    return grey


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or of floating point, → 8-bit grey.

    Integers are taken as 16-bit, the only wide kind in use, unless they do not go beyond
    8 bits; floating point as 0 … 1, unless it goes beyond.
    """
    values = np.asarray(image)
    top = 65535.0 if image.mode.startswith("I;16") else max(float(part.max()) for _, part in _strips(values))
    if image.mode == "F":
        white = 1.0 if top <= 1 else 255.0 if top <= 255 else max(65535.0, top)
    else:
        white = 255.0 if image.mode == "I" and top <= 255 else max(65535.0, top)
    grey = np.empty(values.shape, np.uint8)
    for rows, part in _strips(values):
        grey[rows] = np.clip(np.rint(part * (255.0 / white)), 0, 255)
    return Image.fromarray(grey)


def _strips(values: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """(rows, their values as float32, without gaps and infinities): all at once would be four times the photo."""
    step = max(1, 2**20 // values.shape[1])
    for top in range(0, values.shape[0], step):
        rows = slice(top, top + step)
        part = values[rows].astype(np.float32)
        yield rows, part if values.dtype.kind != "f" else np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from the embedded profile; without one, or with one that does not fit, leave it."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return converted or image  # nothing comes back where it is done in place, which it is not here
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
