import { describe, expect, it } from 'vitest';
import type { Notice } from '#lib/api/types.ts';
import { joined, leadsTo } from './notices.ts';

const notice = (id: string, at: number, read = false): Notice =>
	({ id, unix_millis: at, read, type: 'ready', target: '7' }) as Notice;

describe('where a notification leads', () => {
	it('is the patient’s appointment or visit', () => {
		expect(leadsTo({ type: 'reminder', target: '7' }, 'patient')).toBe('/members/appointment/7');
		expect(leadsTo({ type: 'ready', target: '7' }, 'patient')).toBe('/visits/start/7');
		expect(leadsTo({ type: 'answered', target: '7' }, 'patient')).toBe('/visits/start/7');
	});

	it('is the desk for those who work there, and the endpoints for admins', () => {
		expect(leadsTo({ type: 'waiting', target: '7' }, 'provider')).toBe('/providers/dashboard?visit=7');
		expect(leadsTo({ type: 'webhook_disabled', target: null }, 'admin')).toBe('/admin/developers');
	});

	it('is nowhere where there is no page', () => {
		expect(leadsTo({ type: 'waiting', target: '7' }, 'admin')).toBeNull();
		expect(leadsTo({ type: 'late', target: null }, 'patient')).toBeNull();
	});
});

describe('a list', () => {
	it('has each once, the newest first', () => {
		const list = joined([notice('a', 1), notice('b', 2)], [notice('c', 3), notice('a', 1)]);
		expect(list.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
	});

	it('does not forget what was read while it was asked for', () => {
		expect(joined([notice('a', 1, true)], [notice('a', 1)])[0]?.read).toBe(true);
	});
});
