// What a site may ask of the call page, by the names of Jitsi's external API.
import type { EmbedCall } from './embed-call.svelte.ts';

interface Device {
	deviceId: string;
	groupId: string;
	kind: string;
	label: string;
}

type Answer = (call: EmbedCall, args: unknown[]) => unknown;

const muted = (call: EmbedCall) => call.engine.value.muted || call.devices.value.microphone !== 'on';
const dark = (call: EmbedCall) => call.engine.value.cameraOff || call.devices.value.camera !== 'on';
const there = (state: string) =>
	state === 'on' || state === 'off' || state === 'unknown' || state === 'asking';

async function list(): Promise<MediaDeviceInfo[]> {
	return (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
}

const plain = ({ deviceId, groupId, kind, label }: MediaDeviceInfo): Device => ({
	deviceId,
	groupId,
	kind,
	label,
});

let output = '';

const answers: Record<string, Answer> = {
	isAudioMuted: muted,
	isVideoMuted: dark,
	isAudioAvailable: (call) => there(call.devices.value.microphone),
	isVideoAvailable: (call) => there(call.devices.value.camera),
	isSharingScreen: (call) => call.engine.value.sharing,
	isDeviceListAvailable: () => typeof navigator.mediaDevices?.enumerateDevices === 'function',
	isDeviceChangeAvailable: (_, [kind]) => kind !== 'output' || 'setSinkId' in HTMLMediaElement.prototype,
	getAvailableDevices: async () => {
		const all = (await list()).filter(({ deviceId }) => deviceId !== '').map(plain);
		const of = (kind: string) => all.filter((device) => device.kind === kind);
		return { audioInput: of('audioinput'), audioOutput: of('audiooutput'), videoInput: of('videoinput') };
	},
	getCurrentDevices: async (call) => {
		const all = (await list()).map(plain);
		const find = (kind: string, id: string | undefined) =>
			all.find((device) => device.kind === kind && device.deviceId === id);
		return {
			audioInput: find('audioinput', call.devices.chosen('microphone')),
			audioOutput: find('audiooutput', output || 'default'),
			videoInput: find('videoinput', call.devices.chosen('camera')),
		};
	},
	setAudioInputDevice: async (call, args) =>
		call.devices.choose('microphone', await chosen('audioinput', args)),
	setVideoInputDevice: async (call, args) => call.devices.choose('camera', await chosen('videoinput', args)),
	setAudioOutputDevice: async (call, args) => {
		const id = await chosen('audiooutput', args);
		await call.engine.chooseOutput(id);
		output = id;
	},
};

/** Jitsi's setters take a device's label, its id, or both. */
async function chosen(kind: string, [label, id]: unknown[]): Promise<string> {
	const all = (await list()).filter((device) => device.kind === kind);
	const found =
		all.find((device) => device.deviceId === id) ??
		all.find((device) => device.label === label) ??
		all.find((device) => device.deviceId === label);
	if (!found) throw new Error('There is no such device.');
	return found.deviceId;
}

export async function answer(call: EmbedCall, name: string, args: unknown[]): Promise<unknown> {
	const found = Object.hasOwn(answers, name) ? answers[name] : undefined;
	if (!found) throw new Error(`There is no function ${name}.`);
	return found(call, args);
}
