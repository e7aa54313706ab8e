// From the connection's figures to "weak" or not. Pure; sampled every few seconds by the engine.

export type Quality = 'good' | 'weak';

export interface Sample {
	/** Packets that arrived, and that were lost on the way to us, since the call began. */
	received: number;
	lost: number;
	/** The share of our own packets that the other end missed lately, 0..1; null when it has not said. */
	sentLoss: number | null;
	/** Round trip in seconds; null when unknown. */
	roundTrip: number | null;
}

export interface Judgement {
	quality: Quality;
	/** How many samples in a row disagreed with `quality`. */
	against: number;
}

/** Two bad samples in a row make it weak, three good ones make it good again: a blink is no news. */
export function judge(previous: Sample | null, next: Sample, before: Judgement): Judgement {
	const received = next.received - (previous?.received ?? 0);
	const lost = Math.max(0, next.lost - (previous?.lost ?? 0));
	const share = received + lost > 20 ? lost / (received + lost) : 0;
	const bad = share > 0.08 || (next.sentLoss ?? 0) > 0.1 || (next.roundTrip ?? 0) > 0.8;
	const verdict: Quality = bad ? 'weak' : 'good';
	if (verdict === before.quality) return { quality: before.quality, against: 0 };
	const against = before.against + 1;
	const enough = verdict === 'weak' ? 2 : 3;
	return against >= enough ? { quality: verdict, against: 0 } : { quality: before.quality, against };
}
