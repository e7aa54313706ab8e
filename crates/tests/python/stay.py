"""One unmodified LiveKit SDK peer that stays in a call and says what happens.

Usage: stay.py URL TOKEN [KEY]

Joins with the `livekit` package from PyPI, sends a picture and a tone, and
writes one line of JSON per thing that happens to it. Ends by itself when it is
taken out of the call or the call ends; a line on standard input makes it leave.
With a KEY all its media are encrypted end to end.
"""

import asyncio
import json
import os
import sys
import threading

from livekit import rtc

LIMIT_S = 40
WIDTH, HEIGHT = 320, 240


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def watch(room, gone):
    def subscribed(_track, publication, who):
        video = publication.kind == rtc.TrackKind.KIND_VIDEO
        say("subscribed", identity=who.identity, sid=publication.sid, video=video)

    def received(packet):
        sender = packet.participant.identity if packet.participant else None
        say("data", text=packet.data.decode(), topic=packet.topic, sender=sender)

    def disconnected(reason):
        say("left", reason=rtc.DisconnectReason.Name(reason))
        gone.set()

    room.on("track_subscribed", subscribed)
    def encryption(who, state):
        name = rtc.EncryptionState.Name(state)
        say("encryption", identity=who.identity if who else None, state=name)

    room.on("e2ee_state_changed", encryption)
    room.on("data_received", received)
    room.on("disconnected", disconnected)
    room.on("participant_connected", lambda who: say("came", identity=who.identity))
    room.on("participant_disconnected", lambda who: say("went", identity=who.identity))
    room.on("track_muted", lambda who, publication: say("muted", identity=who.identity, sid=publication.sid))
    room.on("reconnecting", lambda: say("reconnecting"))
    room.on("reconnected", lambda: say("reconnected"))


async def send(room):
    camera = rtc.VideoSource(WIDTH, HEIGHT)
    microphone = rtc.AudioSource(48000, 1)
    video = rtc.LocalVideoTrack.create_video_track("camera", camera)
    audio = rtc.LocalAudioTrack.create_audio_track("microphone", microphone)
    publish = room.local_participant.publish_track
    await publish(video, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA))
    await publish(audio, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))
    picture = bytes(WIDTH * HEIGHT * 4)
    number = 0
    while True:
        if number % 10 == 0:
            camera.capture_frame(rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, picture))
        number += 1
        # Returns when the source wants more: the microphone's own clock.
        await microphone.capture_frame(rtc.AudioFrame(bytes(960), 48000, 1, 480))


def listen(loop, wish):
    sys.stdin.readline()
    loop.call_soon_threadsafe(wish.set)


async def main(url, token, key=None):
    room, gone = rtc.Room(), asyncio.Event()
    watch(room, gone)
    options = rtc.RoomOptions()
    if key:
        # By default the SDK tries for ever, and never says that it fails.
        keys = rtc.KeyProviderOptions(shared_key=key.encode(), failure_tolerance=5)
        options.encryption = rtc.E2EEOptions(keys)
    await asyncio.wait_for(room.connect(url, token, options), LIMIT_S)
    say("joined", identity=room.local_participant.identity)
    sending = asyncio.create_task(send(room))
    wish = asyncio.Event()
    threading.Thread(target=listen, args=(asyncio.get_running_loop(), wish), daemon=True).start()
    ends = [asyncio.create_task(event.wait()) for event in (wish, gone)]
    await asyncio.wait({*ends, sending}, return_when=asyncio.FIRST_COMPLETED)
    if sending.done() and not gone.is_set():
        sending.result()
    sending.cancel()
    if not gone.is_set():
        await asyncio.wait_for(room.disconnect(), LIMIT_S)
        # The SDK does not always say so by itself.
        if not gone.is_set():
            say("left", reason="CLIENT_INITIATED")
    # The SDK's own teardown sometimes complains after all is said.
    os._exit(0)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (rtc.ConnectError, asyncio.TimeoutError) as error:
        say("refused", why=str(error))
