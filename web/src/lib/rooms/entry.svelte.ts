// Coming in at a room's own page: who the person is, why they come, and the three calls that make a place in the queue.
import { type Api, ApiError, asApiError, createApi, ok } from '#lib/api/client.ts';
import type { Room, SessionInfo, Visit } from '#lib/api/types.ts';
import { t } from '#lib/i18n/i18n.ts';
import { findSession } from '#lib/session/session.ts';
import { cookieSession } from '#lib/session/source.ts';
import * as visits from '#lib/visits/visits.ts';
import * as rooms from './rooms.ts';

export type RoomState = 'loading' | 'open' | 'closed' | 'inactive' | 'no_walkin' | 'unknown' | 'unreachable';

export interface Guest {
	for: 'self' | 'other';
	caller: string;
	first_name: string;
	last_name: string;
	/** `YYYY-MM-DD` */
	dob: string;
}

export function stateOfRoom(room: Room): RoomState {
	if (!room.active) return 'inactive';
	if (room.operation_settings?.is_closed) return 'closed';
	if (room.visits?.walkin?.enabled === false) return 'no_walkin';
	// Nobody is on call here just now.
	if (room.visits?.walkin?.open === false) return 'closed';
	return 'open';
}

export class RoomEntry {
	readonly slug: string;
	readonly api: Api = createApi(cookieSession('patient'));
	state: RoomState = $state('loading');
	room: Room | null = $state.raw(null);
	session: SessionInfo | null = $state.raw(null);
	/** A visit of this patient that waits or runs in this room already. */
	waiting: Visit | null = $state.raw(null);
	#intakeId: string | null = null;

	constructor(slug: string) {
		this.slug = slug;
	}

	get guestsAllowed(): boolean {
		return this.room?.auth?.guest?.log_in?.enabled !== false;
	}

	async open(): Promise<void> {
		this.state = 'loading';
		try {
			this.room = await rooms.get(this.api, this.slug);
		} catch (reason) {
			this.state = asApiError(reason).passing ? 'unreachable' : 'unknown';
			return;
		}
		this.session = await findSession(this.api).catch(() => null);
		if (this.session) this.waiting = await this.#findWaiting();
		this.state = stateOfRoom(this.room);
	}

	async #findWaiting(): Promise<Visit | null> {
		try {
			const query = {
				room_code: this.room?.code ?? this.slug,
				member_id: this.session?.user.id ?? '',
				status: '10,25',
				limit: 1,
			};
			const found = await ok(this.api.http.GET('/visits', { params: { query } }));
			return (found.data[0] as Visit | undefined) ?? null;
		} catch {
			// Entering leads back to the same place anyway.
			return null;
		}
	}

	/** Makes the guest known; doing it twice for one form is one guest. */
	async signIn(guest: Guest): Promise<void> {
		if (this.session) return;
		const { first_name, last_name, dob } = guest;
		const body = { first_name, last_name, dob, room_code: this.room?.code ?? this.slug };
		await ok(this.api.http.POST('/users/guest_login', { body }));
		this.session = await findSession(this.api);
		// Signed in, and yet not: the browser keeps no cookies for this page.
		if (!this.session) throw new ApiError(401, { message: t('guest.no_cookie'), error: 'no_cookie' });
	}

	/**
	 * Enters the queue and returns the visit's id. A second try after a lost answer goes on where the first stopped.
	 * `language` is what an interpreter is needed for; empty for none.
	 */
	async enter(reason: string, language: string, guest?: Guest): Promise<string> {
		if (guest) await this.signIn(guest);
		const room = this.room?.code ?? this.slug;
		if (this.#intakeId === null) {
			const body = {
				type: 1,
				room_code: room,
				reason_for_visit: reason,
				...(language ? { interpreter_language: language } : {}),
				...(guest?.for === 'other' ? { visit_for: 'somebody_else', caller_name: guest.caller } : {}),
			};
			const intake = (await ok(this.api.http.POST('/intakes', { body }))).data;
			this.#intakeId = intake.id;
		}
		try {
			const visit = await visits.addWalkin(this.api, { intake_id: this.#intakeId, room_code: room });
			return visit.id;
		} catch (reason_) {
			const error = asApiError(reason_);
			if (error.code === 'intake_already_used' && error.body?.visit_id) return String(error.body.visit_id);
			// The reason may be corrected before the next try: that makes a new intake.
			if (!error.passing) this.#intakeId = null;
			throw error;
		}
	}

	/** "That's not me": the next person starts with an empty form. */
	async signOut(): Promise<void> {
		await ok(this.api.http.POST('/users/logout')).catch(() => undefined);
		this.session = null;
		this.waiting = null;
		this.#intakeId = null;
	}
}
