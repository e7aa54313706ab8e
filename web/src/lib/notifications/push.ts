// Messages of the browser: whether this one can show them, and switching them on and off. The browser is asked only
// after somebody pressed a button.
import { type Api, ok } from '#lib/api/client.ts';

/** `blocked`: the person, or the browser for them, said no before; a page cannot ask again. */
export type PushState = 'impossible' | 'blocked' | 'off' | 'on';

/** Why it could not be switched on. */
export type PushRefusal = 'impossible' | 'blocked' | 'dismissed' | 'unreachable';

const WORKER = '/push-worker.js';
/** The type of an endpoint that is a browser. */
const WEB_PUSH = 50;

export function isPossible(): boolean {
	return (
		typeof window !== 'undefined' &&
		window.isSecureContext &&
		'serviceWorker' in navigator &&
		'PushManager' in window &&
		'Notification' in window
	);
}

/** The bytes of base64url text. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
	const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
	const found = new Uint8Array(new ArrayBuffer(plain.length));
	for (let at = 0; at < plain.length; at++) found[at] = plain.charCodeAt(at);
	return found;
}

function sameKey(known: ArrayBuffer | null | undefined, wanted: Uint8Array): boolean {
	if (!known || known.byteLength !== wanted.length) return false;
	return new Uint8Array(known).every((byte, at) => byte === wanted[at]);
}

async function subscription(): Promise<PushSubscription | null> {
	const registration = await navigator.serviceWorker.getRegistration('/');
	return (await registration?.pushManager.getSubscription()) ?? null;
}

/** The clinic's endpoint of this browser, when this person has it. */
async function endpointOf(api: Api, address: string): Promise<string | null> {
	const query = { type: String(WEB_PUSH) } as never;
	const known = (await ok(api.http.GET('/endpoints', { params: { query } }))).data;
	return known.find((one) => one.key === address)?.id ?? null;
}

/** Whether this person is told in this browser. */
export async function pushState(api: Api): Promise<PushState> {
	if (!isPossible()) return 'impossible';
	if (Notification.permission === 'denied') return 'blocked';
	const found = Notification.permission === 'granted' ? await subscription().catch(() => null) : null;
	if (!found) return 'off';
	return (await endpointOf(api, found.endpoint)) === null ? 'off' : 'on';
}

/** Asks the browser, and tells the clinic where this one is reached. Gives why not, or null when it is on. */
export async function switchOn(api: Api): Promise<PushRefusal | null> {
	if (!isPossible()) return 'impossible';
	const permission = await Notification.requestPermission();
	if (permission === 'denied') return 'blocked';
	if (permission !== 'granted') return 'dismissed';
	const key = bytes((await ok(api.http.GET('/endpoints/push_key'))).data.key);
	let made: PushSubscription;
	try {
		await navigator.serviceWorker.register(WORKER, { scope: '/', updateViaCache: 'none' });
		const { pushManager } = await navigator.serviceWorker.ready;
		const known = await pushManager.getSubscription();
		// One of before, for a server whose key was another, would never be told.
		if (known && !sameKey(known.options.applicationServerKey, key)) await known.unsubscribe();
		made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
	} catch {
		return 'unreachable';
	}
	const { endpoint, keys } = made.toJSON();
	if (!endpoint || !keys?.p256dh || !keys.auth) return 'unreachable';
	const body = { type: WEB_PUSH, key: endpoint, p256dh: keys.p256dh, auth: keys.auth };
	await ok(api.http.POST('/endpoints', { body }));
	return null;
}

/** This person is not told in this browser any more. */
export async function switchOff(api: Api): Promise<void> {
	if (!isPossible()) return;
	const found = await subscription();
	if (!found) return;
	const id = await endpointOf(api, found.endpoint);
	if (id !== null) await ok(api.http.DELETE('/endpoints/{id}', { params: { path: { id } } }));
	await found.unsubscribe();
}
