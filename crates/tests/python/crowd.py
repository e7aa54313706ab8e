"""Many unmodified LiveKit SDK peers in one call.

Usage: crowd.py URL TOKEN [URL TOKEN …]

All join with the `livekit` package from PyPI, send a small moving picture and
a tone, and wait until each one has seen every other one move and heard it.
Exits with 0 then, else prints one sentence and exits with 1. Every wait has a
limit and ends with the event it waits for.
"""

import asyncio
import os
import sys

import numpy as np
from livekit import rtc

LIMIT_S = 90
FRAMES_WANTED = 5
WIDTH, HEIGHT = 160, 120


class Failed(Exception):
    """What did not happen, as a sentence."""


class Person:
    """A peer that counts the frames and sounds of each of the others."""

    def __init__(self, others):
        self.others = others
        self.room = rtc.Room()
        self.frames, self.sounds = {}, {}
        self.complete = asyncio.Event()
        self.tasks = []
        self.room.on("track_subscribed", self.on_track)
        # What a failure is read from.
        self.story = []
        for event in ("reconnecting", "reconnected", "disconnected", "track_unsubscribed", "participant_disconnected",
                      "track_subscription_failed"):
            self.room.on(event, lambda *what, event=event: self.tell(event, *what))

    def tell(self, event, *what):
        names = [getattr(one, "identity", None) or getattr(one, "sid", None) or str(one) for one in what]
        self.story.append(" ".join([f"{asyncio.get_running_loop().time():.1f}", event, *names]))

    def on_track(self, track, _publication, who):
        video = track.kind == rtc.TrackKind.KIND_VIDEO
        stream = rtc.VideoStream(track) if video else rtc.AudioStream(track)
        count = self.frames if video else self.sounds
        self.tasks.append(asyncio.create_task(self.watch(stream, count, who.identity)))

    async def watch(self, stream, count, identity):
        async for _ in stream:
            count[identity] = count.get(identity, 0) + 1
            if count[identity] == FRAMES_WANTED:
                break
        # Ninety tones in pieces of 10 ms are more than one interpreter can take.
        await stream.aclose()
        self.look()

    def look(self):
        enough = [sum(n >= FRAMES_WANTED for n in c.values()) for c in (self.frames, self.sounds)]
        if min(enough) >= self.others:
            self.complete.set()

    async def join(self, url, token):
        await self.room.connect(url, token)
        camera, microphone = rtc.VideoSource(WIDTH, HEIGHT), rtc.AudioSource(48000, 1)
        publish = self.room.local_participant.publish_track
        video = rtc.LocalVideoTrack.create_video_track("camera", camera)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA, video_codec=rtc.VideoCodec.VP8, simulcast=False
        )
        await publish(video, options)
        audio = rtc.LocalAudioTrack.create_audio_track("microphone", microphone)
        await publish(audio, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
        self.tasks.append(asyncio.create_task(self.send(camera, microphone)))

    async def send(self, camera, microphone):
        tone = (np.sin(2 * np.pi * 440 * np.arange(4800) / 48000) * 8000).astype(np.int16)
        number = 0
        while True:
            picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
            left = number * 8 % (WIDTH - 40)
            picture[30:90, left : left + 40] = 255
            camera.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, picture.tobytes()))
            number += 1
            # A tenth of a second; returns when the source wants more.
            await microphone.capture_frame(rtc.AudioFrame(tone.tobytes(), 48000, 1, 4800))


async def main(passes):
    people = [Person(len(passes) - 1) for _ in passes]
    try:
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(one.join(*at) for one, at in zip(people, passes)))
            await asyncio.gather(*(one.complete.wait() for one in people))
    except TimeoutError:
        seen = [f"{sorted(one.frames.items())}+{sorted(one.sounds.items())} {one.story}" for one in people]
        raise Failed(f"Not everybody saw and heard everybody within {LIMIT_S} s: {seen}.") from None
    print(f"ok: {len(people)} people saw and heard each other", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 5 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    try:
        asyncio.run(main(list(zip(sys.argv[1::2], sys.argv[2::2]))))
    except (Failed, rtc.ConnectError) as error:
        print(f"failed: {error}", flush=True)
        os._exit(1)
    # The SDK's own teardown sometimes complains after all is said.
    os._exit(0)
