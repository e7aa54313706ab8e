import { afterEach, describe, expect, test } from 'vitest';
import { closeGate, keepGate, openGate, throughGate } from './gate.ts';

const locked = () => new Response(JSON.stringify({ error: 'session_locked' }), { status: 401 });
const call = () => new Request('http://127.0.0.1/api_v3/notes', { method: 'POST', body: '{"text":"kept"}' });

let leave: () => void = () => undefined;
afterEach(() => leave());

describe('calls of a locked page', () => {
	test('what the server refuses for the lock is sent again, whole, once the page is open', async () => {
		let heard = 0;
		leave = keepGate(() => {
			heard += 1;
		});
		const bodies: string[] = [];
		const send = async (request: Request) => {
			bodies.push(await request.text());
			return bodies.length === 1 ? locked() : new Response('{}');
		};
		const answer = throughGate(call(), send);
		await new Promise((done) => setTimeout(done));
		expect([heard, bodies.length]).toEqual([1, 1]);
		openGate();
		expect((await answer).status).toBe(200);
		expect(bodies).toEqual(['{"text":"kept"}', '{"text":"kept"}']);
	});

	test('lists that ask again and again do not pile up', async () => {
		leave = keepGate(() => undefined);
		closeGate();
		const all = Array.from({ length: 30 }, () =>
			throughGate(call(), async () => new Response('{}')).then(
				() => 'sent',
				() => 'refused',
			),
		);
		openGate();
		const ends = await Promise.all(all);
		expect(ends.filter((end) => end === 'sent')).toHaveLength(20);
	});

	test('a page without a lock of its own hears what the server said', async () => {
		expect((await throughGate(call(), async () => locked())).status).toBe(401);
	});

	test('a session that ended is no lock', async () => {
		leave = keepGate(() => expect.fail('nobody is to unlock this'));
		const ended = async () => new Response(JSON.stringify({ error: 'token_missing' }), { status: 401 });
		expect((await throughGate(call(), ended)).status).toBe(401);
	});
});
