import { describe, expect, it } from 'vitest';
import type { Slot } from '#lib/api/types.ts';
import { allOpenings, openings } from './hours.ts';

function weekly(
	more: Partial<Slot> & { days?: number[]; from?: string; until?: string | null; except?: string[] },
): Slot {
	const { days = [1], from = '2026-01-01', until = null, except = [], ...rest } = more;
	return {
		id: '7',
		provider_id: '2',
		room_code: 'main',
		kind: 'appointment',
		start: null,
		end: null,
		hours: { from: '09:00', until: '12:00' },
		repeat: { freq: 'weekly', days, from, until, except },
		timezone: 'America/New_York',
		capacity: 1,
		consultation_ids: [],
		created: 0,
		modified: 0,
		...rest,
	};
}

const at = (text: string) => Date.parse(text);
const week = [at('2026-11-23T00:00:00Z'), at('2026-11-30T00:00:00Z')] as const;
const dates = (rule: Slot) => openings(rule, ...week).map(({ date }) => date);

describe('hours', () => {
	it('open on their days, on their own clock, under the name of that time', () => {
		const [monday, ...rest] = openings(weekly({ days: [1, 3] }), ...week);
		expect(monday).toMatchObject({
			name: `7-${at('2026-11-23T14:00:00Z') / 1000}`,
			date: '2026-11-23',
			start: at('2026-11-23T14:00:00Z'),
			end: at('2026-11-23T17:00:00Z'),
		});
		expect(rest.map(({ date }) => date)).toEqual(['2026-11-25']);
	});

	it('begin, end and leave days out', () => {
		expect(dates(weekly({ days: [1, 2, 3, 4, 5], from: '2026-11-25' }))).toEqual([
			'2026-11-25',
			'2026-11-26',
			'2026-11-27',
		]);
		expect(dates(weekly({ days: [1, 2, 3, 4, 5], until: '2026-11-24' }))).toEqual([
			'2026-11-23',
			'2026-11-24',
		]);
		expect(dates(weekly({ days: [1, 2], except: ['2026-11-23'] }))).toEqual(['2026-11-24']);
	});

	it('stay on the wall when the clocks change', () => {
		const rule = weekly({ days: [7] });
		const [before] = openings(rule, at('2026-10-25T00:00:00Z'), at('2026-10-26T00:00:00Z'));
		const [after] = openings(rule, at('2026-11-01T00:00:00Z'), at('2026-11-02T00:00:00Z'));
		expect([before?.start, after?.start]).toEqual([at('2026-10-25T13:00:00Z'), at('2026-11-01T14:00:00Z')]);
	});

	it('reach over midnight into the first day that is shown', () => {
		const night = weekly({ days: [7], hours: { from: '22:00', until: '02:00' }, timezone: 'UTC' });
		const [found] = openings(night, ...week);
		expect([found?.start, found?.end]).toEqual([at('2026-11-22T22:00:00Z'), at('2026-11-23T02:00:00Z')]);
	});

	it('are one time without a rule, and none outside what is shown', () => {
		const start = at('2026-11-24T10:00:00Z') / 1000;
		const once = weekly({ repeat: null, hours: null, start, end: start + 3600 });
		expect(openings(once, ...week)).toMatchObject([{ name: '7', date: '2026-11-24' }]);
		expect(openings(once, week[1], week[1] + 1)).toEqual([]);
	});

	it('come in the order of time', () => {
		const rules = [weekly({ days: [3] }), weekly({ id: '8', days: [1, 5] })];
		expect(allOpenings(rules, ...week).map(({ rule }) => rule.id)).toEqual(['8', '7', '8']);
	});
});
