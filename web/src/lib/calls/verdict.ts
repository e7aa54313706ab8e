// From the figures of one connection to a word about it, and to the figures as people read them. Pure.
import type { CallQuality } from '#lib/api/types.ts';

export type Verdict = 'good' | 'fair' | 'bad' | 'unknown';

type Figures = Pick<
	CallQuality,
	| 'join_ms'
	| 'first_frame_ms'
	| 'loss_up_ppm'
	| 'loss_down_ppm'
	| 'rtt_ms'
	| 'freezes'
	| 'frozen_ms'
	| 'reconnects'
>;

/** What a person begins to notice, and what spoils a conversation. */
const limits = {
	join_ms: [5_000, 15_000],
	first_frame_ms: [8_000, 20_000],
	loss_up_ppm: [30_000, 100_000],
	loss_down_ppm: [30_000, 100_000],
	rtt_ms: [350, 800],
	freezes: [5, 20],
	frozen_ms: [5_000, 30_000],
	reconnects: [1, 4],
} as const;

/** The worst figure speaks. */
export function verdict(figures: Figures): Verdict {
	let worst: Verdict = 'unknown';
	for (const name of Object.keys(limits) as (keyof typeof limits)[]) {
		const value = figures[name];
		if (value === null || value === undefined) continue;
		const [fair, bad] = limits[name];
		if (value >= bad) return 'bad';
		if (value >= fair) worst = 'fair';
		else if (worst === 'unknown') worst = 'good';
	}
	return worst;
}

/** Milliseconds as seconds with one digit; null stays null. */
export function seconds(ms: number | null, locale?: string): string | null {
	if (ms === null) return null;
	return new Intl.NumberFormat(locale, { style: 'unit', unit: 'second', maximumFractionDigits: 1 }).format(
		ms / 1000,
	);
}

export function milliseconds(ms: number | null, locale?: string): string | null {
	return ms === null
		? null
		: new Intl.NumberFormat(locale, { style: 'unit', unit: 'millisecond' }).format(ms);
}

/** Parts of a million as a share. */
export function share(ppm: number | null, locale?: string): string | null {
	if (ppm === null) return null;
	return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }).format(
		ppm / 1_000_000,
	);
}
