import { describe, expect, it } from 'vitest';
import { cookieSession } from '#lib/session/source.ts';
import { type ApiError, address, asApiError, createApi } from './client.ts';

function answering(...answers: (Response | Error)[]) {
	const asked: { url: string; init: RequestInit | undefined }[] = [];
	const send = async (url: RequestInfo | URL, init?: RequestInit) => {
		asked.push({ url: String(url), init });
		const answer = answers.shift() ?? new Error('no more answers');
		if (answer instanceof Error) throw answer;
		return answer;
	};
	return {
		asked,
		api: createApi(cookieSession('provider'), { fetch: send as typeof fetch, pause: async () => {} }),
	};
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

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
		const { asked, api } = answering(json({ data: { id: '1' } }));
		expect(await api.get<{ id: string }>('/visits/1')).toEqual({ id: '1' });
		expect(new Headers(asked[0]?.init?.headers).get('x-session-kind')).toBe('provider');
		expect(asked[0]?.url).toBe('/api_v3/visits/1');
	});

	it('leaves empty values out of the query', () => {
		expect(address('/visits', { status: '10,20', room_code: undefined, start: 0, q: '' })).toBe(
			'/api_v3/visits?status=10%2C20&start=0',
		);
	});

	it('keeps what the server said about an error', async () => {
		const { api } = answering(
			json(
				{
					code: 400,
					message: 'Somebody was faster.',
					error: 'visit_taken',
					fields: { id: 'taken' },
					request_id: 'r1',
				},
				400,
			),
		);
		const error = await caught(api.post('/visits/1/accept'));
		expect([error.status, error.code, error.message, error.requestId, error.fields]).toEqual([
			400,
			'visit_taken',
			'Somebody was faster.',
			'r1',
			{ id: 'taken' },
		]);
		expect(error.passing).toBe(false);
	});

	it('tries a read again when the network fails, a write never', async () => {
		const read = answering(new TypeError('offline'), json({}, 503), json({ data: 7 }));
		expect(await read.api.get('/x')).toBe(7);
		expect(read.asked).toHaveLength(3);

		const write = answering(new TypeError('offline'), json({ data: 7 }));
		const error = await caught(write.api.post('/x'));
		expect(error.offline).toBe(true);
		expect(write.asked).toHaveLength(1);
	});

	it('makes an error of an answer that is no JSON', async () => {
		const { api } = answering(new Response('<h1>Bad gateway</h1>', { status: 400 }));
		expect((await caught(api.get('/x'))).code).toBe('http_400');
	});
});
