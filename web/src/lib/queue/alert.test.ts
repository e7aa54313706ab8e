import { describe, expect, it } from 'vitest';
import { arrived, isMuted, MUTE_MS, mute, quiet, REPEAT_MS, seen, tick, unmute } from './alert.ts';

describe('alert', () => {
	it('sounds for a newcomer, then every 30 s until seen', () => {
		let state = arrived(quiet, ['1']);
		let step = tick(state, 1000);
		expect(step.play).toBe(true);
		state = step.state;
		expect(tick(state, 1000 + REPEAT_MS - 1).play).toBe(false);
		step = tick(state, 1000 + REPEAT_MS);
		expect(step.play).toBe(true);
		expect(tick(seen(step.state), 1000 + 3 * REPEAT_MS).play).toBe(false);
	});

	it('does not sound again for whom was seen, but for the next one', () => {
		let state = seen(arrived(quiet, ['1']));
		state = arrived(state, ['1']);
		expect(tick(state, 0).play).toBe(false);
		state = arrived(state, ['1', '2']);
		expect(state.unseen).toEqual(['2']);
		expect(tick(state, 0).play).toBe(true);
	});

	it('forgets who left', () => {
		const state = arrived(arrived(quiet, ['1']), []);
		expect(tick(state, 0).play).toBe(false);
	});

	it('stays silent for the time of a mute, and comes back', () => {
		const state = mute(arrived(quiet, ['1']), 1000);
		expect(isMuted(state, 1000 + MUTE_MS - 1)).toBe(true);
		expect(tick(state, 2000).play).toBe(false);
		expect(tick(state, 1000 + MUTE_MS).play).toBe(true);
		expect(tick(unmute(state), 2000).play).toBe(true);
	});
});
