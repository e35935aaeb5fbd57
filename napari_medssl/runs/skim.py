"""Of a long journal only what matters is read: a day of training says "I have come as far as this" 170,000 times.

Of steps in a row, the last tells how far the run went, and of a life of the run the first when it began; of the others,
enough are read for a curve. All other events are read. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

FEW = 4_000  # lines that are all read: more than half an hour of training
POINTS = 600  # of a curve, that are read in any case
_STEPPED, _BEGUN = b'{"kind": "stepped"', b'{"kind": "run-started"'


def skim(lines: Sequence[bytes]) -> Sequence[bytes]:
    """The lines that are to be read, in order.

    Parameters
    ----------
    lines : sequence of bytes
        Of a journal, each a JSON object that begins with its kind.
    """
    if len(lines) <= FEW:
        return lines
    last, every = len(lines) - 1, -(-len(lines) // POINTS)
    kept = set(range(0, last, every)) | {last}
    others = [place for place, line in enumerate(lines) if not line.startswith(_STEPPED)]
    for place in others:
        kept |= {place - 1, place}
    kept |= {place + 1 for place in others if lines[place].startswith(_BEGUN)}
    kept |= {place + 2 for place in others if lines[place].startswith(_BEGUN)}  # a phase begins in between
    return [lines[place] for place in sorted(kept) if 0 <= place <= last]
