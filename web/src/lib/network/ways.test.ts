import { describe, expect, it } from 'vitest';
import { type Found, only, relays, type State, verdict, type Way, ways } from './ways.ts';

const sdp = [
	'v=0',
	'a=candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host',
	'a=candidate:2 1 tcp 1671430143 192.0.2.1 7882 typ host tcptype passive',
	'a=end-of-candidates',
	'',
].join('\r\n');

function all(states: Partial<Record<Way, State>>): Record<Way, Found> {
	return Object.fromEntries(ways.map((way) => [way, { state: states[way] ?? 'fails' }])) as Record<
		Way,
		Found
	>;
}

describe('a way', () => {
	it('is tried by its own candidates alone', () => {
		expect(only(sdp, 'udp')).toBe(
			sdp
				.split('\r\n')
				.filter((line) => !line.includes(' tcp '))
				.join('\r\n'),
		);
		expect(only(sdp, 'tcp')).toContain('tcptype passive');
		expect(only(sdp, 'tcp')).not.toContain(' udp ');
	});

	it('over the relay uses the addresses of its kind', () => {
		const urls = ['turn:a:3478?transport=udp', 'turn:a:3478?transport=tcp', 'turns:b:443?transport=tcp'];
		const servers = [{ urls, username: 'u', credential: 'c' }];
		expect(relays(servers, 'turn_udp')).toEqual([{ urls: [urls[0]], username: 'u', credential: 'c' }]);
		expect(relays(servers, 'turn_tls')[0]?.urls).toEqual([urls[2]]);
		expect(relays(servers, 'udp')).toEqual([]);
		expect(relays([{ urls: urls.slice(0, 2), username: 'u', credential: 'c' }], 'turn_tls')).toEqual([]);
	});
});

describe('the verdict', () => {
	it('is good by UDP alone, a detour by anything else', () => {
		expect(verdict(all({ web: 'works', udp: 'works' }))).toBe('good');
		expect(verdict(all({ web: 'works', turn_tls: 'works' }))).toBe('detour');
		expect(verdict(all({ web: 'works', tcp: 'works', turn_tls: 'absent' }))).toBe('detour');
		expect(verdict(all({ web: 'works' }))).toBe('blocked');
		expect(verdict(all({ udp: 'works' }))).toBe('offline');
	});
});
