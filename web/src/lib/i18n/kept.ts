// The language that somebody chose in this browser.

const KEY = 'bedside.language';

export function keptLanguage(): string | null {
	try {
		return localStorage.getItem(KEY);
	} catch {
		// Storage can be forbidden, and tests have none: then the browser's own wish counts.
		return null;
	}
}

export function keepLanguage(tag: string): void {
	try {
		localStorage.setItem(KEY, tag);
	} catch {
		// See above: the choice lasts as long as the page.
	}
}
