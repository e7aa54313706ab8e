/** The suite's `test`: one clinic per worker, an empty queue per test, and nobody calls outside. */
import { type BrowserContext, test as base, expect, type Page } from '@playwright/test';
import { Clinic } from './clinic.ts';

interface Fixtures {
	/** A browser of its own: other cookies, other storage, as on another machine. */
	newPerson: () => Promise<Page>;
	emptyQueue: undefined;
}

export const test = base.extend<Fixtures, { clinic: Clinic }>({
	clinic: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from this pattern.
		async ({}, use) => {
			const clinic = await Clinic.start();
			await use(clinic);
			await clinic.stop();
		},
		{ scope: 'worker', timeout: 60_000 },
	],
	emptyQueue: [
		async ({ clinic }, use, info) => {
			await clinic.emptyQueue();
			await use(undefined);
			if (info.status !== info.expectedStatus) {
				await info.attach('server.log', { body: clinic.log(), contentType: 'text/plain' });
			}
		},
		{ auto: true },
	],
	newPerson: async ({ browser, contextOptions, clinic }, use) => {
		const contexts: BrowserContext[] = [];
		const strangers: string[] = [];
		await use(async () => {
			const context = await browser.newContext(contextOptions);
			contexts.push(context);
			watchForStrangers(context, clinic.demo.base_url, strangers);
			return context.newPage();
		});
		for (const context of contexts) await context.close();
		expect(strangers, 'requests to other hosts').toEqual([]);
	},
});

/** Notes every request that leaves the clinic's own origin. */
export function watchForStrangers(context: BrowserContext, origin: string, strangers: string[]): void {
	const host = new URL(origin).host;
	context.on('page', (page) => {
		page.on('websocket', (socket) => {
			if (new URL(socket.url()).host !== host) strangers.push(socket.url());
		});
	});
	context.on('request', (request) => {
		const url = new URL(request.url());
		if (['data:', 'blob:', 'about:'].includes(url.protocol)) return;
		if (url.host !== host) strangers.push(request.url());
	});
}

export { expect, type Page };
