import { readAddress } from '#lib/embed/protocol.ts';
import { loadMessages } from '#lib/i18n/i18n.ts';

export async function load() {
	const address = readAddress(location.hash);
	if (address.lang) await loadMessages('shared', [address.lang]);
	return { address };
}
