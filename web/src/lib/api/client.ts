// The one way from a page to the API: credentials, errors with their reasons, and patience with bad networks.
import type { SessionSource } from '#lib/session/source.ts';
import type { ErrorBody } from './types.ts';

export const apiBase = '/api_v3';

export type Query = Record<string, string | number | boolean | null | undefined>;

/** An answer that is not a success, or no answer at all (`status` 0). */
export class ApiError extends Error {
	readonly status: number;
	/** The stable name of what went wrong, for example `visit_taken`. */
	readonly code: string;
	/** What is wrong with which field, in words for people. */
	readonly fields: Record<string, string>;
	readonly requestId: string | null;
	readonly body: ErrorBody | null;
	/** Seconds the server asked us to wait, when it did. */
	readonly retryAfter: number | null;

	constructor(status: number, body: ErrorBody | null, retryAfter: number | null = null) {
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

export interface Page<T> {
	data: T[];
	total_count: number;
}

export interface CallOptions {
	signal?: AbortSignal;
}

export interface Api {
	readonly source: SessionSource;
	get<T>(path: string, query?: Query, options?: CallOptions): Promise<T>;
	list<T>(path: string, query?: Query, options?: CallOptions): Promise<Page<T>>;
	post<T>(path: string, body?: unknown, options?: CallOptions): Promise<T>;
}

export interface ApiOptions {
	fetch?: typeof fetch;
	/** Waits before a read is tried again; a test passes its own. */
	pause?: (ms: number) => Promise<void>;
}

const pauses = [400, 1200];

/** `createApi(cookieSession('patient'))` is what a page holds. */
export function createApi(source: SessionSource, options: ApiOptions = {}): Api {
	const send = options.fetch ?? ((input: RequestInfo | URL, init?: RequestInit) => fetch(input, init));
	const pause = options.pause ?? ((ms: number) => new Promise<void>((done) => setTimeout(done, ms)));

	async function once<B>(method: string, path: string, init: RequestInit, query: Query): Promise<B> {
		const headers = new Headers({ accept: 'application/json', ...source.headers() });
		if (init.body) headers.set('content-type', 'application/json');
		let response: Response;
		try {
			response = await send(address(path, query), {
				...init,
				method,
				headers,
				credentials: 'same-origin',
				cache: 'no-store',
			});
		} catch (reason) {
			if (init.signal?.aborted) throw reason;
			throw new ApiError(0, null);
		}
		const body = await readBody(response);
		if (!response.ok || body === null) {
			throw new ApiError(response.status, body as ErrorBody | null, retryAfter(response));
		}
		return body as B;
	}

	// A read may be repeated freely; a write is repeated by the person who pressed the button.
	async function read<B>(path: string, query: Query, init: RequestInit): Promise<B> {
		for (const wait of pauses) {
			try {
				return await once<B>('GET', path, init, query);
			} catch (reason) {
				const again = reason instanceof ApiError && (reason.status === 0 || reason.status >= 502);
				if (!again || init.signal?.aborted) throw reason;
				await pause(wait);
			}
		}
		return once<B>('GET', path, init, query);
	}

	return {
		source,
		async get<T>(path: string, query: Query = {}, init: CallOptions = {}) {
			return (await read<{ data: T }>(path, query, init)).data;
		},
		async list<T>(path: string, query: Query = {}, init: CallOptions = {}) {
			return read<Page<T>>(path, query, init);
		},
		async post<T>(path: string, body: unknown = {}, init: CallOptions = {}) {
			return (await once<{ data: T }>('POST', path, { ...init, body: JSON.stringify(body) }, {})).data;
		},
	};
}

/** The address of an API path with its query; empty values are left out. */
export function address(path: string, query: Query = {}): string {
	const pairs = Object.entries(query).filter(
		([, value]) => value !== null && value !== undefined && value !== '',
	);
	const search = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
	return `${apiBase}${path}${search ? `?${search}` : ''}`;
}

async function readBody(response: Response): Promise<unknown> {
	try {
		const body: unknown = await response.json();
		return typeof body === 'object' ? body : null;
	} catch {
		return null;
	}
}

function retryAfter(response: Response): number | null {
	const seconds = Number(response.headers.get('retry-after'));
	return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** Whatever was thrown, as one `ApiError`. */
export function asApiError(reason: unknown): ApiError {
	if (reason instanceof ApiError) return reason;
	return new ApiError(0, {
		code: 0,
		error: 'page_fault',
		message: reason instanceof Error ? reason.message : String(reason),
	});
}
