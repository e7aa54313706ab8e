// What a recording's rows mean to people, and where things lie on its time line. No requests, no page.

export type Outcome = 'processing' | 'ready' | 'refused' | 'not_agreed' | 'encrypted' | 'failed';

/** What became of a recording that belongs to the call no more; null when it is still going on or unknown. */
export function outcome(row: { status: string; reason?: string | null } | null): Outcome | null {
	switch (row?.status) {
		case 'processing':
		case 'ready':
			return row.status;
		case 'failed':
			return row.reason === 'refused' || row.reason === 'not_agreed' || row.reason === 'encrypted'
				? row.reason
				: 'failed';
		default:
			return null;
	}
}

/** Where a stretch stands on a line of this length, in percent of it. */
export function stretch(startMs: number, endMs: number, lengthMs: number): { from: number; width: number } {
	if (lengthMs <= 0) return { from: 0, width: 0 };
	const place = (ms: number) => (Math.min(Math.max(ms, 0), lengthMs) / lengthMs) * 100;
	const from = place(startMs);
	return { from, width: Math.max(place(endMs) - from, 0) };
}

export interface Track {
	user_id: string;
	name: string;
	media: string;
	start_ms: number;
	end_ms: number;
	gaps: { start_ms: number; end_ms: number }[];
}

export interface Lane {
	user: string;
	name: string;
	media: string;
	parts: { start_ms: number; end_ms: number }[];
	gaps: { start_ms: number; end_ms: number }[];
}

/** One lane for each person's sound and picture: a pause between two parts is a gap like any other. */
export function lanes(tracks: readonly Track[]): Lane[] {
	const found = new Map<string, Lane>();
	for (const track of [...tracks].sort((a, b) => a.start_ms - b.start_ms)) {
		const key = `${track.user_id} ${track.media}`;
		const lane = found.get(key) ?? {
			user: track.user_id,
			name: track.name,
			media: track.media,
			parts: [],
			gaps: [],
		};
		const last = lane.parts.at(-1);
		if (last && track.start_ms > last.end_ms)
			lane.gaps.push({ start_ms: last.end_ms, end_ms: track.start_ms });
		lane.parts.push({ start_ms: track.start_ms, end_ms: track.end_ms });
		lane.gaps.push(...track.gaps);
		found.set(key, lane);
	}
	return [...found.values()].sort((a, b) => a.name.localeCompare(b.name) || a.media.localeCompare(b.media));
}
