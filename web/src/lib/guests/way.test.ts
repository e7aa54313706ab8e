import { describe, expect, it } from 'vitest';
import { guestScene } from './way.ts';

const facts = { visit: 'open', place: null as string | null, away: false };

describe('a guest’s way', () => {
	it('begins with a question and waits at the door', () => {
		expect(guestScene(facts)).toBe('form');
		expect(guestScene({ ...facts, visit: 'not_begun' })).toBe('form');
		expect(guestScene({ ...facts, place: 'waiting' })).toBe('waiting');
		expect(guestScene({ ...facts, visit: 'not_begun', place: 'waiting' })).toBe('waiting');
	});

	it('goes in only when let in, and may step out', () => {
		expect(guestScene({ ...facts, place: 'admitted' })).toBe('call');
		expect(guestScene({ ...facts, place: 'admitted', away: true })).toBe('away');
		expect(guestScene({ ...facts, place: 'declined' })).toBe('declined');
		expect(guestScene({ ...facts, place: 'declined', away: true })).toBe('declined');
	});

	it('is over with the visit, whatever the place says', () => {
		for (const place of [null, 'waiting', 'admitted', 'declined', 'ended']) {
			expect(guestScene({ ...facts, visit: 'ended', place })).toBe('ended');
			expect(guestScene({ ...facts, visit: 'cancelled', place })).toBe('cancelled');
		}
		expect(guestScene({ ...facts, place: 'ended' })).toBe('left');
	});
});
