import { IntlMessageFormat } from 'intl-messageformat';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import enConsent from '../messages/en.consent.json';
import en from '../messages/en.json';
import esConsent from '../messages/es.consent.json';
import es from '../messages/es.json';
import { chooseLanguage, currentLocale, languages, loadMessages, pickLocale, t } from './i18n.ts';

const catalogs: Record<string, Record<string, string>> = { en, es };

/** The names that a message takes values for. */
function names(text: string): string[] {
	const found = new Set<string>();
	const walk = (parts: ReturnType<IntlMessageFormat['getAst']>) => {
		for (const part of parts) {
			if ('value' in part && part.type !== 0) found.add(String(part.value));
			if ('options' in part) for (const option of Object.values(part.options)) walk(option.value);
		}
	};
	walk(new IntlMessageFormat(text, 'en', undefined, { ignoreTag: true }).getAst());
	return [...found].filter((name) => name !== '#').sort();
}

describe('every language of the patients’ pages', () => {
	it('has a catalog', () => {
		expect(Object.keys(catalogs)).toEqual(languages.map(({ tag }) => tag));
	});

	for (const { tag } of languages) {
		const catalog = catalogs[tag] ?? {};

		it(`says everything in ${tag}, and nothing else`, () => {
			const missing = Object.keys(en).filter((key) => !catalog[key]?.trim());
			expect(missing, 'lacking').toEqual([]);
			expect(Object.keys(catalog).filter((key) => !(key in en))).toEqual([]);
		});

		it(`takes the same values in ${tag}`, () => {
			for (const [key, text] of Object.entries(en)) {
				expect(names(catalog[key] ?? ''), `${tag} ${key}`).toEqual(names(text));
			}
		});
	}

	it('says in every language what is asked before a visit', () => {
		expect(Object.keys(esConsent)).toEqual(Object.keys(enConsent));
		for (const text of Object.values(esConsent)) expect(text.trim()).not.toBe('');
	});

	it('was translated, not copied', () => {
		const same = Object.entries(en).filter(([key, text]) => es[key as keyof typeof es] === text);
		// Names and single words may well be alike.
		expect(same.length, same.map(([key]) => key).join()).toBeLessThan(Object.keys(en).length / 50);
	});
});

describe('a choice of language', () => {
	beforeEach(() => {
		const kept = new Map<string, string>();
		vi.stubGlobal('localStorage', {
			getItem: (key: string) => kept.get(key) ?? null,
			setItem: (key: string, value: string) => kept.set(key, value),
		});
		return () => vi.unstubAllGlobals();
	});

	it('is the browser’s until somebody makes one', () => {
		expect(pickLocale(['fr-CA', 'es-MX', 'en'])).toBe('es');
		expect(pickLocale(['tlh'])).toBe('en');
	});

	it('shows at once, and lasts', async () => {
		await loadMessages('shared', ['en-US']);
		expect(t('waiting.next')).toBe("You're next.");
		await chooseLanguage('es');
		expect([t('waiting.next'), currentLocale()]).toEqual(['Usted es el siguiente.', 'es']);
		expect(t('waiting.before', { count: 2 })).toBe('2 personas antes que usted.');
		// The next page asks nobody.
		await loadMessages('shared');
		expect(currentLocale()).toBe('es');
		await chooseLanguage('en');
		expect(t('waiting.before', { count: 2 })).toBe('2 people before you.');
	});

	it('is not the staff’s: their pages are all English', async () => {
		await chooseLanguage('es');
		// A page's layouts ask at once.
		await Promise.all([loadMessages('shared', ['en']), loadMessages('staff', ['en'])]);
		expect(currentLocale()).toBe('en');
		expect(t('waiting.next')).toBe("You're next.");
		expect(t('desk.sign_out')).not.toBe('desk.sign_out');
	});
});
