"""A LiveKit SDK peer that claps: its picture flashes and its tone sounds in the
same moment, again and again, so that a recording of it tells whether sound and
picture stayed together.

Usage: clapper.py URL TOKEN PHASE

Claps once in two seconds, PHASE seconds after the even ones, and writes one
line of JSON per thing that happens. Ends when it is taken out of the call, the
call ends, or standard input does.
"""

import asyncio
import json
import os
import sys
import threading
import time

import numpy as np
from livekit import rtc

LIMIT_S = 40
WIDTH, HEIGHT, RATE = 640, 360, 30
CLAP_S = 0.2


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


class Clapper:
    def __init__(self, phase):
        self.phase = phase
        self.until = 0.0
        self.dark = bytes(WIDTH * HEIGHT * 4)
        self.bright = b"\xff" * (WIDTH * HEIGHT * 4)
        time_line = np.arange(480) / 48000
        tone = (np.sin(2 * np.pi * 1000 * time_line) * 12000).astype(np.int16)
        self.tone, self.silence = tone.tobytes(), bytes(960)

    async def film(self, camera):
        """Every flash begins with a frame, and the tone with it."""
        number, next_at, last = 0, time.monotonic(), None
        while True:
            now = time.monotonic()
            slot = int((now - self.phase) // 2)
            if slot != last:
                last, number, self.until = slot, number + 1, now + CLAP_S
                say("clap", number=number)
            picture = self.bright if now < self.until else self.dark
            camera.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, picture))
            next_at += 1 / RATE
            await asyncio.sleep(max(0, next_at - time.monotonic()))

    async def hum(self, microphone):
        next_at = time.monotonic()
        while True:
            sound = self.tone if time.monotonic() < self.until else self.silence
            await microphone.capture_frame(rtc.AudioFrame(sound, 48000, 1, 480))
            next_at += 0.01
            await asyncio.sleep(max(0, next_at - time.monotonic()))


async def main(url, token, phase):
    room, gone = rtc.Room(), asyncio.Event()
    room.on("disconnected", lambda reason: (say("left", reason=rtc.DisconnectReason.Name(reason)), gone.set()))
    room.on("room_updated", lambda: say("room", recording=room.is_recording))
    room.on("recording_status_changed", lambda active: say("room", recording=active))
    await asyncio.wait_for(room.connect(url, token), LIMIT_S)
    # A full queue would put the sound behind the picture before it is sent.
    camera, microphone = rtc.VideoSource(WIDTH, HEIGHT), rtc.AudioSource(48000, 1, queue_size_ms=20)
    publish = room.local_participant.publish_track
    video = rtc.LocalVideoTrack.create_video_track("camera", camera)
    await publish(video, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False))
    audio = rtc.LocalAudioTrack.create_audio_track("microphone", microphone)
    await publish(audio, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
    say("joined", identity=room.local_participant.identity)
    clapper = Clapper(phase)
    tasks = [asyncio.create_task(clapper.film(camera)), asyncio.create_task(clapper.hum(microphone))]
    loop = asyncio.get_running_loop()

    def listen():
        sys.stdin.readline()
        loop.call_soon_threadsafe(gone.set)

    threading.Thread(target=listen, daemon=True).start()
    ended = asyncio.create_task(gone.wait())
    await asyncio.wait({ended, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait_for(room.disconnect(), 5)
    # The SDK's own teardown sometimes complains after all is said.
    os._exit(0)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
