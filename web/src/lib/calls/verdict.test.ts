import { describe, expect, it } from 'vitest';
import { milliseconds, seconds, share, verdict } from './verdict.ts';

const none = {
	join_ms: null,
	first_frame_ms: null,
	loss_up_ppm: null,
	loss_down_ppm: null,
	rtt_ms: null,
	freezes: null,
	frozen_ms: null,
	reconnects: null,
};

describe('the word about a connection', () => {
	it.each([
		[none, 'unknown'],
		[{ ...none, join_ms: 900, reconnects: 0 }, 'good'],
		[{ ...none, join_ms: 900, reconnects: 1 }, 'fair'],
		[{ ...none, loss_down_ppm: 29_999, rtt_ms: 40 }, 'good'],
		[{ ...none, loss_down_ppm: 30_000, rtt_ms: 40 }, 'fair'],
		[{ ...none, join_ms: 900, frozen_ms: 30_000, reconnects: 1 }, 'bad'],
	] as const)('%j is %s', (figures, word) => {
		expect(verdict(figures)).toBe(word);
	});
});

it('figures read as people say them', () => {
	expect([seconds(640, 'en'), seconds(12_040, 'en'), seconds(null)]).toEqual(['0.6 sec', '12 sec', null]);
	expect([milliseconds(42, 'en'), share(12_345, 'en'), share(0, 'en'), share(null)]).toEqual([
		'42 ms',
		'1.2%',
		'0%',
		null,
	]);
});
