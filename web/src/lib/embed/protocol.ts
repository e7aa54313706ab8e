// What a site's page and our call page inside it say to each other by postMessage. Read by both sides: the script that
// sites load is built from here too. Pure.

/** Names the conversation and its version; a message without it belongs to somebody else. */
export const channel = 'bedside-call/1';

/** What the site wants of the call. Everything but the token may be missing. */
export interface Wishes {
	token: string;
	/** The call identity that the token was given with (`data.vsee.id`); checked when there. */
	id?: string;
	startMuted?: boolean;
	startWithoutVideo?: boolean;
	subject?: string;
	/** Which signs the bar shows, by Jitsi's names; all of ours when missing. */
	buttons?: string[];
}

export type ToPage =
	| { kind: 'init'; wishes: Wishes }
	| { kind: 'token'; token: string }
	| { kind: 'command'; name: string; args: unknown[] }
	| { kind: 'ask'; id: number; name: string; args: unknown[] };

export type ToSite =
	/** The page stands and waits for `init`. */
	| { kind: 'hello' }
	| { kind: 'event'; name: string; data: Record<string, unknown> }
	| { kind: 'answer'; id: number; value?: unknown; error?: string };

/** A message in its envelope. */
export function wrap<M extends ToPage | ToSite>(message: M): M & { channel: string } {
	return { channel, ...message };
}

type Fields = Record<string, unknown>;

function open(data: unknown): Fields | null {
	if (typeof data !== 'object' || data === null) return null;
	const fields = data as Fields;
	return fields.channel === channel && typeof fields.kind === 'string' ? fields : null;
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
const list = (value: unknown) => (Array.isArray(value) ? (value as unknown[]) : []);

/** What the site said; null for what is no message of ours. */
export function readToPage(data: unknown): ToPage | null {
	const fields = open(data);
	if (!fields) return null;
	const name = text(fields.name);
	switch (fields.kind) {
		case 'init': {
			const wishes = readWishes(fields.wishes);
			return wishes && { kind: 'init', wishes };
		}
		case 'token': {
			const token = text(fields.token);
			return token ? { kind: 'token', token } : null;
		}
		case 'command':
			return name === undefined ? null : { kind: 'command', name, args: list(fields.args) };
		case 'ask':
			return name === undefined || typeof fields.id !== 'number'
				? null
				: { kind: 'ask', id: fields.id, name, args: list(fields.args) };
		default:
			return null;
	}
}

function readWishes(data: unknown): Wishes | null {
	if (typeof data !== 'object' || data === null) return null;
	const said = data as Fields;
	const token = text(said.token);
	if (token === undefined) return null;
	const wishes: Wishes = { token };
	const id = text(said.id);
	const subject = text(said.subject);
	if (id) wishes.id = id;
	if (subject) wishes.subject = subject.slice(0, 120);
	if (said.startMuted === true) wishes.startMuted = true;
	if (said.startWithoutVideo === true) wishes.startWithoutVideo = true;
	if (Array.isArray(said.buttons))
		wishes.buttons = said.buttons.filter((one): one is string => typeof one === 'string').slice(0, 50);
	return wishes;
}

/** What the page said; null for what is no message of ours. */
export function readToSite(data: unknown): ToSite | null {
	const fields = open(data);
	if (!fields) return null;
	switch (fields.kind) {
		case 'hello':
			return { kind: 'hello' };
		case 'event': {
			const name = text(fields.name);
			if (name === undefined || typeof fields.data !== 'object' || fields.data === null) return null;
			return { kind: 'event', name, data: fields.data as Fields };
		}
		case 'answer': {
			if (typeof fields.id !== 'number') return null;
			const error = text(fields.error);
			return error === undefined
				? { kind: 'answer', id: fields.id, value: fields.value }
				: { kind: 'answer', id: fields.id, error };
		}
		default:
			return null;
	}
}

/** What the address of the call page says after its `#`. */
export interface Address {
	/** The page around us, the only one that is spoken with; null for none. */
	origin: string | null;
	lang: string | null;
	/** For a page that nobody drives: the token itself, taken out of the address at once. */
	token: string | null;
}

export function readAddress(hash: string): Address {
	const said = new URLSearchParams(hash.replace(/^#/, ''));
	const origin = said.get('origin');
	return {
		origin: origin && /^https?:\/\/[^/?#]+$/.test(origin) ? origin : null,
		lang: said.get('lang'),
		token: said.get('token'),
	};
}
