// What a site may have the call page do, by the names of Jitsi's external API. What cannot be is told as an error.
import { ok } from '#lib/api/client.ts';
import type { EmbedCall } from './embed-call.svelte.ts';

type Command = (call: EmbedCall, args: unknown[]) => unknown;

/** Something that this product does otherwise, on purpose. */
class Refused extends Error {
	constructor(name: string, message: string) {
		super(message);
		this.name = name;
	}
}

function visitPath(call: EmbedCall): { id: string } {
	if (!call.meeting) throw new Refused('not_in_a_call', 'The call has not been found yet.');
	return { id: call.meeting.visit_id };
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

const commands: Record<string, Command> = {
	hangup: (call) => call.hangUp(),
	toggleAudio: ({ engine, devices }) =>
		engine.setMuted(devices.value.microphone === 'on' ? !engine.value.muted : false),
	toggleVideo: ({ engine, devices }) =>
		engine.setCameraOff(!(engine.value.cameraOff || devices.value.camera !== 'on')),
	toggleShareScreen: ({ engine }) => (engine.value.sharing ? engine.stopSharing() : engine.shareScreen()),
	toggleChat: (call) => {
		call.chatOpen = !call.chatOpen;
	},
	toggleTileView: (call) => {
		call.tiles = !call.tiles;
	},
	setTileView: (call, [on]) => {
		call.tiles = on === true;
	},
	toggleRaiseHand: ({ engine }) => engine.setHand(!engine.value.handUp),
	sendChatMessage: async ({ chat }, [message]) => {
		if (!chat || !text(message).trim()) return;
		// What the person is just writing stays where it is.
		const draft = chat.draft;
		chat.draft = text(message).slice(0, 4000);
		const sending = chat.send();
		chat.draft = draft;
		await sending;
	},
	subject: (call, [subject]) => {
		call.subject = text(subject).slice(0, 120);
		call.event('subjectChange', { subject: call.subject });
	},
	setVideoQuality: (call, [height]) => {
		const lines = Number(height);
		if (!(lines > 0)) throw new Refused('invalid_argument', 'setVideoQuality takes a height in lines.');
		call.engine.limitPictures(lines);
		call.event('videoQualityChanged', { videoQuality: lines });
	},
	muteEveryone: async (call, [media]) => {
		if (media !== undefined && media !== 'audio')
			throw new Refused('not_supported', 'Only the sound of others can be muted.');
		const path = visitPath(call);
		for (const { identity } of call.engine.value.peers)
			await ok(call.api.http.POST('/visits/{id}/call/mute', { params: { path }, body: { identity } }));
	},
	kickParticipant: async (call, [id]) => {
		const path = visitPath(call);
		await ok(
			call.api.http.POST('/visits/{id}/call/remove', { params: { path }, body: { identity: text(id) } }),
		);
		call.event('participantKickedOut', {
			kicked: { id: text(id), local: false },
			kicker: { id: call.engine.me?.identity ?? '' },
		});
	},
	startRecording: async (call) => {
		await ok(call.api.http.POST('/visits/{id}/recordings', { params: { path: visitPath(call) } }));
		await call.lookAtRecording();
	},
	stopRecording: async (call) => {
		await call.lookAtRecording();
		const running = call.standing;
		if (running)
			await ok(call.api.http.POST('/recordings/{id}/stop', { params: { path: { id: String(running.id) } } }));
		await call.lookAtRecording();
	},
	displayName: () => {
		throw new Refused('not_supported', 'People carry the names that the clinic has for them.');
	},
	password: () => {
		throw new Refused(
			'not_supported',
			'Calls have no password: each person comes in with a token of their own.',
		);
	},
};

/** Jitsi's names of the signs in its bar. */
export const buttonNames = {
	share: 'desktop',
	chat: 'chat',
	tiles: 'tileview',
	hand: 'raisehand',
} as const;

export async function obey(call: EmbedCall, name: string, args: unknown[]): Promise<void> {
	const found = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (!found) throw new Refused('not_supported', `There is no command ${name}.`);
	await found(call, args);
}
