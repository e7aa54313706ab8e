import { describe, expect, it } from 'vitest';
import { safeNext } from './login.ts';

describe('safeNext', () => {
	it('returns to our own pages only', () => {
		expect(safeNext('/providers/dashboard?visit=4')).toBe('/providers/dashboard?visit=4');
		for (const next of [
			null,
			'',
			'https://evil.example',
			'//evil.example',
			'/\\evil.example',
			'/providers/login',
			'/u/x',
		]) {
			expect(safeNext(next)).toBe('/providers/dashboard');
		}
	});
});
