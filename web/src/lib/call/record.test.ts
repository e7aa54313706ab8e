import { describe, expect, it } from 'vitest';
import { deviceName, Recorder } from './record.ts';

const none = () => undefined;

describe('the record of a connection', () => {
	it('says only what is known', () => {
		expect(new Recorder(0).report(false, '')).toEqual({ sid: '', over: false, reconnects: 0 });
	});

	it('counts from the wish to enter, and the first time alone', () => {
		const record = new Recorder(1000);
		record.joined('PA_a', 1600.4);
		record.joined('PA_b', 9000);
		record.frame(1900);
		record.frame(5000);
		record.reconnected();
		expect(record.report(true, 'Chrome 126 on Windows')).toEqual({
			sid: 'PA_b',
			over: true,
			join_ms: 600,
			first_frame_ms: 900,
			reconnects: 1,
			device: 'Chrome 126 on Windows',
		});
	});

	it('adds tracks up and takes a later word for the same track', () => {
		const record = new Recorder(0);
		const video = { type: 'inbound-rtp', kind: 'video', ssrc: 1, packetsReceived: 99, packetsLost: 1 };
		record.read(video, none);
		record.read(
			{ ...video, packetsReceived: 980, packetsLost: 20, freezeCount: 2, totalFreezesDuration: 1.25 },
			none,
		);
		record.read({ type: 'inbound-rtp', kind: 'audio', ssrc: 2, packetsReceived: 1000, jitter: 0.012 }, none);
		record.read({ type: 'outbound-rtp', ssrc: 3, packetsSent: 400 }, none);
		record.read({ type: 'remote-inbound-rtp', ssrc: 3, packetsLost: 100, roundTripTime: 0.08 }, none);
		expect(record.report(false, '')).toMatchObject({
			loss_down_ppm: 10_000,
			loss_up_ppm: 250_000,
			freezes: 2,
			frozen_ms: 1250,
			jitter_ms: 12,
			rtt_ms: 80,
		});
	});

	it('knows the way from the pair that was chosen', () => {
		const candidates: Record<string, Record<string, unknown>> = {
			a: { candidateType: 'host', protocol: 'tcp' },
			b: { candidateType: 'relay', protocol: 'udp' },
			c: { candidateType: 'srflx', protocol: 'udp' },
		};
		const path = (id: string, nominated: boolean) => {
			const record = new Recorder(0);
			record.read({ type: 'candidate-pair', nominated, localCandidateId: id }, (key) => candidates[key]);
			return record.report(false, '').path;
		};
		expect([path('a', true), path('b', true), path('c', true), path('c', false), path('x', true)]).toEqual([
			'tcp',
			'relay',
			'udp',
			undefined,
			undefined,
		]);
	});
});

describe('the name of a device', () => {
	it.each([
		[
			'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36',
			'Chrome 126 on Windows',
		],
		['Mozilla/5.0 (Windows NT 10.0) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.1', 'Edge 126 on Windows'],
		[
			'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1',
			'Safari 17 on iPhone',
		],
		['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox 128 on Linux'],
		['something else', ''],
	])('%s', (agent, name) => {
		expect(deviceName(agent)).toBe(name);
	});
});
