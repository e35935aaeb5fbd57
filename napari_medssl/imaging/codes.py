"""What a NIfTI header says about space, kept bit for bit so that a mask can be written with the same words.

The reading follows the NIfTI-1 standard (Cox et al. 2004, "A (sort of) new image data format standard: NIfTI-1"):
the sform where ``sform_code > 0``, else the qform where ``qform_code > 0``, else the spacing alone. Readers disagree
where both are set and differ; this one always takes the sform and says so. A transform that places no voxels (zeros,
numbers that are not finite, two axes that run the same way) is passed over where the other one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .orientation import affine_fault

#: millimetres per spatial unit of ``xyzt_units & 7``: unknown (taken as mm), metre, millimetre, micrometre
MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}

Source = Literal["sform", "qform", "pixdim"]


@dataclass(frozen=True)
class NiftiCodes:
    """The spatial fields of a NIfTI header, unchanged.

    Parameters
    ----------
    version : int
        1 or 2. NIfTI-1 stores these numbers in 32 bits, NIfTI-2 in 64.
    qform_code, sform_code : int
        What each transform refers to; 0 means that it is not given.
    quatern : tuple of float
        Quaternion (b, c, d) of the qform.
    qoffset : tuple of float
        Origin of the qform, in header units.
    srow : tuple of float
        The three rows of the sform, 12 numbers, in header units.
    pixdim : tuple of float
        qfac and the spacing along i, j and k, in header units.
    xyzt_units : int
        The header's units, as stored.
    """

    version: int = 1
    qform_code: int = 0
    sform_code: int = 0
    quatern: tuple[float, ...] = (0.0, 0.0, 0.0)
    qoffset: tuple[float, ...] = (0.0, 0.0, 0.0)
    srow: tuple[float, ...] = (0.0,) * 12
    pixdim: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    xyzt_units: int = 2

    @classmethod
    def from_affine(cls, affine: NDArray[np.float64]) -> NiftiCodes:
        """Codes for a grid that comes from no NIfTI file: an sform in scanner coordinates (code 1), millimetres.

        Parameters
        ----------
        affine : array of shape (4, 4)
            Voxel to mm, RAS+.
        """
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        rows = tuple(float(value) for value in affine[:3].ravel())
        return cls(sform_code=1, srow=rows, pixdim=(1.0, *(float(mm) for mm in spacing)))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> NiftiCodes:
        """Rebuild from :meth:`to_json`."""
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary of numbers and lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @cached_property
    def source(self) -> Source:
        """Which of the three descriptions places the voxels."""
        given: list[Source] = []
        if self.sform_code > 0:
            given.append("sform")
        if self.qform_code > 0:
            given.append("qform")
        if not given:
            return "pixdim"
        return given[0] if len(given) == 1 or self.fault(given[0]) is None or self.fault(given[1]) else given[1]

    def fault(self, source: Source) -> str | None:
        """What makes the sform or the qform unusable, as a clause; None where it can be used."""
        try:
            return affine_fault(self.sform() if source == "sform" else self.qform())
        except ValueError as error:
            return str(error)

    @property
    def mm_per_unit(self) -> float:
        """Millimetres per header unit; an unknown unit is taken as mm."""
        return MM_PER_UNIT.get(self.xyzt_units & 7, 1.0)

    def affine(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Voxel to mm (RAS+) by the rule of :attr:`source`.

        Parameters
        ----------
        shape : tuple of int
            Voxels along i, j, k; used only where the file carries no orientation.

        Raises
        ------
        ValueError
            If the quaternion is impossible.
        """
        if self.source == "sform":
            affine = self.sform()
        elif self.source == "qform":
            affine = self.qform()
        else:
            affine = self.centred(shape)
        affine[:3] *= self.mm_per_unit
        return affine

    def sform(self) -> NDArray[np.float64]:
        """Return the sform, (4, 4), in header units."""
        affine = np.eye(4)
        affine[:3] = np.reshape(self.srow, (3, 4))
        return affine

    def qform(self) -> NDArray[np.float64]:
        """Return the qform, (4, 4), in header units.

        Raises
        ------
        ValueError
            If the quaternion is longer than one.
        """
        b, c, d = self.quatern
        length = b * b + c * c + d * d
        if not length <= 1.0 + 1e-5:  # also catches NaN
            raise ValueError(f"its qform quaternion ({b:g}, {c:g}, {d:g}) is longer than one")
        if length > 1.0 - 1e-7:  # a half turn: a would be noise of the 32-bit storage
            scale = 1.0 / np.sqrt(length)
            a, b, c, d = 0.0, b * scale, c * scale, d * scale
        else:
            a = float(np.sqrt(1.0 - length))
        rotation = np.array(
            [
                [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
                [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
                [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
            ]
        )
        spacing = np.abs(np.array(self.pixdim[1:4]))
        if self.pixdim[0] < 0:  # qfac: the third axis runs the other way
            spacing[2] = -spacing[2]
        affine = np.eye(4)
        affine[:3, :3] = rotation * spacing
        affine[:3, 3] = self.qoffset
        return affine

    def centred(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Spacing alone, centred on the volume and with i running to the left, as nibabel and FSL assume."""
        spacing = np.abs(np.array(self.pixdim[1:4])) * (-1.0, 1.0, 1.0)
        affine = np.diag([*spacing, 1.0])
        affine[:3, 3] = -spacing * (np.array(shape) - 1) / 2
        return affine
