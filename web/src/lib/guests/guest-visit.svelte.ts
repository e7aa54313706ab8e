// One guest at one visit's door: what is known, and what the guest does about it.
import { type ApiError, asApiError, createApi } from '#lib/api/client.ts';
import type { Guest, GuestRole, Invitation, SessionInfo } from '#lib/api/types.ts';
import { Devices } from '#lib/call/devices.ts';
import { CallEngine } from '#lib/call/engine.ts';
import { findSession } from '#lib/session/session.ts';
import { cookieSession } from '#lib/session/source.ts';
import { frame } from '#lib/ui/frame.ts';
import * as visits from '#lib/visits/visits.ts';
import * as guests from './guests.ts';
import { type GuestScene, guestScene } from './way.ts';

/** A guest has one thing to learn: the door opens. Asked this often while it is closed, and more rarely afterwards. */
const askEveryMs = 2_500;
const lookEveryMs = 10_000;

/** What this tab remembers over a reload: where the place is, nothing about anybody. */
interface Memory {
	visit: string;
	guest: string;
	away: boolean;
}

export class GuestVisit {
	readonly api = createApi(cookieSession('patient'));
	readonly devices = new Devices();
	readonly engine = new CallEngine(this.devices);

	invitation: Invitation | null = $state.raw(null);
	place: Guest | null = $state.raw(null);
	/** Somebody is signed in here already, and is no guest. */
	signedIn: SessionInfo | null = $state.raw(null);
	away = $state(false);
	trouble: 'unknown' | 'unreachable' | null = $state(null);
	silentSince: number | null = $state(null);

	#timer: ReturnType<typeof setTimeout> | undefined;
	#closed = false;
	#leaving: Promise<unknown> = Promise.resolve();
	readonly #unsubscribe: () => void;

	constructor(readonly code: string) {
		this.#unsubscribe = this.engine.subscribe((call) => {
			// Turned away, or the visit is over: the place says which.
			if (call.phase === 'failed' && call.failure?.code !== 'elsewhere') void this.#look();
		});
	}

	get scene(): GuestScene | null {
		if (!this.invitation) return null;
		return guestScene({
			visit: this.place?.visit.state ?? this.invitation.state,
			place: this.place?.status ?? null,
			away: this.away,
		});
	}

	get clinic(): string {
		return this.invitation?.account_name ?? '';
	}

	get providerName(): string {
		return this.place?.visit.provider_name ?? this.invitation?.provider_name ?? '';
	}

	async open(): Promise<void> {
		this.trouble = null;
		try {
			this.invitation = await guests.invitation(this.api, this.code);
			const known = recall(this.code);
			if (known) {
				this.away = known.away;
				this.place = await guests.get(this.api, known.visit, known.guest).catch(() => null);
			}
			// Known by the cookie alone: another tab, or let in by a link of one's own.
			this.place ??= this.invitation.guest;
			// Whoever gave a place up is asked anew.
			if (this.place?.status === 'ended') this.place = null;
			if (!this.place) {
				const session = await findSession(this.api).catch(() => null);
				if (session && session.user.type !== 600) this.signedIn = session;
			}
		} catch (reason) {
			const error = asApiError(reason);
			this.trouble = error.passing ? 'unreachable' : 'unknown';
			return;
		}
		this.#again();
	}

	/** Asks to be let in. Throws what the API says when that could not be done. */
	async ask(name: string, role: GuestRole): Promise<void> {
		this.place = await guests.join(this.api, this.code, name, role);
		this.away = false;
		this.#remember();
		this.#again();
	}

	async stopWaiting(): Promise<void> {
		const place = this.place;
		if (!place) return;
		await guests.leave(this.api, place.visit.id, place.id).catch(() => undefined);
		this.place = { ...place, status: 'ended' };
		forget(this.code);
	}

	/** Back to the question, after leaving the door. */
	startOver(): void {
		this.place = null;
		this.away = false;
		void this.open();
	}

	connect(): void {
		const place = this.place;
		if (!place) return;
		void this.openDevices();
		const id = place.visit.id;
		void this.#leaving.then(() =>
			this.engine.join(
				() => visits.call(this.api, id),
				(record) => visits.tellQuality(this.api, id, record),
			),
		);
	}

	async openDevices(): Promise<void> {
		if (frame.demoCamera && this.devices.value.real) {
			const { demoSource } = await import('#lib/stage/demo-source.ts');
			await this.devices.use(demoSource('patient'), { microphone: true, camera: true });
		} else await this.devices.open({ microphone: true, camera: true });
	}

	async leaveCall(): Promise<void> {
		this.devices.close();
		this.#leaving = this.engine.leave();
		this.away = true;
		this.#remember();
		await this.#leaving;
	}

	rejoin(): void {
		this.away = false;
		this.#remember();
	}

	async #look(): Promise<void> {
		if (this.#closed) return;
		try {
			if (this.place) {
				this.place = await guests.get(this.api, this.place.visit.id, this.place.id);
				const scene = this.scene;
				if (scene !== 'call' && scene !== 'away') this.#hangUp();
			} else this.invitation = await guests.invitation(this.api, this.code);
			this.silentSince = null;
		} catch (reason) {
			this.#misread(asApiError(reason));
		}
		this.#again();
	}

	#misread(error: ApiError): void {
		if (error.passing) this.silentSince ??= Date.now();
		else if (this.place) {
			// The cookie ended, or was replaced: the question is asked again.
			this.place = null;
			forget(this.code);
			this.#hangUp();
		} else this.trouble = 'unknown';
	}

	#hangUp(): void {
		if (this.engine.value.phase === 'idle' || this.engine.value.phase === 'left') return;
		void this.engine.leave();
		this.devices.close();
	}

	#again(): void {
		clearTimeout(this.#timer);
		const scene = this.scene;
		if (this.#closed || scene === 'ended' || scene === 'cancelled' || scene === 'left') return;
		this.#timer = setTimeout(() => void this.#look(), scene === 'waiting' ? askEveryMs : lookEveryMs);
	}

	#remember(): void {
		if (this.place)
			remember(this.code, { visit: this.place.visit.id, guest: this.place.id, away: this.away });
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#timer);
		this.#unsubscribe();
		void this.engine.leave();
		this.devices.close();
	}
}

const key = (code: string) => `bedside.guest.${code}`;

function recall(code: string): Memory | null {
	try {
		const text = sessionStorage.getItem(key(code));
		return text ? (JSON.parse(text) as Memory) : null;
	} catch {
		// Storage can be forbidden; then a reload asks again.
		return null;
	}
}

function remember(code: string, memory: Memory): void {
	try {
		sessionStorage.setItem(key(code), JSON.stringify(memory));
	} catch {
		// See above.
	}
}

function forget(code: string): void {
	try {
		sessionStorage.removeItem(key(code));
	} catch {
		// See above.
	}
}
