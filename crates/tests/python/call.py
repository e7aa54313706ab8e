"""Two unmodified LiveKit SDK peers in one call.

Usage: call.py URL_A TOKEN_A URL_B TOKEN_B

Both join with the `livekit` package from PyPI and exchange video, audio, data
messages (reliable and lossy) and an RPC. Exits with 0 when all of that
arrived, else prints one sentence and exits with 1. Every wait has a limit and
ends with the event it waits for. With BEDSIDE_CALL_RELAY set both go over the
relay alone. BEDSIDE_CALL_CODEC names the codec of the pictures (VP8). With
BEDSIDE_CALL_KEY set both encrypt everything end to end.
"""

import asyncio
import os
import sys

import numpy as np
from livekit import rtc

LIMIT_S = 25
FRAMES_WANTED = 20
CODEC = os.environ.get("BEDSIDE_CALL_CODEC", "VP8")
WIDTH, HEIGHT = 320, 240
TONE_AMPLITUDE = 8000
TONE_RMS = TONE_AMPLITUDE / 2**0.5


class Failed(Exception):
    """What did not happen, as a sentence."""


async def within(what, awaitable, limit_s=LIMIT_S):
    try:
        return await asyncio.wait_for(awaitable, limit_s)
    except asyncio.TimeoutError:
        raise Failed(f"{what} did not happen within {limit_s} s.") from None


class Person:
    """A peer that sends a moving picture and a tone, and counts what it gets."""

    def __init__(self, name):
        self.name = name
        self.room = rtc.Room()
        self.data = asyncio.Queue()
        self.frames = 0
        self.picture = asyncio.Event()
        self.sound = asyncio.Event()
        self.loudest = 0.0
        self.gone = asyncio.Event()
        self.tasks = []
        self.room.on("track_subscribed", self.on_track)
        self.room.on("data_received", self.data.put_nowait)
        self.room.on("participant_disconnected", lambda _: self.gone.set())

    def on_track(self, track, _publication, _participant):
        watch = self.watch if track.kind == rtc.TrackKind.KIND_VIDEO else self.listen
        self.tasks.append(asyncio.create_task(watch(track)))

    async def watch(self, track):
        async for event in rtc.VideoStream(track):
            frame = event.frame.convert(rtc.VideoBufferType.I420)
            luma = np.frombuffer(frame.data, np.uint8)[: frame.width * frame.height]
            # The sender's picture has a white bar on black: an empty or grey
            # picture is not it.
            if luma.max() > 150 and luma.min() < 60:
                self.frames += 1
            if self.frames >= FRAMES_WANTED:
                self.picture.set()

    async def listen(self, track):
        async for event in rtc.AudioStream(track):
            samples = np.frombuffer(event.frame.data, np.int16).astype(float)
            self.loudest = max(self.loudest, float(np.sqrt((samples**2).mean())))
            if self.loudest > TONE_RMS / 2:
                self.sound.set()

    async def join(self, url, token):
        options = rtc.RoomOptions()
        if os.environ.get("BEDSIDE_CALL_RELAY"):
            kind = rtc.IceTransportType.TRANSPORT_RELAY
            options.rtc_config = rtc.RtcConfiguration(ice_transport_type=kind)
        if key := os.environ.get("BEDSIDE_CALL_KEY"):
            options.encryption = rtc.E2EEOptions(rtc.KeyProviderOptions(shared_key=key.encode()))
        await within(f"{self.name} joining", self.room.connect(url, token, options))

    async def publish(self):
        camera = rtc.VideoSource(WIDTH, HEIGHT)
        microphone = rtc.AudioSource(48000, 1)
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA, video_codec=rtc.VideoCodec.Value(CODEC)
        )
        publish = self.room.local_participant.publish_track
        video = rtc.LocalVideoTrack.create_video_track("camera", camera)
        await within(f"{self.name} publishing video", publish(video, options))
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        audio = rtc.LocalAudioTrack.create_audio_track("microphone", microphone)
        await within(f"{self.name} publishing audio", publish(audio, options))
        self.tasks.append(asyncio.create_task(self.film(camera)))
        self.tasks.append(asyncio.create_task(self.hum(microphone)))

    async def film(self, camera):
        number = 0
        while True:
            picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
            left = number * 8 % (WIDTH - 60)
            picture[60:180, left : left + 60] = 255
            frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, picture.tobytes())
            camera.capture_frame(frame)
            number += 1
            await asyncio.sleep(1 / 20)  # the camera's frame rate

    async def hum(self, microphone):
        moment = 0
        while True:
            phase = 2 * np.pi * 440 * (np.arange(480) + moment) / 48000
            tone = (np.sin(phase) * TONE_AMPLITUDE).astype(np.int16)
            moment += 480
            # Returns when the source wants more: the microphone's own clock.
            await microphone.capture_frame(rtc.AudioFrame(tone.tobytes(), 48000, 1, 480))

    async def leave(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.room.disconnect()


async def sees_and_hears(person):
    try:
        await within(f"Video reaching {person.name}", person.picture.wait())
    except Failed as failed:
        raise Failed(f"{failed} {person.frames} good frames came.") from None
    try:
        await within(f"Audio reaching {person.name}", person.sound.wait())
    except Failed as failed:
        raise Failed(f"{failed} The loudest frame had RMS {person.loudest:.0f}.") from None


async def message(sender, receiver, reliable):
    kind = "reliable" if reliable else "lossy"
    text = f"{kind} from {sender.name}".encode()
    publish = sender.room.local_participant.publish_data
    got = None
    # A lossy packet may be lost, so it is sent until one arrives.
    for _ in range(1 if reliable else 20):
        await publish(text, reliable=reliable, topic="chat")
        try:
            got = await asyncio.wait_for(receiver.data.get(), LIMIT_S if reliable else 1)
            break
        except asyncio.TimeoutError:
            pass
    if got is None:
        raise Failed(f"A {kind} message of {sender.name} never reached {receiver.name}.")
    author = sender.room.local_participant.identity
    if got.data != text or got.topic != "chat" or got.participant.identity != author:
        raise Failed(f"{receiver.name} got {got.data!r} on {got.topic!r} instead of {text!r}.")


async def call(caller, callee):
    async def echo(request):
        return f"echo:{request.payload}"

    callee.room.local_participant.register_rpc_method("echo", echo)
    answer = await within(
        f"An RPC of {caller.name}",
        caller.room.local_participant.perform_rpc(
            destination_identity=callee.room.local_participant.identity,
            method="echo",
            payload="hello",
        ),
    )
    if answer != "echo:hello":
        raise Failed(f"The RPC answered {answer!r}.")


async def main(url_a, token_a, url_b, token_b):
    a, b = Person("A"), Person("B")
    await a.join(url_a, token_a)
    await b.join(url_b, token_b)
    await asyncio.gather(a.publish(), b.publish())
    await asyncio.gather(sees_and_hears(a), sees_and_hears(b))
    for reliable in (True, False):
        await message(a, b, reliable)
        await message(b, a, reliable)
    await call(a, b)
    await call(b, a)
    await a.leave()
    await within("B noticing that A left", b.gone.wait())
    await b.leave()
    print(
        f"ok: {a.frames} and {b.frames} frames, loudest RMS "
        f"{a.loudest:.0f} and {b.loudest:.0f} of {TONE_RMS:.0f}, data and RPC both ways"
    )


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except Failed as failed:
        sys.exit(f"failed: {failed}")
    except rtc.ConnectError as error:
        sys.exit(f"failed: a peer could not join: {error}")
