"""Finds the claps of two clappers in a film and says how far sound and picture
are apart.

Usage: claps.py FILM

The film shows the two side by side. Prints one line of JSON: the claps seen of
each, the claps heard, and the offsets (sound after picture, ms) of all that
were both.
"""

import json
import subprocess
import sys

import numpy as np

RATE, SOUND_RATE, STEP = 100, 8000, 80


def raw(film, *arguments):
    command = ["ffmpeg", "-v", "error", "-i", film, *arguments, "-"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def onsets(levels, step_s, threshold):
    loud = levels > threshold
    starts = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    return [float(start * step_s) for start in starts]


def seen(film, x):
    crop = f"crop=200:200:{x}:260,scale=1:1,fps={RATE}"
    levels = np.frombuffer(raw(film, "-vf", crop, "-f", "rawvideo", "-pix_fmt", "gray"), np.uint8)
    return onsets(levels.astype(float), 1 / RATE, 128)


def heard(film):
    arguments = ["-ac", "1", "-ar", str(SOUND_RATE), "-f", "s16le"]
    samples = np.frombuffer(raw(film, *arguments), np.int16).astype(float)
    samples = samples[: len(samples) // STEP * STEP].reshape(-1, STEP)
    levels = np.sqrt((samples**2).mean(axis=1))
    # A tone of 200 ms may hold a dip: it is heard once.
    found = []
    for at in onsets(levels, STEP / SOUND_RATE, 1500):
        if not found or at - found[-1] > 0.3:
            found.append(at)
    return found


def main(film):
    left, right, sounds = seen(film, 220), seen(film, 860), heard(film)
    offsets = []
    for at in left + right:
        near = min(sounds, key=lambda sound: abs(sound - at), default=None)
        if near is not None and abs(near - at) < 0.4:
            offsets.append((near - at) * 1000)
    print(json.dumps({"left": len(left), "right": len(right), "heard": len(sounds), "offsets_ms": offsets}))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
