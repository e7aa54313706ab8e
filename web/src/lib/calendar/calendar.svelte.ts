// The provider's calendar: which days are shown on whose clock, and what stands there. Pages show it; it shows nothing.
import { type Api, ApiError, asApiError } from '#lib/api/client.ts';
import type { Closure, SessionInfo, Slot, Visit } from '#lib/api/types.ts';
import { type Live, type LiveState, openLive } from '#lib/live/live.ts';
import * as queue from '#lib/queue/queue.ts';
import { type Known, type Span, spanOf } from './clashes.ts';
import { allOpenings, type Opening } from './hours.ts';
import * as scheduling from './scheduling.ts';
import { addDays, instantOf, isDate, ownZone, wallOf, weekOf } from './zone.ts';

export type View = 'week' | 'day' | 'list';

/** Which call a tab of the dashboard is in; the dashboard reads it when it opens. */
const CALL_KEY = 'bedside:provider-call';

/** Staff's own words for what did not work, and the error it came from. */
export interface Refusal {
	words: string;
	code: string;
	requestId: string | null;
	/** The nearest free times, when the server named some; ms. */
	nearest: Span[];
	/** How many appointments stand in hours that were to go. */
	bookings: number;
	/** Going over the rules for bookings would help. */
	overridable: boolean;
}

interface Near {
	start: number;
	end: number;
}

export function refusalOf(reason: unknown): Refusal {
	const error = asApiError(reason);
	const named = error.body?.nearest;
	const nearest = Array.isArray(named) ? (named as Near[]) : [];
	const [field] = Object.values(error.fields);
	return {
		words: field ?? error.message,
		code: error.code,
		requestId: error.status >= 500 ? error.requestId : null,
		nearest: nearest.map(({ start, end }) => ({ start: start * 1000, end: end * 1000 })),
		bookings: Number(error.body?.bookings ?? 0),
		overridable: error.code === 'slot_taken' || 'start' in error.fields || error.code === 'slot_in_past',
	};
}

export class Calendar {
	readonly me: string;
	readonly own = ownZone();
	view = $state<View>('week');
	/** The day that is shown, or a day of the week that is. */
	date = $state('');
	/** The clock that everything is shown on. */
	zone = $state('');
	desks = $state.raw<scheduling.Desk[]>([]);
	rules = $state.raw<Slot[]>([]);
	closures = $state.raw<Closure[]>([]);
	visits = $state.raw<Visit[]>([]);
	/** False until the first answer: an empty calendar is a fact, not a guess. */
	loaded = $state(false);
	live = $state.raw<LiveState>({ status: 'connecting', heardAt: null });
	now = $state(Date.now());
	/** Why the calendar could not be read, while what is shown is older than that. */
	refusal = $state.raw<Refusal | null>(null);

	private stream: Live | null = null;
	private ticker: ReturnType<typeof setInterval> | undefined;
	private soon: ReturnType<typeof setTimeout> | undefined;
	private asked = 0;
	private answered = 0;

	constructor(
		readonly api: Api,
		readonly session: SessionInfo,
		narrow: boolean,
	) {
		this.me = session.user.id;
		this.zone = this.own;
		const query = new URL(location.href).searchParams;
		const view = query.get('view');
		this.view = view === 'week' || view === 'day' || view === 'list' ? view : narrow ? 'day' : 'week';
		const date = query.get('date') ?? '';
		this.date = isDate(date) ? date : this.today;
	}

	start(): void {
		this.stream = openLive({
			source: this.api.source,
			onEvent: (event) => {
				if (/^(visit|slots|room)\./.test(event.type)) this.refreshSoon();
			},
			onRefresh: () => this.refresh(),
			onState: (state) => {
				this.live = state;
			},
		});
		this.ticker = setInterval(() => {
			this.now = Date.now();
		}, 15_000);
		void this.refreshDesks();
		void this.refresh();
	}

	stop(): void {
		clearInterval(this.ticker);
		clearTimeout(this.soon);
		this.stream?.close();
	}

	get today(): string {
		return wallOf(this.now, this.zone).date;
	}

	/** The clinic's clock, when it is another one than this page's. */
	get clinicZone(): string | null {
		const others = this.desks.map((desk) => desk.timezone).filter((zone) => !this.sameClock(zone, this.own));
		return others[0] ?? null;
	}

	/** First and last day that are shown. */
	get days(): { first: string; count: number } {
		if (this.view === 'day') return { first: this.date, count: 1 };
		return { first: weekOf(this.date), count: 7 };
	}

	/** What is shown, in ms. */
	get range(): Span {
		const { first, count } = this.days;
		const midnight = (date: string) => instantOf({ date, time: '00:00' }, this.zone);
		return { start: midnight(first), end: midnight(addDays(first, count)) };
	}

	get openings(): Opening[] {
		return allOpenings(this.rules, this.range.start, this.range.end);
	}

	/** What is known of a span that is shown; what lies elsewhere only the server knows. */
	get known(): Known {
		return { visits: this.visits, closures: this.closures, openings: this.openings };
	}

	/** Where appointments are made; when no room takes any, all of them, and the server says so. */
	get bookable(): scheduling.Desk[] {
		const open = this.desks.filter((desk) => desk.appointments);
		return open.length > 0 ? open : this.desks;
	}

	desk(code: string): scheduling.Desk | null {
		return this.desks.find((desk) => desk.code === code) ?? null;
	}

	show(view: View, date = this.date): void {
		this.view = view;
		this.date = date;
		const url = new URL(location.href);
		url.searchParams.set('view', view);
		url.searchParams.set('date', date);
		history.replaceState(history.state, '', url);
		void this.refresh();
	}

	/** One page forward or back. */
	turn(by: 1 | -1): void {
		this.show(this.view, addDays(this.date, by * (this.view === 'day' ? 1 : 7)));
	}

	onClock(zone: string): void {
		this.zone = zone;
		void this.refresh();
	}

	/** One change tells itself by several events: they share one question. */
	private refreshSoon(): void {
		this.soon ??= setTimeout(() => {
			this.soon = undefined;
			void this.refresh();
		}, 120);
	}

	async refreshDesks(): Promise<void> {
		try {
			this.desks = await scheduling.desks(this.api);
		} catch (reason) {
			this.signOutOn(reason);
		}
	}

	async refresh(): Promise<void> {
		this.asked += 1;
		const turn = this.asked;
		const [start, end] = [Math.floor(this.range.start / 1000), Math.ceil(this.range.end / 1000)];
		try {
			const [rules, closures, visits] = await Promise.all([
				scheduling.slots(this.api, this.me, start, end),
				scheduling.closures(this.api, this.me, start, end),
				// What began the day before may reach into the first one.
				scheduling.appointments(this.api, this.me, start - 86_400, end),
			]);
			if (turn < this.answered) return;
			this.answered = turn;
			this.rules = rules;
			this.closures = closures;
			this.visits = visits;
			this.loaded = true;
			this.refusal = null;
			this.now = Date.now();
			this.stream?.heard();
		} catch (reason) {
			this.signOutOn(reason);
			if (turn >= this.answered) this.refusal = refusalOf(reason);
		}
	}

	/** Runs a change and reads the calendar again; null when it worked, else why not. */
	async change(request: () => Promise<unknown>): Promise<Refusal | null> {
		try {
			await request();
			void this.refresh();
			return null;
		} catch (reason) {
			this.signOutOn(reason);
			void this.refresh();
			return refusalOf(reason);
		}
	}

	/** Moves an appointment at once and takes it back when the server refuses. */
	async move(
		visit: Visit,
		to: Span,
		scope: scheduling.Scope = 'this',
		override: scheduling.Override | null = null,
	): Promise<Refusal | null> {
		const before = this.visits;
		const [start, end] = [to.start / 1000, to.end / 1000];
		this.visits = before.map((each) => (each.id === visit.id ? { ...each, start, end } : each));
		// What was asked before this change knows less than it does.
		this.asked += 1;
		this.answered = this.asked;
		const refusal = await this.change(() => scheduling.move(this.api, visit.id, start, end, scope, override));
		if (refusal) {
			const old = spanOf(visit);
			this.visits = this.visits.map((each) =>
				each.id === visit.id ? { ...each, start: old.start / 1000, end: old.end / 1000 } : each,
			);
		}
		return refusal;
	}

	/** Takes the visit, so that the dashboard opens in its call. */
	async join(visit: Visit): Promise<Refusal | null> {
		const taken = Number(visit.status) === 25 && visit.provider_id === this.me;
		const refusal = taken
			? null
			: await this.change(() => queue.accept(this.api, visit.id, visit.provider_id !== this.me));
		if (!refusal) sessionStorage.setItem(CALL_KEY, visit.id);
		return refusal;
	}

	/** True when two zones show the same time all year round. */
	private sameClock(one: string, other: string): boolean {
		const year = Number(wallOf(this.now, 'UTC').date.slice(0, 4));
		return [0, 3, 6, 9].every((month) => {
			const at = Date.UTC(year, month, 15, 12);
			return JSON.stringify(wallOf(at, one)) === JSON.stringify(wallOf(at, other));
		});
	}

	/** A session that ended has one way on: sign in again and come back here. */
	private signOutOn(reason: unknown): void {
		if (!(reason instanceof ApiError) || reason.status !== 401) return;
		this.stop();
		location.assign(`/providers/login?next=${encodeURIComponent(location.pathname + location.search)}`);
	}
}
