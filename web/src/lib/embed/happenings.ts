// From what changed in a call to the events that a site hears, by the names and fields of Jitsi's external API. Pure.

export interface Someone {
	id: string;
	name: string;
	muted: boolean;
	cameraOff: boolean;
	sharing: boolean;
	handAt: number | null;
}

/** The call as the site may know it, at one moment. */
export interface Moment {
	roomName: string;
	joined: boolean;
	me: { id: string; name: string } | null;
	audioMuted: boolean;
	videoMuted: boolean;
	sharing: boolean;
	handUp: boolean;
	speaker: string | null;
	others: Someone[];
	tiles: boolean;
	chatOpen: boolean;
	unread: number;
	recording: boolean;
	micProblem: string | null;
	cameraProblem: string | null;
}

export interface Happening {
	name: string;
	data: Record<string, unknown>;
}

export const nothing: Moment = {
	roomName: '',
	joined: false,
	me: null,
	audioMuted: false,
	videoMuted: false,
	sharing: false,
	handUp: false,
	speaker: null,
	others: [],
	tiles: false,
	chatOpen: false,
	unread: 0,
	recording: false,
	micProblem: null,
	cameraProblem: null,
};

/** What a site hears when one moment follows the other. */
export function happenings(before: Moment, after: Moment): Happening[] {
	const told: Happening[] = [];
	const tell = (name: string, data: Record<string, unknown> = {}) => told.push({ name, data });
	const me = after.me ?? before.me;
	if (!before.joined && after.joined) {
		tell('videoConferenceJoined', {
			roomName: after.roomName,
			id: me?.id ?? '',
			displayName: me?.name ?? '',
			avatarURL: '',
			breakoutRoom: false,
		});
	}
	people(before, after, tell);
	if (before.audioMuted !== after.audioMuted) tell('audioMuteStatusChanged', { muted: after.audioMuted });
	if (before.videoMuted !== after.videoMuted) tell('videoMuteStatusChanged', { muted: after.videoMuted });
	if (before.micProblem !== after.micProblem) {
		if (after.micProblem) tell('micError', { type: after.micProblem, message: after.micProblem });
		tell('audioAvailabilityChanged', { available: after.micProblem === null });
	}
	if (before.cameraProblem !== after.cameraProblem) {
		if (after.cameraProblem) tell('cameraError', { type: after.cameraProblem, message: after.cameraProblem });
		tell('videoAvailabilityChanged', { available: after.cameraProblem === null });
	}
	if (before.sharing !== after.sharing) {
		const details = after.sharing ? { sourceType: 'screen' } : {};
		tell('screenSharingStatusChanged', { on: after.sharing, details });
	}
	const sharers = (moment: Moment) => [
		...(moment.sharing && me ? [me.id] : []),
		...moment.others.filter((one) => one.sharing).map(({ id }) => id),
	];
	if (sharers(before).join() !== sharers(after).join()) {
		tell('contentSharingParticipantsChanged', { data: sharers(after) });
	}
	if (before.handUp !== after.handUp) {
		tell('raiseHandUpdated', { id: me?.id ?? '', handRaised: after.handUp ? Date.now() : 0 });
	}
	if (after.speaker && before.speaker !== after.speaker)
		tell('dominantSpeakerChanged', { id: after.speaker });
	if (before.tiles !== after.tiles) tell('tileViewChanged', { enabled: after.tiles });
	if (before.chatOpen !== after.chatOpen || before.unread !== after.unread) {
		tell('chatUpdated', { isOpen: after.chatOpen, unreadCount: after.unread });
	}
	if (before.recording !== after.recording) {
		tell('recordingStatusChanged', { on: after.recording, mode: 'file', transcription: false });
	}
	if (before.joined && !after.joined) tell('videoConferenceLeft', { roomName: after.roomName });
	return told;
}

type Tell = (name: string, data: Record<string, unknown>) => void;

function people(before: Moment, after: Moment, tell: Tell) {
	const known = new Map(before.others.map((one) => [one.id, one]));
	const here = new Set(after.others.map(({ id }) => id));
	for (const { id } of before.others) if (!here.has(id)) tell('participantLeft', { id });
	for (const one of after.others) {
		const was = known.get(one.id);
		if (!was) {
			tell('participantJoined', { id: one.id, displayName: one.name, formattedDisplayName: one.name });
		} else if (was.name !== one.name) {
			tell('displayNameChange', { id: one.id, displayname: one.name });
		}
		if (was && was.muted !== one.muted) {
			tell('participantMuted', { participantId: one.id, isMuted: one.muted, mediaType: 'audio' });
		}
		if (was && was.cameraOff !== one.cameraOff) {
			tell('participantMuted', { participantId: one.id, isMuted: one.cameraOff, mediaType: 'video' });
		}
		if ((was?.handAt ?? null) !== one.handAt) {
			tell('raiseHandUpdated', { id: one.id, handRaised: one.handAt ?? 0 });
		}
	}
}
