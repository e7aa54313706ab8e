import { describe, expect, it } from 'vitest';
import { age, ago, birthDate, clock, elapsed, fromWire, longDate, minutes } from './time.ts';

const noon = Date.UTC(2024, 5, 15, 12, 0, 0);

describe('times for people', () => {
	it('reads wire instants as numbers and as text', () => {
		expect(fromWire('1700000000')).toBe(1_700_000_000_000);
		expect(fromWire(1_700_000_000)).toBe(1_700_000_000_000);
		for (const nothing of [null, undefined, '', '0', 'soon', Number.NaN])
			expect(fromWire(nothing)).toBeNull();
	});

	it('never shows a negative length', () => {
		expect(elapsed(-5000)).toBe('0:00');
		expect(elapsed(42_900)).toBe('0:42');
		expect(elapsed(3_725_000)).toBe('1:02:05');
		expect(minutes(-1)).toBe(0);
		expect(minutes(119_000)).toBe(1);
	});

	it('counts full years', () => {
		expect(age('2000-06-15', noon)).toBe(24);
		expect(age('2000-06-16', noon)).toBe(23);
		expect(age('', noon)).toBeNull();
		expect(age('2030-01-01', noon)).toBeNull();
		expect(age(null, noon)).toBeNull();
	});

	it('takes a birth date from three fields or names the wrong one', () => {
		expect(birthDate('4', '3', '1987', noon)).toEqual({ date: '1987-03-04' });
		expect(birthDate('29', '2', '2023', noon)).toEqual({ wrong: 'day' });
		expect(birthDate('29', '2', '2024', noon)).toEqual({ date: '2024-02-29' });
		expect(birthDate('1', '13', '1987', noon)).toEqual({ wrong: 'month' });
		expect(birthDate('1', '1', '87', noon)).toEqual({ wrong: 'year' });
		expect(birthDate('16', '6', '2024', noon)).toEqual({ wrong: 'future' });
		expect(birthDate('x', '6', '2020', noon)).toEqual({ wrong: 'day' });
	});

	it('speaks the habit of the reader', () => {
		expect(clock(noon, 'de', 'UTC')).toBe('12:00');
		expect(clock(noon, 'en-US', 'UTC')).toMatch(/^12:00\sPM$/);
		expect(longDate('1987-03-04', 'en-GB')).toBe('4 March 1987');
		expect(ago(20_000)).toEqual({ value: 20, unit: 'second' });
		expect(ago(600_000)).toEqual({ value: 10, unit: 'minute' });
	});
});
