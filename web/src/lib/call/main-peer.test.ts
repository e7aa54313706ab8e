import { describe, expect, it } from 'vitest';
import type { Peer } from './engine.ts';
import { mainPeer } from './main-peer.ts';

function peer(identity: string, role: string): Peer {
	return {
		identity,
		role,
		name: '',
		hasVideo: true,
		cameraOff: false,
		muted: false,
		speaking: false,
		sharing: false,
		handAt: null,
		guestRole: '',
	};
}

const patient = peer('1', 'patient');
const provider = peer('2', 'provider');
const guest = peer('3', 'guest');

describe('whose face fills the stage', () => {
	it('is the other side, whoever came first', () => {
		expect(mainPeer([guest, patient], 'provider')).toBe(patient);
		expect(mainPeer([guest, provider], 'patient')).toBe(provider);
		expect(mainPeer([patient, provider], 'guest')).toBe(provider);
	});

	it('is somebody while the other side is away', () => {
		expect(mainPeer([guest], 'provider')).toBe(guest);
		expect(mainPeer([guest, patient], 'guest')).toBe(patient);
		expect(mainPeer([], 'patient')).toBeNull();
	});
});
