import { describe, expect, it } from 'vitest';
import { arrange, GHOST_MS, mine, nextDeparture, type QueueVisit, type Row } from './rows.ts';

const ME = '7';
const visit = (id: string, status = 10, provider_id: string | null = null): QueueVisit => ({
	id,
	status,
	provider_id,
});
const ids = (rows: Row[]) => rows.map((row) => `${row.visit.id}:${row.state}`);

describe('arrange', () => {
	it('shows the waiting in the order of the server', () => {
		expect(ids(arrange([], [visit('1'), visit('2', 20), visit('3', 25, ME)], ME, 0, false))).toEqual([
			'1:waiting',
			'2:waiting',
		]);
	});

	it('takes numbers as text, as the detail form has them', () => {
		const rows = arrange([], [{ id: '1', status: '10', provider_id: null }], ME, 0, false);
		expect(ids(rows)).toEqual(['1:waiting']);
	});

	it('follows the server when nobody points at the list', () => {
		const before = arrange([], [visit('1'), visit('2')], ME, 0, false);
		expect(ids(arrange(before, [visit('2'), visit('1'), visit('3')], ME, 1, false))).toEqual([
			'2:waiting',
			'1:waiting',
			'3:waiting',
		]);
	});

	it('never moves a row under the pointer: newcomers go below', () => {
		const before = arrange([], [visit('1'), visit('2')], ME, 0, false);
		const rows = arrange(before, [visit('9'), visit('2'), visit('1')], ME, 1, true);
		expect(ids(rows)).toEqual(['1:waiting', '2:waiting', '9:waiting']);
	});

	it('says that another provider took a row, in its place, then lets it leave', () => {
		const before = arrange([], [visit('1'), visit('2')], ME, 0, false);
		const taken = arrange(before, [visit('2'), visit('1', 25, '8')], ME, 100, false);
		expect(ids(taken)).toEqual(['1:taken', '2:waiting']);
		expect(nextDeparture(taken)).toBe(100 + GHOST_MS);
		expect(ids(arrange(taken, [visit('2'), visit('1', 25, '8')], ME, 100 + GHOST_MS, false))).toEqual([
			'2:waiting',
		]);
	});

	it('keeps a gone row while the pointer is on the list', () => {
		const before = arrange([], [visit('1'), visit('2')], ME, 0, false);
		const left = arrange(before, [visit('2')], ME, 100, true);
		expect(ids(left)).toEqual(['1:left', '2:waiting']);
		expect(ids(arrange(left, [visit('2')], ME, 100_000, true))).toEqual(['1:left', '2:waiting']);
		expect(ids(arrange(left, [visit('2')], ME, 100_000, false))).toEqual(['2:waiting']);
	});

	it('drops a row at once when it became my visit', () => {
		const before = arrange([], [visit('1'), visit('2')], ME, 0, false);
		const visits = [visit('1', 25, ME), visit('2')];
		expect(ids(arrange(before, visits, ME, 1, true))).toEqual(['2:waiting']);
		expect(mine(visits, ME).map((each) => each.id)).toEqual(['1']);
	});

	it('takes a visit back that was put back while its row said taken', () => {
		const before = arrange([], [visit('1'), visit('2')], ME, 0, false);
		const taken = arrange(before, [visit('2'), visit('1', 25, '8')], ME, 1, false);
		expect(ids(arrange(taken, [visit('1'), visit('2')], ME, 2, false))).toEqual(['1:waiting', '2:waiting']);
		expect(ids(arrange(taken, [visit('1'), visit('2')], ME, 2, true))).toEqual(['1:waiting', '2:waiting']);
	});
});
