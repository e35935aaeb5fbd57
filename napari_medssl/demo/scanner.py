"""What a scanner makes of an anatomy: grey values of a sequence, coil shading, blur, ghosts and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from .fields import Field, smooth_field

# Grey values (0..1) of three kinds of abdominal MR. A case lies somewhere between them.
_PLAIN_T1 = {
    "fat": 0.88,
    "skin": 0.45,
    "muscle": 0.40,
    "bone": 0.10,
    "marrow": 0.55,
    "disc": 0.33,
    "spinal fluid": 0.18,
    "cord": 0.42,
    "lung": 0.05,
    "heart": 0.34,
    "bowel wall": 0.38,
    "fluid": 0.20,
    "gas": 0.02,
    "stomach wall": 0.42,
    "kidney": 0.40,
    "medulla": 0.33,
    "cava": 0.27,
    "blood": 0.27,
    "liver": 0.52,
    "liver blood": 0.38,
    "spleen": 0.41,
    "lesion": 0.36,
    "lesion core": 0.28,
    "vessel wall": 0.35,
    "aorta": 0.24,
}
_ENHANCED_T1 = {
    "fat": 0.24,
    "skin": 0.40,
    "muscle": 0.36,
    "bone": 0.08,
    "marrow": 0.34,
    "disc": 0.30,
    "spinal fluid": 0.12,
    "cord": 0.35,
    "lung": 0.05,
    "heart": 0.78,
    "bowel wall": 0.55,
    "fluid": 0.15,
    "gas": 0.02,
    "stomach wall": 0.55,
    "kidney": 0.80,
    "medulla": 0.66,
    "cava": 0.70,
    "blood": 0.76,
    "liver": 0.60,
    "liver blood": 0.72,
    "spleen": 0.68,
    "lesion": 0.48,
    "lesion core": 0.32,
    "vessel wall": 0.42,
    "aorta": 0.90,
}
_T2 = {
    "fat": 0.62,
    "skin": 0.35,
    "muscle": 0.20,
    "bone": 0.08,
    "marrow": 0.36,
    "disc": 0.48,
    "spinal fluid": 0.95,
    "cord": 0.50,
    "lung": 0.06,
    "heart": 0.22,
    "bowel wall": 0.40,
    "fluid": 0.92,
    "gas": 0.02,
    "stomach wall": 0.36,
    "kidney": 0.62,
    "medulla": 0.72,
    "cava": 0.20,
    "blood": 0.18,
    "liver": 0.35,
    "liver blood": 0.22,
    "spleen": 0.55,
    "lesion": 0.62,
    "lesion core": 0.85,
    "vessel wall": 0.30,
    "aorta": 0.10,
}
SEQUENCES: tuple[Mapping[str, float], ...] = (_PLAIN_T1, _ENHANCED_T1, _T2)


def draw_sequence(rng: np.random.Generator, variety: float) -> dict[str, float]:
    """Grey value of each tissue in one scan.

    Parameters
    ----------
    variety : float
        0 gives every case the same mixture of sequences; 1 lets cases come close to any one of them.
    """
    mixture = (1 - variety) / len(SEQUENCES) + variety * rng.dirichlet([0.9] * len(SEQUENCES))
    values = {}
    for tissue in _PLAIN_T1:
        value = sum(w * s[tissue] for w, s in zip(mixture, SEQUENCES, strict=True))
        values[tissue] = float(np.clip(value * np.exp(rng.normal(0, 0.06)), 0.01, 1.1))
    return values


def scan(
    layers: Sequence[tuple[str, Field]], rng: np.random.Generator, variety: float, spacing: Sequence[float]
) -> Field:
    """Grey values (i, j, k), about 0..1, of the tissues of `layers` (from back to front)."""
    values = draw_sequence(rng, variety)
    shape = layers[0][1].shape
    image = np.full(shape, 0.01, np.float32)
    for tissue, share in layers:
        image += share * (np.float32(values[tissue]) - image)
    image *= 1 + np.float32(rng.uniform(0.02, 0.05)) * smooth_field(rng, shape, [max(n // 3, 4) for n in shape])

    shading = smooth_field(rng, shape, 2)
    image *= np.exp(np.float32(rng.uniform(0.12, 0.3)) * shading)
    sigma = rng.uniform(0.35, 0.65)
    image = ndimage.gaussian_filter(image, [sigma, sigma, 0.35 * spacing[0] / spacing[2] + 0.2])
    ghost = int(shape[1] * rng.uniform(0.2, 0.4))  # breathing, along the phase-encoding axis
    image += np.float32(rng.uniform(0.01, 0.04)) * (np.roll(image, ghost, 1) + np.roll(image, -ghost, 1))
    image *= 1 + 0.02 * rng.standard_normal(shape[2], dtype=np.float32)  # slices differ a little

    noise = np.float32(rng.uniform(0.015, 0.035))
    real = image + noise * rng.standard_normal(shape, dtype=np.float32)
    imaginary = noise * rng.standard_normal(shape, dtype=np.float32)
    return np.asarray(np.hypot(real, imaginary), dtype=np.float32)  # Rician: the modulus of complex noise
