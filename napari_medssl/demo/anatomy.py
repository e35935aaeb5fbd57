"""The anatomy of a generated abdomen: where tissues are, in one subject.

A torso with skin, fat, muscle, ribs, spine, lungs, heart, liver, spleen, kidneys, stomach, bowel, aorta and vena cava,
each placed, sized and bent differently in each subject. Three of them are labelled: liver, spleen and aorta. Kidneys
resemble the spleen and the vena cava the aorta, so that position and shape have to be learnt, not grey values alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .fields import Field, ellipsoid, smooth_field, smooth_union, soft

LIVER, SPLEEN, AORTA = 1, 2, 3


@dataclass(frozen=True)
class Subject:
    """One person, in mm of the body's own frame (x right, y front, z up, origin in the upper abdomen).

    `shift` and `scale` move and size organs by name; the rest says which pathology there is.
    """

    width: float
    depth: float
    fat: float
    shift: dict[str, NDArray[np.float64]]
    scale: dict[str, float]
    lesions: tuple[tuple[float, float, float, float], ...]
    aneurysm: float
    nodular: float
    ascites: float
    curve: tuple[float, float]


ORGANS = ("liver", "left lobe", "spleen", "stomach", "right kidney", "left kidney", "heart", "dome", "gallbladder")


def make_subject(rng: np.random.Generator, pathology: bool | None = None) -> Subject:
    """Draw a subject; `pathology` forces disease or health (by default half the subjects have some)."""
    ill = bool(rng.random() < 0.5) if pathology is None else pathology
    lesions = []
    for _ in range(int(rng.integers(1, 6)) if ill else 0):
        x, y, z = (float(s) for s in rng.normal([42, 8, 32], [20, 22, 24]))
        lesions.append((x, y, z, float(rng.uniform(5, 15))))
    scale = {organ: float(rng.normal(1, 0.09)) for organ in ORGANS}
    if ill and rng.random() < 0.4:
        scale["spleen"] *= 1.3
    return Subject(
        width=float(rng.normal(99, 5)),
        depth=float(rng.normal(74, 4)),
        fat=float(rng.uniform(4, 14)),
        shift={organ: rng.normal(0, [4.5, 4.5, 6.5]) for organ in ORGANS},
        scale=scale,
        lesions=tuple(lesions),
        aneurysm=float(rng.uniform(3, 6)) if ill and rng.random() < 0.4 else 0.0,
        nodular=float(rng.uniform(2, 3.5)) if ill and rng.random() < 0.35 else 0.8,
        ascites=float(rng.uniform(5, 9)) if ill and rng.random() < 0.35 else 0.0,
        curve=(float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(2, 7))),
    )


def draw_subject(
    subject: Subject, points: Field, rng: np.random.Generator, width: float
) -> tuple[list[tuple[str, Field]], NDArray[np.uint8]]:
    """Tissues from back to front and the true labels.

    Parameters
    ----------
    points : array (3, i, j, k)
        Position of each voxel in the body's frame, mm.
    width : float
        Width of the soft edges, mm: about a voxel.

    Returns
    -------
    layers : list of (tissue, share)
        `share` (i, j, k) in 0..1; a later tissue covers the earlier ones.
    labels : array (i, j, k) of uint8
        0 background, `LIVER`, `SPLEEN`, `AORTA`.
    """
    x, y, z = points
    shape = x.shape
    back = -subject.depth
    fine = smooth_field(rng, shape, 13)
    coarse = smooth_field(rng, shape, 6)

    def organ(name: str, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Field:
        size = subject.scale[name]
        return ellipsoid(points, np.asarray(centre) + subject.shift[name], [r * size for r in radii])

    flank = np.power(np.abs(x) / np.float32(subject.width), 2.4) + np.power(np.abs(y) / np.float32(subject.depth), 2.4)
    body = (1 - np.power(flank, 1 / 2.4)) * np.float32(subject.depth)
    wall = body - np.float32(subject.fat)
    cavity = wall - 7 - 0.8 * coarse

    top = subject.shift["dome"][2]
    dome = (
        z
        - (74 + top)
        + np.minimum(
            (np.abs(x) - 46) ** 2 / 95 + (y - 4) ** 2 / 110 - 8 * np.sign(x) * np.minimum(np.abs(x) / 40, 1), 120
        )
    )
    lungs = np.minimum(cavity, dome)
    below = np.minimum(cavity - 1, -dome - 1.5)

    stomach = np.minimum(organ("stomach", (-36, 26, 34), (30, 25, 31)), below)
    liver = smooth_union(organ("liver", (43, 6, 28), (52, 54, 62)), organ("left lobe", (-4, 33, 50), (50, 26, 28)), 14)
    kidneys = [
        np.minimum(
            organ(f"{side} kidney", (sign * 47, back + 36, -24 - 4 * sign), (21, 19, 36)),
            -ellipsoid(points, np.asarray((sign * 27, back + 40, -24)) + subject.shift[f"{side} kidney"], (11, 10, 13)),
        )
        for sign, side in ((1, "right"), (-1, "left"))
    ]
    gallbladder = organ("gallbladder", (24, 38, -14), (9, 11, 17))
    liver = np.minimum(liver + np.float32(subject.nodular) * fine + 3 * coarse, below)
    for other in (*kidneys, gallbladder):
        liver = np.minimum(liver, -other)
    spleen = np.minimum(organ("spleen", (-63, -26, 34), (30, 41, 52)) + 1.2 * fine, below)
    spleen = np.minimum(spleen, -smooth_union(stomach, kidneys[1], 6))

    aorta = _aorta(subject, points, back)
    cava_x = 17 + 2 * np.sin(z / 50 + subject.curve[1])
    cava = 8 - np.hypot((x - cava_x) * 0.8, y - (back + 56 + np.clip(z, 0, 60) * 0.12))
    portal = np.minimum(5.5 - np.hypot(y - (back + 66 - 0.1 * x), z - 18 - 0.55 * x), np.minimum(x + 12, 52 - x))
    tree = np.minimum(2.3 - 9 * np.abs(coarse), liver - 5)  # vessels inside the liver

    spine = 1 - np.hypot(x / 17, (y - (back + 33)) / 14)
    disc = 4.2 - np.abs((z + 300) % 30 - 15)
    wings = np.minimum(4 - np.abs(np.abs(x) - 62 - 0.25 * (z + 110)), np.minimum(-96 - z, wall - 4))
    bowel = smooth_field(rng, shape, 11)
    loops = np.minimum(np.minimum(12 * (0.75 - np.abs(bowel)), below - 1), 26 + 0.4 * y - z)
    behind = y - (back + 50)
    loops = np.minimum(loops, behind)
    ribs = np.minimum(np.minimum(wall, 7 - wall), 3.2 - np.abs((z + 0.35 * y + 300) % 24 - 12))
    psoas = 13 - np.hypot(np.abs(x) - 30, y - (back + 33))
    sides = np.minimum(wall, 15 - np.hypot((np.abs(x) - 24) * 0.75, y - (back + 17)))
    canal = 7 - np.hypot(x, y - (back + 14))

    layers: list[tuple[str, Field]] = [
        ("fat", soft(body, width)),
        ("skin", soft(body, width) - soft(body - 2.0, width)),
        ("muscle", soft(wall, width)),
        ("bone", soft(np.minimum(ribs, z - 5), width)),
        ("fat", soft(cavity, width)),
        ("lung", soft(lungs, width)),
        ("heart", soft(np.minimum(organ("heart", (-16, 22, 108), (40, 36, 38)), cavity), width)),
        ("muscle", soft(np.minimum(psoas, -z - 5), width)),
        ("muscle", soft(sides, width)),
        ("bowel wall", soft(loops, width)),
        ("fluid", soft(np.minimum(loops - 3.5, 6 * fine), width)),
        ("gas", soft(np.minimum(loops - 4, -9 * fine - 7), width)),
        ("bone", soft(wings, width)),
        ("marrow", soft(wings - 2, width)),
        ("bone", soft(spine * 15, width)),
        ("marrow", soft(np.minimum(spine * 15 - 2, -disc), width)),
        ("disc", soft(np.minimum(spine * 15 - 2, disc), width)),
        ("spinal fluid", soft(canal, width)),
        ("cord", soft(canal - 3.5, width)),
        ("stomach wall", soft(stomach, width)),
        ("fluid", soft(np.minimum(stomach - 4, 22 + 4 * coarse - y), width)),
        ("gas", soft(np.minimum(stomach - 4, y - 24 - 4 * coarse), width)),
    ]
    if subject.ascites:
        rim = np.minimum(np.minimum(smooth_union(liver, spleen, 4) + subject.ascites, cavity + 1), 40 - dome)
        layers.append(("fluid", soft(np.minimum(rim, -dome), width)))
    for kidney in kidneys:
        layers.append(("kidney", soft(kidney, width)))
        layers.append(("medulla", soft(np.minimum(kidney - 6, 5 * fine + 2), width)))
    layers += [
        ("cava", soft(cava, width)),
        ("blood", soft(portal, width)),
        ("liver", soft(liver, width)),
        ("liver blood", soft(tree, width)),
        ("blood", soft(np.minimum(portal, 40 - x), width)),
        ("fluid", soft(gallbladder, width)),
        ("spleen", soft(spleen, width)),
    ]
    for cx, cy, cz, radius in subject.lesions:
        ball = ellipsoid(points, (cx, cy, cz), (radius, radius * 0.9, radius * 1.1)) + 1.5 * fine
        layers.append(("lesion", soft(np.minimum(ball, liver - 1), width)))
        layers.append(("lesion core", soft(np.minimum(ball - 4, liver - 1), width)))
    layers.append(("vessel wall", soft(aorta + 1.0, width)))
    layers.append(("aorta", soft(aorta, width)))

    labels = np.zeros(shape, np.uint8)
    labels[liver > 0] = LIVER
    labels[spleen > 0] = SPLEEN
    labels[aorta > 0] = AORTA
    return layers, labels


def _aorta(subject: Subject, points: Field, back: float) -> Field:
    """A tube before the spine that winds a little and forks in the pelvis; positive inside, mm."""
    x, y, z = points
    phase, swing = subject.curve
    fork = np.clip(-92 - z, 0, None)
    centre_x = -9 + swing * np.sin(z / 55 + phase)
    centre_y = back + 53 + 2.5 * np.sin(z / 40 + 2 * phase)
    radius = np.where(fork > 0, 8.5, 12.0 + np.clip(z, -60, 80) * 0.012) + subject.aneurysm * np.exp(
        -(((z + 45) / 22) ** 2)
    )
    side = np.abs(x - centre_x) - 0.55 * fork  # both branches by symmetry
    return np.asarray(radius - np.hypot(side, y - centre_y - 0.1 * fork), dtype=np.float32)
