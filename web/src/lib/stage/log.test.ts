import { describe, expect, it } from 'vitest';
import { curlOf, type Entry, fits, type PortalCall, withFrame, withPortal } from './log.ts';

const place = { base_url: 'http://127.0.0.1:8080', visitId: '12', roomCode: 'demo' };

const portal = (method: string, path: string): PortalCall => ({
	title: '',
	method,
	path,
	request_headers: { 'X-ApiKey': 'k' },
	request_body: { a: 1 },
	status: 200,
	response_body: {},
});

describe('the strip', () => {
	it('takes calls and events and drops what it cannot read', () => {
		let entries: Entry[] = [];
		entries = withFrame(entries, '{"method":"GET","path":"/api_v3/visits","status":200,"ms":3}', 1);
		entries = withFrame(entries, '{"type":"visit.created","visit_id":"12"}', 2);
		entries = withFrame(entries, 'no json', 3);
		entries = withFrame(entries, 'null', 4);
		expect(entries.map((entry) => [entry.id, entry.kind])).toEqual([
			[2, 'event'],
			[1, 'call'],
		]);
	});

	it('knows the line of a call that the portal told of first', () => {
		const told = withPortal([], [portal('POST', '/api_v3/intakes')], () => 1);
		const entries = withFrame(
			told,
			'{"method":"POST","path":"/api_v3/intakes","status":200,"ms":3,"at":5}',
			2,
		);
		expect(entries).toHaveLength(1);
		expect(entries[0]).toMatchObject({ id: 1, call: { ms: 3, at: 5 }, portal: { path: '/api_v3/intakes' } });
	});

	it('knows a path by its template', () => {
		expect(fits('/api_v3/visits/{id}', '/api_v3/visits/12')).toBe(true);
		expect(fits('/visits/:id/accept', '/api_v3/visits/12/accept')).toBe(true);
		expect(fits('/api_v3/users/sso', '/api_v3/users/sso.json?fields=vsee')).toBe(true);
		expect(fits('/api_v3/visits/{id}', '/api_v3/visits/12/accept')).toBe(false);
		expect(fits('/api_v3/visits', '/api_v3/intakes')).toBe(false);
	});

	it('joins the calls of the portal to the lines of the log, in their order', () => {
		let id = 10;
		const line = (n: number, path: string): Entry => ({
			id: n,
			kind: 'call',
			call: { method: 'POST', path, status: 200, ms: 1 },
			portal: null,
		});
		const entries = withPortal(
			[line(3, '/api_v3/users/sso'), line(2, '/api_v3/intakes'), line(1, '/api_v3/users/sso')],
			[
				portal('POST', '/api_v3/users/sso'),
				portal('POST', '/api_v3/intakes'),
				portal('POST', '/api_v3/visits/add_walkin'),
			],
			() => ++id,
		);
		expect(entries.map((entry) => [entry.id, entry.kind === 'call' && entry.portal?.path])).toEqual(
			[
				[11, '/api_v3/visits/add_walkin'],
				[3, null],
				[2, '/api_v3/intakes'],
				[1, '/api_v3/users/sso'],
			].map(([n, path]) => [n, path ?? undefined]),
		);
	});

	it('writes a command for each line', () => {
		const line = (method: string, path: string): Entry & { kind: 'call' } => ({
			id: 1,
			kind: 'call',
			call: { method, path, status: 200, ms: 1 },
			portal: null,
		});
		expect(curlOf(line('POST', '/api_v3/visits/{id}/accept'), place)).toContain(
			"'http://127.0.0.1:8080/api_v3/visits/12/accept'",
		);
		expect(curlOf(line('GET', '/api_v3/rooms/:code/queue'), place)).toContain("/rooms/demo/queue'");
		const whole = { ...line('POST', '/x'), portal: portal('POST', '/api_v3/intakes') };
		expect(curlOf(whole, place)).toContain(`-d '{"a":1}'`);
	});
});
