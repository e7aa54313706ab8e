// What a locked page does with its calls: they wait until its person is back, so that nothing which was written is lost,
// and no list loses its place. Only where somebody stands at the gate: a page without a lock of its own goes on as ever.
import { type Api, createApi } from '#lib/api/client.ts';
import { cookieSession } from './source.ts';

let waiting: Promise<void> | null = null;
let release: () => void = () => undefined;
let keeper: (() => void) | null = null;
let count = 0;

/** More calls than a person makes are lists that ask anew on their own. */
const MOST = 20;

/** Stands at the gate: hears when the server says that the session is locked. Gives the way to leave. */
export function keepGate(onLocked: () => void): () => void {
	keeper = onLocked;
	return () => {
		keeper = null;
		openGate();
	};
}

export function closeGate(): void {
	waiting ??= new Promise((done) => {
		release = done;
	});
}

export function openGate(): void {
	waiting = null;
	count = 0;
	release();
}

/** Sends a call through the gate, now or when it opens. */
export async function throughGate(
	request: Request,
	send: (request: Request) => Promise<Response> = (each) => fetch(each),
): Promise<Response> {
	if (waiting !== null) {
		count += 1;
		if (count > MOST) throw new Error('too many calls wait for the page to be unlocked');
		await waiting;
	}
	const again = request.clone();
	const response = await send(request);
	if (response.status !== 401 || keeper === null) return response;
	const said = await response
		.clone()
		.json()
		.catch(() => null);
	if (said?.error !== 'session_locked') return response;
	closeGate();
	keeper();
	return throughGate(again, send);
}

/** What a page of staff holds: its calls wait while it is locked. */
export function staffApi(kind: 'provider' | 'admin'): Api {
	return createApi(cookieSession(kind), { fetch: throughGate });
}
