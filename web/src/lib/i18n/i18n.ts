// Words for people. Catalogs are ICU messages in JSON, one file per language and audience, loaded when a page needs them.
import { IntlMessageFormat } from 'intl-messageformat';
import type shared from '../messages/en.json';
import type staff from '../messages/en.staff.json';

export type Catalog = 'shared' | 'staff';
export type MessageKey = keyof typeof shared | keyof typeof staff;
export type Values = Record<string, string | number>;

type Loader = () => Promise<{ default: Record<string, string> }>;

const catalogs: Record<string, Record<Catalog, Loader>> = {
	en: {
		shared: () => import('../messages/en.json'),
		staff: () => import('../messages/en.staff.json'),
	},
};

export const fallbackLocale = 'en';

let locale = fallbackLocale;
const texts = new Map<string, string>();
const formats = new Map<string, IntlMessageFormat>();
const loaded = new Set<string>();

/** The first of the reader's languages that has a catalog. */
export function pickLocale(wanted: readonly string[]): string {
	for (const tag of wanted) {
		const language = tag.toLowerCase().split('-')[0] ?? '';
		if (catalogs[language]) return language;
	}
	return fallbackLocale;
}

/** Loads a catalog once; pages await this before they render. */
export async function loadMessages(catalog: Catalog, wanted?: readonly string[]): Promise<void> {
	const languages = wanted ?? (typeof navigator === 'undefined' ? [] : navigator.languages);
	const next = pickLocale(languages);
	if (next !== locale) {
		locale = next;
		formats.clear();
	}
	const name = `${locale}/${catalog}`;
	if (loaded.has(name)) return;
	const loader = catalogs[locale]?.[catalog];
	if (!loader) return;
	for (const [key, text] of Object.entries((await loader()).default)) texts.set(key, text);
	loaded.add(name);
	if (typeof document !== 'undefined') document.documentElement.lang = locale;
}

/** The message of a key with its values put in. A missing key shows itself, so that nobody overlooks it. */
export function t(key: MessageKey, values?: Values): string {
	const text = texts.get(key);
	if (text === undefined) return key;
	if (!text.includes('{') && !text.includes("'")) return text;
	let format = formats.get(key);
	if (!format) {
		format = new IntlMessageFormat(text, locale, undefined, { ignoreTag: true });
		formats.set(key, format);
	}
	return String(format.format(values));
}

/** The locale that texts, dates and numbers are shown in. */
export function currentLocale(): string {
	return locale;
}
