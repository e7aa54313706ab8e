// Booking an appointment: who, when, a time that is kept, why, done. What was chosen and typed survives a reload in the
// tab's storage; the kept time is given back when the patient goes elsewhere.
import { type Api, ApiError, asApiError, createApi, ok } from '#lib/api/client.ts';
import type { Room, SessionInfo } from '#lib/api/types.ts';
import { addDays, instantOf, isDate, wallOf } from '#lib/calendar/zone.ts';
import { t } from '#lib/i18n/i18n.ts';
import type { Guest } from '#lib/rooms/entry.svelte.ts';
import * as rooms from '#lib/rooms/rooms.ts';
import { findSession } from '#lib/session/session.ts';
import { cookieSession } from '#lib/session/source.ts';
import * as scheduling from './scheduling.ts';
import { byDay, type FreeTime } from './times.ts';

export type BookingState =
	| 'loading'
	| 'unknown'
	| 'unreachable'
	| 'not_offered'
	| 'who'
	| 'times'
	| 'details';

/** Days that are shown, and asked for, at once. */
export const SHOWN_DAYS = 7;
/** Days that a look ahead asks for. */
const AHEAD_DAYS = 31;

interface Kept {
	provider_id: string;
	consultation_id: string;
	reason: string;
	language: string;
	hold: scheduling.Hold | null;
}

export interface Choice {
	start: number;
	end: number;
	provider_id: string;
}

export class Booking {
	readonly slug: string;
	readonly zone: string;
	readonly api: Api;
	state: BookingState = $state('loading');
	room: Room | null = $state.raw(null);
	session: SessionInfo | null = $state.raw(null);
	providers: scheduling.Provider[] = $state.raw([]);
	provider = $state('');
	consultation = $state('');
	/** The first of the days shown, on the patient's own clock. */
	first = $state('');
	days: Map<string, FreeTime[]> | null = $state.raw(null);
	/** The next day with a free time, when those shown have none; `null` when there is none at all. */
	next: string | null | undefined = $state(undefined);
	failed = $state(false);
	hold: scheduling.Hold | null = $state.raw(null);
	/** Free times near one that somebody else took meanwhile. */
	nearest: Choice[] = $state.raw([]);
	reason = $state('');
	/** For which language an interpreter is needed; empty for none. */
	language = $state('');
	visitFor: Guest | null = $state.raw(null);
	#intake: string | null = null;
	#minutes: number | null = null;
	#day = '';
	#asked = 0;
	readonly #now: () => number;

	constructor(slug: string, zone: string, api: Api = createApi(cookieSession('patient')), now = Date.now) {
		this.slug = slug;
		this.api = api;
		this.zone = zone;
		this.#now = now;
		this.first = this.today;
	}

	get today(): string {
		return wallOf(this.#now(), this.zone).date;
	}

	get clinicZone(): string {
		return this.room?.operation_settings.default_timezone ?? this.zone;
	}

	get lastDay(): string {
		return addDays(this.today, this.room?.booking.horizon_days ?? 62);
	}

	get consultations(): { id: string; description: string; duration: number }[] {
		return this.room?.payment.consultations ?? [];
	}

	get #wish(): scheduling.Wish {
		return {
			room_code: this.room?.code ?? this.slug,
			provider_id: this.provider,
			consultation_id: this.consultation,
		};
	}

	/** `day` is where a link leads to; without one it is today. */
	async open(day: string | null = null): Promise<void> {
		if (day && isDate(day)) this.#day = day;
		this.state = 'loading';
		try {
			this.room = await rooms.get(this.api, this.slug);
			this.session = await findSession(this.api);
			this.providers = await scheduling.providers(this.api, this.room.code);
		} catch (reason) {
			this.state = asApiError(reason).passing ? 'unreachable' : 'unknown';
			return;
		}
		const [only] = this.consultations;
		if (only) this.consultation = only.id;
		if (!this.room.active || this.room.visits.appointment?.enabled === false) {
			this.state = 'not_offered';
			return;
		}
		this.#recall();
		if (!this.session) {
			this.state = this.room.auth?.guest?.log_in?.enabled === false ? 'not_offered' : 'who';
			return;
		}
		// A reload gave the time back as every other way out does: keep it again.
		const before = this.hold;
		this.hold = null;
		if (before && before.start * 1000 > this.#now()) {
			await this.choose(before);
			if (this.hold) return;
		}
		this.state = 'times';
		await this.show(this.#day || this.today);
	}

	/** Looks for another time of an appointment: same room, same provider, nothing kept. */
	async openFor(room: Room, provider: string, minutes: number, day: string): Promise<void> {
		this.room = room;
		this.provider = provider;
		this.#minutes = minutes;
		this.state = 'times';
		await this.show(day);
	}

	/** Somebody without an account says who the visit is for. The message of what went wrong, or null. */
	async signIn(guest: Guest): Promise<string | null> {
		try {
			const { first_name, last_name, dob } = guest;
			const body = { first_name, last_name, dob, room_code: this.room?.code ?? this.slug };
			await ok(this.api.http.POST('/users/guest_login', { body }));
			this.session = await findSession(this.api);
			if (!this.session) throw new ApiError(401, { message: t('guest.no_cookie'), error: 'no_cookie' });
		} catch (fault) {
			const error = asApiError(fault);
			return error.offline ? t('loading.failed') : error.message;
		}
		this.visitFor = guest;
		this.state = 'times';
		await this.show(this.#day || this.today);
		return null;
	}

	/** Shows the days from this one on. A later question makes the answer to an earlier one void. */
	async show(first: string): Promise<void> {
		const question = ++this.#asked;
		this.first = first < this.today ? this.today : first;
		this.days = null;
		this.next = undefined;
		this.failed = false;
		try {
			const days = await this.#find(this.first, SHOWN_DAYS);
			if (question !== this.#asked) return;
			this.days = days;
			if (days.size > 0) return;
			const next = await this.#look(addDays(this.first, SHOWN_DAYS));
			if (question === this.#asked) this.next = next;
		} catch {
			if (question === this.#asked) this.failed = true;
		}
	}

	async #find(first: string, days: number): Promise<Map<string, FreeTime[]>> {
		const start = Math.max(instantOf({ date: first, time: '00:00' }, this.zone), this.#now());
		const end = instantOf({ date: addDays(first, days), time: '00:00' }, this.zone);
		if (end <= start) return new Map();
		const times = await scheduling.freeTimes(
			this.api,
			this.#wish,
			Math.floor(start / 1000),
			Math.floor(end / 1000),
			this.#minutes,
		);
		return byDay(times, this.zone);
	}

	/** The first day from this one on with a free time. */
	async #look(from: string): Promise<string | null> {
		for (let first = from; first <= this.lastDay; first = addDays(first, AHEAD_DAYS)) {
			const [found] = (await this.#find(first, AHEAD_DAYS)).keys();
			if (found) return found;
		}
		return null;
	}

	/** Keeps a time while the patient writes why they come. The message of what went wrong, or null. */
	async choose(choice: Choice): Promise<string | null> {
		const wish = { ...this.#wish, provider_id: this.provider || choice.provider_id };
		try {
			const held = this.hold;
			this.hold = null;
			if (held) scheduling.release(this.api, held.id);
			this.hold = await scheduling.hold(this.api, wish, choice.start);
		} catch (fault) {
			const error = asApiError(fault);
			this.#remember();
			if (error.code === 'slot_taken') {
				this.nearest = nearestOf(error);
				this.state = 'times';
				await this.show(wallOf(choice.start * 1000, this.zone).date);
				return t('book.taken');
			}
			return error.offline ? t('loading.failed') : error.message;
		}
		this.nearest = [];
		this.state = 'details';
		this.#remember();
		return null;
	}

	async renew(): Promise<void> {
		if (!this.hold) return;
		this.hold = await scheduling.renew(this.api, this.hold.id);
		this.#remember();
	}

	/** Back to the times; what was kept is free again. */
	async back(): Promise<void> {
		const day = this.hold ? wallOf(this.hold.start * 1000, this.zone).date : this.today;
		this.leave();
		this.state = 'times';
		await this.show(day);
	}

	/** The patient chose something else. */
	leave(): void {
		if (this.hold) scheduling.release(this.api, this.hold.id);
		this.hold = null;
		this.#remember();
	}

	/** The page goes away. Whoever comes back to it finds the same time, if it is still free. */
	giveBack(): void {
		if (this.hold) scheduling.release(this.api, this.hold.id);
	}

	/** Books the kept time. A lost answer may be asked for again: the same papers make one visit. */
	async book(): Promise<{ visit: scheduling.Booked | { id: string } } | { problem: string }> {
		const held = this.hold;
		if (!held) return { problem: t('book.choose_first') };
		const room = this.room?.code ?? this.slug;
		try {
			this.#intake ??= await scheduling.addIntake(this.api, room, this.reason.trim(), this.language);
			const wish = { ...this.#wish, provider_id: held.provider_id };
			const visit = await scheduling.book(this.api, wish, this.#intake, held.start, held.end);
			this.#done();
			return { visit };
		} catch (fault) {
			const error = asApiError(fault);
			if (error.code === 'intake_already_used' && error.body?.visit_id) {
				this.#done();
				return { visit: { id: String(error.body.visit_id) } };
			}
			if (error.code === 'slot_taken') {
				this.nearest = nearestOf(error);
				this.hold = null;
				this.#remember();
				return { problem: t('book.taken') };
			}
			// The reason may be corrected before the next try: that makes new papers.
			if (!error.passing) this.#intake = null;
			return { problem: error.offline ? t('loading.failed') : error.message };
		}
	}

	#done(): void {
		this.hold = null;
		this.#intake = null;
		sessionStorage.removeItem(this.#place);
	}

	get #place(): string {
		return `bedside.booking.${this.slug}`;
	}

	/** The reason stays in this tab alone, and only until the visit is booked. */
	remember(): void {
		this.#remember();
	}

	#remember(): void {
		const kept: Kept = {
			provider_id: this.provider,
			consultation_id: this.consultation,
			reason: this.reason,
			language: this.language,
			hold: this.hold,
		};
		sessionStorage.setItem(this.#place, JSON.stringify(kept));
	}

	#recall(): void {
		const text = sessionStorage.getItem(this.#place);
		if (!text) return;
		const kept = JSON.parse(text) as Kept;
		if (this.providers.some((one) => one.id === kept.provider_id)) this.provider = kept.provider_id;
		if (this.consultations.some((one) => one.id === kept.consultation_id)) {
			this.consultation = kept.consultation_id;
		}
		this.reason = kept.reason;
		const offered = this.room?.interpreter_languages.some((one) => one.language === kept.language);
		this.language = offered ? kept.language : '';
		this.hold = kept.hold;
	}
}

function nearestOf(error: ApiError): Choice[] {
	const nearest = error.body?.nearest;
	return Array.isArray(nearest) ? (nearest as Choice[]) : [];
}
