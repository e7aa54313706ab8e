import { expect, it } from 'vitest';
import { waitsOrRuns } from './queue.ts';

it('shows an appointment when its patient has come or it runs, everybody else at once', () => {
	expect(waitsOrRuns({ type: 1, status: 20, arrived: null })).toBe(true);
	expect(waitsOrRuns({ type: 3, status: 10, arrived: null })).toBe(true);
	expect(waitsOrRuns({ type: 2, status: 20, arrived: null })).toBe(false);
	expect(waitsOrRuns({ type: '2', status: '20', arrived: 1_800_000_000 })).toBe(true);
	expect(waitsOrRuns({ type: 2, status: 25, arrived: null })).toBe(true);
});
