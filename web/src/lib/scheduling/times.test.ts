import { describe, expect, it } from 'vitest';
import { byDay, clocksChange, differs } from './times.ts';

const at = (text: string) => Date.parse(text) / 1000;
const time = (text: string, provider_id = '1') => ({
	id: text + provider_id,
	start: at(text),
	end: at(text) + 900,
	provider_id,
});

describe('byDay', () => {
	it('sorts times into the days of the reader, not of the clinic', () => {
		// 20:30 in New York on the 31st is the next morning in Tokyo.
		const times = [time('2026-11-01T14:00:00Z'), time('2026-11-01T00:30:00Z')];
		expect([...byDay(times, 'Asia/Tokyo').keys()]).toEqual(['2026-11-01']);
		expect([...byDay(times, 'America/New_York').keys()]).toEqual(['2026-10-31', '2026-11-01']);
	});

	it('shows a moment once, whoever is free then', () => {
		const times = [time('2026-11-02T14:00:00Z', '2'), time('2026-11-02T14:00:00Z', '1')];
		expect(byDay(times, 'UTC').get('2026-11-02')).toHaveLength(1);
	});
});

describe('clocksChange', () => {
	it('knows the days on which the clocks change', () => {
		expect(clocksChange('2026-11-01', 'America/New_York')).toBe(-60);
		expect(clocksChange('2026-03-08', 'America/New_York')).toBe(60);
		expect(clocksChange('2026-10-04', 'Australia/Lord_Howe')).toBe(30);
		expect(clocksChange('2026-11-01', 'Asia/Tokyo')).toBe(0);
		expect(clocksChange('2026-11-02', 'America/New_York')).toBe(0);
	});
});

describe('differs', () => {
	it('compares clocks, not names', () => {
		expect(differs(at('2026-11-02T00:00:00Z'), 'Europe/London', 'UTC')).toBe(false);
		expect(differs(at('2026-07-02T00:00:00Z'), 'Europe/London', 'UTC')).toBe(true);
	});
});
