/** Messages of the browser: asked for by a click, refused in words, shown by the worker, ended again. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Worker } from '@playwright/test';
import { expectAccessible } from './kit/accessible.ts';
import { Clinic } from './kit/clinic.ts';
import { expectNext, passDeviceCheck } from './kit/patient.ts';
import { signIn } from './kit/provider.ts';
import { test as base, expect, type Page } from './kit/test.ts';

/** A push service of this machine: Chromium's own is at Google's. */
interface Service {
	url: string;
	/** Paths of the browsers that something was posted to. */
	posted: string[];
}

const test = base.extend<object, { clinic: Clinic; service: Service }>({
	service: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern.
		async ({}, use) => {
			const posted: string[] = [];
			const server = createServer((request, response) => {
				posted.push(request.url ?? '');
				request.resume();
				request.on('end', () => response.writeHead(201).end());
			});
			await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
			const { port } = server.address() as AddressInfo;
			await use({ url: `http://127.0.0.1:${port}`, posted });
			server.closeAllConnections();
			await new Promise((done) => server.close(done));
		},
		{ scope: 'worker' },
	],
	clinic: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern.
		async ({}, use) => {
			process.env.BEDSIDE__PUSH__ALLOW_PRIVATE = 'true';
			const clinic = await Clinic.start().finally(() => delete process.env.BEDSIDE__PUSH__ALLOW_PRIVATE);
			await use(clinic);
			await clinic.stop();
		},
		{ scope: 'worker', timeout: 60_000 },
	],
});

/** Keys of a subscription, as any browser makes them. */
const P256DH = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';
const AUTH = 'BTBZMqHH6r4Tts7J_aSIgg';

/** Stands in for the browser's push service: the subscription is made here, the worker and its permission are real. */
async function subscribable(context: BrowserContext, endpoint: string): Promise<void> {
	await context.addInitScript(
		({ endpoint, p256dh, auth }) => {
			const kept = () => localStorage.getItem('test.push');
			const made = (key: ArrayBuffer | null) => ({
				endpoint,
				options: { applicationServerKey: key },
				toJSON: () => ({ endpoint, keys: { p256dh, auth } }),
				unsubscribe: async () => {
					localStorage.removeItem('test.push');
					return true;
				},
			});
			PushManager.prototype.getSubscription = async () =>
				(kept() === null ? null : made(null)) as unknown as PushSubscription | null;
			PushManager.prototype.subscribe = async (options) => {
				const key = options?.applicationServerKey as Uint8Array<ArrayBuffer>;
				if (!options?.userVisibleOnly || key.length !== 65) throw new Error('no good key');
				localStorage.setItem('test.push', 'on');
				return made(key.buffer) as unknown as PushSubscription;
			};
		},
		{ endpoint, p256dh: P256DH, auth: AUTH },
	);
}

/** What the admin does before anybody may be promised a push: tries it. */
async function tried(clinic: Clinic, service: Service): Promise<void> {
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	const own = { type: 50, key: `${service.url}/admin`, p256dh: P256DH, auth: AUTH };
	await clinic.ok('POST', '/endpoints', admin, own);
	const done = await clinic.ok<{ works: boolean }>('POST', '/notifications/test', admin, { channel: 'push' });
	expect(done.works).toBe(true);
}

async function waits(clinic: Clinic, page: Page) {
	const person = await clinic.sso(200, { first_name: 'Maria', last_name: 'Santos' });
	const id = await clinic.walkIn(person);
	await page.goto(clinic.authUrl(person, `/visits/start/${id}`));
	await passDeviceCheck(page);
	await expectNext(page);
	return { person, id };
}

const pushes = (clinic: Clinic, token: string) =>
	clinic.ok<{ id: string; key: string }[]>('GET', '/endpoints?type=50', { 'X-ApiToken': token });

// This one comes first: nothing was tried yet.
test('nobody is offered what was not tried', async ({ clinic, newPerson }) => {
	const desk = await newPerson();
	await desk.setViewportSize({ width: 1440, height: 900 });
	await signIn(desk, clinic);
	await expect(desk.getByRole('button', { name: 'Sign out' })).toBeVisible();
	await expect(desk.getByRole('button', { name: 'Notify me in this browser' })).toHaveCount(0);
});

test('a patient who leaves is called in their browser', async ({ clinic, service, newPerson }) => {
	await tried(clinic, service);
	const page = await newPerson();
	await page.setViewportSize({ width: 360, height: 740 });
	await subscribable(page.context(), `${service.url}/maria`);
	const { person, id } = await waits(clinic, page);
	expect(await pushes(clinic, person.token), 'nothing before a click').toEqual([]);

	// Refused: in words, and nobody is told that they may leave.
	await page.getByRole('button', { name: "Notify me when it's my turn" }).click();
	const dialog = page.getByRole('dialog');
	await expect(dialog).toContainText('Your browser asks whether it may show notifications.');
	await page.evaluate(() => {
		Notification.requestPermission = async () => 'denied';
	});
	await dialog.getByRole('button', { name: 'Call me' }).click();
	await expect(dialog.getByRole('alert')).toContainText('This browser blocks notifications of this page.');
	await expectAccessible(page, 'notifications are blocked');
	expect(await pushes(clinic, person.token)).toEqual([]);
	await page.evaluate(() => {
		Notification.requestPermission = async () => 'granted';
	});
	await page.context().grantPermissions(['notifications', 'camera', 'microphone']);
	await dialog.getByRole('button', { name: 'Call me' }).click();
	await expect(page.getByText('This browser notifies you when you', { exact: false })).toBeVisible();
	await expectAccessible(page, 'the place is kept, and this browser told');
	const [kept] = await pushes(clinic, person.token);
	expect(kept?.key).toBe(`${service.url}/maria`);
	await page.close();

	const provider = await clinic.providerToken(clinic.provider);
	await clinic.ok('POST', `/visits/${id}/accept`, { 'X-ApiToken': provider }, {});
	await expect.poll(() => service.posted, { timeout: 20_000 }).toContain('/maria');
});

test('a provider switches it on and off, and signing out ends it', async ({ clinic, service, newPerson }) => {
	await tried(clinic, service);
	const desk = await newPerson();
	await desk.setViewportSize({ width: 1440, height: 900 });
	await desk.context().grantPermissions(['notifications']);
	await subscribable(desk.context(), `${service.url}/desk`);
	await signIn(desk, clinic);
	const token = await clinic.providerToken(clinic.provider);
	await desk.getByRole('button', { name: 'Notify me in this browser' }).click();
	const off = desk.getByRole('button', { name: 'Stop notifying me in this browser' });
	await expect(off).toBeVisible();
	await expectAccessible(desk, 'notifications are on');
	expect((await pushes(clinic, token)).map(({ key }) => key)).toEqual([`${service.url}/desk`]);
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Tom', last_name: 'Becker' }));
	await expect.poll(() => service.posted, { timeout: 20_000 }).toContain('/desk');
	await desk.reload();
	await off.click();
	await expect(desk.getByRole('button', { name: 'Notify me in this browser' })).toBeVisible();
	expect(await pushes(clinic, token)).toEqual([]);
	await desk.getByRole('button', { name: 'Notify me in this browser' }).click();
	await expect(off).toBeVisible();
	await desk.getByRole('button', { name: 'Sign out' }).click();
	await expect(desk.getByRole('heading', { name: 'Sign in' })).toBeVisible();
	expect(await pushes(clinic, await clinic.providerToken(clinic.provider))).toEqual([]);
});

/** What the worker of this test's page is asked to show and to open; it still shows it. */
interface Watched {
	told: { title: string; body: string; tag: string | null; url: string }[];
	opened: string[];
	focused: string[];
}

/** As much of a service worker's world as is used here: the pages' types do not know it. */
interface WorkerScope extends EventTarget {
	registration: ServiceWorkerRegistration;
	clients: { openWindow(url: string): Promise<null> };
	WindowClient: { prototype: { url: string; focus(): Promise<unknown> } };
	NotificationEvent: new (
		type: string,
		init: { notification: Notification },
	) => Event & { waitUntil(what: Promise<unknown>): void };
	watched: Watched;
}

async function watched(worker: Worker): Promise<() => Promise<Watched>> {
	await worker.evaluate(() => {
		const scope = self as unknown as WorkerScope;
		scope.watched = { told: [], opened: [], focused: [] };
		const show = scope.registration.showNotification.bind(scope.registration);
		scope.registration.showNotification = (title, options = {}) => {
			const { body = '', tag = null, data } = options as NotificationOptions & { tag?: string };
			scope.watched.told.push({ title, body, tag, url: data.url });
			return show(title, options);
		};
		// Browsers allow both only for a click of a person.
		scope.clients.openWindow = async (url) => {
			scope.watched.opened.push(String(url));
			return null;
		};
		scope.WindowClient.prototype.focus = async function focus() {
			scope.watched.focused.push(this.url);
			return this;
		};
	});
	return () => worker.evaluate(() => (self as unknown as WorkerScope).watched);
}

/** A person clicks the notification that leads there. */
const click = (worker: Worker, url: string) =>
	worker.evaluate(async (url) => {
		const scope = self as unknown as WorkerScope;
		const notification = (await scope.registration.getNotifications()).find(({ data }) => data.url === url);
		if (!notification) throw new Error('it is not shown');
		const event = new scope.NotificationEvent('notificationclick', { notification });
		let done: Promise<unknown> | undefined;
		// Only the browser's own events may be waited for.
		event.waitUntil = (what) => {
			done = Promise.resolve(what);
		};
		scope.dispatchEvent(event);
		await done;
		return (await scope.registration.getNotifications()).some(({ data }) => data.url === url);
	}, url);

test('the worker shows what it is told, and a click leads to that page of ours and no other', async ({
	clinic,
	newPerson,
}) => {
	const page = await newPerson();
	await page.context().grantPermissions(['notifications']);
	await page.goto(clinic.demo.base_url);
	const served = await page.request.get(`${clinic.demo.base_url}/push-worker.js`);
	expect(served.headers()['cache-control']).toBe('no-cache');
	expect(served.headers()['content-type']).toContain('javascript');
	const browser = await page.context().newCDPSession(page);
	const registration = new Promise<string>((found) => {
		browser.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
			const [one] = registrations;
			if (one) found(one.registrationId);
		});
	});
	await browser.send('ServiceWorker.enable');
	const begun = page.context().waitForEvent('serviceworker');
	await page.evaluate(async () => {
		await navigator.serviceWorker.register('/push-worker.js', { scope: '/' });
		await navigator.serviceWorker.ready;
	});
	const worker = await begun;
	const seen = await watched(worker);
	const registrationId = await registration;
	const deliver = (data: string) =>
		browser.send('ServiceWorker.deliverPushMessage', { origin: clinic.demo.base_url, registrationId, data });
	const front = `${clinic.demo.base_url}/`;
	const visit = `${front}visits/start/7`;
	const told = { title: 'Northside Clinic', body: 'Your provider is ready for you now.', tag: 'ready' };
	await deliver(JSON.stringify({ ...told, url: visit }));
	await expect.poll(async () => (await seen()).told).toEqual([{ ...told, url: visit }]);
	const shown = () =>
		page.evaluate(async () => {
			const ready = await navigator.serviceWorker.ready;
			return (await ready.getNotifications()).map(({ title, data }) => `${title} ${data.url}`);
		});
	await expect.poll(shown).toEqual([`${told.title} ${visit}`]);

	// The page is not open: it is opened, and the notification is gone.
	expect(await click(worker, visit)).toBe(false);
	expect(await seen()).toMatchObject({ opened: [visit], focused: [] });
	// It is open: nobody gets it twice.
	await page.goto(visit);
	await deliver(JSON.stringify({ ...told, url: visit }));
	await expect.poll(shown).toEqual([`${told.title} ${visit}`]);
	expect(await click(worker, visit)).toBe(false);
	expect(await seen()).toMatchObject({ opened: [visit], focused: [visit] });

	// Another's address opens the front page; what cannot be read is shown too.
	await deliver(JSON.stringify({ ...told, url: 'https://evil.example/' }));
	await deliver('no JSON');
	await expect
		.poll(async () => (await seen()).told.slice(2))
		.toEqual([
			{ ...told, url: front },
			{ title: 'Bedside', body: '', tag: null, url: front },
		]);
});
