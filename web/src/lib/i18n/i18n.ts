// Words for people. Catalogs are ICU messages in JSON, one file per language and audience, loaded when a page needs
// them. Patients choose their language; those who work here read English, the only language their catalog has.
import { IntlMessageFormat } from 'intl-messageformat';
import { createSubscriber } from 'svelte/reactivity';
import type shared from '../messages/en.json';
import type staff from '../messages/en.staff.json';
import { keepLanguage, keptLanguage } from './kept.ts';

export type Catalog = 'shared' | 'staff';
export type MessageKey = keyof typeof shared | keyof typeof staff;
export type Values = Record<string, string | number>;

type Loader = () => Promise<{ default: Record<string, string> }>;

const catalogs: Record<string, Partial<Record<Catalog, Loader>>> = {
	en: {
		shared: () => import('../messages/en.json'),
		staff: () => import('../messages/en.staff.json'),
	},
	es: { shared: () => import('../messages/es.json') },
};

/** The languages of the patients' pages, each by its own name, and whether a translator has gone over it. */
export const languages = [
	{ tag: 'en', name: 'English', reviewed: true },
	{ tag: 'es', name: 'Español', reviewed: false },
] as const;

export const fallbackLocale = 'en';

let locale = fallbackLocale;
const texts = new Map<string, string>();
const formats = new Map<string, IntlMessageFormat>();
const loaded = new Map<string, Record<string, string>>();
/** What this page has asked for so far: another language brings the same. */
const wantedCatalogs = new Set<Catalog>();
/** Which language and catalogs stand in `texts`. */
let shown = '';

let changed: () => void = () => undefined;
/** Whatever was made of words is made again in another language. */
const follow = createSubscriber((update) => {
	changed = update;
	return () => {
		changed = () => undefined;
	};
});

/** The first of the reader's languages that has a catalog. */
export function pickLocale(wanted: readonly string[]): string {
	for (const tag of wanted) {
		const language = tag.toLowerCase().split('-')[0] ?? '';
		if (catalogs[language]) return language;
	}
	return fallbackLocale;
}

/** What the reader chose on this browser, else what the browser asks for. */
function readersLanguages(): readonly string[] {
	const asked = typeof navigator === 'undefined' ? [] : navigator.languages;
	const chosen = keptLanguage();
	return chosen === null ? asked : [chosen, ...asked];
}

async function fetchCatalog(language: string, catalog: Catalog): Promise<void> {
	const name = `${language}/${catalog}`;
	const loader = catalogs[language]?.[catalog];
	if (!loader || loaded.has(name)) return;
	loaded.set(name, (await loader()).default);
}

function show(next: string): void {
	const here = [...wantedCatalogs].filter((catalog) => loaded.has(`${next}/${catalog}`));
	const now = [next, ...here].join();
	if (now === shown) return;
	shown = now;
	locale = next;
	texts.clear();
	formats.clear();
	for (const catalog of wantedCatalogs) {
		for (const [key, text] of Object.entries(loaded.get(`${next}/${catalog}`) ?? {})) texts.set(key, text);
	}
	if (typeof document !== 'undefined') document.documentElement.lang = next;
	changed();
}

/** Loads a catalog once, in the reader's language or the first wanted one; pages await this before they render. */
export async function loadMessages(catalog: Catalog, wanted?: readonly string[]): Promise<void> {
	const next = pickLocale(wanted ?? readersLanguages());
	wantedCatalogs.add(catalog);
	await Promise.all([...wantedCatalogs].map((each) => fetchCatalog(next, each)));
	show(next);
}

/** The reader wants another language: shown at once, and from now on in this browser. */
export async function chooseLanguage(tag: string): Promise<void> {
	await Promise.all([...wantedCatalogs].map((each) => fetchCatalog(tag, each)));
	keepLanguage(tag);
	show(tag);
}

/** The message of a key with its values put in. A missing key shows itself, so that nobody overlooks it. */
export function t(key: MessageKey, values?: Values): string {
	follow();
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
	follow();
	return locale;
}
