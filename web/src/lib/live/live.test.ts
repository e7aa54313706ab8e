import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cookieSession } from '#lib/session/source.ts';
import { type LiveEvent, type LiveState, openLive } from './live.ts';

/** A server in a few lines: each connection is a stream the test writes to and ends. */
function fakeServer() {
	const connections: { headers: Headers; send: (text: string) => void; end: () => void }[] = [];
	let refusing = false;
	const answer = async (_input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
		if (refusing) throw new TypeError('network');
		let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
		const body = new ReadableStream<Uint8Array>({
			start(own) {
				controller = own;
			},
		});
		init?.signal?.addEventListener('abort', () => {
			try {
				controller?.error(new DOMException('aborted', 'AbortError'));
			} catch {
				// Ended before.
			}
		});
		connections.push({
			headers: new Headers(init?.headers),
			send: (text) => controller?.enqueue(new TextEncoder().encode(text)),
			end: () => controller?.close(),
		});
		return new Response(body);
	};
	return {
		connections,
		fetch: answer as typeof fetch,
		refuse: (value: boolean) => {
			refusing = value;
		},
	};
}

beforeEach(() => {
	vi.useFakeTimers();
});

afterEach(() => {
	vi.useRealTimers();
});

function follow(server: ReturnType<typeof fakeServer>) {
	const events: LiveEvent[] = [];
	const states: LiveState['status'][] = [];
	const onRefresh = vi.fn();
	const live = openLive({
		source: cookieSession('patient'),
		fetch: server.fetch,
		onEvent: (event) => events.push(event),
		onState: (state) => states.push(state.status),
		onRefresh,
		backoffMs: () => 1000,
	});
	return { live, events, states, onRefresh };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const frame = (id: number) =>
	`id: ${id}\nevent: visit.updated\ndata: {"type":"visit.updated","seq":${id}}\n\n`;

describe('live updates', () => {
	it('looks at everything on hello and hands out events', async () => {
		const server = fakeServer();
		const { live, events, onRefresh } = follow(server);
		await settle();
		server.connections[0]?.send('event: hello\nid: 3\ndata: {}\n\n');
		server.connections[0]?.send(frame(4));
		await settle();
		expect(onRefresh).toHaveBeenCalledTimes(1);
		expect(events.map((event) => event.seq)).toEqual([4]);
		expect(live.state.status).toBe('live');
		live.close();
	});

	it('resumes after the last event it saw, with the kind of session it has', async () => {
		const server = fakeServer();
		const { live, states } = follow(server);
		await settle();
		expect(server.connections[0]?.headers.get('last-event-id')).toBeNull();
		server.connections[0]?.send(frame(9));
		await settle();
		server.connections[0]?.end();
		await settle();
		expect(states).toEqual(['live', 'lost']);
		await vi.advanceTimersByTimeAsync(1000);
		expect(server.connections[1]?.headers.get('last-event-id')).toBe('9');
		expect(server.connections[1]?.headers.get('x-session-kind')).toBe('patient');
		expect(states).toEqual(['live', 'lost', 'live']);
		live.close();
	});

	it('polls while the stream is away, and stops when it is back', async () => {
		const server = fakeServer();
		const { live, onRefresh } = follow(server);
		await settle();
		server.refuse(true);
		server.connections[0]?.end();
		await vi.advanceTimersByTimeAsync(30_500);
		expect(onRefresh).toHaveBeenCalledTimes(3);
		server.refuse(false);
		await vi.advanceTimersByTimeAsync(1000);
		expect(live.state.status).toBe('live');
		for (let beat = 0; beat < 4; beat += 1) {
			server.connections.at(-1)?.send(': beat\n\n');
			await vi.advanceTimersByTimeAsync(15_000);
		}
		expect(onRefresh).toHaveBeenCalledTimes(3);
		live.close();
	});

	it('takes a silent stream for dead', async () => {
		const server = fakeServer();
		const { live, states } = follow(server);
		await settle();
		server.connections[0]?.send(': beat\n\n');
		await vi.advanceTimersByTimeAsync(34_000);
		expect(states).toEqual(['live']);
		await vi.advanceTimersByTimeAsync(3000);
		expect(states).toEqual(['live', 'lost', 'live']);
		expect(server.connections).toHaveLength(2);
		live.close();
	});

	it('is quiet after close', async () => {
		const server = fakeServer();
		const { live, states } = follow(server);
		await settle();
		live.close();
		await vi.advanceTimersByTimeAsync(60_000);
		expect(server.connections).toHaveLength(1);
		expect(states).toEqual(['live']);
	});
});
