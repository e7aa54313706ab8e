import { expect, test } from 'vitest';
import { nameIn, nearest, ownAndReaders } from './names.ts';

test('a language is named in the reader’s words, and in its own', () => {
	expect(nameIn('en', 'es')).toBe('Spanish');
	expect(nameIn('es', 'es')).toBe('español');
	expect(ownAndReaders('en', 'es', 'Spanish')).toBe('español (Spanish)');
	expect(ownAndReaders('es', 'es', 'Spanish')).toBe('español');
});

test('what the browser does not know has the server’s name', () => {
	expect(nameIn('en', 'not a tag', 'Something')).toBe('Something');
	expect(ownAndReaders('en', 'qqq', 'Some language')).toBe('Some language');
});

test('nobody is asked for a language that was not meant', () => {
	const spoken = ['ase', 'es', 'es-MX', 'zh-Hant'];
	expect(nearest(spoken, 'es-MX')).toBe('es-MX');
	expect(nearest(spoken, 'es-AR')).toBe('es');
	expect(nearest(spoken, 'zh')).toBe('zh-Hant');
	expect(nearest(spoken, 'zh-Hans')).toBe('');
	expect(nearest(spoken, 'fr')).toBe('');
	expect(nearest(spoken, '')).toBe('');
});
