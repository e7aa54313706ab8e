// The call: one page's part in a visit's media session, on the unmodified livekit-client. No framework in here.
import type {
	LocalTrackPublication,
	Participant,
	RemoteParticipant,
	RemoteTrack,
	Room,
	Track,
} from 'livekit-client';
import { ApiError } from '#lib/api/client.ts';
import type { CallTicket } from '#lib/api/types.ts';
import { frame } from '#lib/ui/frame.ts';
import type { Devices } from './devices.ts';
import { type LevelMeter, meter } from './level.ts';
import { Observable } from './observable.ts';
import { type Judgement, judge, type Quality, type Sample } from './quality.ts';
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

export interface Peer {
	identity: string;
	name: string;
	role: string;
	hasVideo: boolean;
	/** Turned off, as opposed to not here yet. */
	cameraOff: boolean;
	muted: boolean;
	speaking: boolean;
}

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
};

export class CallEngine extends Observable<CallState> {
	readonly devices: Devices;
	#sdk: Sdk | null = null;
	#room: Room | null = null;
	#wanted = 0;
	#ticket: (() => Promise<CallTicket>) | null = null;
	#sounds = new Map<RemoteTrack, HTMLAudioElement>();
	#undo: (() => void)[] = [];
	#sampling: ReturnType<typeof setInterval> | undefined;
	#sample: Sample | null = null;
	#judgement = calm;
	#mutedEar: { meter: LevelMeter; track: MediaStreamTrack } | null = null;
	#publishing: Promise<void> = Promise.resolve();

	constructor(devices: Devices) {
		super({ ...fresh });
		this.devices = devices;
	}

	/** Joins, and stays joined through bad networks until `leave`. `ticket` is asked anew for every attempt. */
	async join(ticket: () => Promise<CallTicket>): Promise<void> {
		if (
			this.value.phase === 'connecting' ||
			this.value.phase === 'connected' ||
			this.value.phase === 'reconnecting'
		)
			return;
		const turn = ++this.#wanted;
		this.#ticket = ticket;
		this.patch({ phase: 'connecting', failure: null, lostAt: null, gone: null, lastPicture: null });
		this.#undo.push(this.devices.subscribe(() => this.#publish()));
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
		this.patch({
			phase: 'connected',
			connectedAt: this.value.connectedAt ?? Date.now(),
			lostAt: null,
			soundBlocked: !room.canPlaybackAudio && !frame.outputMuted,
		});
		this.#look();
		this.#publish();
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
			.on(RoomEvent.ParticipantConnected, look)
			.on(RoomEvent.TrackMuted, look)
			.on(RoomEvent.TrackUnmuted, look)
			.on(RoomEvent.ActiveSpeakersChanged, look)
			.on(RoomEvent.ParticipantMetadataChanged, look)
			.on(RoomEvent.ParticipantNameChanged, look)
			.on(RoomEvent.TrackPublished, look)
			.on(RoomEvent.TrackUnpublished, look)
			.on(RoomEvent.TrackSubscribed, (track) => {
				if (!mine()) return;
				if (track.kind === Track.Kind.Audio) this.#play(track);
				else this.patch({ lastPicture: null });
				this.#look();
			})
			.on(RoomEvent.TrackUnsubscribed, (track) => {
				if (track.kind === Track.Kind.Audio) this.#silence(track);
				else if (mine()) this.#keepPicture(track);
				look();
			})
			.on(RoomEvent.ParticipantDisconnected, (participant, reason) => {
				if (!mine()) return;
				const how = reason === DisconnectReason.CLIENT_INITIATED ? 'left' : 'lost';
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
				this.patch({ phase: 'connected', lostAt: null });
				this.#look();
			})
			.on(RoomEvent.Disconnected, (reason) => {
				if (!mine() || !stage.joined) return;
				this.#room = null;
				this.#silenceAll();
				if (reason === DisconnectReason.DUPLICATE_IDENTITY) return this.#fail('elsewhere', '');
				if (reason === DisconnectReason.PARTICIPANT_REMOVED || reason === DisconnectReason.ROOM_DELETED) {
					return this.#fail('removed', '');
				}
				this.#losing();
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
		this.#stopEar();
		this.#silenceAll();
		this.#room = null;
		this.patch({ peers: [], soundBlocked: false, quality: 'good', lostAt: null, speakingWhileMuted: false });
	}

	// --- our own tracks ---

	/** Brings what we publish in line with what the devices give. One change at a time, in order. */
	#publish() {
		this.#publishing = this.#publishing.then(() => this.#publishNow()).catch(() => undefined);
	}

	async #publishNow(): Promise<void> {
		const room = this.#room;
		const kit = this.#sdk;
		if (!room || !kit || room.state !== kit.ConnectionState.Connected) return;
		const { audioTrack, videoTrack } = this.devices.value;
		await this.#publishOne(room, kit, kit.Track.Source.Microphone, audioTrack, this.value.muted);
		await this.#publishOne(room, kit, kit.Track.Source.Camera, videoTrack, this.value.cameraOff);
	}

	async #publishOne(
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

	async setMuted(muted: boolean): Promise<void> {
		this.patch({ muted, speakingWhileMuted: false });
		if (!muted && !this.devices.value.audioTrack)
			await this.devices.open({ microphone: true, camera: false });
		this.#publish();
		if (muted) this.#startEar();
		else this.#stopEar();
	}

	async setCameraOff(off: boolean): Promise<void> {
		this.patch({ cameraOff: off });
		if (off) {
			this.#publish();
			await this.#publishing;
			this.devices.turnOffCamera();
		} else {
			await this.devices.open({ microphone: false, camera: true });
			this.#publish();
		}
	}

	// A clone listens while the published track is muted: nothing of it leaves this page.
	#startEar() {
		this.#stopEar();
		const original = this.devices.value.audioTrack;
		if (!original) return;
		const track = original.clone();
		track.enabled = true;
		let loud = 0;
		const ear = meter(track, (level) => {
			loud = level > 0.55 ? loud + 1 : Math.max(0, loud - 1);
			if (loud > 8) this.patch({ speakingWhileMuted: true });
			else if (loud === 0) this.patch({ speakingWhileMuted: false });
		});
		this.#mutedEar = { meter: ear, track };
	}

	#stopEar() {
		this.#mutedEar?.meter.stop();
		this.#mutedEar?.track.stop();
		this.#mutedEar = null;
	}

	// --- the others ---

	#look() {
		const room = this.#room;
		const kit = this.#sdk;
		if (!room || !kit) return;
		const peers = [...room.remoteParticipants.values()].map((participant) => peerOf(participant, kit));
		const same = JSON.stringify(peers) === JSON.stringify(this.value.peers);
		this.patch({ ...(same ? {} : { peers }), ...(peers.length > 0 ? { gone: null } : {}) });
	}

	/** Shows a peer's camera in `element`; returns the way to take it away again. */
	showPeer(identity: string, element: HTMLVideoElement): () => void {
		const participant: Participant | undefined = this.#room?.remoteParticipants.get(identity);
		const source = this.#sdk?.Track.Source.Camera;
		const track = source ? participant?.getTrackPublication(source)?.track : undefined;
		track?.attach(element);
		return () => track?.detach(element);
	}

	#play(track: RemoteTrack) {
		const element = document.createElement('audio');
		element.autoplay = true;
		element.hidden = true;
		track.attach(element);
		// Attaching unmutes; what the stage silenced stays silent.
		element.muted = frame.outputMuted;
		document.body.append(element);
		this.#sounds.set(track, element);
	}

	#silence(track: RemoteTrack) {
		const element = this.#sounds.get(track);
		if (!element) return;
		track.detach(element);
		element.remove();
		this.#sounds.delete(track);
	}

	#silenceAll() {
		for (const track of [...this.#sounds.keys()]) this.#silence(track);
	}

	#keepPicture(track: RemoteTrack) {
		const video = track.attachedElements.find((element) => element instanceof HTMLVideoElement);
		if (!video?.videoWidth) return;
		const canvas = document.createElement('canvas');
		canvas.width = video.videoWidth;
		canvas.height = video.videoHeight;
		canvas.getContext('2d')?.drawImage(video, 0, 0);
		this.patch({ lastPicture: canvas });
	}

	/** After the press that the browser asked for. */
	async startSound(): Promise<void> {
		await this.#room?.startAudio().catch(() => undefined);
		for (const element of this.#sounds.values()) await element.play().catch(() => undefined);
		this.patch({ soundBlocked: this.#room ? !this.#room.canPlaybackAudio : false });
	}

	/** Silences what this page plays, nothing of what it sends. */
	setOutputMuted(muted: boolean): void {
		for (const element of this.#sounds.values()) {
			element.muted = muted;
			if (!muted) element.play().catch(() => this.patch({ soundBlocked: true }));
		}
		if (muted) this.patch({ soundBlocked: false });
	}

	// --- figures ---

	async stats(): Promise<CallStats | null> {
		return this.#room ? readStats(this.#room) : null;
	}

	async #measure(): Promise<void> {
		const room = this.#room;
		if (!room || this.value.phase !== 'connected') return;
		const { sample } = await readStats(room).catch(() => ({ sample: null }));
		if (!sample || this.#room !== room) return;
		this.#judgement = judge(this.#sample, sample, this.#judgement);
		this.#sample = sample;
		this.patch({ quality: this.#judgement.quality });
	}
}

function peerOf(participant: RemoteParticipant, kit: Sdk): Peer {
	const camera = participant.getTrackPublication(kit.Track.Source.Camera);
	const microphone = participant.getTrackPublication(kit.Track.Source.Microphone);
	return {
		identity: participant.identity,
		name: participant.name ?? '',
		role: roleOf(participant.metadata),
		hasVideo: Boolean(camera?.track && !camera.isMuted),
		cameraOff: camera?.isMuted ?? false,
		muted: microphone ? microphone.isMuted : true,
		speaking: participant.isSpeaking,
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
