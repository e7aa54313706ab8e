import { describe, expect, it } from 'vitest';
import { blockedSteps, properBrowser } from './blocked.ts';
import { estimate, type Facts, lampFill, sceneOf, wasPutBack } from './way.ts';

const facts: Facts = {
	state: 'waiting',
	video: true,
	checked: false,
	joined: false,
	away: false,
	exited: false,
	question: false,
};

describe("the patient's way", () => {
	it('goes from the check to the waiting room, the call and goodbye', () => {
		expect(sceneOf(facts)).toBe('check');
		expect(sceneOf({ ...facts, checked: true })).toBe('waiting');
		expect(sceneOf({ ...facts, checked: true, state: 'in_progress' })).toBe('ready');
		expect(sceneOf({ ...facts, checked: true, state: 'in_progress', joined: true })).toBe('call');
		expect(sceneOf({ ...facts, checked: true, state: 'completed', joined: true })).toBe('bye');
	});

	it('checks the devices even of a patient whose turn it is', () => {
		expect(sceneOf({ ...facts, state: 'in_progress' })).toBe('check');
	});

	it('leads back into a call that was left', () => {
		expect(sceneOf({ ...facts, checked: true, state: 'in_progress', away: true })).toBe('away');
	});

	it('tells leaving from being cancelled', () => {
		expect(sceneOf({ ...facts, state: 'cancelled' })).toBe('cancelled');
		expect(sceneOf({ ...facts, state: 'cancelled', exited: true })).toBe('exited');
	});

	it('asks for no camera where the visit has no video', () => {
		expect(sceneOf({ ...facts, video: false })).toBe('waiting');
		expect(sceneOf({ ...facts, video: false, state: 'in_progress' })).toBe('no_video');
	});

	it('shows a question as a conversation, also when it was answered', () => {
		for (const state of ['waiting', 'in_progress', 'completed'] as const) {
			expect(sceneOf({ ...facts, question: true, state })).toBe('question');
		}
		expect(sceneOf({ ...facts, question: true, state: 'cancelled' })).toBe('cancelled');
	});

	it('knows put back from a new wait', () => {
		expect(wasPutBack('in_progress', 'waiting')).toBe(true);
		expect(wasPutBack(null, 'waiting')).toBe(false);
		expect(wasPutBack('waiting', 'waiting')).toBe(false);
	});
});

describe('the lamp and the estimate', () => {
	it('fills by thirds', () => {
		expect([5, 2, 1, 0].map(lampFill)).toEqual([1 / 3, 1 / 3, 2 / 3, 1]);
	});

	it('says nothing where nobody can know', () => {
		expect(estimate(1, null)).toBeNull();
		expect(estimate(null, 10)).toBeNull();
		expect(estimate(0, 0)).toBeNull();
	});

	it('gives a range in fives, never a point', () => {
		expect(estimate(0, 6)).toBe('short');
		expect(estimate(1, 9)).toEqual({ low: 10, high: 20 });
		for (let ahead = 0; ahead < 12; ahead += 1) {
			for (let average = 1; average < 60; average += 1) {
				const range = estimate(ahead, average);
				if (range && range !== 'short') {
					expect(range.high).toBeGreaterThan(range.low);
					expect(range.low).toBeGreaterThan(0);
				}
			}
		}
	});
});

describe('the steps to unblock', () => {
	it('fit the browser', () => {
		expect(
			blockedSteps('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36'),
		).toBe('blocked.chrome');
		expect(blockedSteps('Mozilla/5.0 (Linux; Android 13) Chrome/120.0 Mobile Safari/537.36')).toBe(
			'blocked.android',
		);
		expect(blockedSteps('Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Version/17.0 Mobile Safari/604.1')).toBe(
			'blocked.ios',
		);
		expect(blockedSteps('Mozilla/5.0 (Macintosh) Version/17.0 Safari/605.1.15')).toBe('blocked.safari');
		expect(blockedSteps('Mozilla/5.0 (X11; rv:120.0) Gecko Firefox/120.0')).toBe('blocked.firefox');
		expect(properBrowser('iPhone')).toBe('Safari');
	});
});
