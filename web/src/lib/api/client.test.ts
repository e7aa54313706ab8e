import { describe, expect, it } from 'vitest';
import { cookieSession } from '#lib/session/source.ts';
import { type ApiError, address, asApiError, createApi, ok } from './client.ts';

function answering(...answers: (Response | Error)[]) {
	const asked: Request[] = [];
	const send = async (request: Request) => {
		asked.push(request);
		const answer = answers.shift() ?? new Error('no more answers');
		if (answer instanceof Error) throw answer;
		return answer;
	};
	const options = { fetch: send, pause: async () => {}, origin: 'http://clinic.test' };
	return { asked, http: createApi(cookieSession('provider'), options).http };
}

const json = (body: unknown, status = 200) =>
	new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });

const visit = { params: { path: { id: '1' } } };

async function caught(promise: Promise<unknown>): Promise<ApiError> {
	return promise.then(
		() => {
			throw new Error('did not fail');
		},
		(reason: unknown) => asApiError(reason),
	);
}

describe('the API client', () => {
	it('names the kind of its session on every call', async () => {
		const { asked, http } = answering(json({ data: { id: '1' } }));
		expect((await ok(http.GET('/visits/{id}', visit))).data).toEqual({ id: '1' });
		expect(asked[0]?.headers.get('x-session-kind')).toBe('provider');
		expect(asked[0]?.url).toBe('http://clinic.test/api_v3/visits/1');
	});

	it('builds the address of a stream', () => {
		expect(address('/events/stream', { session_kind: 'patient', none: '' })).toBe(
			'/api_v3/events/stream?session_kind=patient',
		);
	});

	it('keeps what the server said about an error', async () => {
		const body = {
			code: 400,
			message: 'Gone.',
			error: 'visit_taken',
			fields: { id: 'taken' },
			request_id: 'r1',
		};
		const { http } = answering(json(body, 400));
		const error = await caught(ok(http.POST('/visits/{id}/accept', { ...visit, body: {} })));
		expect([error.status, error.code, error.message, error.requestId, error.fields]).toEqual([
			400,
			'visit_taken',
			'Gone.',
			'r1',
			{ id: 'taken' },
		]);
		expect(error.passing).toBe(false);
	});

	it('tries a read again when the network fails, a write never', async () => {
		const read = answering(new TypeError('offline'), json({}, 503), json({ data: 7 }));
		expect(await ok(read.http.GET('/visits/{id}', visit))).toEqual({ data: 7 });
		expect(read.asked).toHaveLength(3);

		const write = answering(new TypeError('offline'), json({ data: 7 }));
		const error = await caught(ok(write.http.POST('/visits/{id}/complete', visit)));
		expect(error.offline).toBe(true);
		expect(write.asked).toHaveLength(1);
	});

	it('makes an error of an answer that is no JSON', async () => {
		const { http } = answering(new Response('<h1>Bad gateway</h1>', { status: 400 }));
		expect((await caught(ok(http.GET('/visits/{id}', visit)))).code).toBe('http_400');
	});
});
