// Tries each way to the calls of this server, as a call would take it: a connection with one data channel whose bytes
// come back. Nothing is recorded, and no camera is asked for.

export const ways = ['web', 'udp', 'tcp', 'turn_udp', 'turn_tcp', 'turn_tls'] as const;
export type Way = (typeof ways)[number];

/** `absent`: this server does not offer the way. */
export type State = 'trying' | 'works' | 'fails' | 'absent';

export interface Found {
	state: State;
	/** There and back, in milliseconds. */
	ms?: number;
}

interface IceServer {
	urls: string[];
	username: string;
	credential: string;
}

/** A way that has not worked by then does not. */
const PATIENCE_MS = 12_000;

/** Where the test's doors are, at the root of the server whatever page this is. */
const door = '/rtc/test';

async function offered(): Promise<IceServer[]> {
	const answer = await fetch(door);
	if (!answer.ok) throw new Error(`status ${answer.status}`);
	return ((await answer.json()) as { ice_servers: IceServer[] }).ice_servers;
}

/** The candidates of one transport, of all that an answer names. */
export function only(sdp: string, transport: 'udp' | 'tcp'): string {
	const stays = (line: string) =>
		!line.startsWith('a=candidate:') || line.split(' ')[2]?.toLowerCase() === transport;
	return sdp.split('\r\n').filter(stays).join('\r\n');
}

/** The relay's addresses that belong to a way. */
export function relays(servers: readonly IceServer[], way: Way): IceServer[] {
	const fits: Partial<Record<Way, (url: string) => boolean>> = {
		turn_udp: (url) => url.startsWith('turn:') && url.endsWith('transport=udp'),
		turn_tcp: (url) => url.startsWith('turn:') && url.endsWith('transport=tcp'),
		turn_tls: (url) => url.startsWith('turns:'),
	};
	const of = fits[way];
	if (!of) return [];
	const mine = servers.map((server) => ({ ...server, urls: server.urls.filter(of) }));
	return mine.filter((server) => server.urls.length > 0);
}

function socket(): Promise<Found> {
	return new Promise((resolve) => {
		const began = performance.now();
		const url = new URL(`${door}/socket`, location.href);
		url.protocol = url.protocol.replace('http', 'ws');
		const end = (found: Found) => {
			clearTimeout(timer);
			resolve(found);
			tried.close();
		};
		const tried = new WebSocket(url);
		const timer = setTimeout(() => end({ state: 'fails' }), PATIENCE_MS);
		tried.onmessage = () => end({ state: 'works', ms: performance.now() - began });
		tried.onerror = () => end({ state: 'fails' });
		tried.onclose = () => end({ state: 'fails' });
	});
}

async function connect(way: Way, iceServers: IceServer[]): Promise<Found> {
	const isRelayed = way.startsWith('turn');
	if (isRelayed && iceServers.length === 0) return { state: 'absent' };
	const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: isRelayed ? 'relay' : 'all' });
	let timer: ReturnType<typeof setTimeout> | undefined;
	try {
		const channel = connection.createDataChannel('_reliable');
		const came = new Promise<Found>((resolve) => {
			let sent = 0;
			timer = setTimeout(() => resolve({ state: 'fails' }), PATIENCE_MS);
			channel.onopen = () => {
				sent = performance.now();
				channel.send('there and back');
			};
			channel.onmessage = () => resolve({ state: 'works', ms: performance.now() - sent });
		});
		await connection.setLocalDescription();
		const answer = await fetch(door, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({ sdp: connection.localDescription?.sdp }),
		});
		if (!answer.ok) return { state: 'fails' };
		const sdp = only(((await answer.json()) as { sdp: string }).sdp, way === 'tcp' ? 'tcp' : 'udp');
		if (!sdp.includes('a=candidate:')) return { state: 'absent' };
		await connection.setRemoteDescription({ type: 'answer', sdp });
		return await came;
	} catch {
		return { state: 'fails' };
	} finally {
		clearTimeout(timer);
		connection.close();
	}
}

/** Tries every way at once, and tells each result as it comes. */
export async function tryAll(tell: (way: Way, found: Found) => void): Promise<void> {
	for (const way of ways) tell(way, { state: 'trying' });
	const [web, servers] = await Promise.all([socket(), offered().catch(() => null)]);
	tell('web', servers === null ? { state: 'fails' } : web);
	const others = ways.slice(1).map(async (way) => {
		tell(way, servers === null ? { state: 'fails' } : await connect(way, relays(servers, way)));
	});
	await Promise.all(others);
}

export type Verdict = 'good' | 'detour' | 'blocked' | 'offline';

/** What all of it means for a call. */
export function verdict(found: Readonly<Record<Way, Found>>): Verdict {
	const works = (way: Way) => found[way].state === 'works';
	if (!works('web')) return 'offline';
	if (works('udp')) return 'good';
	return ways.slice(2).some(works) ? 'detour' : 'blocked';
}
