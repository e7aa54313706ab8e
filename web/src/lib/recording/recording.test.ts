import { describe, expect, it } from 'vitest';
import { lanes, outcome, stretch } from './recording.ts';

describe('what became of a recording', () => {
	it('is told by its reason where there is one for people', () => {
		expect(outcome({ status: 'failed', reason: 'refused' })).toBe('refused');
		expect(outcome({ status: 'failed', reason: 'empty' })).toBe('failed');
		expect(outcome({ status: 'processing' })).toBe('processing');
		expect(outcome({ status: 'recording' })).toBe(null);
		expect(outcome(null)).toBe(null);
	});
});

describe('the time line', () => {
	it('places stretches within its length', () => {
		expect(stretch(15_000, 30_000, 60_000)).toEqual({ from: 25, width: 25 });
		expect(stretch(-5, 90_000, 60_000)).toEqual({ from: 0, width: 100 });
		expect(stretch(0, 10, 0)).toEqual({ from: 0, width: 0 });
	});

	it('has one lane for each sound and picture, and shows pauses as gaps', () => {
		const track = (media: string, start_ms: number, end_ms: number) => ({
			user_id: '7',
			name: 'Maria',
			media,
			start_ms,
			end_ms,
			gaps: media === 'audio' ? [{ start_ms: 100, end_ms: 300 }] : [],
		});
		const found = lanes([track('video', 9_000, 12_000), track('audio', 0, 12_000), track('video', 0, 4_000)]);
		expect(found.map((lane) => lane.media)).toEqual(['audio', 'video']);
		expect(found[0]?.gaps).toEqual([{ start_ms: 100, end_ms: 300 }]);
		expect(found[1]?.parts.length).toBe(2);
		expect(found[1]?.gaps).toEqual([{ start_ms: 4_000, end_ms: 9_000 }]);
	});
});
