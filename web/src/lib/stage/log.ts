// The live strip: what the API just answered and which facts it told, newest first. Pure: the page feeds
// it frames of `/demo/log/stream` and the portal's own calls.
import { toCurl } from './curl.ts';

/** One line of the server's log: a route template, never a query or a name. */
export interface LoggedCall {
	method: string;
	path: string;
	status: number;
	ms: number;
	at?: number | string;
	who?: string | null;
}

/** A fact as the pages' live stream tells it. */
export interface LoggedEvent {
	type: string;
	visit_id?: string | null;
	created_at?: number | string;
	[more: string]: unknown;
}

/** A call of the portal, whole: made by the demo itself with its own generated keys. */
export interface PortalCall {
	title: string;
	method: string;
	path: string;
	request_headers: Record<string, string>;
	request_body: unknown;
	status: number;
	response_body: unknown;
	curl?: string;
}

export type Entry =
	| { id: number; kind: 'call'; call: LoggedCall; portal: PortalCall | null }
	| { id: number; kind: 'event'; event: LoggedEvent };

const KEEP = 200;

/** The strip after one more frame; unreadable frames change nothing. */
export function withFrame(entries: Entry[], data: string, id: number): Entry[] {
	let value: unknown;
	try {
		value = JSON.parse(data);
	} catch {
		return entries;
	}
	if (typeof value !== 'object' || value === null) return entries;
	if ('method' in value && 'path' in value) {
		const call = value as LoggedCall;
		// The portal's answer may have come before the log's line of the same call.
		const early = entries.filter(
			(entry) =>
				entry.kind === 'call' && entry.portal && entry.call.at === undefined && isSame(call, entry.portal),
		);
		const oldest = early[early.length - 1];
		if (oldest) {
			return entries.map((entry) => (entry === oldest && entry.kind === 'call' ? { ...entry, call } : entry));
		}
		return [{ id, kind: 'call', call: value as LoggedCall, portal: null } as Entry, ...entries].slice(
			0,
			KEEP,
		);
	}
	if ('type' in value)
		return [{ id, kind: 'event', event: value as LoggedEvent } as Entry, ...entries].slice(0, KEEP);
	return entries;
}

/** True when an actual path fits a route template such as `/api_v3/visits/{id}`. */
export function fits(template: string, path: string): boolean {
	const parts = (text: string) =>
		(text.split('?')[0] ?? '')
			.replace(/\.json$/, '')
			.split('/')
			.filter(Boolean);
	const [wanted, given] = [parts(template), parts(path)];
	// The log may leave the API's prefix out.
	const tail = given.slice(-wanted.length);
	if (wanted.length > given.length || given.length - wanted.length > 1) return false;
	return wanted.every((part, at) => /^[:{]/.test(part) || part === tail[at]);
}

/** Gives the log's lines of these calls their whole story; calls without a line yet get one of their own. */
export function withPortal(entries: Entry[], calls: PortalCall[], nextId: () => number): Entry[] {
	const next = [...entries];
	for (const portal of calls) {
		// Older first: the calls come in the order they were made, the strip is newest first.
		let at = next.length - 1;
		while (at >= 0) {
			const entry = next[at];
			if (entry?.kind === 'call' && entry.portal === null && isSame(entry.call, portal)) break;
			at -= 1;
		}
		const entry = next[at];
		if (entry?.kind === 'call') next[at] = { ...entry, portal };
		else {
			const { method, path, status } = portal;
			next.unshift({ id: nextId(), kind: 'call', call: { method, path, status, ms: 0 }, portal });
		}
	}
	return next.slice(0, KEEP);
}

function isSame(call: LoggedCall, portal: PortalCall): boolean {
	return call.method === portal.method && call.status === portal.status && fits(call.path, portal.path);
}

/** Values that stand for the names in a route template, so that a copied command runs. */
export interface Place {
	base_url: string;
	visitId: string | null;
	roomCode: string;
}

/** A line as a curl command: whole for the portal's calls, with a token to fill in for the pages' own. */
export function curlOf(entry: Entry & { kind: 'call' }, place: Place): string {
	const { portal, call } = entry;
	if (portal?.curl) return portal.curl;
	if (portal) {
		const url = new URL(portal.path, place.base_url).href;
		return toCurl({
			method: portal.method,
			url,
			headers: portal.request_headers,
			body: portal.request_body ?? undefined,
		});
	}
	const path = call.path.replace(/[:{][A-Za-z_]+\}?/g, (name, at: number) => {
		if (call.path.slice(0, at).endsWith('/visits/')) return place.visitId ?? name;
		if (call.path.slice(0, at).endsWith('/rooms/')) return place.roomCode;
		return call.path.slice(0, at).endsWith('/users/') ? '-' : name;
	});
	const url = `${place.base_url.replace(/\/$/, '')}${path}`;
	return toCurl({ method: call.method, url, headers: { 'X-ApiToken': 'TOKEN' } });
}
