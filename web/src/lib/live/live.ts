// Live updates: one stream that resumes where it stopped, tells when it was last heard, and polls while it is away.
import { address } from '#lib/api/client.ts';
import type { SessionSource } from '#lib/session/source.ts';
import { createFrameReader } from './sse.ts';

export interface LiveEvent {
	id: string;
	seq: number;
	type: string;
	created_at: number | string;
	visit_id: string | null;
	room_id: string | null;
	user_id: string | null;
	data: Record<string, unknown>;
}

export interface LiveState {
	/** `connecting` only before the first word; later silence is `lost`. */
	status: 'connecting' | 'live' | 'lost';
	/** When the server was last heard from on any way, in ms; null before the first time. */
	heardAt: number | null;
}

export interface LiveOptions {
	source: SessionSource;
	/** One event. Refetch what it names; the event itself carries ids and states only. */
	onEvent?: (event: LiveEvent) => void;
	/** Look at everything again: after connecting, after waking up, and regularly while the stream is away. */
	onRefresh: () => unknown;
	onState?: (state: LiveState) => void;
	fetch?: typeof fetch;
	now?: () => number;
	/** A stream silent for longer than this is taken for dead; the server speaks every 15 s. */
	silenceMs?: number;
	pollMs?: number;
	backoffMs?: (attempt: number) => number;
}

export interface Live {
	readonly state: LiveState;
	/** Something else (a poll) heard the server too. */
	heard(): void;
	close(): void;
}

const ears = new Set<() => void>();

/** Tells when any stream of this page has brought something, for what no stream of its own is worth; gives the way to stop. */
export function onAnyNews(heed: () => void): () => void {
	ears.add(heed);
	return () => ears.delete(heed);
}

const steps = [500, 1000, 2000, 4000, 8000, 15_000];

export function openLive(options: LiveOptions): Live {
	const now = options.now ?? (() => Date.now());
	const send = options.fetch ?? ((input: RequestInfo | URL, init?: RequestInit) => fetch(input, init));
	const silence = options.silenceMs ?? 35_000;
	const backoff = options.backoffMs ?? ((n: number) => steps[Math.min(n, steps.length - 1)] ?? 15_000);
	const state: LiveState = { status: 'connecting', heardAt: null };

	let closed = false;
	let running = false;
	let attempt = 0;
	let lastId: string | null = null;
	let abort: AbortController | null = null;
	let watchdog: ReturnType<typeof setTimeout> | undefined;
	let retry: ReturnType<typeof setTimeout> | undefined;
	let poll: ReturnType<typeof setInterval> | undefined;

	function tell(status: LiveState['status']) {
		const changed = state.status !== status;
		state.status = status;
		if (status === 'lost' && poll === undefined) {
			poll = setInterval(() => void options.onRefresh(), options.pollMs ?? 10_000);
		} else if (status === 'live' && poll !== undefined) {
			clearInterval(poll);
			poll = undefined;
		}
		if (changed) options.onState?.({ ...state });
	}

	function guard() {
		clearTimeout(watchdog);
		watchdog = setTimeout(() => abort?.abort(), silence);
	}

	function heard() {
		state.heardAt = now();
		guard();
	}

	function schedule(ms: number) {
		clearTimeout(retry);
		retry = setTimeout(() => void run(), ms);
	}

	function dispatch(frame: { id: string | null; event: string; data: string }) {
		if (frame.id !== null && frame.id !== '') lastId = frame.id;
		if (frame.event === 'hello') {
			void options.onRefresh();
			return;
		}
		for (const heed of ears) heed();
		try {
			options.onEvent?.(JSON.parse(frame.data) as LiveEvent);
		} catch {
			// An event that cannot be read still means that something changed.
			void options.onRefresh();
		}
	}

	async function run() {
		abort = new AbortController();
		running = true;
		guard();
		const headers: Record<string, string> = { accept: 'text/event-stream', ...options.source.headers() };
		if (lastId !== null) headers['Last-Event-ID'] = lastId;
		try {
			const response = await send(address('/events/stream', options.source.query()), {
				headers,
				credentials: 'same-origin',
				cache: 'no-store',
				signal: abort.signal,
			});
			if (!response.ok || !response.body) throw new Error(`stream answered ${response.status}`);
			const reader = response.body.getReader();
			const decoder = new TextDecoder();
			const feed = createFrameReader(dispatch);
			attempt = 0;
			heard();
			tell('live');
			for (;;) {
				const { done, value } = await reader.read();
				if (done || closed) break;
				heard();
				feed(decoder.decode(value, { stream: true }));
			}
		} catch {
			// Told below: a stream that ended for any reason is a stream to open again.
		}
		clearTimeout(watchdog);
		running = false;
		if (closed) return;
		tell('lost');
		schedule(backoff(attempt));
		attempt += 1;
	}

	function reconnectNow() {
		if (closed || state.status === 'live') return;
		attempt = 0;
		// A running attempt may hang on the network that went away: end it, and it schedules the next.
		if (running) abort?.abort();
		else schedule(0);
	}

	function onVisible() {
		if (closed || document.visibilityState !== 'visible') return;
		void options.onRefresh();
		// A phone that slept may hold a dead stream without knowing.
		if (state.heardAt !== null && now() - state.heardAt > silence) abort?.abort();
	}

	if (typeof window !== 'undefined') {
		window.addEventListener('online', reconnectNow);
		document.addEventListener('visibilitychange', onVisible);
	}
	void run();

	return {
		get state() {
			return { ...state };
		},
		heard() {
			state.heardAt = now();
		},
		close() {
			closed = true;
			clearTimeout(watchdog);
			clearTimeout(retry);
			clearInterval(poll);
			abort?.abort();
			if (typeof window !== 'undefined') {
				window.removeEventListener('online', reconnectNow);
				document.removeEventListener('visibilitychange', onVisible);
			}
		},
	};
}
