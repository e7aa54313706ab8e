// The stage of `bedside demo`: plays a portal's server through the demo's own door and watches what the API does.
import { createFrameReader } from '#lib/live/sse.ts';
import { type Entry, type PortalCall, withFrame, withPortal } from './log.ts';

export interface StageFacts {
	base_url: string;
	api_base: string;
	account_code: string;
	portal_name: string;
	room: { code: string; slug: string; name: string };
	patient: { name: string };
	provider: { name: string };
}

interface PortalAnswer {
	visit_id?: string;
	patient_auth_url?: string;
	provider_auth_url?: string;
	patient?: { name?: string };
	visit?: unknown;
	calls: PortalCall[];
}

export type Sound = 'patient' | 'provider' | 'off';
export type Camera = 'checking' | 'real' | 'demo';

const RETRY_MS = 2000;
/** Completed, and everything after it (contract 4.1). */
const OVER = 30;
/** What a reload of the stage needs to show the same visit again. */
const KEPT = 'bedside:stage';

interface Kept {
	visitId: string;
	links: Links;
	calls: PortalCall[];
}

/** Where the portal sent the two browsers. */
export interface Links {
	patient: string | null;
	provider: string | null;
}

export class Stage {
	facts = $state.raw<StageFacts | null>(null);
	/** `missing`: this server runs no demo. `away`: it does not answer. */
	trouble = $state<'missing' | 'away' | null>(null);
	camera = $state<Camera>('checking');
	hasCamera = $state(true);
	sound = $state<Sound>('patient');
	starting = $state(false);
	failure = $state<string | null>(null);
	visitId = $state<string | null>(null);
	links = $state.raw<Links>({ patient: null, provider: null });
	patientUrl = $state<string | null>(null);
	providerUrl = $state<string | null>(null);
	entries = $state.raw<Entry[]>([]);
	/** The portal's calls of this visit, in order. */
	calls = $state.raw<PortalCall[]>([]);
	/** The visit as the portal reads it after its end. */
	ended = $state.raw<PortalCall | null>(null);
	logLost = $state(false);

	private lastId = 0;
	private closed = false;
	private abort: AbortController | null = null;
	private retry: ReturnType<typeof setTimeout> | undefined;

	async open(): Promise<void> {
		try {
			const response = await fetch('/demo/stage.json', { headers: { accept: 'application/json' } });
			if (response.status === 404 || response.status === 403) {
				this.trouble = 'missing';
				return;
			}
			const body = (await response.json()) as StageFacts | { data: StageFacts };
			this.facts = 'data' in body ? body.data : body;
			this.trouble = null;
		} catch {
			this.trouble = 'away';
			return;
		}
		await this.lookForCamera();
		await this.restore();
		void this.follow();
	}

	/** Whose visit this is: the demo's patients take turns. */
	get patientName(): string {
		const body = this.calls[0]?.request_body as
			| { first_name?: string; last_name?: string }
			| null
			| undefined;
		const name = [body?.first_name, body?.last_name].filter(Boolean).join(' ');
		return name || (this.facts?.patient.name ?? '');
	}

	close(): void {
		this.closed = true;
		clearTimeout(this.retry);
		this.abort?.abort();
	}

	async start(): Promise<void> {
		if (this.starting) return;
		this.starting = true;
		this.failure = null;
		try {
			const answer = await this.portal({ step: 'start_visit' });
			this.ended = null;
			this.calls = answer.calls;
			this.entries = withPortal(this.entries, answer.calls, () => this.nextId());
			this.visitId = answer.visit_id ?? null;
			this.links = { patient: answer.patient_auth_url ?? null, provider: answer.provider_auth_url ?? null };
			this.patientUrl = this.links.patient;
			// A provider who is already at the desk stays there: the next patient simply appears.
			this.providerUrl ??= this.links.provider;
			this.keep();
		} catch (reason) {
			this.failure = reason instanceof Error ? reason.message : String(reason);
		} finally {
			this.starting = false;
		}
	}

	private keep(): void {
		if (this.visitId === null) return;
		const kept: Kept = { visitId: this.visitId, links: this.links, calls: this.calls };
		sessionStorage.setItem(KEPT, JSON.stringify(kept));
	}

	/** After a reload: the same two pages, without signing in again. A clinic made anew knows nothing of the old visit. */
	private async restore(): Promise<void> {
		const text = sessionStorage.getItem(KEPT);
		if (text === null || this.visitId !== null) return;
		const { visitId, links, calls } = JSON.parse(text) as Kept;
		const answer = await this.portal({ step: 'visit', visit_id: visitId }).catch(() => null);
		const call = answer?.calls[answer.calls.length - 1];
		if (!call) {
			sessionStorage.removeItem(KEPT);
			return;
		}
		this.visitId = visitId;
		this.links = links;
		this.calls = calls;
		this.patientUrl = `/visits/start/${visitId}`;
		this.providerUrl = '/providers/dashboard';
		const visit = (call.response_body as { data?: { status?: string } }).data;
		if (Number(visit?.status) >= OVER) {
			this.ended = call;
			this.calls = [...calls, call];
		}
	}

	private async lookForCamera(): Promise<void> {
		const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []);
		const kinds = new Set((devices ?? []).map((device) => device.kind));
		this.hasCamera = kinds.has('videoinput') && kinds.has('audioinput');
		this.camera = this.hasCamera ? 'real' : 'demo';
	}

	private async portal(step: { step: string; visit_id?: string }): Promise<PortalAnswer> {
		const response = await fetch('/demo/portal', {
			method: 'POST',
			headers: { 'content-type': 'application/json', accept: 'application/json' },
			body: JSON.stringify(step),
		});
		const body = (await response.json().catch(() => null)) as {
			data?: PortalAnswer;
			message?: string;
		} | null;
		if (!response.ok || !body?.data)
			throw new Error(body?.message ?? `The demo answered ${response.status}.`);
		return body.data;
	}

	/** The portal asks once what became of its visit. */
	private async readEnd(visitId: string): Promise<void> {
		const answer = await this.portal({ step: 'visit', visit_id: visitId }).catch(() => null);
		if (!answer || this.visitId !== visitId || this.ended !== null) return;
		const call = answer.calls[answer.calls.length - 1] ?? null;
		this.ended = call;
		if (call) this.calls = [...this.calls, call];
		this.entries = withPortal(this.entries, answer.calls, () => this.nextId());
	}

	private nextId(): number {
		this.lastId += 1;
		return this.lastId;
	}

	private async follow(): Promise<void> {
		if (this.closed) return;
		this.abort = new AbortController();
		try {
			const response = await fetch('/demo/log/stream', {
				headers: { accept: 'text/event-stream' },
				signal: this.abort.signal,
				cache: 'no-store',
			});
			if (!response.ok || !response.body) throw new Error(`The log answered ${response.status}.`);
			this.logLost = false;
			const feed = createFrameReader((frame) => this.take(frame.data));
			const reader = response.body.getReader();
			const decoder = new TextDecoder();
			for (;;) {
				const { done, value } = await reader.read();
				if (done) break;
				feed(decoder.decode(value, { stream: true }));
			}
		} catch {
			// Said below, for every way a stream can end.
		}
		if (this.closed) return;
		this.logLost = true;
		this.retry = setTimeout(() => void this.follow(), RETRY_MS);
	}

	private take(data: string): void {
		const before = this.entries;
		this.entries = withFrame(before, data, this.nextId());
		const [newest] = this.entries;
		if (this.entries === before || newest?.kind !== 'event') return;
		const { type, visit_id } = newest.event;
		if (type === 'visit.ended' && this.visitId !== null && String(visit_id) === this.visitId)
			void this.readEnd(this.visitId);
	}
}
