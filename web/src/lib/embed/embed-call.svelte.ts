// One call inside another site's page: what is known of it, and what the site hears and may want.
import { type Api, type ApiError, asApiError, createApi, ok } from '#lib/api/client.ts';
import type { CurrentRecording, Meeting } from '#lib/api/types.ts';
import { Devices } from '#lib/call/devices.ts';
import { CallEngine } from '#lib/call/engine.ts';
import { Chat } from '#lib/chat/chat.svelte.ts';
import { currentLocale, t } from '#lib/i18n/i18n.ts';
import { type Live, openLive } from '#lib/live/live.ts';
import { tokenSession } from '#lib/session/source.ts';
import * as visits from '#lib/visits/visits.ts';
import { answer } from './answers.ts';
import { Bridge } from './bridge.ts';
import { obey } from './commands.ts';
import { happenings, type Moment, nothing } from './happenings.ts';
import type { Address, ToPage, Wishes } from './protocol.ts';

/** Why there is no call; the stable word for the site, and words for the person. */
export interface Trouble {
	name: string;
	title: string;
	text: string;
	/** The same may work in a moment. */
	passing: boolean;
}

const safetyPollMs = 20_000;

export class EmbedCall {
	readonly id: string;
	readonly bridge: Bridge;
	readonly devices = new Devices();
	readonly engine = new CallEngine(this.devices);
	readonly api: Api = createApi(tokenSession(() => this.#token));

	meeting: Meeting | null = $state.raw(null);
	trouble: Trouble | null = $state.raw(null);
	chat: Chat | null = $state.raw(null);
	chatOpen = $state(false);
	tiles = $state(false);
	subject = $state('');
	/** The person has hung up; the visit goes on. */
	left = $state(false);
	starting = $state(false);
	/** How the recording of this call stands; null while there is none. */
	standing: CurrentRecording | null = $state.raw(null);
	/** Which signs the site wants in the bar; null for all. */
	buttons: string[] | null = $state.raw(null);

	#token = '';
	#wishes: Wishes | null = null;
	#live: Live | null = null;
	#poll: ReturnType<typeof setInterval> | undefined;
	#told: Moment = nothing;
	#toldMessage: number | null = null;
	#closed = false;
	#undo: (() => void)[] = [];

	constructor(id: string, address: Address) {
		this.id = id;
		this.bridge = new Bridge(address.origin);
		this.#token = address.token ?? '';
	}

	/** What is shown: nothing yet, why not, the wait, the call, or its end. */
	get scene(): 'greeting' | 'trouble' | 'waiting' | 'call' | 'left' | 'over' {
		if (this.trouble) return 'trouble';
		if (!this.meeting) return 'greeting';
		if (this.meeting.door === 'closed') return 'over';
		if (this.left) return 'left';
		return this.meeting.door === 'open' && this.meeting.part ? 'call' : 'waiting';
	}

	get reader(): 'patient' | 'provider' | 'guest' {
		const part = this.meeting?.part;
		return part === 'provider' || part === 'guest' ? part : 'patient';
	}

	get unread(): number {
		return this.chatOpen ? 0 : (this.chat?.unread ?? 0);
	}

	/** Is this sign of the bar wanted? */
	shows(button: string): boolean {
		return this.buttons === null || this.buttons.includes(button);
	}

	open(): void {
		this.#undo.push(this.engine.subscribe((call) => this.#heedCall(call.failure?.code)));
		this.#undo.push(this.devices.subscribe(() => this.#tell()));
		this.#undo.push(
			$effect.root(() => {
				$effect(() => {
					// What is read here is watched.
					void [this.chatOpen, this.tiles, this.unread, this.standing, this.left];
					this.#tellMessages();
					this.#tell();
				});
			}),
		);
		const replugged = () => void this.#tellDevices();
		navigator.mediaDevices?.addEventListener?.('devicechange', replugged);
		this.#undo.push(() => navigator.mediaDevices?.removeEventListener?.('devicechange', replugged));
		if (this.bridge.driven) this.bridge.open((message) => this.#heed(message));
		else if (this.#token) void this.#begin({ token: this.#token });
		else this.#fail('no_token');
	}

	close(): void {
		this.#closed = true;
		this.bridge.close();
		this.#live?.close();
		clearInterval(this.#poll);
		for (const undo of this.#undo.splice(0)) undo();
		void this.engine.leave();
		this.devices.close();
	}

	#heed(message: ToPage) {
		switch (message.kind) {
			case 'init':
				void this.#begin(message.wishes);
				break;
			case 'token':
				// A site that gives the same one again would be told again at once, and so on until the server has enough.
				if (message.token === this.#token && this.trouble?.name === 'token_expired') break;
				this.#token = message.token;
				this.retry();
				break;
			case 'command':
				void obey(this, message.name, message.args).catch((reason: unknown) => this.complain(reason));
				break;
			case 'ask':
				void answer(this, message.name, message.args).then(
					(value) => this.bridge.send({ kind: 'answer', id: message.id, value }),
					(reason: unknown) =>
						this.bridge.send({ kind: 'answer', id: message.id, error: asApiError(reason).message }),
				);
		}
	}

	async #begin(wishes: Wishes): Promise<void> {
		this.#token = wishes.token;
		if (this.#wishes) return this.retry();
		this.#wishes = wishes;
		this.subject = wishes.subject ?? '';
		this.buttons = wishes.buttons ?? null;
		await this.look();
	}

	retry(): void {
		if (this.trouble) this.trouble = null;
		void this.look();
		const failure = this.engine.value.phase === 'failed' ? this.engine.value.failure?.code : null;
		if (failure?.startsWith('token_')) this.connect();
	}

	/** Reads how the call stands, and enters it once that can be. */
	async look(): Promise<void> {
		try {
			const path = { params: { path: { meeting_id: this.id } } };
			const { data } = await ok(this.api.http.GET('/meetings/{meeting_id}', path));
			if (this.#closed) return;
			this.#see(data as Meeting);
		} catch (reason) {
			this.#misread(asApiError(reason));
		}
	}

	#see(meeting: Meeting) {
		const wanted = this.#wishes?.id;
		if (wanted && wanted !== meeting.vseeid) return this.#fail('identity_mismatch');
		const first = this.meeting === null;
		const was = this.scene;
		this.meeting = meeting;
		if (meeting.door === 'no_video') return this.#fail('no_video');
		if (meeting.door !== 'closed' && !meeting.part && !meeting.may_start) return this.#fail('no_seat');
		this.trouble = null;
		if (first) {
			this.chat = new Chat(this.api, meeting.visit_id, meeting.user_id);
			void this.chat.refresh();
			this.#follow();
		}
		if (meeting.door === 'closed' && was !== 'over') this.#finish();
		if (this.scene === 'call' && was !== 'call') {
			this.connect();
			void this.lookAtRecording();
		}
	}

	/** Reads whether this call is recorded, or is about to be. */
	async lookAtRecording(): Promise<void> {
		const id = this.meeting?.visit_id;
		if (!id || this.meeting?.door !== 'open') return;
		const asked = { params: { path: { id }, query: { language: currentLocale() } } };
		const answer = await ok(this.api.http.GET('/visits/{id}/recordings/current', asked)).catch(() => null);
		if (answer) this.standing = (answer.data ?? null) as CurrentRecording | null;
	}

	#follow() {
		this.#live = openLive({
			source: this.api.source,
			onEvent: (event) => {
				if (event.visit_id !== this.meeting?.visit_id) return;
				if (event.type.startsWith('message.')) void this.chat?.refresh();
				else if (event.type.startsWith('visit.')) void this.look();
				else if (event.type.startsWith('recording.')) void this.lookAtRecording();
			},
			onRefresh: () => {
				void this.chat?.refresh();
				void this.lookAtRecording();
				return this.look();
			},
		});
		this.#poll = setInterval(() => this.scene !== 'over' && void this.look(), safetyPollMs);
	}

	connect(): void {
		const visit = this.meeting?.visit_id;
		if (!visit) return;
		this.left = false;
		void this.#openDevices();
		void this.engine.join(
			() => visits.call(this.api, visit),
			(record) => visits.tellQuality(this.api, visit, record),
		);
	}

	async #openDevices(): Promise<void> {
		const { startMuted = false, startWithoutVideo = false } = this.#wishes ?? {};
		if (startMuted) await this.engine.setMuted(true);
		if (startWithoutVideo) this.engine.patch({ cameraOff: true });
		await this.devices.open({ microphone: !startMuted, camera: !startWithoutVideo });
	}

	/** A provider takes the visit, which opens its call. */
	async start(): Promise<void> {
		const id = this.meeting?.visit_id;
		if (!id || this.starting) return;
		this.starting = true;
		try {
			await ok(this.api.http.POST('/visits/{id}/start', { params: { path: { id } }, body: {} }));
			await this.look();
		} catch (reason) {
			this.complain(reason);
			await this.look();
		} finally {
			this.starting = false;
		}
	}

	/** Leaves the call; the visit goes on, and the person may come back. */
	async hangUp(): Promise<void> {
		if (this.left || this.scene === 'over') return;
		this.left = true;
		this.devices.close();
		await this.engine.leave();
		const part = this.meeting?.part;
		if (this.meeting && (part === 'patient' || part === 'guardian')) {
			// The visit stays open either way; a lost message changes nothing for the patient.
			await visits.close(this.api, this.meeting.visit_id, 'patient_end_call').catch(() => undefined);
		}
		this.event('readyToClose');
	}

	#finish() {
		this.#live?.close();
		this.#live = null;
		clearInterval(this.#poll);
		void this.engine.leave();
		this.devices.close();
		this.event('readyToClose');
	}

	#heedCall(failure: string | undefined) {
		this.#tell();
		if (this.engine.value.phase !== 'failed' || !failure || failure === 'elsewhere') return;
		if (failure === 'removed') {
			const me = this.meeting ? `user-${this.meeting.user_id}` : '';
			this.event('participantKickedOut', { kicked: { id: me, local: true }, kicker: { id: '' } });
		}
		if (failure.startsWith('token_')) this.#fail('token_expired');
		else void this.look();
	}

	#misread(error: ApiError) {
		// Two people who see and hear each other are not parted by a token that ran out.
		const { phase } = this.engine.value;
		if (phase === 'connected' || phase === 'reconnecting') return;
		if (error.status === 401) this.#fail('token_expired');
		else if (error.status === 403) this.#fail('no_seat');
		else if (error.status === 404 || error.status === 400) this.#fail('unknown_meeting');
		else if (!this.meeting) this.#fail('unreachable');
	}

	#fail(
		name:
			| 'no_token'
			| 'token_expired'
			| 'identity_mismatch'
			| 'unknown_meeting'
			| 'no_seat'
			| 'no_video'
			| 'unreachable',
	) {
		if (this.trouble?.name === name) return;
		const title = t(`embed.${name}.title`);
		const text = t(`embed.${name}.text`);
		this.trouble = { name, title, text, passing: name === 'unreachable' };
		if (name === 'token_expired') this.event('tokenExpired');
		this.event('errorOccurred', {
			details: {},
			error: { name, message: `${title} ${text}`, isFatal: name !== 'unreachable', type: 'CONNECTION' },
		});
	}

	/** Tells the site that something it wanted could not be. */
	complain(reason: unknown): void {
		const error = asApiError(reason);
		const name = reason instanceof Error && error.status === 0 ? reason.name : error.code;
		this.event('errorOccurred', {
			details: {},
			error: { name, message: error.message, isFatal: false, type: 'COMMAND' },
		});
	}

	event(name: string, data: Record<string, unknown> = {}): void {
		this.bridge.send({ kind: 'event', name, data });
	}

	async #tellDevices(): Promise<void> {
		this.event('deviceListChanged', { devices: await answer(this, 'getAvailableDevices', []) });
	}

	#tellMessages() {
		const chat = this.chat;
		if (!chat?.loaded) return;
		const last = chat.messages.at(-1)?.number ?? 0;
		const after = this.#toldMessage ?? last;
		this.#toldMessage = Math.max(after, last);
		for (const message of chat.messages) {
			if (message.number <= after) continue;
			const text = { message: message.text ?? '', privateMessage: false };
			if (chat.isMine(message)) this.event('outgoingMessage', text);
			else
				this.event('incomingMessage', {
					from: `user-${message.sender_id}`,
					nick: message.sender_name,
					stamp: message.created,
					...text,
				});
		}
	}

	/** Whoever is away with our own connection has not left; nobody is met before one has joined. */
	#others(): Moment['others'] {
		const call = this.engine.value;
		if (call.phase === 'reconnecting') return this.#told.others;
		return call.peers.map((peer) => ({ ...peer, id: peer.identity }));
	}

	#tell() {
		const call = this.engine.value;
		const { microphone, camera } = this.devices.value;
		const bad = (state: string) =>
			['blocked', 'missing', 'busy', 'lost', 'impossible'].includes(state) ? state : null;
		const joined = call.connectedAt !== null && (call.phase === 'connected' || call.phase === 'reconnecting');
		const moment: Moment = {
			roomName: this.id,
			joined,
			me: joined
				? this.engine.me
					? { id: this.engine.me.identity, name: this.engine.me.name }
					: this.#told.me
				: null,
			audioMuted: joined && (call.muted || microphone !== 'on'),
			videoMuted: joined && (call.cameraOff || camera !== 'on'),
			sharing: call.sharing,
			handUp: call.handUp,
			speaker: call.speaker,
			others: joined ? this.#others() : [],
			tiles: this.tiles,
			chatOpen: this.chatOpen,
			unread: this.unread,
			recording: this.standing?.status === 'recording',
			micProblem: bad(microphone),
			cameraProblem: bad(camera),
		};
		const before = this.#told;
		this.#told = moment;
		for (const { name, data } of happenings(before, moment)) this.event(name, data);
	}
}
