import { beforeAll, describe, expect, it } from 'vitest';
import { loadMessages } from '#lib/i18n/i18n.ts';
import type { CallState } from './engine.ts';
import { callWords, longSilence } from './words.ts';

beforeAll(() => loadMessages('shared', ['en']));

const call: CallState = {
	phase: 'connected',
	failure: null,
	connectedAt: 0,
	lostAt: null,
	muted: false,
	cameraOff: false,
	peers: [
		{
			identity: 'user-1',
			name: 'Dr Osei',
			role: 'provider',
			hasVideo: true,
			cameraOff: false,
			muted: false,
			speaking: false,
			sharing: false,
			handAt: null,
			guestRole: '',
		},
	],
	gone: null,
	lastPicture: null,
	quality: 'good',
	soundBlocked: false,
	speakingWhileMuted: false,
	sharing: false,
	handUp: false,
	speaker: null,
};

describe('the words of a call', () => {
	it('are none while all is well', () => {
		expect(callWords(call, 'Dr Osei', 0)).toEqual({ main: '', sub: '', dim: false, weak: false });
	});

	it('say weak without hiding the face', () => {
		expect(callWords({ ...call, quality: 'weak' }, 'Dr Osei', 0)).toMatchObject({
			main: '',
			weak: true,
			dim: false,
		});
	});

	it('tell a peer who left from one who was lost', () => {
		const alone = { ...call, peers: [] };
		expect(callWords(alone, 'Dr Osei', 0).main).toBe('Waiting for Dr Osei…');
		expect(callWords({ ...alone, gone: { name: '', how: 'left', at: 0 } }, 'Dr Osei', 0).main).toBe(
			'Dr Osei left the call and can come back.',
		);
		const lost = { ...alone, gone: { name: '', how: 'lost' as const, at: 0 } };
		expect(callWords(lost, 'Dr Osei', 0)).toMatchObject({ main: 'Reconnecting Dr Osei…', sub: '' });
		expect(callWords(lost, 'Dr Osei', longSilence + 1).sub).not.toBe('');
	});

	it('dim what is no longer now', () => {
		expect(callWords({ ...call, phase: 'reconnecting', lostAt: 0 }, 'Dr Osei', 1)).toMatchObject({
			main: 'Reconnecting…',
			dim: true,
		});
	});
});
