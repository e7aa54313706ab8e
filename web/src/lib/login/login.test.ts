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

	it('keeps each kind of person on its own pages', () => {
		expect(safeNext('/admin/developers?tab=log', 'admin')).toBe('/admin/developers?tab=log');
		expect(safeNext('/admin', 'admin')).toBe('/admin');
		for (const next of [null, '/providers/dashboard', '/administrator', '/admin/login', '//admin/x']) {
			expect(safeNext(next, 'admin')).toBe('/admin');
		}
		expect(safeNext('/admin/developers')).toBe('/providers/dashboard');
	});
});
