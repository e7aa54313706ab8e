import { describe, expect, it } from 'vitest';
import type { Closure, Slot, Visit } from '#lib/api/types.ts';
import { clashes, covered, isAhead } from './clashes.ts';
import type { Opening } from './hours.ts';

const hour = 3_600_000;
const open = (start: number, end: number, kind = 'appointment') =>
	({ rule: { kind } as Slot, name: '', date: '', start: start * hour, end: end * hour }) satisfies Opening;
const visit = (id: string, start: number, end: number, status = 20) =>
	({ id, start: start * 3600, end: end * 3600, status, missed: false }) as unknown as Visit;
const away = (start: number, end: number) =>
	({ id: 'a', start: start * 3600, end: end * 3600, created: 0, reason: '' }) satisfies Closure;
const span = (start: number, end: number) => ({ start: start * hour, end: end * hour });
const nothing = { visits: [], closures: [], openings: [open(8, 18)] };

describe('what an appointment would go over', () => {
	it('is nothing in open hours', () => {
		expect(clashes(span(9, 10), nothing, 0)).toEqual([]);
	});

	it('is an appointment that overlaps, not one that touches, is over or moves itself', () => {
		const visits = [visit('1', 8, 9), visit('2', 9, 10), visit('3', 10, 11), visit('4', 9, 10, 40)];
		const kinds = clashes(span(9, 10), { ...nothing, visits }, 0);
		expect(kinds).toEqual([{ kind: 'visit', visit: visits[1] }]);
		expect(clashes(span(9, 10), { ...nothing, visits }, 0, '2')).toEqual([]);
	});

	it('is time away, closed hours and the past', () => {
		const known = { ...nothing, closures: [away(17, 20)] };
		expect(clashes(span(17, 19), known, 20 * hour).map(({ kind }) => kind)).toEqual([
			'away',
			'outside',
			'past',
		]);
	});

	it('takes hours that touch for one, and hours on call for none', () => {
		expect(covered(span(9, 11), [open(10, 12), open(8, 10)])).toBe(true);
		expect(covered(span(9, 11), [open(8, 10), open(10.5, 12)])).toBe(false);
		expect(covered(span(9, 10), [open(8, 12, 'oncall')])).toBe(false);
	});
});

it('can be moved only before it began', () => {
	expect([10, 20, 25, 30, 40].map((status) => isAhead(visit('1', 1, 2, status)))).toEqual([
		true,
		true,
		false,
		false,
		false,
	]);
});
