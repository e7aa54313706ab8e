// Whose face fills the stage. Pure.
import type { Peer } from './engine.ts';

/** Who somebody came to see: the provider sees the patient, everybody else the provider. */
export function mainPeer(peers: Peer[], reader: 'patient' | 'provider' | 'guest'): Peer | null {
	const wanted = reader === 'provider' ? 'patient' : 'provider';
	return (
		peers.find((one) => one.role === wanted) ??
		peers.find((one) => one.role !== 'guest' && one.role !== reader) ??
		peers[0] ??
		null
	);
}
