import { describe, expect, it } from 'vitest';
import { minutesWaited, waitLevel, waitWords } from './waiting.ts';

describe('waiting', () => {
	it('counts whole minutes and never below none', () => {
		expect(minutesWaited(1000, 1_059_000)).toBe(0);
		expect(minutesWaited(1000, 1_060_000)).toBe(1);
		expect(minutesWaited(2000, 1_000_000)).toBe(0);
		expect(minutesWaited(null, 1_000_000)).toBe(0);
	});

	it('grows from calm to long to very long', () => {
		expect([9, 10, 19, 20].map((minutes) => waitLevel(minutes))).toEqual([
			'calm',
			'long',
			'long',
			'very_long',
		]);
	});

	it('has one short form', () => {
		expect([0, 1, 59, 60, 125].map(waitWords)).toEqual(['now', '1 min', '59 min', '1 h 00', '2 h 05']);
	});
});
