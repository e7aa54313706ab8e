// What this page sends: camera, microphone, screen, brought in line with what the devices give, one change at a time.
import type { LocalTrackPublication, Room, Track } from 'livekit-client';

type Sdk = typeof import('livekit-client');

export interface Wish {
	audio: MediaStreamTrack | null;
	video: MediaStreamTrack | null;
	muted: boolean;
	cameraOff: boolean;
}

export class OwnTracks {
	#queue: Promise<void> = Promise.resolve();

	/** Resolves once the wish of that moment is fulfilled, or could not be. */
	publish(where: () => { room: Room; kit: Sdk; wish: Wish } | null): Promise<void> {
		this.#queue = this.#queue
			.then(async () => {
				const now = where();
				if (!now || now.room.state !== now.kit.ConnectionState.Connected) return;
				const { room, kit, wish } = now;
				await publishOne(room, kit, kit.Track.Source.Microphone, wish.audio, wish.muted);
				await publishOne(room, kit, kit.Track.Source.Camera, wish.video, wish.cameraOff);
			})
			.catch(() => undefined);
		return this.#queue;
	}
}

async function publishOne(
	room: Room,
	kit: Sdk,
	source: Track.Source,
	track: MediaStreamTrack | null,
	quiet: boolean,
): Promise<void> {
	const publication: LocalTrackPublication | undefined = room.localParticipant.getTrackPublication(source);
	const published = publication?.track;
	if (!track || quiet) {
		if (publication && !publication.isMuted) await publication.mute();
		return;
	}
	if (!published) {
		await room.localParticipant.publishTrack(track, {
			source,
			name: source === kit.Track.Source.Camera ? 'camera' : 'microphone',
		});
		return;
	}
	if (published.mediaStreamTrack !== track) await published.replaceTrack(track, true);
	if (publication.isMuted) await publication.unmute();
}

/** May this browser show a screen at all? Phones mostly may not. */
export function canShareScreen(): boolean {
	return typeof navigator !== 'undefined' && typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}

/** Shows our screen to the others. The browser asks which; throws what the person answered. */
export async function publishScreen(room: Room, kit: Sdk, onended: () => void): Promise<void> {
	const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
	const track = stream.getVideoTracks()[0];
	if (!track) return;
	// Letters matter more than motion.
	track.contentHint = 'detail';
	track.addEventListener('ended', onended);
	try {
		await room.localParticipant.publishTrack(track, { source: kit.Track.Source.ScreenShare, name: 'screen' });
	} catch (reason) {
		track.stop();
		throw reason;
	}
}

export async function unpublishScreen(room: Room, kit: Sdk): Promise<void> {
	const track = room.localParticipant.getTrackPublication(kit.Track.Source.ScreenShare)?.track;
	if (track) await room.localParticipant.unpublishTrack(track.mediaStreamTrack, true);
}
