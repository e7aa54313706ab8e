/** A portal of its own origin, which serves the example page of docs/embedding.md and what its server would answer. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, expect, type Frame, type Page } from '@playwright/test';
import type { Clinic } from './clinic.ts';

/** What a portal's server has of one person's way into a call. */
export interface Way {
	vsee: { id: string; token: string };
	meeting: { meeting_id: string };
}

export class Site {
	/** By the path under which somebody's page is. */
	readonly ways = new Map<string, Way>();
	private readonly server: Server;
	readonly origin: string;

	private constructor(server: Server) {
		this.server = server;
		this.origin = `http://localhost:${(server.address() as AddressInfo).port}`;
	}

	static async start(clinic: Clinic): Promise<Site> {
		const guide = await readFile(join(import.meta.dirname, '../../../docs/embedding.md'), 'utf8');
		const example = guide.match(/```html\n([\s\S]*?)```/)?.[1];
		if (!example) throw new Error('The guide shows no page any more.');
		const page = example
			.replace('https://clinic.example', clinic.demo.base_url)
			.replace('clinic.example', new URL(clinic.demo.base_url).host);
		let site: Site | null = null;
		const server = createServer((request, response) => {
			const [, person = '', file = ''] = (request.url ?? '').split('/');
			const way = site?.ways.get(person);
			if (!way) response.writeHead(404).end();
			else if (file === 'call.json')
				response.setHeader('content-type', 'application/json').end(JSON.stringify(way));
			else response.setHeader('content-type', 'text/html').end(page);
		});
		await new Promise<void>((done) => server.listen(0, 'localhost', done));
		site = new Site(server);
		return site;
	}

	stop(): void {
		this.server.closeAllConnections();
		this.server.close();
	}
}

interface Heard {
	name: string;
	data: Record<string, unknown>;
}

interface ExternalApi {
	on(name: string, listener: (data: Record<string, unknown>) => void): void;
	executeCommand(name: string, ...args: unknown[]): void;
	setToken(token: string): void;
	dispose(): void;
	[name: string]: unknown;
}

declare global {
	interface Window {
		call?: Promise<ExternalApi>;
		heard?: Heard[];
	}
}

const watched = [
	'videoConferenceJoined videoConferenceLeft readyToClose participantJoined participantLeft participantMuted',
	'participantKickedOut audioMuteStatusChanged videoMuteStatusChanged screenSharingStatusChanged incomingMessage',
	'outgoingMessage dominantSpeakerChanged contentSharingParticipantsChanged raiseHandUpdated chatUpdated',
	'recordingStatusChanged tileViewChanged subjectChange videoQualityChanged errorOccurred tokenExpired deviceListChanged',
]
	.join(' ')
	.split(' ');

/** One person in front of the portal's page. */
export class Visitor {
	constructor(readonly page: Page) {}

	static async open(
		browser: Browser,
		options: BrowserContextOptions,
		site: Site,
		way: Way,
	): Promise<Visitor> {
		const person = `p${site.ways.size + 1}`;
		site.ways.set(person, way);
		const context = await browser.newContext(options);
		const page = await context.newPage();
		await page.goto(`${site.origin}/${person}/`);
		await page.evaluate(async (names) => {
			const api = await window.call;
			const heard: Heard[] = [];
			window.heard = heard;
			for (const name of names) api?.on(name, (data) => heard.push({ name, data }));
		}, watched);
		return new Visitor(page);
	}

	/** The call's page inside the portal's. */
	get frame(): Frame {
		const frame = this.page.frames().find((each) => each !== this.page.mainFrame());
		if (!frame) throw new Error('The page shows no call.');
		return frame;
	}

	command(name: string, ...args: unknown[]): Promise<void> {
		return this.page.evaluate(
			async ([command, given]) => (await window.call)?.executeCommand(command, ...given),
			[name, args] as const,
		);
	}

	/** What a function of the external API answers. */
	ask(name: string, ...args: unknown[]): Promise<unknown> {
		return this.page.evaluate(
			async ([asked, given]) => {
				const api = await window.call;
				if (!api) throw new Error('The page has no call.');
				return (api[asked] as (...args: unknown[]) => unknown).apply(api, [...given]);
			},
			[name, args] as const,
		);
	}

	async hears(name: string, data: Record<string, unknown> = {}): Promise<void> {
		const events = async () => {
			const heard = (await this.page.evaluate(() => window.heard)) ?? [];
			return heard.filter((each) => each.name === name).map((each) => each.data);
		};
		await expect
			.poll(events, { message: `${name} is heard`, timeout: 20_000 })
			.toContainEqual(expect.objectContaining(data));
	}

	async count(name: string): Promise<number> {
		return this.page.evaluate(
			(wanted) => (window.heard ?? []).filter((each) => each.name === wanted).length,
			name,
		);
	}

	close(): Promise<void> {
		return this.page.context().close();
	}
}
