/** The network test finds out which ways work: with all of them, with TCP alone, with nothing but the port of HTTPS. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, expect, type Page, test } from '@playwright/test';
import { expectAccessible } from './kit/accessible.ts';
import { BINARY } from './kit/clinic.ts';

const executablePath = process.env.BEDSIDE_CHROMIUM ?? '/usr/bin/chromium';
/** The relay's certificate is one of this test's own. */
const usual = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--ignore-certificate-errors'];

interface Server {
	base: string;
	stop: () => Promise<void>;
}

/** Browsers gather nothing on loopback, where there is anything else. */
function ownAddress(): string {
	const all = Object.values(networkInterfaces()).flatMap((one) => one ?? []);
	return all.find((one) => one.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';
}

async function serve(ip: string, settings: Record<string, string> = {}): Promise<Server> {
	const dir = mkdtempSync(join(tmpdir(), 'bedside-network-'));
	const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
	const subject = ['-subj', '/CN=bedside', '-addext', `subjectAltName=IP:${ip}`];
	const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
	execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-out', cert, '-keyout', key], {
		stdio: 'ignore',
	});
	const env = {
		...process.env,
		BEDSIDE__SERVER__LISTEN: `${ip}:0`,
		BEDSIDE__SERVER__TLS__CERT_FILE: cert,
		BEDSIDE__SERVER__TLS__KEY_FILE: key,
		BEDSIDE__STORE__URL: `sqlite:${join(dir, 'bedside.db')}`,
		BEDSIDE__KEYS__MASTER_KEY_FILE: join(dir, 'master.key'),
		BEDSIDE__MEDIA__UDP_PORT: '0',
		...settings,
	};
	const child: ChildProcess = spawn(BINARY, ['serve'], {
		env,
		cwd: dir,
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	const base = await new Promise<string>((resolve, reject) => {
		if (child.stdout === null) throw new Error('no output to read');
		createInterface({ input: child.stdout }).on('line', (line) => {
			const found = /listening on (https:\S+)/.exec(line);
			if (found?.[1]) resolve(found[1]);
		});
		void ended.then(() => reject(new Error('the server ended at once')));
	});
	const stop = async () => {
		child.kill('SIGTERM');
		await ended;
		rmSync(dir, { recursive: true, force: true });
	};
	return { base, stop };
}

async function states(page: Page): Promise<Record<string, string>> {
	await expect(page.locator('[data-verdict]')).toHaveAttribute('data-verdict', /./, { timeout: 80_000 });
	const rows = await page.locator('[data-way]').all();
	const pairs = rows.map(async (row) => [
		await row.getAttribute('data-way'),
		await row.getAttribute('data-state'),
	]);
	return Object.fromEntries(await Promise.all(pairs));
}

async function opened(base: string, use: (page: Page) => Promise<void>): Promise<void> {
	const browser = await chromium.launch({ executablePath, args: usual });
	try {
		const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' });
		const page = await context.newPage();
		await page.goto(`${base}/network`);
		await use(page);
	} finally {
		await browser.close();
	}
}

async function shoot(page: Page, name: string): Promise<void> {
	const dir = process.env.BEDSIDE_SHOTS;
	if (dir) await page.screenshot({ path: `${dir}/${name}.png`, fullPage: true });
}

test('every way works on a plain network', async () => {
	const server = await serve(ownAddress());
	try {
		await opened(server.base, async (page) => {
			expect(await states(page)).toEqual({
				web: 'works',
				udp: 'works',
				tcp: 'works',
				turn_udp: 'works',
				turn_tcp: 'works',
				turn_tls: 'works',
			});
			await expect(page.getByRole('heading', { name: 'Calls work well from here.' })).toBeVisible();
			await expectAccessible(page, 'the network test');
			for (const [scheme, width] of [
				['light', 360],
				['dark', 360],
				['light', 1440],
				['dark', 1440],
			] as const) {
				await page.emulateMedia({ colorScheme: scheme });
				await page.setViewportSize({ width, height: 800 });
				const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
				expect(over).toBeLessThanOrEqual(0);
				await shoot(page, `network-${scheme}-${width}`);
			}
			await expectAccessible(page, 'the network test in the dark');
			await page.keyboard.press('Tab');
			await expect(page.getByRole('button', { name: 'Try again' })).toBeFocused();
			await page.keyboard.press('Enter');
			await expect(page.getByRole('heading', { name: /^Trying each way/ })).toBeVisible();
		});
	} finally {
		await server.stop();
	}
});

test('where nothing but the port of HTTPS is reached, calls take the relay over TLS', async () => {
	// Packets to the media port and to the relay's own go to addresses where nobody is, of both families, as a
	// firewall drops them.
	const nobody = '["203.0.113.9", "2001:db8::9"]';
	const server = await serve(ownAddress(), { BEDSIDE__MEDIA__PUBLIC_IPS: nobody });
	try {
		await opened(server.base, async (page) => {
			expect(await states(page)).toEqual({
				web: 'works',
				udp: 'fails',
				tcp: 'fails',
				turn_udp: 'fails',
				turn_tcp: 'fails',
				turn_tls: 'works',
			});
			await expect(page.getByRole('heading', { name: 'Calls work from here, by a detour.' })).toBeVisible();
			await expectAccessible(page, 'the network test by a detour');
			await shoot(page, 'network-detour');
		});
	} finally {
		await server.stop();
	}
});

test('a server that offers TCP alone says so', async () => {
	const server = await serve(ownAddress(), { BEDSIDE__MEDIA__WAYS: 'tcp' });
	try {
		await opened(server.base, async (page) => {
			expect(await states(page)).toEqual({
				web: 'works',
				udp: 'absent',
				tcp: 'works',
				turn_udp: 'absent',
				turn_tcp: 'absent',
				turn_tls: 'absent',
			});
		});
	} finally {
		await server.stop();
	}
});
