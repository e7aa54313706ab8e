// The call: one page's part in a visit's media session, on the unmodified livekit-client. No framework in here.
import type { Participant, Room } from 'livekit-client';
import { ApiError } from '#lib/api/client.ts';
import type { CallTicket } from '#lib/api/types.ts';
import { frame } from '#lib/ui/frame.ts';
import type { Devices } from './devices.ts';
import { Hands, handTopic } from './hands.ts';
import { lastPicture } from './last-picture.ts';
import { MutedEar } from './muted-ear.ts';
import { Observable } from './observable.ts';
import { OwnTracks, publishScreen, unpublishScreen } from './own-tracks.ts';
import { type Peer, peerOf } from './peers.ts';
import { type Judgement, judge, type Quality, type Sample } from './quality.ts';
import { Recorder, type TellRecord } from './record.ts';
import { Reporter } from './reporter.ts';
import { Sounds } from './sounds.ts';
import { type CallStats, readStats } from './stats.ts';

export type Phase =
	| 'idle'
	| 'connecting'
	| 'connected'
	/** Was connected and is trying again, for as long as the page wants the call. */
	| 'reconnecting'
	| 'left'
	/** Will not try again by itself; `failure` says why. */
	| 'failed';

export interface Failure {
	/** The API's stable name (`visit_closed`, `visit_not_started`…), or `elsewhere`, `removed`, `page_fault`. */
	code: string;
	message: string;
}

export type { Peer };

export interface CallState {
	phase: Phase;
	failure: Failure | null;
	/** When the call was first joined on this page, in ms. */
	connectedAt: number | null;
	/** When the connection was lost, in ms; null while it holds. */
	lostAt: number | null;
	muted: boolean;
	cameraOff: boolean;
	peers: Peer[];
	/** Somebody was here and went: by a press (`left`) or without a word (`lost`). */
	gone: { name: string; how: 'left' | 'lost'; at: number } | null;
	/** The last picture of the peer, kept while the peer is away. */
	lastPicture: HTMLCanvasElement | null;
	quality: Quality;
	/** The browser wants one press before it plays sound. */
	soundBlocked: boolean;
	speakingWhileMuted: boolean;
	/** Our screen is shown to the others. */
	sharing: boolean;
	/** Our hand is up. */
	handUp: boolean;
	/** Who spoke last, ourselves among them, by identity. */
	speaker: string | null;
}

export interface CallDebug {
	stats(): Promise<CallStats | null>;
	readonly phase: Phase;
}

type Sdk = typeof import('livekit-client');

let sdk: Promise<Sdk> | null = null;

/** Fetches the call's code ahead of time, while the person waits. */
export function preloadCall(): Promise<Sdk> {
	sdk ??= import('livekit-client').catch((reason: unknown) => {
		sdk = null;
		throw reason;
	});
	return sdk;
}

const calm: Judgement = { quality: 'good', against: 0 };
const retries = [300, 1000, 2000, 4000, 8000];

const fresh: CallState = {
	phase: 'idle',
	failure: null,
	connectedAt: null,
	lostAt: null,
	muted: false,
	cameraOff: false,
	peers: [],
	gone: null,
	lastPicture: null,
	quality: 'good',
	soundBlocked: false,
	speakingWhileMuted: false,
	sharing: false,
	handUp: false,
	speaker: null,
};

export class CallEngine extends Observable<CallState> {
	readonly devices: Devices;
	#sdk: Sdk | null = null;
	#room: Room | null = null;
	#wanted = 0;
	#ticket: (() => Promise<CallTicket>) | null = null;
	readonly #sounds = new Sounds();
	readonly #hands = new Hands((bytes, to) => void this.#sendHand(bytes, to));
	#recorder = new Recorder(0);
	#reporter: Reporter | null = null;
	/** The largest picture that this page wants of anybody, in lines; null for no limit. */
	#linesMost: number | null = null;
	#undo: (() => void)[] = [];
	#sampling: ReturnType<typeof setInterval> | undefined;
	#sample: Sample | null = null;
	#judgement = calm;
	readonly #ear = new MutedEar();
	readonly #own = new OwnTracks();

	constructor(devices: Devices) {
		super({ ...fresh });
		this.devices = devices;
	}

	/** Joins, and stays joined through bad networks until `leave`. `ticket` is asked anew for every attempt; `tell` hears
	 * how the connection is. */
	async join(ticket: () => Promise<CallTicket>, tell?: TellRecord): Promise<void> {
		if (
			this.value.phase === 'connecting' ||
			this.value.phase === 'connected' ||
			this.value.phase === 'reconnecting'
		)
			return;
		const turn = ++this.#wanted;
		this.#ticket = ticket;
		this.#recorder = new Recorder(performance.now());
		this.#reporter = tell ? new Reporter(this.#recorder, tell) : null;
		this.patch({ phase: 'connecting', failure: null, lostAt: null, gone: null, lastPicture: null });
		this.#undo.push(this.devices.subscribe(() => void this.#publish()));
		this.#undo.push(frame.subscribe(() => this.setOutputMuted(frame.outputMuted)));
		const engine = this;
		window.__bedside_call = {
			stats: () => engine.stats(),
			get phase() {
				return engine.value.phase;
			},
		};
		await this.#attempt(turn);
	}

	async #attempt(turn: number): Promise<void> {
		for (let failures = 0; turn === this.#wanted; failures += 1) {
			try {
				const [kit, ticket] = await Promise.all([preloadCall(), this.#ticket?.()]);
				if (turn !== this.#wanted || !ticket) return;
				await this.#connect(kit, ticket, turn);
				return;
			} catch (reason) {
				if (turn !== this.#wanted) return;
				if (reason instanceof ApiError && !reason.passing) {
					this.#fail(reason.code, reason.message);
					return;
				}
				const wait = retries[Math.min(failures, retries.length - 1)] ?? 8000;
				this.patch({ lostAt: this.value.lostAt ?? Date.now() });
				await new Promise((done) => setTimeout(done, wait));
			}
		}
	}

	async #connect(kit: Sdk, ticket: CallTicket, turn: number): Promise<void> {
		kit.setLogLevel('error');
		this.#sdk = kit;
		const room = new kit.Room({
			adaptiveStream: true,
			dynacast: true,
			// Our node speaks the two-connection signalling; asking for the other first costs a refused request per join.
			singlePeerConnection: false,
			stopLocalTrackOnUnpublish: false,
			disconnectOnPageLeave: true,
			publishDefaults: { simulcast: true, red: false, dtx: true, stopMicTrackOnMute: false },
		});
		const previous = this.#room;
		this.#room = room;
		if (previous) await previous.disconnect(false).catch(() => undefined);
		const stage = { joined: false };
		this.#listen(kit, room, turn, stage);
		try {
			await room.connect(ticket.url, ticket.token, { autoSubscribe: true });
		} catch (reason) {
			if (this.#room === room) this.#room = null;
			throw reason;
		}
		stage.joined = true;
		if (turn !== this.#wanted) {
			await room.disconnect(false);
			return;
		}
		this.#recorder.joined(room.localParticipant.sid, performance.now());
		this.#reporter?.begin();
		this.patch({
			phase: 'connected',
			connectedAt: this.value.connectedAt ?? Date.now(),
			lostAt: null,
			soundBlocked: !room.canPlaybackAudio && !frame.outputMuted,
		});
		this.#look();
		void this.#publish();
		clearInterval(this.#sampling);
		this.#sample = null;
		this.#judgement = calm;
		this.#sampling = setInterval(() => void this.#measure(), 3000);
	}

	/** `stage.joined` turns true once the room was entered: what fails before is the attempt's own affair. */
	#listen(kit: Sdk, room: Room, turn: number, stage: { joined: boolean }) {
		const { RoomEvent, Track, DisconnectReason } = kit;
		const mine = () => this.#room === room && turn === this.#wanted;
		const look = () => mine() && this.#look();
		room
			.on(RoomEvent.ParticipantConnected, (participant) => {
				if (!mine()) return;
				this.#hands.greet(participant.identity);
				this.#look();
			})
			.on(RoomEvent.DataReceived, (bytes, participant, _kind, topic) => {
				if (!mine() || topic !== handTopic || !participant) return;
				if (this.#hands.hear(participant.identity, bytes)) this.#look();
			})
			.on(RoomEvent.TrackMuted, (publication, participant) => {
				if (!mine()) return;
				this.#look();
				// The provider muted us. A microphone that went away mutes too, but nobody wished for that.
				const sound = participant === room.localParticipant && publication.source === Track.Source.Microphone;
				if (sound && !this.value.muted && this.devices.value.audioTrack) void this.setMuted(true);
			})
			.on(RoomEvent.TrackUnmuted, look)
			.on(RoomEvent.ActiveSpeakersChanged, (speakers) => {
				if (!mine()) return;
				const speaker = speakers[0]?.identity;
				if (speaker) this.patch({ speaker });
				this.#look();
			})
			.on(RoomEvent.LocalTrackUnpublished, (publication) => {
				if (mine() && publication.source === Track.Source.ScreenShare) this.patch({ sharing: false });
			})
			.on(RoomEvent.ParticipantMetadataChanged, look)
			.on(RoomEvent.ParticipantNameChanged, look)
			.on(RoomEvent.TrackPublished, look)
			.on(RoomEvent.TrackUnpublished, look)
			.on(RoomEvent.TrackSubscribed, (track) => {
				if (!mine()) return;
				if (track.kind === Track.Kind.Audio) this.#sounds.play(track);
				else this.patch({ lastPicture: null });
				this.#limitPictures();
				this.#look();
			})
			.on(RoomEvent.TrackUnsubscribed, (track) => {
				if (track.kind === Track.Kind.Audio) this.#sounds.silence(track);
				else if (mine() && track.source === Track.Source.Camera)
					this.patch({ lastPicture: lastPicture(track) ?? this.value.lastPicture });
				look();
			})
			.on(RoomEvent.ParticipantDisconnected, (participant, reason) => {
				if (!mine()) return;
				const how = reason === DisconnectReason.CLIENT_INITIATED ? 'left' : 'lost';
				this.#hands.gone(participant.identity);
				this.patch({ gone: { name: participant.name ?? '', how, at: Date.now() } });
				this.#look();
			})
			.on(RoomEvent.AudioPlaybackStatusChanged, () => {
				if (mine()) this.patch({ soundBlocked: !room.canPlaybackAudio && !frame.outputMuted });
			})
			.on(RoomEvent.SignalReconnecting, () => mine() && this.#losing())
			.on(RoomEvent.Reconnecting, () => mine() && this.#losing())
			.on(RoomEvent.Reconnected, () => {
				if (!mine()) return;
				this.#recorder.reconnected();
				this.#recorder.joined(room.localParticipant.sid, performance.now());
				this.patch({ phase: 'connected', lostAt: null });
				this.#look();
			})
			.on(RoomEvent.Disconnected, (reason) => {
				if (!mine() || !stage.joined) return;
				this.#room = null;
				this.#sounds.silenceAll();
				this.patch({ sharing: false });
				if (reason === DisconnectReason.DUPLICATE_IDENTITY) return this.#fail('elsewhere', '');
				if (reason === DisconnectReason.PARTICIPANT_REMOVED || reason === DisconnectReason.ROOM_DELETED) {
					return this.#fail('removed', '');
				}
				this.#losing();
				this.#recorder.reconnected();
				this.patch({ peers: [] });
				void this.#attempt(turn);
			});
	}

	#losing() {
		this.patch({ phase: 'reconnecting', lostAt: this.value.lostAt ?? Date.now() });
	}

	#fail(code: string, message: string) {
		this.#end();
		this.patch({ phase: 'failed', failure: { code, message } });
	}

	/** Leaves the call. The visit goes on; whether it is over is not the call's to say. */
	async leave(): Promise<void> {
		const room = this.#room;
		this.#end();
		this.patch({ phase: 'left' });
		await room?.disconnect(false).catch(() => undefined);
	}

	#end() {
		this.#wanted += 1;
		clearInterval(this.#sampling);
		for (const undo of this.#undo.splice(0)) undo();
		this.#ear.stop();
		this.#sounds.silenceAll();
		this.#reporter?.end();
		this.#reporter = null;
		if (this.value.handUp) this.#hands.raise(false);
		this.#room = null;
		this.patch({
			peers: [],
			soundBlocked: false,
			quality: 'good',
			lostAt: null,
			speakingWhileMuted: false,
			sharing: false,
			handUp: false,
			speaker: null,
		});
	}

	// --- our own tracks ---

	#publish(): Promise<void> {
		return this.#own.publish(() => {
			const [room, kit] = [this.#room, this.#sdk];
			const { audioTrack: audio, videoTrack: video } = this.devices.value;
			const { muted, cameraOff } = this.value;
			return room && kit ? { room, kit, wish: { audio, video, muted, cameraOff } } : null;
		});
	}

	async setMuted(muted: boolean): Promise<void> {
		this.patch({ muted, speakingWhileMuted: false });
		if (!muted && !this.devices.value.audioTrack)
			await this.devices.open({ microphone: true, camera: false });
		void this.#publish();
		if (muted)
			this.#ear.start(this.devices.value.audioTrack, (speakingWhileMuted) =>
				this.patch({ speakingWhileMuted }),
			);
		else this.#ear.stop();
	}

	async setCameraOff(off: boolean): Promise<void> {
		this.patch({ cameraOff: off });
		if (off) {
			await this.#publish();
			this.devices.turnOffCamera();
		} else {
			await this.devices.open({ microphone: false, camera: true });
			void this.#publish();
		}
	}

	/** Shows our screen to the others; throws what the browser, or the person, answered. */
	async shareScreen(): Promise<void> {
		const [room, kit] = [this.#room, this.#sdk];
		if (!room || !kit || this.value.sharing) return;
		await publishScreen(room, kit, () => void this.stopSharing());
		this.patch({ sharing: true });
	}

	async stopSharing(): Promise<void> {
		const [room, kit] = [this.#room, this.#sdk];
		this.patch({ sharing: false });
		if (room && kit) await unpublishScreen(room, kit);
	}

	// --- the others ---

	#look() {
		const room = this.#room;
		const kit = this.#sdk;
		if (!room || !kit) return;
		const hands = this.#hands.up;
		const peers = [...room.remoteParticipants.values()].map((participant) =>
			peerOf(participant, kit, hands.get(participant.identity) ?? null),
		);
		const same = JSON.stringify(peers) === JSON.stringify(this.value.peers);
		this.patch({ ...(same ? {} : { peers }), ...(peers.length > 0 ? { gone: null } : {}) });
	}

	/** Shows a peer's camera, or screen, in `element`; returns the way to take it away again. */
	showPeer(identity: string, element: HTMLVideoElement, what: 'camera' | 'screen' = 'camera'): () => void {
		const participant: Participant | undefined = this.#room?.remoteParticipants.get(identity);
		const sources = this.#sdk?.Track.Source;
		const source = what === 'camera' ? sources?.Camera : sources?.ScreenShare;
		const track = source ? participant?.getTrackPublication(source)?.track : undefined;
		if (!track) return () => undefined;
		const seen = () => this.#recorder.frame(performance.now());
		element.addEventListener('timeupdate', seen, { once: true });
		if ('requestVideoFrameCallback' in element) element.requestVideoFrameCallback(seen);
		track.attach(element);
		return () => {
			element.removeEventListener('timeupdate', seen);
			track.detach(element);
		};
	}

	/** Who we are in the call; null outside one. */
	get me(): { identity: string; name: string } | null {
		const local = this.#room?.localParticipant;
		return local?.identity ? { identity: local.identity, name: local.name ?? '' } : null;
	}

	/** Takes pictures of at most this many lines from everybody. */
	limitPictures(lines: number): void {
		this.#linesMost = lines;
		this.#limitPictures();
	}

	#limitPictures() {
		const [room, kit, most] = [this.#room, this.#sdk, this.#linesMost];
		if (!room || !kit || most === null) return;
		const { LOW, MEDIUM, HIGH } = kit.VideoQuality;
		for (const participant of room.remoteParticipants.values()) {
			const camera = participant.getTrackPublication(kit.Track.Source.Camera);
			if (camera?.isSubscribed) camera.setVideoQuality(most < 360 ? LOW : most < 720 ? MEDIUM : HIGH);
		}
	}

	/** Plays the others through another device. Throws where the browser cannot. */
	async chooseOutput(id: string): Promise<void> {
		await this.#room?.switchActiveDevice('audiooutput', id);
	}

	/** Raises our hand, or takes it down. */
	setHand(up: boolean): void {
		this.#hands.raise(up);
		this.patch({ handUp: up });
	}

	async #sendHand(bytes: Uint8Array, to?: string): Promise<void> {
		const local = this.#room?.localParticipant;
		// A signal that is lost with the connection is not worth a word.
		await local
			?.publishData(bytes as Uint8Array<ArrayBuffer>, {
				reliable: true,
				topic: handTopic,
				...(to ? { destinationIdentities: [to] } : {}),
			})
			.catch(() => undefined);
	}

	/** After the press that the browser asked for. */
	async startSound(): Promise<void> {
		await this.#room?.startAudio().catch(() => undefined);
		await this.#sounds.start();
		this.patch({ soundBlocked: this.#room ? !this.#room.canPlaybackAudio : false });
	}

	/** Silences what this page plays, nothing of what it sends. */
	setOutputMuted(muted: boolean): void {
		this.#sounds.mute(muted, () => this.patch({ soundBlocked: true }));
		if (muted) this.patch({ soundBlocked: false });
	}

	// --- figures ---

	async stats(): Promise<CallStats | null> {
		return this.#room ? readStats(this.#room) : null;
	}

	async #measure(): Promise<void> {
		const room = this.#room;
		if (!room || this.value.phase !== 'connected') return;
		const { sample } = await readStats(room, this.#recorder).catch(() => ({ sample: null }));
		if (!sample || this.#room !== room) return;
		this.#judgement = judge(this.#sample, sample, this.#judgement);
		this.#sample = sample;
		this.patch({ quality: this.#judgement.quality });
	}
}
