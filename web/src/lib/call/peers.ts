// The others in a call, as pages show them.
import type { RemoteParticipant } from 'livekit-client';

type Sdk = typeof import('livekit-client');

export interface Peer {
	identity: string;
	name: string;
	role: string;
	/** As what a guest came: `family`, `carer` or `interpreter`; empty for others. */
	guestRole: string;
	hasVideo: boolean;
	/** Turned off, as opposed to not here yet. */
	cameraOff: boolean;
	muted: boolean;
	speaking: boolean;
	/** Shows their screen. */
	sharing: boolean;
	/** Since when their hand is up, in ms; null while it is not. */
	handAt: number | null;
}

export function peerOf(participant: RemoteParticipant, kit: Sdk, handAt: number | null): Peer {
	const camera = participant.getTrackPublication(kit.Track.Source.Camera);
	const microphone = participant.getTrackPublication(kit.Track.Source.Microphone);
	const screen = participant.getTrackPublication(kit.Track.Source.ScreenShare);
	return {
		identity: participant.identity,
		name: participant.name ?? '',
		role: roleOf(participant.metadata),
		guestRole: participant.attributes.guest_role ?? '',
		hasVideo: Boolean(camera?.track && !camera.isMuted),
		cameraOff: camera?.isMuted ?? false,
		muted: microphone ? microphone.isMuted : true,
		speaking: participant.isSpeaking,
		sharing: Boolean(screen?.track && !screen.isMuted),
		handAt,
	};
}

/** The role a join token gave a participant: `patient`, `provider` or `guest`. */
export function roleOf(metadata: string | undefined): string {
	try {
		const parsed: unknown = JSON.parse(metadata ?? '{}');
		const role = (parsed as { role?: unknown } | null)?.role;
		return typeof role === 'string' ? role : '';
	} catch {
		return '';
	}
}
