// The script that sites load to show a call on their own pages: `new JitsiMeetExternalAPI(domain, options)`, with the
// names of Jitsi's external API. It drives our call page in an iframe and knows nothing of video itself.
import { readToSite, type ToPage, type Wishes, wrap } from '../src/lib/embed/protocol.ts';
import { Emitter, type Listener } from './emitter.ts';
import { baseOf, type Options, pageAddress, problemOf, size, wishesOf } from './options.ts';
import { words } from './words.ts';

/** How long the page in the frame may say nothing after it was loaded, and before, in ms. */
const silence = { loaded: 5_000, loading: 15_000 };

interface Person {
	displayName: string;
	formattedDisplayName: string;
	avatarURL: string;
}

type Data = Record<string, unknown>;

const scriptSource = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : '';

let made = 0;

class JitsiMeetExternalAPI extends Emitter {
	readonly #base: string;
	readonly #origin: string;
	readonly #meeting: string;
	readonly #lang: string;
	readonly #parent: Element;
	readonly #frame: HTMLIFrameElement;
	#notice: HTMLElement | null = null;
	#wishes: Wishes;
	#waiting: ToPage[] = [];
	#ready = false;
	#disposed = false;
	#asked = 0;
	#answers = new Map<number, { resolve: (value: unknown) => void; reject: (reason: Error) => void }>();
	#people = new Map<string, Person>();
	#me = '';
	#silence: ReturnType<typeof setTimeout> | undefined;

	constructor(domain: string, options: Options = {}) {
		super();
		this.#base = baseOf(domain, options, scriptSource);
		this.#origin = new URL(this.#base).origin;
		this.#wishes = wishesOf(options);
		this.#meeting = options.data?.meeting?.meeting_id ?? options.meeting ?? options.roomName ?? '';
		this.#lang = options.lang ?? options.configOverwrite?.defaultLanguage ?? '';
		this.#parent = options.parentNode ?? document.body;
		this.#frame = this.#makeFrame(options);
		window.addEventListener('message', this.#hear);
		const problem = problemOf(this.#meeting, this.#wishes, window.location.origin);
		if (problem) queueMicrotask(() => this.#fail(problem));
		else {
			this.#frame.src = pageAddress(this.#base, this.#meeting, window.location.origin, this.#lang);
			this.#parent.append(this.#frame);
			this.#listenForSilence(silence.loading);
		}
	}

	#makeFrame({ width, height, onload }: Options): HTMLIFrameElement {
		const frame = document.createElement('iframe');
		made += 1;
		frame.name = frame.id = `bedsideCall${made}`;
		frame.title = words(this.#lang).title;
		frame.allow =
			'camera; microphone; display-capture; autoplay; fullscreen; speaker-selection; screen-wake-lock';
		frame.referrerPolicy = 'no-referrer';
		frame.style.border = '0';
		frame.style.width = size(width);
		frame.style.height = size(height);
		frame.addEventListener('load', () => {
			if (!this.#ready) this.#listenForSilence(silence.loaded);
			onload?.();
		});
		return frame;
	}

	// --- the line to the page ---

	#hear = (event: MessageEvent) => {
		if (event.origin !== this.#origin || event.source !== this.#frame.contentWindow) return;
		const message = readToSite(event.data);
		if (!message) return;
		if (message.kind === 'hello') this.#greet();
		else if (message.kind === 'event') this.#happened(message.name, message.data);
		else {
			const asked = this.#answers.get(message.id);
			this.#answers.delete(message.id);
			if (message.error === undefined) asked?.resolve(message.value);
			else asked?.reject(new Error(message.error));
		}
	};

	/** The page stands, for the first time or after a reload inside the frame. */
	#greet() {
		clearTimeout(this.#silence);
		this.#notice?.remove();
		this.#notice = null;
		this.#frame.style.display = '';
		this.#ready = true;
		this.#forget();
		this.#post({ kind: 'init', wishes: this.#wishes });
		for (const message of this.#waiting.splice(0)) this.#post(message);
	}

	#send(message: ToPage) {
		if (this.#disposed) return;
		if (this.#ready) this.#post(message);
		else this.#waiting.push(message);
	}

	#post(message: ToPage) {
		const options: WindowPostMessageOptions & { delegate?: string } = { targetOrigin: this.#origin };
		// A press on the site's own button counts in the frame too, where browsers let it be handed on.
		if (
			message.kind === 'command' &&
			message.name === 'toggleShareScreen' &&
			navigator.userActivation?.isActive
		) {
			options.delegate = 'display-capture';
		}
		this.#frame.contentWindow?.postMessage(wrap(message), options);
	}

	#happened(name: string, data: Data) {
		const id = String(data.id ?? '');
		if (name === 'videoConferenceJoined') {
			this.#me = id;
			this.#remember(id, data, ` (${words(this.#lang).me})`);
		} else if (name === 'participantJoined') this.#remember(id, data, '');
		else if (name === 'participantLeft') this.#people.delete(id);
		else if (name === 'displayNameChange') {
			this.#remember(
				id,
				{ displayName: data.displayname },
				id === this.#me ? ` (${words(this.#lang).me})` : '',
			);
		} else if (name === 'videoConferenceLeft') this.#forget();
		this.emit(name, data);
	}

	#remember(id: string, data: Data, mark: string) {
		const displayName = String(data.displayName ?? '');
		this.#people.set(id, { displayName, formattedDisplayName: displayName + mark, avatarURL: '' });
	}

	#forget() {
		this.#people.clear();
		this.#me = '';
	}

	// --- when nothing comes ---

	#listenForSilence(ms: number) {
		clearTimeout(this.#silence);
		this.#silence = setTimeout(() => void this.#explain(), ms);
	}

	/** A browser shows an empty frame without a word when it was refused: the server knows whether it was. */
	async #explain(): Promise<void> {
		let name = 'unreachable';
		try {
			const asked = `${this.#base}/sdk/embeds?meeting=${encodeURIComponent(this.#meeting)}`;
			const answer = await fetch(asked, { credentials: 'omit', cache: 'no-store' });
			const { allowed } = (await answer.json()) as { allowed?: boolean };
			if (answer.ok && allowed === false) name = 'origin_refused';
		} catch {
			// Then the server cannot be reached at all.
		}
		if (!this.#ready && !this.#disposed) this.#fail(name);
	}

	#fail(name: string) {
		if (this.#disposed) return;
		const message = words(this.#lang).problems[name] ?? name;
		this.#notice?.remove();
		const notice = document.createElement('div');
		notice.setAttribute('role', 'alert');
		notice.textContent = message;
		notice.style.cssText =
			'box-sizing:border-box;padding:24px;font:16px/1.5 system-ui,sans-serif;background:#faf7f2;color:#1e2b2f;border:1px solid #ded8cd;border-radius:14px';
		this.#frame.style.display = 'none';
		this.#parent.append(notice);
		this.#notice = notice;
		this.emit('errorOccurred', {
			details: { origin: window.location.origin },
			error: { name, message, isFatal: true, type: 'CONNECTION' },
		});
	}

	// --- commands ---

	executeCommand(name: string, ...args: unknown[]): void {
		this.#send({ kind: 'command', name, args });
	}

	executeCommands(commands: Record<string, unknown[]>): void {
		for (const [name, args] of Object.entries(commands)) this.executeCommand(name, ...args);
	}

	/** A fresh token of the same person, for a page whose own has expired. */
	setToken(token: string): void {
		this.#wishes = { ...this.#wishes, token };
		this.#send({ kind: 'token', token });
	}

	// --- functions ---

	#ask<T>(name: string, ...args: unknown[]): Promise<T> {
		if (this.#disposed) return Promise.reject(new Error('This call was disposed of.'));
		this.#asked += 1;
		const id = this.#asked;
		const answered = new Promise<unknown>((resolve, reject) => this.#answers.set(id, { resolve, reject }));
		this.#send({ kind: 'ask', id, name, args });
		return answered as Promise<T>;
	}

	getNumberOfParticipants(): number {
		return this.#people.size;
	}

	getParticipantsInfo(): (Person & { participantId: string })[] {
		return [...this.#people].map(([participantId, person]) => ({ ...person, participantId }));
	}

	getDisplayName(id: string): string | undefined {
		return this.#people.get(id)?.displayName;
	}

	isAudioMuted = () => this.#ask<boolean>('isAudioMuted');
	isVideoMuted = () => this.#ask<boolean>('isVideoMuted');
	isAudioAvailable = () => this.#ask<boolean>('isAudioAvailable');
	isVideoAvailable = () => this.#ask<boolean>('isVideoAvailable');
	isSharingScreen = () => this.#ask<boolean>('isSharingScreen');
	isDeviceListAvailable = () => this.#ask<boolean>('isDeviceListAvailable');
	isDeviceChangeAvailable = (kind?: string) => this.#ask<boolean>('isDeviceChangeAvailable', kind);
	getAvailableDevices = () => this.#ask<Data>('getAvailableDevices');
	getCurrentDevices = () => this.#ask<Data>('getCurrentDevices');
	setAudioInputDevice = (label?: string, id?: string) => this.#ask<void>('setAudioInputDevice', label, id);
	setAudioOutputDevice = (label?: string, id?: string) => this.#ask<void>('setAudioOutputDevice', label, id);
	setVideoInputDevice = (label?: string, id?: string) => this.#ask<void>('setVideoInputDevice', label, id);

	getIFrame(): HTMLIFrameElement {
		return this.#frame;
	}

	/** Takes everything away; who was in the call leaves it. */
	dispose(): void {
		if (this.#disposed) return;
		this.emit('_willDispose', {});
		this.#disposed = true;
		clearTimeout(this.#silence);
		window.removeEventListener('message', this.#hear);
		for (const { reject } of this.#answers.values()) reject(new Error('This call was disposed of.'));
		this.#answers.clear();
		this.removeAllListeners();
		this.#notice?.remove();
		this.#frame.remove();
	}
}

export type { Listener };

const globals = window as unknown as Record<string, unknown>;
globals.JitsiMeetExternalAPI = JitsiMeetExternalAPI;
