import { describe, expect, it } from 'vitest';
import { Emitter } from './emitter.ts';
import { baseOf, pageAddress, problemOf, size, wishesOf } from './options.ts';

describe('where the call is', () => {
	it.each([
		['call.example.org', {}, '', 'https://call.example.org'],
		['call.example.org/vc/next/', {}, '', 'https://call.example.org/vc/next'],
		['https://call.example.org', {}, '', 'https://call.example.org'],
		['127.0.0.1:8080', { noSSL: true }, '', 'http://127.0.0.1:8080'],
		['127.0.0.1:8080', {}, 'http://127.0.0.1:8080/sdk/external_api.min.js', 'http://127.0.0.1:8080'],
		['call.example.org', {}, 'http://127.0.0.1:8080/sdk/external_api.min.js', 'https://call.example.org'],
	])('%s %j from %s is %s', (domain, options, script, base) => {
		expect(baseOf(domain, options, script)).toBe(base);
	});

	it('holds no token in its address', () => {
		const address = pageAddress('https://c.example', '1_a__jitsi', 'https://p.example', 'es');
		expect(address).toBe('https://c.example/call/1_a__jitsi#origin=https%3A%2F%2Fp.example&lang=es');
	});
});

describe('what a site wants', () => {
	it('is read from the fields as sign-on gives them', () => {
		const data = { vsee: { id: 'demo+3f2a', token: 't' }, meeting: { meeting_id: 'm' } };
		const configOverwrite = { startWithAudioMuted: true, startAudioOnly: true, toolbarButtons: ['chat'] };
		expect(wishesOf({ data, configOverwrite })).toEqual({
			token: 't',
			id: 'demo+3f2a',
			startMuted: true,
			startWithoutVideo: true,
			buttons: ['chat'],
		});
		expect(wishesOf({ jwt: 'j' })).toEqual({ token: 'j' });
	});

	it('is a problem when nothing can be shown', () => {
		expect(problemOf('', { token: 't' }, 'https://a')).toBe('no_meeting');
		expect(problemOf('m', { token: '' }, 'https://a')).toBe('no_token');
		expect(problemOf('m', { token: 't' }, 'null')).toBe('origin_refused');
		expect(problemOf('m', { token: 't' }, 'https://a')).toBeNull();
	});

	it.each([
		[undefined, '100%'],
		[600, '600px'],
		['600', '600px'],
		['50%', '50%'],
		['1px;background:red', '100%'],
	])('is this large: %s', (length, css) => {
		expect(size(length)).toBe(css);
	});
});

it('every spelling of listening is heard and can be ended', () => {
	const api = new Emitter();
	const heard: string[] = [];
	const on = (name: string) => () => void heard.push(name);
	const off = on('off');
	api.on('a', on('on')).addListener('a', off).once('a', on('once')).off('a', off);
	api.addEventListeners({ a: on('many'), b: on('b') });
	expect(api.emit('a', {})).toBe(true);
	expect(api.emit('a', {})).toBe(true);
	api.removeEventListeners(['a']);
	expect(api.emit('a', {})).toBe(false);
	expect(heard).toEqual(['on', 'once', 'many', 'on', 'many']);
	expect(api.listenerCount('b')).toBe(1);
});
