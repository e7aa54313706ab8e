import { describe, expect, it } from 'vitest';
import { addDays, exists, instantOf, isDate, offsetText, wallOf, weekday, weekOf } from './zone.ts';

const at = (text: string) => Date.parse(text);

describe('a wall clock', () => {
	it('shows an instant in each zone', () => {
		expect(wallOf(at('2026-11-01T05:30:00Z'), 'America/New_York')).toEqual({
			date: '2026-11-01',
			time: '01:30',
		});
		expect(wallOf(at('2026-01-01T18:45:00Z'), 'Asia/Kathmandu')).toEqual({
			date: '2026-01-02',
			time: '00:30',
		});
		expect(wallOf(at('2026-06-01T00:00:00Z'), 'UTC')).toEqual({ date: '2026-06-01', time: '00:00' });
	});

	it('means the first pass of a repeated hour', () => {
		const twice = { date: '2026-11-01', time: '01:30' };
		expect(instantOf(twice, 'America/New_York')).toBe(at('2026-11-01T05:30:00Z'));
		expect(exists(twice, 'America/New_York')).toBe(true);
	});

	it('carries a time of the missing hour over the change, and says that it is missing', () => {
		const gone = { date: '2026-03-08', time: '02:30' };
		expect(instantOf(gone, 'America/New_York')).toBe(at('2026-03-08T07:30:00Z'));
		expect(exists(gone, 'America/New_York')).toBe(false);
		const half = { date: '2026-10-04', time: '02:15' };
		expect(exists(half, 'Australia/Lord_Howe')).toBe(false);
		expect(exists({ date: '2026-10-04', time: '02:30' }, 'Australia/Lord_Howe')).toBe(true);
	});

	it('comes back to the same instant through every hour of two years, wherever it is unambiguous', () => {
		for (const zone of [
			'America/New_York',
			'Europe/London',
			'Australia/Lord_Howe',
			'Africa/Cairo',
			'Asia/Tokyo',
		]) {
			let repeated = 0;
			for (let hour = 0; hour < 2 * 365 * 24; hour += 1) {
				const instant = at('2026-01-01T00:00:00Z') + hour * 3_600_000;
				const back = instantOf(wallOf(instant, zone), zone);
				if (back !== instant) {
					repeated += 1;
					// Only the second pass of a repeated time comes back as the first.
					expect(wallOf(back, zone)).toEqual(wallOf(instant, zone));
					expect(back).toBeLessThan(instant);
				}
			}
			expect(repeated).toBeLessThanOrEqual(2);
		}
	});

	it('knows days', () => {
		expect(weekday('2026-11-23')).toBe(1);
		expect(weekday('2026-11-29')).toBe(7);
		expect(weekOf('2026-11-29')).toBe('2026-11-23');
		expect(weekOf('2026-11-23')).toBe('2026-11-23');
		expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
		expect(isDate('2026-02-30x')).toBe(false);
		expect(isDate('')).toBe(false);
	});

	it('writes its distance from UTC', () => {
		expect(offsetText(at('2026-07-01T00:00:00Z'), 'America/New_York')).toBe('-04:00');
		expect(offsetText(at('2026-07-01T00:00:00Z'), 'Asia/Kolkata')).toBe('+05:30');
	});
});
