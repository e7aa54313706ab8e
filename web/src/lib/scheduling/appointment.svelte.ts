// One appointment as its patient sees it, signed in or by the one-time link.
import { type Api, type ApiError, asApiError, createApi } from '#lib/api/client.ts';
import type { Room, Visit } from '#lib/api/types.ts';
import { type Live, openLive } from '#lib/live/live.ts';
import * as rooms from '#lib/rooms/rooms.ts';
import { cookieSession, linkSession, type SessionSource } from '#lib/session/source.ts';
import { isOver, stateOf } from '#lib/visits/state.ts';
import * as visits from '#lib/visits/visits.ts';
import * as scheduling from './scheduling.ts';

/** Why there is nothing to show. */
export type Refusal = 'unreachable' | 'signed_out' | 'ended' | 'unknown';

/** What an appointment is to its patient. */
export type AppointmentState =
	/** The clinic has yet to say yes. */
	| 'asked'
	| 'booked'
	/** The patient came to wait. */
	| 'waiting'
	| 'in_progress'
	| 'missed'
	| 'completed'
	| 'cancelled';

export function appointmentState(
	visit: Pick<Visit, 'status' | 'status_name' | 'missed' | 'arrived'>,
): AppointmentState {
	const state = stateOf(visit);
	if (state === 'completed' || state === 'refunded') return 'completed';
	if (state === 'cancelled') return 'cancelled';
	if (state === 'in_progress') return 'in_progress';
	if (visit.missed) return 'missed';
	if (visit.arrived) return 'waiting';
	return String(visit.status) === '10' ? 'asked' : 'booked';
}

function refusalOf(error: ApiError): Refusal {
	if (error.passing) return 'unreachable';
	if (error.code === 'link_expired') return 'ended';
	return error.status === 401 && !error.code.startsWith('link') ? 'signed_out' : 'unknown';
}

/** The link's token stays in this tab, so that a reload opens the same appointment. */
export function linkOf(id: string, shown: string | null): string | null {
	const place = `bedside.link.${id}`;
	if (shown) sessionStorage.setItem(place, shown);
	return shown ?? sessionStorage.getItem(place);
}

export class Appointment {
	readonly id: string;
	readonly source: SessionSource;
	/** Opened by a link: there is no session behind it. */
	readonly byLink: boolean;
	readonly api: Api;
	visit: Visit | null = $state.raw(null);
	room: Room | null = $state.raw(null);
	refusal: Refusal | null = $state(null);
	now = $state(Date.now());
	#live: Live | null = null;
	#ticking: ReturnType<typeof setInterval> | undefined;

	constructor(id: string, token: string | null) {
		this.id = id;
		this.byLink = token !== null;
		this.source = token === null ? cookieSession('patient') : linkSession(token);
		this.api = createApi(this.source);
	}

	get state(): AppointmentState | null {
		return this.visit && appointmentState(this.visit);
	}

	/** Unix s from which the patient may come in; null when that is not foreseen. */
	get opensAt(): number | null {
		return this.visit?.can_start_at ?? null;
	}

	get opensNow(): boolean {
		return this.opensAt !== null && this.now >= this.opensAt * 1000;
	}

	async open(): Promise<void> {
		this.refusal = null;
		await this.refresh();
		if (!this.visit) return;
		this.room = await rooms.get(this.api, this.visit.room_code).catch(() => null);
		this.#follow();
	}

	#follow(): void {
		if (this.#live || (this.visit && isOver(stateOf(this.visit)))) return;
		this.#live = openLive({
			source: this.source,
			onEvent: (event) => {
				if (event.visit_id === this.id) void this.refresh();
			},
			onRefresh: () => this.refresh(),
		});
		// "Start" opens by itself when its time has come.
		this.#ticking = setInterval(() => {
			this.now = Date.now();
		}, 1000);
	}

	async refresh(): Promise<void> {
		try {
			this.take(await visits.get(this.api, this.id));
		} catch (fault) {
			const refusal = refusalOf(asApiError(fault));
			// What is shown stays shown while the network is away.
			if (refusal !== 'unreachable' || !this.visit) this.refusal = refusal;
		}
	}

	take(visit: Visit): void {
		if (this.visit && visit.version < this.visit.version) return;
		this.visit = visit;
		this.now = Date.now();
	}

	/** The patient comes to wait. */
	async start(): Promise<void> {
		this.take(await scheduling.arrive(this.api, this.id));
	}

	async cancel(): Promise<void> {
		this.take(await scheduling.cancel(this.api, this.id));
	}

	async move(start: number, end: number): Promise<void> {
		this.take(await scheduling.move(this.api, this.id, start, end));
	}

	close(): void {
		this.#live?.close();
		this.#live = null;
		clearInterval(this.#ticking);
	}
}
