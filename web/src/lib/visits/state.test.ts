import { beforeAll, describe, expect, it } from 'vitest';
import { loadMessages, t } from '#lib/i18n/i18n.ts';
import en from '../messages/en.json';
import staff from '../messages/en.staff.json';
import { sentences, stateOf, type VisitState, words } from './state.ts';

beforeAll(() => loadMessages('shared', ['en']));

describe('the table of sentences', () => {
	it('has a word and three sentences for every state, with every value filled in', () => {
		for (const state of Object.keys(sentences) as VisitState[]) {
			expect(t(words[state])).not.toBe(words[state]);
			for (const key of Object.values(sentences[state])) {
				const text = t(key, { patient: 'Maria', provider: 'Dr Osei' });
				expect(text).not.toBe(key);
				expect(text).not.toMatch(/[{}]/);
			}
		}
	});

	it('reads the state from its name, and from its number where there is no name', () => {
		expect(stateOf({ status: '25', status_name: 'in_progress' })).toBe('in_progress');
		expect(stateOf({ status: 30, status_name: undefined as never })).toBe('completed');
	});
});

describe('the voice', () => {
	it('keeps to its words', () => {
		for (const [key, text] of Object.entries({ ...en, ...staff })) {
			expect(text, key).not.toMatch(/\b(please|oops|invalid|session)\b/i);
		}
	});

	it('has no key in two catalogs', () => {
		expect(Object.keys(staff).filter((key) => key in en)).toEqual([]);
	});
});
