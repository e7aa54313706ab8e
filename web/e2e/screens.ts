/**
 * Writes pictures of the states that people meet to docs/screens: `npm run screens`. Needs a built `bedside`.
 * 360 and 1440 px, light and dark, plus the stage for the README.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, expect, type Frame, type Page } from '@playwright/test';
import { desk, opening, soon } from './kit/booking.ts';
import { booked, openCalendar, point, regular, usualWeek, wall, ZONE } from './kit/calendar.ts';
import { Clinic } from './kit/clinic.ts';
import { nextLetter } from './kit/mail.ts';
import { expectPicture } from './kit/media.ts';
import { joinWhenReady, passDeviceCheck } from './kit/patient.ts';
import { signIn, take } from './kit/provider.ts';

const out = join(import.meta.dirname, '../../docs/screens');
const args = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
	'--autoplay-policy=no-user-gesture-required',
];

type Scheme = 'light' | 'dark';

async function person(browser: Browser, width: number, height: number, timezoneId?: string): Promise<Page> {
	const context = await browser.newContext({
		viewport: { width, height },
		isMobile: width < 500,
		hasTouch: width < 500,
		locale: 'en-GB',
		...(timezoneId ? { timezoneId } : {}),
		reducedMotion: 'reduce',
		permissions: ['camera', 'microphone'],
	});
	return context.newPage();
}

/** Both colour schemes of the state that stands on the page. */
async function shoot(page: Page, name: string): Promise<void> {
	for (const colorScheme of ['light', 'dark'] satisfies Scheme[]) {
		await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
		const width = page.viewportSize()?.width ?? 0;
		// The scheme's colours are there two frames later.
		await page.evaluate(
			() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
		);
		await page.screenshot({ animations: 'disabled', path: join(out, `${name}-${width}-${colorScheme}.png`) });
	}
}

/** Waits for the other person's picture; a busy machine takes its time. */
async function seen(page: Page | Frame): Promise<void> {
	await page.getByLabel(/^Video of/).waitFor({ timeout: 30_000 });
	await expectPicture(page, /^Video of/);
}

/** A visit seen from a phone and a desk. */
async function visit(browser: Browser, clinic: Clinic, width: number, height: number): Promise<void> {
	await clinic.emptyQueue();
	const patient = await clinic.sso(200);
	const id = await clinic.walkIn(patient, { custom_current_medication: 'Ibuprofen 400 mg' });
	const theirs = await person(browser, width, height);
	await theirs.goto(clinic.authUrl(patient, `/visits/start/${id}`));
	await expect(theirs.getByLabel("Your camera's picture, as in a mirror")).toBeVisible();
	await shoot(theirs, 'device-check');
	await passDeviceCheck(theirs);
	await expect(theirs.getByRole('heading', { name: "You're next." })).toBeVisible();
	await shoot(theirs, 'waiting-room');

	const others = [
		{ first_name: 'Tom', last_name: 'Becker' },
		{ first_name: 'Nia', last_name: 'Okafor' },
	];
	for (const other of others) {
		await clinic.walkIn(await clinic.sso(200, other), { reason_for_visit: 'Follow-up on blood pressure' });
	}
	const ours = await person(browser, width, height);
	await ours.goto(`${clinic.demo.base_url}/providers/login`);
	await expect(ours.getByRole('heading', { name: 'Sign in' })).toBeVisible();
	await shoot(ours, 'sign-in');
	await signIn(ours, clinic);
	await expect(ours.getByRole('list', { name: 'Waiting' }).getByRole('listitem')).toHaveCount(3);
	await shoot(ours, 'dashboard');
	await take(ours, 'Maria Santos');
	await expect(theirs.getByRole('heading', { name: /is ready$/ })).toBeVisible();
	await theirs.screenshot({ path: join(out, `ready-${width}-light.png`) });
	await joinWhenReady(theirs);
	await seen(ours);
	await seen(theirs);
	await shoot(theirs, 'call-patient');
	await shoot(ours, 'call-provider');
	await ours.getByRole('button', { name: 'Complete visit' }).first().click();
	await ours.getByRole('dialog').getByRole('button', { name: 'Complete visit' }).click();
	await expect(theirs.getByRole('heading', { name: /^You're done/ })).toBeVisible();
	await shoot(theirs, 'goodbye');
	await theirs.context().close();
	await ours.context().close();
}

/** Forgotten password: the question, the answer, the link from the mail, and one that ended. */
async function passwords(browser: Browser, clinic: Clinic, width: number, height: number): Promise<void> {
	const staff = await clinic.addProvider('a kettle full of quiet rain');
	const page = await person(browser, width, height);
	await page.goto(`${clinic.demo.base_url}/forgot`);
	await shoot(page, 'forgot');
	await page.getByLabel('Username or e-mail').fill(staff.email);
	await page.getByRole('button', { name: 'Send me a link' }).click();
	await page.getByRole('heading', { name: 'Look in your mailbox' }).waitFor();
	await shoot(page, 'forgot-sent');
	const { link } = await nextLetter(clinic, staff.email, 0);
	await page.goto(link ?? '');
	await page.getByRole('heading', { name: 'Choose your password' }).waitFor();
	await shoot(page, 'password');
	await page.getByLabel('New password').fill('nine yellow bicycles at noon');
	await page.getByRole('button', { name: 'Save the password' }).click();
	await page.getByRole('heading', { name: 'Your password is set' }).waitFor();
	await shoot(page, 'password-set');
	await page.goto(link ?? '');
	await page.getByRole('heading', { name: 'This link was used already' }).waitFor();
	await shoot(page, 'password-used');
	await page.context().close();
}

/** A guest at the door, from both sides of it. */
async function guests(browser: Browser, clinic: Clinic, width: number, height: number): Promise<void> {
	await clinic.emptyQueue();
	const patient = await clinic.sso(200);
	const id = await clinic.walkIn(patient);
	const theirs = await person(browser, width, height);
	await theirs.goto(clinic.authUrl(patient, `/visits/start/${id}`));
	await passDeviceCheck(theirs);
	const ours = await person(browser, width, height);
	await signIn(ours, clinic);
	await take(ours, 'Maria Santos');
	await joinWhenReady(theirs);
	await seen(ours);
	const guest = await person(browser, width, height);
	await guest.goto(`${clinic.demo.base_url}/visits/join/${(await clinic.visit(id)).code}`);
	await guest.getByLabel('What is your name?').waitFor();
	await shoot(guest, 'join');
	await guest.getByLabel('What is your name?').fill('Ines Prado');
	await guest.getByRole('radio', { name: /^Interpreter/ }).check({ force: true });
	await guest.getByRole('button', { name: 'Ask to join' }).click();
	await guest.getByRole('heading', { name: /^Waiting for/ }).waitFor();
	await shoot(guest, 'join-waiting');
	await ours.getByRole('button', { name: 'Admit Ines Prado' }).waitFor();
	await shoot(ours, 'guest-asks');
	await ours.getByRole('button', { name: 'Admit Ines Prado' }).click();
	await guest.getByLabel('Video of Maria Santos').waitFor({ timeout: 30_000 });
	await ours.getByLabel('Video of Ines Prado').waitFor({ timeout: 30_000 });
	await shoot(guest, 'call-guest');
	await shoot(ours, 'call-provider-guest');
	await shoot(theirs, 'call-patient-guest');
	for (const page of [theirs, ours, guest]) await page.context().close();
}

/** The language at intake, the search at the desk, and the letter's page. */
async function interpreters(browser: Browser, clinic: Clinic, width: number, height: number): Promise<void> {
	await clinic.emptyQueue();
	const email = `ines-${width}@interpreters.example`;
	const listed = { name: 'Ines Prado', email, languages: ['es'], order: width };
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	const { id } = await clinic.ok<{ id: string }>('POST', '/interpreters', admin, listed);
	const patient = await clinic.sso(200);
	const theirs = await person(browser, width, height);
	await theirs.goto(clinic.authUrl(patient, `/u/${clinic.room.slug}`));
	await theirs.getByLabel('Do you need an interpreter?').selectOption('es');
	await shoot(theirs, 'room-interpreter');
	await theirs.getByLabel('What would you like to talk about?').fill('Cough for a week');
	await theirs.getByRole('button', { name: 'Enter the waiting room' }).click();
	await passDeviceCheck(theirs);
	const ours = await person(browser, width, height);
	await signIn(ours, clinic);
	await take(ours, 'Maria Santos');
	await joinWhenReady(theirs);
	await seen(ours);
	const panel = ours.getByRole('region', { name: 'Interpreter' });
	await panel.getByRole('button', { name: /^Ask an interpreter/ }).click();
	await panel.getByText('Asking Ines Prado (Spanish)').scrollIntoViewIfNeeded();
	await shoot(ours, 'interpreter-asking');
	const asked = await person(browser, width, height);
	await asked.goto((await nextLetter(clinic, email, 0)).question ?? '');
	await asked.getByRole('button', { name: 'Accept and join' }).waitFor();
	await shoot(asked, 'interpret');
	await asked.getByRole('button', { name: 'Accept and join' }).click();
	await ours.getByLabel('Video of Ines Prado').waitFor({ timeout: 30_000 });
	await shoot(ours, 'call-provider-interpreter');
	await clinic.ok('POST', `/interpreters/${id}`, admin, { active: 0 });
	for (const page of [theirs, ours, asked]) await page.context().close();
}

/** A patient in Tokyo books a clinic in New York, and the admin's rules for it. */
async function bookings(browser: Browser, clinic: Clinic, width: number, height: number): Promise<void> {
	const heart = await desk(clinic);
	for (const days of [3, 4, 6]) await opening(clinic, heart, soon(days), 2);
	const patient = await clinic.sso(200, { first_name: 'Yuki', last_name: 'Sato' });
	const page = await person(browser, width, height, 'Asia/Tokyo');
	await page.goto(clinic.authUrl(patient, `/u/${heart.room}/book`));
	const times = page.getByRole('button', { name: /there/ });
	await times.first().waitFor();
	await shoot(page, 'book-times');
	await times.first().click();
	await page.getByText(/We keep this time for you for/).waitFor();
	await page.getByLabel('What would you like to talk about?').fill('My heart runs at night');
	await shoot(page, 'book-details');
	await page.getByRole('button', { name: 'Book this time' }).click();
	await page.getByRole('heading', { name: "You're booked" }).waitFor();
	await shoot(page, 'book-booked');
	await page.goto(page.url());
	await page.getByRole('heading', { name: 'Your appointment' }).waitFor();
	await shoot(page, 'appointment');
	await page.goto(`${clinic.demo.base_url}/appointments`);
	await page.getByRole('link', { name: /Ines Costa/ }).waitFor();
	await shoot(page, 'appointments');
	const admin = await person(browser, width, height);
	await admin.goto(`${clinic.demo.base_url}/admin/rooms/${heart.room}`);
	await admin.getByLabel('Username or e-mail').fill(clinic.demo.admin.username);
	await admin.getByLabel('Password', { exact: true }).fill(clinic.demo.admin.password);
	await admin.getByRole('button', { name: 'Sign in' }).click();
	await admin.getByRole('heading', { name: 'Booking rules' }).waitFor();
	await shoot(admin, 'booking-rules');
	for (const each of [page, admin]) await each.context().close();
}

/** A provider's week: on a desk the grid, on a phone a day, and on both what stands in the way of a time. */
async function calendar(browser: Browser, clinic: Clinic, width: number, height: number): Promise<void> {
	const page = await person(browser, width, height, ZONE);
	const staff = await openCalendar(page, clinic, width < 760 ? 'day' : 'week');
	await page.locator('.ec-main').waitFor();
	await shoot(page, 'calendar-empty');
	await usualWeek(clinic, staff);
	const last = width < 760 ? /^Tom Becker/ : /^Jun Tanaka/;
	await page.getByRole('button', { name: last }).waitFor();
	await shoot(page, 'calendar');
	if (width > 760) {
		const from = await point(page, 2, '13:00');
		await page.mouse.move(from.x, from.y);
		await page.mouse.down();
		await page.mouse.move(from.x, from.y + 20, { steps: 4 });
		await page.mouse.up();
	} else {
		await page.getByRole('button', { name: 'Add an appointment' }).click();
	}
	const dialog = page.getByRole('dialog');
	await dialog.getByRole('heading').first().waitFor();
	await shoot(page, 'calendar-appointment');
	await dialog.getByRole('button', { name: 'Close' }).click();
	const late = await regular(clinic, 'Ines', 'Prado');
	await booked(clinic, staff, late, wall(0, '15:00'), 30, { override: 1 });
	await page.getByRole('button', { name: /^Ines Prado/ }).press('Enter');
	await dialog.getByRole('button', { name: 'Move', exact: true }).click();
	await dialog.getByLabel('Begins').fill('10:00');
	await dialog.getByRole('button', { name: 'Move to this time' }).click();
	await dialog.getByRole('button', { name: 'Book anyway' }).waitFor();
	await shoot(page, 'calendar-anyway');
	await dialog.getByRole('button', { name: 'Close' }).click();
	await page.getByRole('button', { name: 'List', exact: true }).click();
	await page
		.getByRole('button', { name: /Open for bookings/ })
		.first()
		.waitFor();
	await shoot(page, 'calendar-list');
	await page.context().close();
}

/** The picture of a visit for the README: the stage with the drawn people. */
async function stage(browser: Browser, clinic: Clinic): Promise<void> {
	await clinic.emptyQueue();
	const context = await browser.newContext({ viewport: { width: 1240, height: 850 }, locale: 'en-GB' });
	const page = await context.newPage();
	await page.goto(`${clinic.demo.base_url}/demo`);
	await page.getByRole('radio', { name: 'Demo camera' }).check();
	await page.getByRole('button', { name: 'Start a visit' }).click();
	const patient = page.frameLocator('iframe[title^="The patient"]');
	const provider = page.frameLocator('iframe[title^="The provider"]');
	await passDeviceCheck(patient);
	await provider
		.getByRole('list', { name: 'Waiting' })
		.getByRole('button', { name: /^Take / })
		.click();
	await joinWhenReady(patient);
	for (const path of ['/visits/start/', '/providers/dashboard']) {
		const frame = page.frames().find((each) => each.url().includes(path));
		if (frame) await seen(frame);
	}
	await page.screenshot({ path: join(out, 'visit.png') });
	await context.close();
}

await mkdir(out, { recursive: true });
const executablePath = process.env.BEDSIDE_CHROMIUM ?? '/usr/bin/chromium';
const clinic = await Clinic.start();
const devices = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
const browser = await chromium.launch({ executablePath, args: [...args, ...devices] });
try {
	// `npm run screens -- guests` makes some of them anew.
	const wanted = process.argv.slice(2);
	const want = (name: string) => wanted.length === 0 || wanted.includes(name);
	if (want('stage')) await stage(browser, clinic);
	for (const [width, height] of [
		[360, 740],
		[1440, 900],
	] as const) {
		if (want('visit')) await visit(browser, clinic, width, height);
		if (want('passwords')) await passwords(browser, clinic, width, height);
		if (want('calendar')) await calendar(browser, clinic, width, height);
		if (want('bookings')) await bookings(browser, clinic, width, height);
		if (want('guests')) await guests(browser, clinic, width, height);
		if (want('interpreters')) await interpreters(browser, clinic, width, height);
	}
} finally {
	await browser.close();
	await clinic.stop();
}
