// Names of languages, as the browser knows them. Old ones know none: then the server's English name stands.

/** A language in the words of another one: `es` in `en` is "Spanish". */
export function nameIn(locale: string, tag: string, fallback = tag): string {
	try {
		const name = new Intl.DisplayNames([locale], { type: 'language' }).of(tag);
		return name && name !== tag ? name : fallback;
	} catch {
		return fallback;
	}
}

/** For somebody who looks for their own language in a list they may not be able to read: "español (Spanish)". */
export function ownAndReaders(locale: string, tag: string, fallback: string): string {
	const own = nameIn(tag, tag, '');
	const readers = nameIn(locale, tag, fallback);
	return own && own !== readers ? `${own} (${readers})` : readers;
}

/** Which of these languages is meant: the same one, else one that is it more or less closely. Empty for none. */
export function nearest(spoken: readonly string[], wanted: string): string {
	if (!wanted) return '';
	const close = (one: string) => `${wanted}-`.startsWith(`${one}-`) || `${one}-`.startsWith(`${wanted}-`);
	return spoken.find((one) => one === wanted) ?? spoken.find(close) ?? '';
}
