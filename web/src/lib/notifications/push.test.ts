import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Api, createApi } from '#lib/api/client.ts';
import { cookieSession } from '#lib/session/source.ts';
import { bytes, pushState, switchOn } from './push.ts';

/** An API that answers by path, and what was asked of it. */
function api(answers: Record<string, unknown>): { api: Api; asked: string[] } {
	const asked: string[] = [];
	const fetch = async (request: Request) => {
		const path = new URL(request.url).pathname.replace('/api_v3', '');
		asked.push(`${request.method} ${path}`);
		return Response.json({ data: answers[`${request.method} ${path}`] ?? [] });
	};
	return { api: createApi(cookieSession('patient'), { fetch, origin: 'https://x.example' }), asked };
}

function browser(
	permission: NotificationPermission,
	answer: NotificationPermission,
	endpoint: string | null,
) {
	const made = { endpoint, toJSON: () => ({ endpoint, keys: { p256dh: 'p', auth: 'a' } }) };
	const pushManager = {
		getSubscription: async () => (endpoint === null ? null : { ...made, options: {}, unsubscribe: vi.fn() }),
		subscribe: vi.fn(async () => ({
			...made,
			toJSON: () => ({ endpoint: 'https://push.example/1', keys: { p256dh: 'p', auth: 'a' } }),
		})),
	};
	const registration = { pushManager };
	vi.stubGlobal('window', { isSecureContext: true, PushManager: class {}, Notification: class {} });
	vi.stubGlobal('Notification', { permission, requestPermission: async () => answer });
	vi.stubGlobal('navigator', {
		serviceWorker: {
			getRegistration: async () => registration,
			register: async () => registration,
			ready: Promise.resolve(registration),
		},
	});
	return pushManager;
}

afterEach(() => vi.unstubAllGlobals());

describe('messages of the browser', () => {
	it('are impossible where there is no safe connection', async () => {
		vi.stubGlobal('window', { isSecureContext: false });
		expect(await pushState(api({}).api)).toBe('impossible');
		expect(await switchOn(api({}).api)).toBe('impossible');
	});

	it('are on only when the clinic knows this browser as this person’s', async () => {
		browser('granted', 'granted', 'https://push.example/1');
		expect(await pushState(api({}).api)).toBe('off');
		const known = { 'GET /endpoints': [{ id: '7', key: 'https://push.example/1' }] };
		expect(await pushState(api(known).api)).toBe('on');
	});

	it('say what stands in the way, and tell the clinic nothing then', async () => {
		browser('denied', 'denied', null);
		const first = api({});
		expect(await pushState(first.api)).toBe('blocked');
		expect(await switchOn(first.api)).toBe('blocked');
		browser('default', 'default', null);
		expect(await switchOn(first.api)).toBe('dismissed');
		const manager = browser('default', 'granted', null);
		manager.subscribe.mockRejectedValue(new Error('no service'));
		const second = api({ 'GET /endpoints/push_key': { key: 'AQID' } });
		expect(await switchOn(second.api)).toBe('unreachable');
		expect([...first.asked, ...second.asked]).not.toContain('POST /endpoints');
	});

	it('are switched on with the clinic’s key', async () => {
		const manager = browser('default', 'granted', null);
		const { api: here, asked } = api({ 'GET /endpoints/push_key': { key: 'AQ-_' } });
		expect(await switchOn(here)).toBeNull();
		expect(asked).toContain('POST /endpoints');
		expect(manager.subscribe).toHaveBeenCalledWith({
			userVisibleOnly: true,
			applicationServerKey: bytes('AQ-_'),
		});
		expect([...bytes('AQ-_')]).toEqual([1, 15, 191]);
	});
});
