"""Made-up pairs of pictures for the tests of viewing: two contrasts and catch pairs, on two networks and two seeds."""

from genlab.review.pairs import Contest, Contrast, Picture

DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="  # one pixel
BOTH = Contrast("made-up", "noise, smoothed", "standard, plain")
ALONE = Contrast("made-up", "standard, smoothed", "standard, plain")
CATCH = Contrast("made-up", "real image of the class", "real image of another class", catch=True)


def contest(contrast: Contrast, network: str, seed: int, start: str, image: int) -> Contest:
    """One contest, with pictures of its own."""
    where = f"{contrast.first} {network} {seed} {start} {image}"
    first, second = Picture(f"first {where}", DOT), Picture(f"second {where}", DOT)
    return Contest(contrast, f"Which looks more like a {image}?", first, second, network, seed, start, str(image))


def contests(images: int = 4) -> list[Contest]:
    """Every combination."""
    return [
        contest(contrast, network, seed, start, image)
        for contrast in (BOTH, ALONE, CATCH)
        for network in ("strided", "pooled")
        for seed in (0, 1)
        for start in ("image", "grey")
        for image in range(images)
    ]
