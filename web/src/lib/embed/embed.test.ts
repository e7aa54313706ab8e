import { describe, expect, it } from 'vitest';
import { Bridge } from './bridge.ts';
import { happenings, type Moment, nothing, type Someone } from './happenings.ts';
import { channel, readAddress, readToPage, readToSite, wrap } from './protocol.ts';

const maria: Someone = {
	id: 'user-1',
	name: 'Maria',
	muted: false,
	cameraOff: false,
	sharing: false,
	handAt: null,
};
const inCall: Moment = { ...nothing, roomName: 'm', joined: true, me: { id: 'user-2', name: 'Dr Osei' } };
const names = (before: Moment, after: Moment) => happenings(before, after).map(({ name }) => name);

describe('what a site hears', () => {
	it('is nothing while nothing changes', () => {
		const moment = { ...inCall, others: [maria] };
		expect(happenings(moment, { ...moment, others: [{ ...maria }] })).toEqual([]);
	});

	it('is oneself first, then who is there already', () => {
		expect(happenings({ ...nothing, roomName: 'm' }, { ...inCall, others: [maria] })).toEqual([
			{
				name: 'videoConferenceJoined',
				data: { roomName: 'm', id: 'user-2', displayName: 'Dr Osei', avatarURL: '', breakoutRoom: false },
			},
			{
				name: 'participantJoined',
				data: { id: 'user-1', displayName: 'Maria', formattedDisplayName: 'Maria' },
			},
		]);
	});

	it('names who goes, and leaving comes last', () => {
		const before = { ...inCall, others: [maria], sharing: true };
		expect(names(before, { ...inCall, joined: false, me: null })).toEqual([
			'participantLeft',
			'screenSharingStatusChanged',
			'contentSharingParticipantsChanged',
			'videoConferenceLeft',
		]);
	});

	it('tells of microphones, cameras, hands and screens, ours and theirs', () => {
		const before = { ...inCall, others: [maria] };
		const after = {
			...before,
			audioMuted: true,
			cameraProblem: 'blocked',
			handUp: true,
			others: [{ ...maria, muted: true, sharing: true, handAt: 9 }],
		};
		expect(names(before, after)).toEqual([
			'participantMuted',
			'raiseHandUpdated',
			'audioMuteStatusChanged',
			'cameraError',
			'videoAvailabilityChanged',
			'contentSharingParticipantsChanged',
			'raiseHandUpdated',
		]);
	});
});

describe('messages', () => {
	it('come through whole', () => {
		const init = {
			kind: 'init',
			wishes: { token: 't', id: 'n+1', startMuted: true, buttons: ['chat'] },
		} as const;
		expect(readToPage(wrap({ ...init, wishes: { ...init.wishes, buttons: ['chat'] } }))).toEqual(init);
		expect(readToSite(wrap({ kind: 'answer', id: 3, value: false }))).toEqual({
			kind: 'answer',
			id: 3,
			value: false,
		});
	});

	it.each([
		null,
		'init',
		{ kind: 'init', wishes: { token: 't' } },
		{ channel: 'other', kind: 'hello' },
		{ channel, kind: 'init', wishes: { token: 7 } },
		{ channel, kind: 'command', args: [] },
		{ channel, kind: 'ask', name: 'x', id: '1' },
		{ channel, kind: 'event', name: 'x' },
		{ channel, kind: 'token', token: '' },
	])('of others are none: %j', (data) => {
		expect(readToPage(data)).toBeNull();
		expect(readToSite(data)).toBeNull();
	});

	it('and the address names one whole origin or none', () => {
		expect(readAddress('#origin=https%3A%2F%2Fa.example%3A8443&lang=es')).toEqual({
			origin: 'https://a.example:8443',
			lang: 'es',
			token: null,
		});
		for (const bad of ['#origin=*', '#origin=https://a.example/x', '#origin=javascript:x', '']) {
			expect(readAddress(bad).origin, bad).toBeNull();
		}
	});
});

describe('the line to the site', () => {
	function line(origin: string | null) {
		const sent: [unknown, string][] = [];
		let hear: (event: unknown) => void = () => undefined;
		const parent = { postMessage: (data: unknown, to: string) => sent.push([data, to]) };
		const own = { parent, addEventListener: (_: string, on: typeof hear) => (hear = on) };
		const bridge = new Bridge(origin, own as unknown as Window);
		const heard: unknown[] = [];
		bridge.open((message) => heard.push(message));
		return { sent, heard, hear: (event: unknown) => hear(event), parent };
	}
	const token = { channel, kind: 'token', token: 't' };

	it('speaks to that origin alone', () => {
		expect(line('https://a.example').sent).toEqual([[{ channel, kind: 'hello' }, 'https://a.example']]);
		expect(line(null).sent).toEqual([]);
	});

	it('hears that origin and that window alone', () => {
		const { heard, hear, parent } = line('https://a.example');
		hear({ source: parent, origin: 'https://evil.example', data: token });
		hear({ source: {}, origin: 'https://a.example', data: token });
		expect(heard).toEqual([]);
		hear({ source: parent, origin: 'https://a.example', data: token });
		expect(heard).toEqual([{ kind: 'token', token: 't' }]);
	});
});
