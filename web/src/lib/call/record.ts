// How this page's connection to a call is, in a few figures. Collected beside the stats, told to the server in small
// reports: nothing of what was seen or said.

/** What the server is told; what is not known is left out. Counted from the wish to enter. */
export interface CallRecord {
	sid: string;
	over: boolean;
	join_ms?: number;
	first_frame_ms?: number;
	loss_up_ppm?: number;
	loss_down_ppm?: number;
	rtt_ms?: number;
	jitter_ms?: number;
	freezes?: number;
	frozen_ms?: number;
	reconnects?: number;
	path?: 'udp' | 'tcp' | 'relay';
	device?: string;
}

export type TellRecord = (record: CallRecord) => Promise<unknown>;

type Entry = Record<string, unknown>;

interface TrackFigures {
	lost: number;
	received: number;
	freezes: number;
	frozen: number;
}

const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** Milliseconds after entering at which reports go out first, and how far apart they are then. */
export const reportAfter = { first: 8_000, next: 30_000 };

export class Recorder {
	readonly #start: number;
	#joined: number | null = null;
	#firstFrame: number | null = null;
	#reconnects = 0;
	#sid = '';
	#incoming = new Map<string, TrackFigures>();
	#sent = new Map<string, number>();
	#missed = new Map<string, number>();
	#rtt: number | null = null;
	#jitter: number | null = null;
	#path: CallRecord['path'];

	constructor(now: number) {
		this.#start = now;
	}

	get sid(): string {
		return this.#sid;
	}

	joined(sid: string, now: number): void {
		this.#joined ??= now;
		this.#sid = sid;
	}

	/** A picture of somebody else was on the screen. */
	frame(now: number): void {
		this.#firstFrame ??= now;
	}

	reconnected(): void {
		this.#reconnects += 1;
	}

	/** One entry of a WebRTC stats report. `all` finds what it refers to. */
	read(entry: Entry, all: (id: string) => Entry | undefined): void {
		const ssrc = String(entry.ssrc ?? entry.id);
		switch (entry.type) {
			case 'inbound-rtp':
				this.#incoming.set(ssrc, {
					lost: Math.max(0, number(entry.packetsLost) ?? 0),
					received: number(entry.packetsReceived) ?? 0,
					freezes: number(entry.freezeCount) ?? 0,
					frozen: number(entry.totalFreezesDuration) ?? 0,
				});
				if (entry.kind === 'audio') this.#jitter = number(entry.jitter) ?? this.#jitter;
				break;
			case 'outbound-rtp':
				this.#sent.set(ssrc, number(entry.packetsSent) ?? 0);
				break;
			case 'remote-inbound-rtp':
				this.#missed.set(ssrc, Math.max(0, number(entry.packetsLost) ?? 0));
				this.#rtt = number(entry.roundTripTime) ?? this.#rtt;
				break;
			case 'candidate-pair':
				if (entry.nominated !== true && entry.selected !== true) break;
				this.#rtt = number(entry.currentRoundTripTime) ?? this.#rtt;
				this.#path = pathOf(all(String(entry.localCandidateId))) ?? this.#path;
				break;
		}
	}

	report(over: boolean, device: string): CallRecord {
		const incoming = [...this.#incoming.values()];
		const sum = (pick: (one: TrackFigures) => number) => incoming.reduce((all, one) => all + pick(one), 0);
		const total = (map: Map<string, number>) => [...map.values()].reduce((all, one) => all + one, 0);
		const down = share(
			sum((one) => one.lost),
			sum((one) => one.received),
		);
		const missed = total(this.#missed);
		const up = share(missed, Math.max(0, total(this.#sent) - missed));
		return {
			sid: this.#sid,
			over,
			reconnects: this.#reconnects,
			...(this.#joined === null ? {} : { join_ms: Math.round(this.#joined - this.#start) }),
			...(this.#firstFrame === null ? {} : { first_frame_ms: Math.round(this.#firstFrame - this.#start) }),
			...(down === null ? {} : { loss_down_ppm: down }),
			...(up === null ? {} : { loss_up_ppm: up }),
			...(this.#rtt === null ? {} : { rtt_ms: Math.round(this.#rtt * 1000) }),
			...(this.#jitter === null ? {} : { jitter_ms: Math.round(this.#jitter * 1000) }),
			...(incoming.length === 0
				? {}
				: { freezes: sum((one) => one.freezes), frozen_ms: Math.round(sum((one) => one.frozen) * 1000) }),
			...(this.#path ? { path: this.#path } : {}),
			...(device ? { device } : {}),
		};
	}
}

/** Parts of a million; null when nothing was there to be lost. */
function share(lost: number, there: number): number | null {
	return lost + there > 0 ? Math.round((lost / (lost + there)) * 1_000_000) : null;
}

function pathOf(candidate: Entry | undefined): CallRecord['path'] {
	if (!candidate) return undefined;
	if (candidate.candidateType === 'relay') return 'relay';
	return candidate.protocol === 'tcp' ? 'tcp' : candidate.protocol === 'udp' ? 'udp' : undefined;
}

/** `Chrome 126 on Windows`, from what a browser says of itself; the order matters, they all claim to be another. */
export function deviceName(userAgent: string): string {
	const browsers: [RegExp, string][] = [
		[/Edg(?:A|iOS)?\/(\d+)/, 'Edge'],
		[/OPR\/(\d+)/, 'Opera'],
		[/SamsungBrowser\/(\d+)/, 'Samsung Internet'],
		[/(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
		[/(?:Chrome|CriOS)\/(\d+)/, 'Chrome'],
		[/Version\/(\d+).*Safari/, 'Safari'],
	];
	const systems: [RegExp, string][] = [
		[/iPhone|iPod/, 'iPhone'],
		[/iPad/, 'iPad'],
		[/Android/, 'Android'],
		[/Windows/, 'Windows'],
		[/Mac OS X/, 'macOS'],
		[/CrOS/, 'ChromeOS'],
		[/Linux/, 'Linux'],
	];
	let browser = '';
	for (const [pattern, name] of browsers) {
		const version = pattern.exec(userAgent)?.[1];
		if (!version) continue;
		browser = `${name} ${version}`;
		break;
	}
	const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1] ?? '';
	return browser && system ? `${browser} on ${system}` : browser || system;
}
