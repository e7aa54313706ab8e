// Two peers with LiveKit's SDK for Node in one call, and its SDK for servers
// that acts in it. Usage: call.mjs HOST CALL KEY SECRET URL_A TOKEN_A URL_B TOKEN_B
// Exits with 0 and a line that begins with "ok:" when all of it worked.

import {
	AudioFrame,
	AudioSource,
	AudioStream,
	dispose,
	LocalAudioTrack,
	Room,
	RoomEvent,
	TrackKind,
	TrackPublishOptions,
	TrackSource,
} from '@livekit/rtc-node';
import { DataPacket_Kind, RoomServiceClient } from 'livekit-server-sdk';

const LIMIT_MS = 25_000;
const RATE = 48_000;
const LOUD = 8_000;

/** The first value, or an error that says what did not happen. */
function within(what, promise) {
	let timer;
	const late = new Promise((_, fail) => {
		timer = setTimeout(() => fail(new Error(`${what} did not happen.`)), LIMIT_MS);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function happens(room, event, test = () => true) {
	return new Promise((done) => {
		room.on(event, (...about) => {
			if (test(...about)) done(about);
		});
	});
}

function must(holds, what) {
	if (!holds) throw new Error(what);
}

async function join(url, token) {
	const room = new Room();
	await within('joining', room.connect(url, token, { autoSubscribe: true, dynacast: true }));
	return room;
}

/** Hums until told to stop. */
async function hum(source, until) {
	for (let at = 0; !until.done; at += RATE / 100) {
		const samples = new Int16Array(RATE / 100);
		for (let i = 0; i < samples.length; i++)
			samples[i] = LOUD * Math.sin((2 * Math.PI * 440 * (at + i)) / RATE);
		await source.captureFrame(new AudioFrame(samples, RATE, 1, samples.length));
	}
}

async function loudness(track, least) {
	for await (const frame of new AudioStream(track)) {
		const squares = frame.data.reduce((sum, sample) => sum + sample * sample, 0);
		const rms = Math.sqrt(squares / frame.data.length);
		if (rms > least) return rms;
	}
	throw new Error('The sound ended.');
}

async function main([host, call, key, secret, urlA, tokenA, urlB, tokenB]) {
	const a = await join(urlA, tokenA);
	const b = await join(urlB, tokenB);
	const until = { done: false };
	const source = new AudioSource(RATE, 1);
	const heard = happens(b, RoomEvent.TrackSubscribed, (track) => track.kind === TrackKind.KIND_AUDIO);
	const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
	const microphone = LocalAudioTrack.createAudioTrack('microphone', source);
	const published = await within('publishing', a.localParticipant.publishTrack(microphone, options));
	const humming = hum(source, until);
	const [track] = await within('subscribing', heard);
	const rms = await within('hearing', loudness(track, LOUD / 3));

	const text = new TextEncoder().encode('from A');
	const arrives = happens(b, RoomEvent.DataReceived, (data) => new TextDecoder().decode(data) === 'from A');
	await a.localParticipant.publishData(text, { reliable: true, topic: 'chat' });
	await within('data', arrives);

	b.localParticipant.registerRpcMethod('echo', async (request) => `echo:${request.payload}`);
	const answer = await within(
		'RPC',
		a.localParticipant.performRpc({
			destinationIdentity: b.localParticipant.identity,
			method: 'echo',
			payload: 'hello',
		}),
	);
	must(answer === 'echo:hello', `RPC answered ${answer}.`);

	const streamed = new Promise((done) => {
		b.registerTextStreamHandler('notes', async (reader) => done(await reader.readAll()));
	});
	const long = 'x'.repeat(40_000);
	await a.localParticipant.sendText(long, { topic: 'notes' });
	must((await within('a text stream', streamed)) === long, 'The text stream arrived broken.');

	const service = new RoomServiceClient(host, key, secret);
	const rooms = await service.listRooms([call]);
	must(rooms.length === 1 && rooms[0].numParticipants === 2, 'The call is not listed with two people.');
	const people = await service.listParticipants(call);
	must(people.length === 2, `${people.length} participants are listed.`);
	const muted = happens(b, RoomEvent.TrackMuted);
	await service.mutePublishedTrack(call, a.localParticipant.identity, published.sid, true);
	await within('being muted', muted);

	const told = happens(b, RoomEvent.DataReceived, (data) => new TextDecoder().decode(data) === 'house');
	await service.sendData(call, new TextEncoder().encode('house'), DataPacket_Kind.RELIABLE, {
		topic: 'house',
	});
	await within('data of the house', told);

	const named = happens(b, RoomEvent.ParticipantMetadataChanged);
	await service.updateParticipant(call, a.localParticipant.identity, { metadata: 'note' });
	await within('new metadata', named);

	const unpublished = happens(b, RoomEvent.TrackUnpublished);
	await service.updateParticipant(call, a.localParticipant.identity, {
		permission: { canPublish: false, canSubscribe: true, canPublishData: true },
	});
	await within('losing the right to send', unpublished);

	const out = happens(b, RoomEvent.ParticipantDisconnected);
	await service.removeParticipant(call, a.localParticipant.identity);
	await within('being removed', out);
	let unknown;
	await service.getParticipant(call, 'nobody').catch((error) => {
		unknown = error;
	});
	must(unknown?.status === 404 && unknown?.code === 'not_found', `Nobody was found: ${unknown}.`);

	until.done = true;
	await Promise.race([humming, new Promise((done) => setTimeout(done, 200))]).catch(() => {});
	await b.disconnect();
	await dispose();
	process.stdout.write(
		`ok: sound at ${Math.round(rms)} of ${Math.round(LOUD / Math.SQRT2)}, data, RPC, text stream, server SDK\n`,
	);
}

main(process.argv.slice(2)).then(
	() => process.exit(0),
	(error) => {
		process.stderr.write(`failed: ${error?.stack ?? error}\n`);
		process.exit(1);
	},
);
