import { describe, expect, it } from 'vitest';
import { type DeviceState, nextDeviceState, stateOfError } from './device-state.ts';
import { loudness } from './level.ts';
import { isInAppBrowser, obstacle } from './media-source.ts';
import { type Judgement, judge, type Sample } from './quality.ts';

describe('the state of a device', () => {
	it('goes from the question to the answer', () => {
		let state: DeviceState = 'unknown';
		state = nextDeviceState(state, { type: 'ask' });
		expect(state).toBe('asking');
		expect(nextDeviceState(state, { type: 'opened' })).toBe('on');
		expect(nextDeviceState(state, { type: 'failed', error: 'NotAllowedError' })).toBe('blocked');
		expect(nextDeviceState(state, { type: 'failed', error: 'NotFoundError' })).toBe('missing');
		expect(nextDeviceState(state, { type: 'failed', error: 'NotReadableError' })).toBe('busy');
	});

	it('is lost only when it was on', () => {
		expect(nextDeviceState('on', { type: 'ended' })).toBe('lost');
		expect(nextDeviceState('off', { type: 'ended' })).toBe('off');
	});

	it('does not leave "impossible"', () => {
		expect(nextDeviceState('impossible', { type: 'ask' })).toBe('impossible');
	});

	it('has a state for every error, known or not', () => {
		for (const name of ['SecurityError', 'OverconstrainedError', 'AbortError', 'SomethingNew']) {
			expect(['blocked', 'missing', 'busy']).toContain(stateOfError(name));
		}
	});
});

describe('browsers without a camera', () => {
	const facebook =
		'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/440.0]';
	const webview =
		'Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 Version/4.0 Chrome/120.0 Mobile Safari/537.36';
	const chrome = 'Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36';

	it('are known by their names', () => {
		expect(isInAppBrowser(facebook)).toBe(true);
		expect(isInAppBrowser(webview)).toBe(true);
		expect(isInAppBrowser(chrome)).toBe(false);
	});

	it('get the reason that a person can do something about', () => {
		expect(obstacle({ secure: true, hasDevices: true, userAgent: facebook })).toBeNull();
		expect(obstacle({ secure: true, hasDevices: false, userAgent: facebook })).toBe('in-app');
		expect(obstacle({ secure: false, hasDevices: false, userAgent: chrome })).toBe('insecure');
		expect(obstacle({ secure: true, hasDevices: false, userAgent: chrome })).toBe('unsupported');
	});
});

describe('the judgement of a connection', () => {
	const good: Sample = { received: 100, lost: 0, sentLoss: 0, roundTrip: 0.05 };
	const bad: Sample = { ...good, sentLoss: 0.3 };

	it('takes two bad samples to say weak, three good ones to take it back', () => {
		let now: Judgement = { quality: 'good', against: 0 };
		now = judge(null, bad, now);
		expect(now.quality).toBe('good');
		now = judge(bad, bad, now);
		expect(now.quality).toBe('weak');
		now = judge(bad, good, now);
		now = judge(good, good, now);
		expect(now.quality).toBe('weak');
		now = judge(good, good, now);
		expect(now.quality).toBe('good');
	});

	it('looks at what was lost since the last sample, not ever', () => {
		const before: Sample = { received: 1000, lost: 500, sentLoss: null, roundTrip: null };
		const after: Sample = { received: 1200, lost: 501, sentLoss: null, roundTrip: null };
		expect(judge(before, after, { quality: 'good', against: 1 })).toEqual({ quality: 'good', against: 0 });
	});
});

describe('loudness', () => {
	it('is nothing for silence and full for a full wave', () => {
		expect(loudness(new Float32Array(512))).toBe(0);
		expect(loudness(new Float32Array(512).fill(0.9))).toBe(1);
		const speech = loudness(new Float32Array(512).fill(0.02));
		expect(speech).toBeGreaterThan(0.3);
		expect(speech).toBeLessThan(0.8);
	});
});
