// The one way from a page to the API: typed by the server's own description, with errors that say why, and with
// patience for bad networks.
import createClient, { type Client } from 'openapi-fetch';
import type { SessionSource } from '#lib/session/source.ts';
import type { paths } from './schema.ts';
import type { ErrorBody } from './types.ts';

export const apiBase = '/api_v3';

/** An answer that is not a success, or no answer at all (`status` 0). */
export class ApiError extends Error {
	readonly status: number;
	/** The stable name of what went wrong, for example `visit_taken`. */
	readonly code: string;
	/** What is wrong with which field, in words for people. */
	readonly fields: Record<string, string>;
	readonly requestId: string | null;
	readonly body: (Partial<ErrorBody> & Record<string, unknown>) | null;
	/** Seconds the server asked us to wait, when it did. */
	readonly retryAfter: number | null;

	constructor(
		status: number,
		body: (Partial<ErrorBody> & Record<string, unknown>) | null,
		retryAfter: number | null = null,
	) {
		super(body?.message ?? (status === 0 ? 'No connection.' : `The server answered ${status}.`));
		this.name = 'ApiError';
		this.status = status;
		this.code = body?.error ?? (status === 0 ? 'no_connection' : `http_${status}`);
		this.fields = body?.fields ?? {};
		this.requestId = body?.request_id ?? null;
		this.body = body;
		this.retryAfter = retryAfter;
	}

	/** The network, not the server, is the trouble; what was asked may or may not have happened. */
	get offline(): boolean {
		return this.status === 0;
	}

	/** Trying the same again later may well work. */
	get passing(): boolean {
		return this.status === 0 || this.status === 429 || this.status >= 500;
	}
}

export interface Api {
	readonly source: SessionSource;
	/** Calls by the server's paths; wrap each in `ok`. */
	readonly http: Client<paths>;
}

export interface ApiOptions {
	fetch?: (request: Request) => Promise<Response>;
	/** Waits before a read is tried again; a test passes its own. */
	pause?: (ms: number) => Promise<void>;
	origin?: string;
}

const pauses = [400, 1200];

/** `createApi(cookieSession('patient'))` is what a page holds. */
export function createApi(source: SessionSource, options: ApiOptions = {}): Api {
	const send = options.fetch ?? ((request: Request) => fetch(request));
	const pause = options.pause ?? ((ms: number) => new Promise<void>((done) => setTimeout(done, ms)));
	const origin = options.origin ?? (typeof location === 'undefined' ? '' : location.origin);

	async function once(request: Request): Promise<Response> {
		try {
			return await send(request);
		} catch (reason) {
			if (request.signal.aborted) throw reason;
			throw new ApiError(0, null);
		}
	}

	// A read may be repeated freely; a write is repeated by the person who pressed the button.
	async function patient(request: Request): Promise<Response> {
		for (const [name, value] of Object.entries(source.headers())) request.headers.set(name, value);
		if (request.method !== 'GET') return agreed(request);
		for (const wait of pauses) {
			try {
				const response = await once(request.clone());
				if (response.status < 502) return response;
			} catch (reason) {
				if (!(reason instanceof ApiError)) throw reason;
			}
			await pause(wait);
		}
		return once(request);
	}

	/** A visit may need a consent: it is asked for, and the same call goes out again. */
	async function agreed(request: Request): Promise<Response> {
		const again = request.clone();
		const response = await once(request);
		if (response.status !== 400) return response;
		const said = await response
			.clone()
			.json()
			.catch(() => null);
		if (said?.error !== 'consent_missing') return response;
		const { agree } = await import('#lib/consent/consent.ts');
		return (await agree(api, said)) ? agreed(again) : response;
	}

	const api: Api = {
		source,
		http: createClient<paths>({
			baseUrl: origin + apiBase,
			fetch: patient,
			credentials: 'same-origin',
			cache: 'no-store',
			headers: { accept: 'application/json' },
		}),
	};
	return api;
}

/** The body of a success; everything else is thrown as an `ApiError`. */
export async function ok<B>(asked: Promise<{ data?: B; error?: unknown; response: Response }>): Promise<B> {
	let answer: { data?: B; error?: unknown; response: Response };
	try {
		answer = await asked;
	} catch (reason) {
		throw asApiError(reason);
	}
	const { data, error, response } = answer;
	if (response.ok && typeof data === 'object' && data !== null) return data;
	const body = typeof error === 'object' && error !== null ? (error as ApiError['body']) : null;
	throw new ApiError(response.status, body, retryAfter(response));
}

/** The address of an API path with its query; empty values are left out. */
export function address(path: string, query: Record<string, string> = {}): string {
	const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
	return `${apiBase}${path}${search ? `?${search}` : ''}`;
}

function retryAfter(response: Response): number | null {
	const seconds = Number(response.headers.get('retry-after'));
	return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** Whatever was thrown, as one `ApiError`. */
export function asApiError(reason: unknown): ApiError {
	if (reason instanceof ApiError) return reason;
	const message = reason instanceof Error ? reason.message : String(reason);
	return new ApiError(0, { code: 0, error: 'page_fault', message });
}
