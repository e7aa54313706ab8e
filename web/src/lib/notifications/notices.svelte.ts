// A person's notifications on one page: how many are new, and the list once somebody opens it. Shows nothing itself.
import { type Api, asApiError, ok } from '#lib/api/client.ts';
import type { Notice } from '#lib/api/types.ts';
import { onAnyNews } from '#lib/live/live.ts';
import { joined } from './notices.ts';

/** Where no stream says that something happened, somebody looks this often; ms. */
const LOOK_MS = 30_000;
/** A fact becomes a notification shortly after it; ms. */
const AFTER_MS = [600, 3_000];
const PAGE = 20;

export class Notices {
	/** How many are new since this person looked last. */
	badge = $state(0);
	list: Notice[] = $state.raw([]);
	/** The list was read: an empty one is a fact. */
	loaded = $state(false);
	more = $state(false);
	busy = $state(false);
	problem = $state('');
	private open = false;
	private asked = 0;
	private deaf: () => void = () => undefined;
	private ticker: ReturnType<typeof setInterval> | undefined;
	private soon: ReturnType<typeof setTimeout>[] = [];
	private readonly woken = () => {
		if (document.visibilityState === 'visible') void this.count();
	};

	constructor(private readonly api: Api) {}

	start(): void {
		void this.count();
		this.ticker = setInterval(() => void this.count(), LOOK_MS);
		this.deaf = onAnyNews(() => this.countSoon());
		document.addEventListener('visibilitychange', this.woken);
	}

	stop(): void {
		clearInterval(this.ticker);
		for (const timer of this.soon) clearTimeout(timer);
		this.deaf();
		document.removeEventListener('visibilitychange', this.woken);
	}

	private countSoon(): void {
		for (const timer of this.soon) clearTimeout(timer);
		this.soon = AFTER_MS.map((ms) => setTimeout(() => void this.count(), ms));
	}

	/** Asks how many are new. With the list open, they are put into it instead. */
	async count(): Promise<void> {
		if (document.visibilityState !== 'visible') return;
		this.asked += 1;
		const mine = this.asked;
		try {
			const { badge } = (await ok(this.api.http.GET('/notifications/badge'))).data;
			if (mine !== this.asked) return;
			if (this.open && badge > 0) await this.look();
			else this.badge = badge;
		} catch {
			// The number of before stays: the next look is soon.
		}
	}

	/** The list is shown: it is read anew, and nothing is new any more. */
	async show(): Promise<void> {
		this.open = true;
		await this.look();
	}

	hide(): void {
		this.open = false;
	}

	private async look(): Promise<void> {
		this.busy = true;
		try {
			await this.read(0);
			this.badge = 0;
			await ok(this.api.http.POST('/notifications/badge/reset')).catch(() => undefined);
		} catch (reason) {
			this.problem = asApiError(reason).message;
		}
		this.busy = false;
	}

	/** Older ones. */
	async showMore(): Promise<void> {
		this.busy = true;
		try {
			await this.read(this.list.length);
		} catch (reason) {
			this.problem = asApiError(reason).message;
		}
		this.busy = false;
	}

	private async read(start: number): Promise<void> {
		const query = { start, limit: PAGE };
		const page = await ok(this.api.http.GET('/notifications', { params: { query } }));
		this.list = joined(this.list, page.data as Notice[]);
		this.more = this.list.length < (page.total_count ?? 0);
		this.loaded = true;
		this.problem = '';
	}

	get unread(): Notice[] {
		return this.list.filter((notice) => !notice.read);
	}

	/** Somebody read it; what they do next does not wait for the server. */
	async markRead(notices: readonly Notice[]): Promise<void> {
		const ids = new Set(notices.filter((notice) => !notice.read).map(({ id }) => id));
		this.list = this.list.map((notice) => (ids.has(notice.id) ? { ...notice, read: true } : notice));
		for (const id of ids) {
			const path = { params: { path: { id } } };
			await ok(this.api.http.POST('/notifications/{id}/read', path)).catch(() => undefined);
		}
	}
}
