// What the call says about itself, in words, and only when it matters. Pure.
import { t } from '#lib/i18n/i18n.ts';
import type { CallState } from './engine.ts';

export interface CallWords {
	main: string;
	sub: string;
	/** The last picture dims: what is seen is not now. */
	dim: boolean;
	weak: boolean;
}

/** How long a lost connection goes on before the words change, in ms. */
export const longSilence = 20_000;

export function callWords(call: CallState, name: string, now: number): CallWords {
	const words: CallWords = { main: '', sub: '', dim: false, weak: false };
	switch (call.phase) {
		case 'idle':
		case 'connecting':
			words.main = t('call.connecting');
			if (call.lostAt !== null) words.sub = t('call.connecting_slow');
			return words;
		case 'reconnecting':
			words.dim = true;
			words.main = t('call.reconnecting');
			words.sub =
				call.lostAt !== null && now - call.lostAt > longSilence
					? t('call.reconnecting_long')
					: t('call.reconnecting_sub');
			return words;
		case 'left':
			return words;
		case 'failed':
			words.dim = true;
			words.main =
				call.failure?.code === 'elsewhere'
					? t('call.elsewhere')
					: (call.failure?.message ?? '') || t('call.failed');
			return words;
		case 'connected':
			break;
	}
	if (call.peers.length === 0) {
		words.dim = call.lastPicture !== null;
		if (call.gone?.how === 'lost') {
			words.main = t('call.peer_reconnecting', { name });
			words.sub = now - call.gone.at > longSilence ? t('call.peer_long', { name }) : '';
		} else if (call.gone) {
			words.main = t('call.peer_left', { name });
			words.dim = false;
		} else {
			words.main = t('call.peer_waiting', { name });
		}
		return words;
	}
	words.weak = call.quality === 'weak';
	if (call.peers.every((peer) => peer.cameraOff)) words.sub = t('call.peer_no_video', { name });
	return words;
}
