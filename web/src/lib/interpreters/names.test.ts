import { expect, test } from 'vitest';
import { nameIn, ownAndReaders } from './names.ts';

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
