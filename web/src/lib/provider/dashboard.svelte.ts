// The provider's desk: who waits, which visit is open, which call is entered. Pages show it; it shows nothing itself.
import { type Api, ApiError, asApiError } from '#lib/api/client.ts';
import type { SessionInfo, Visit } from '#lib/api/types.ts';
import { type Live, type LiveState, openLive } from '#lib/live/live.ts';
import * as alert from '#lib/queue/alert.ts';
import * as queue from '#lib/queue/queue.ts';
import { arrange, mine, nextDeparture, type Row } from '#lib/queue/rows.ts';
import { hasCall } from '#lib/visits/state.ts';

/** Somebody who falls silent makes no event: the list is asked for again this often, in ms. */
const PRESENCE_MS = 30_000;

/** Which call this tab is in; a reload returns to it, another tab does not. */
const CALL_KEY = 'bedside:provider-call';

export interface Problem {
	words: string;
	requestId: string | null;
}

export class Dashboard {
	readonly me: string;
	rows = $state.raw<Row<Visit>[]>([]);
	own = $state.raw<Visit[]>([]);
	done = $state.raw<Visit[]>([]);
	rooms = $state.raw<queue.AssignedRoom[]>([]);
	/** False until the first list arrived: an empty list is a fact, not a guess. */
	loaded = $state(false);
	live = $state.raw<LiveState>({ status: 'connecting', heardAt: null });
	/** Whose intake the middle shows. */
	selectedId = $state<string | null>(null);
	/** Whose call this tab is in. */
	callId = $state<string | null>(null);
	/** Which visit a request runs for; its buttons wait. */
	busyId = $state<string | null>(null);
	problem = $state.raw<Problem | null>(null);
	alerts = $state.raw<alert.AlertState>(alert.quiet);
	/** Spoken to screen readers when somebody arrives. */
	now = $state(Date.now());

	private readonly guestEars = new Set<(visit: string | null) => void>();
	private readonly messageEars = new Set<(visit: string | null) => void>();
	private held = false;
	private stream: Live | null = null;
	private ticker: ReturnType<typeof setInterval> | undefined;
	private looker: ReturnType<typeof setInterval> | undefined;
	private soon: ReturnType<typeof setTimeout> | undefined;
	private latest: Visit[] = [];
	/** Counts the reads, so that a slow old answer never replaces a newer one. */
	private asked = 0;
	private answered = 0;

	constructor(
		private readonly api: Api,
		readonly session: SessionInfo,
		private readonly play: () => void,
		private readonly onArrival: (visits: Visit[]) => void,
	) {
		this.me = session.user.id;
		this.selectedId = new URL(location.href).searchParams.get('visit');
		this.callId = sessionStorage.getItem(CALL_KEY);
	}

	start(): void {
		this.stream = openLive({
			source: this.api.source,
			onEvent: (event) => {
				if (/^(visit|queue|call)\./.test(event.type)) this.refreshSoon();
				if (/^(guest|call|visit\.interpreter)\./.test(event.type))
					for (const heed of this.guestEars) heed(event.visit_id);
				if (event.type.startsWith('message.')) for (const heed of this.messageEars) heed(event.visit_id);
				if (event.type === 'visit.ended') void this.refreshDone();
				if (event.type.startsWith('room.')) void this.refreshRooms();
			},
			onRefresh: () => {
				for (const heed of this.messageEars) heed(null);
				return this.refresh();
			},
			onState: (state) => {
				this.live = state;
			},
		});
		this.ticker = setInterval(() => this.tick(), 1000);
		this.looker = setInterval(() => this.refreshSoon(), PRESENCE_MS);
		void this.refresh();
		void this.refreshDone();
		void this.refreshRooms();
	}

	/** Tells when something about a visit's guests or its call has changed; gives the way to stop. */
	onGuests(heed: (visit: string | null) => void): () => void {
		this.guestEars.add(heed);
		return () => this.guestEars.delete(heed);
	}

	/** Tells when something was said or read at a visit; gives the way to stop. */
	onMessages(heed: (visit: string | null) => void): () => void {
		this.messageEars.add(heed);
		return () => this.messageEars.delete(heed);
	}

	stop(): void {
		clearInterval(this.ticker);
		clearInterval(this.looker);
		clearTimeout(this.soon);
		this.stream?.close();
	}

	/** The visit whose intake is shown: the one of the call, else the chosen one, else an own one, else the next. */
	get shown(): Visit | null {
		return (
			this.find(this.callId) ??
			this.find(this.selectedId) ??
			this.own[0] ??
			this.rows.find((row) => row.state === 'waiting')?.visit ??
			null
		);
	}

	get waiting(): Row<Visit>[] {
		return this.rows.filter((row) => row.state === 'waiting');
	}

	/** The row that key n takes. */
	get top(): Visit | null {
		return this.waiting[0]?.visit ?? null;
	}

	get muted(): boolean {
		return alert.isMuted(this.alerts, this.now);
	}

	find(id: string | null): Visit | null {
		if (id === null) return null;
		return (
			this.own.find((visit) => visit.id === id) ??
			this.waiting.find((row) => row.visit.id === id)?.visit ??
			null
		);
	}

	isMine(visit: Visit): boolean {
		return this.own.some((each) => each.id === visit.id);
	}

	select(id: string | null): void {
		this.selectedId = id;
		this.problem = null;
		const url = new URL(location.href);
		if (id === null) url.searchParams.delete('visit');
		else url.searchParams.set('visit', id);
		history.replaceState(history.state, '', url);
	}

	/** While the pointer is over the list nothing in it moves. */
	hold(held: boolean): void {
		if (this.held === held) return;
		this.held = held;
		if (!held) this.arrange();
	}

	/** One change tells itself by several events: they share one question. */
	private refreshSoon(): void {
		this.soon ??= setTimeout(() => {
			this.soon = undefined;
			void this.refresh();
		}, 80);
	}

	async refresh(): Promise<void> {
		this.asked += 1;
		const turn = this.asked;
		try {
			const visits = await queue.list(this.api);
			if (turn < this.answered) return;
			this.answered = turn;
			this.hear();
			this.latest = visits;
			this.arrange();
			this.loaded = true;
		} catch (reason) {
			this.signOutOn(reason);
		}
	}

	/** An answer to a question counts as having heard the server, too. */
	private hear(): void {
		this.stream?.heard();
		if (this.stream) this.live = this.stream.state;
	}

	async refreshDone(): Promise<void> {
		const midnight = new Date();
		midnight.setHours(0, 0, 0, 0);
		const from = Math.floor(midnight.getTime() / 1000);
		try {
			this.done = await queue.done(this.api, this.me, from, from + 86_400);
		} catch (reason) {
			this.signOutOn(reason);
		}
	}

	async refreshRooms(): Promise<void> {
		try {
			this.rooms = await queue.rooms(this.api);
		} catch (reason) {
			this.signOutOn(reason);
		}
	}

	/** Takes a visit and enters its call. Answers false when it was not taken; `problem` or `confirmId` say why. */
	async take(visit: Visit, confirmed = false): Promise<boolean> {
		const taken = await this.act(visit.id, () => queue.accept(this.api, visit.id, confirmed));
		if (!taken) return false;
		this.own = [taken, ...this.own.filter((each) => each.id !== taken.id)];
		this.rows = this.rows.filter((row) => row.visit.id !== taken.id);
		this.select(taken.id);
		if (hasCall(taken)) this.enter(taken.id);
		void this.refresh();
		return true;
	}

	/** True when somebody should confirm first: the patient asked for a colleague. */
	asksForColleague(visit: Visit): boolean {
		return visit.requested_provider_id !== null && visit.requested_provider_id !== this.me;
	}

	enter(id: string): void {
		this.callId = id;
		this.selectedId = id;
		sessionStorage.setItem(CALL_KEY, id);
	}

	/** Leaves the call; the visit goes on and stays on top. */
	leave(): void {
		this.callId = null;
		sessionStorage.removeItem(CALL_KEY);
	}

	async putBack(visit: Visit): Promise<void> {
		const back = await this.act(visit.id, () => queue.putBack(this.api, visit.id));
		if (back) this.forget(visit.id);
	}

	async complete(visit: Visit): Promise<boolean> {
		const ended = await this.act(visit.id, () => queue.complete(this.api, visit.id));
		if (!ended) return false;
		this.forget(visit.id);
		void this.refreshDone();
		return true;
	}

	seen(): void {
		this.alerts = alert.seen(this.alerts);
	}

	toggleMute(): void {
		this.alerts = this.muted ? alert.unmute(this.alerts) : alert.mute(this.alerts, this.now);
	}

	private forget(id: string): void {
		this.own = this.own.filter((each) => each.id !== id);
		if (this.callId === id) this.leave();
		if (this.selectedId === id) this.select(null);
		void this.refresh();
	}

	private async act(id: string, request: () => Promise<Visit>): Promise<Visit | null> {
		if (this.busyId !== null) return null;
		this.busyId = id;
		this.problem = null;
		try {
			const changed = await request();
			// What was asked before this answer knows less than it does.
			this.asked += 1;
			this.answered = this.asked;
			this.latest = this.latest.map((visit) => (visit.id === id ? changed : visit));
			return changed;
		} catch (reason) {
			this.signOutOn(reason);
			const error = asApiError(reason);
			this.problem = { words: error.message, requestId: error.requestId };
			void this.refresh();
			return null;
		} finally {
			this.busyId = null;
		}
	}

	private arrange(): void {
		const before = new Set(this.rows.map((row) => row.visit.id));
		this.rows = arrange(this.rows, this.latest, this.me, Date.now(), this.held);
		this.own = mine(this.latest, this.me);
		// A call whose visit is over for this provider is over too.
		if (this.loaded && this.callId !== null && !this.own.some((visit) => visit.id === this.callId))
			this.leave();
		const waiting = this.waiting.map((row) => row.visit);
		const arrivals = waiting.filter((visit) => !before.has(visit.id));
		this.alerts = alert.arrived(
			this.alerts,
			waiting.map((visit) => visit.id),
		);
		if (this.loaded && arrivals.length > 0) this.onArrival(arrivals);
	}

	private tick(): void {
		this.now = Date.now();
		const departure = nextDeparture(this.rows);
		if (departure !== null && departure <= this.now) this.arrange();
		const step = alert.tick(this.alerts, this.now);
		this.alerts = step.state;
		if (step.play) this.play();
	}

	/** A session that ended has one way on: sign in again and come back here. */
	private signOutOn(reason: unknown): void {
		if (!(reason instanceof ApiError) || reason.status !== 401) return;
		this.stop();
		location.assign(`/providers/login?next=${encodeURIComponent(location.pathname + location.search)}`);
	}
}
