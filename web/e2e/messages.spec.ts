/** Two people write to each other while one waits, and about a question without a call. */
import { expectAccessible } from './kit/accessible.ts';
import * as booking from './kit/booking.ts';
import { expectNext, passDeviceCheck } from './kit/patient.ts';
import { complete, signIn, take } from './kit/provider.ts';
import { expect, type Page, test } from './kit/test.ts';

async function shoot(page: Page, name: string): Promise<void> {
	const dir = process.env.BEDSIDE_SHOTS;
	if (!dir) return;
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme });
		await page.screenshot({ path: `${dir}/${name}-${colorScheme}.png`, fullPage: true });
	}
}

async function say(page: Page, words: string): Promise<void> {
	await page.getByLabel('Your message').fill(words);
	await page.getByRole('button', { name: 'Send', exact: true }).click();
	await expect(page.getByRole('log')).toContainText(words);
}

test('a patient who waits and a provider write to each other', async ({ clinic, newPerson }) => {
	const maria = await clinic.sso(200, { first_name: 'Maria', last_name: 'Santos' });
	const id = await clinic.walkIn(maria);
	const patient = await newPerson();
	await patient.goto(clinic.authUrl(maria, `/visits/start/${id}`));
	await passDeviceCheck(patient);
	await expectNext(patient);
	await patient.getByRole('button', { name: 'Send a message' }).click();
	await say(patient, 'Do you need my letter?');
	await expectAccessible(patient, 'a message was sent while waiting');

	const desk = await newPerson();
	await desk.setViewportSize({ width: 1440, height: 900 });
	await signIn(desk, clinic);
	await expect(desk.getByRole('log')).toContainText('Do you need my letter?');
	// Read on the other side, and told so.
	await expect(patient.getByRole('log')).toContainText('Read');
	await say(desk, 'Yes, hold it ready.');
	await expect(patient.getByRole('log')).toContainText('Yes, hold it ready.');
	await expectAccessible(desk, 'messages beside the intake');

	// What was not sent survives a reload, and a failure keeps the words.
	await patient.getByLabel('Your message').fill('One more thing');
	await patient.reload();
	await expect(patient.getByLabel('Your message')).toHaveValue('One more thing');
	await patient.route(/\/messages$/, (route) =>
		route.request().method() === 'POST' ? route.abort() : route.continue(),
	);
	await patient.getByRole('button', { name: 'Send', exact: true }).click();
	await expect(patient.getByText('Not sent. Your words are kept.')).toBeVisible();
	await patient.unroute(/\/messages$/);
	await patient.getByRole('button', { name: 'Try again' }).click();
	await expect(desk.getByRole('log')).toContainText('One more thing');
});

test('a question is talked about until it is answered', async ({ clinic, newPerson }) => {
	const edda = await clinic.sso(200, { first_name: 'Edda', last_name: 'Moreno' });
	const headers = { 'X-ApiToken': edda.token };
	const intake = await clinic.ok<{ id: string }>('POST', '/intakes', headers, {
		room_code: clinic.room.code,
		reason_for_visit: 'May I take both medicines?',
		type: 3,
	});
	const body = { intake_id: intake.id, room_code: clinic.room.code };
	const { id } = await clinic.ok<{ id: string }>('POST', '/visits/add_econsult', headers, body);
	const patient = await newPerson();
	await patient.setViewportSize({ width: 360, height: 740 });
	await patient.goto(clinic.authUrl(edda, `/visits/start/${id}`));
	await expect(patient.getByRole('heading', { name: 'Your question is with the clinic' })).toBeVisible();
	await expect(patient.getByText('May I take both medicines?')).toBeVisible();
	await say(patient, 'I took the first one this morning.');

	const desk = await newPerson();
	await desk.setViewportSize({ width: 1440, height: 900 });
	await signIn(desk, clinic);
	await desk
		.getByRole('list', { name: 'Waiting' })
		.getByRole('button', { name: 'Answer Edda Moreno' })
		.click();
	await expect(desk.getByRole('log')).toContainText('I took the first one this morning.');
	await say(desk, 'Yes, an hour apart.');
	await expect(patient.getByRole('log')).toContainText('Yes, an hour apart.');
	await expectAccessible(patient, 'a question is talked about');
	await complete(desk);
	await expect(patient.getByRole('heading', { name: 'Your question was answered' })).toBeVisible();
	await expect(patient.getByLabel('Your message')).toHaveCount(0);
	await expect(patient.getByRole('log')).toContainText('Yes, an hour apart.');
	await expectAccessible(patient, 'a question was answered');
});

test('the conversation goes on beside the call', async ({ clinic, newPerson }) => {
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' }));
	const desk = await newPerson();
	await desk.setViewportSize({ width: 1440, height: 900 });
	await signIn(desk, clinic);
	await say(desk, 'I am with you in a minute.');
	await take(desk, 'Ana Ruiz');
	await expect(desk.getByText('Calling Ana…')).toBeVisible();
	await expect(desk.getByRole('log')).toContainText('I am with you in a minute.');
});

/** A picture of a few pixels, as a phone's gallery gives it. */
const PICTURE = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
	'base64',
);

test('files go both ways; what is refused is said, what was not sent is sent again', async ({
	clinic,
	newPerson,
}) => {
	const maria = await clinic.sso(200, { first_name: 'Maria', last_name: 'Santos' });
	const id = await clinic.walkIn(maria);
	const patient = await newPerson();
	await patient.setViewportSize({ width: 360, height: 740 });
	await patient.goto(clinic.authUrl(maria, `/visits/start/${id}`));
	await passDeviceCheck(patient);
	await expectNext(patient);
	await patient.getByRole('button', { name: 'Send a message' }).click();
	const desk = await newPerson();
	await desk.setViewportSize({ width: 1440, height: 900 });
	await signIn(desk, clinic);

	// With the words that stand in the field.
	await patient.getByLabel('Your message').fill('This is the place.');
	await patient
		.getByLabel('Attach a file')
		.setInputFiles({ name: 'my arm.png', mimeType: 'image/png', buffer: PICTURE });
	const sent = patient.getByRole('log').getByRole('link', { name: 'my arm.png' });
	await expect(sent).toBeVisible();
	await expect(patient.getByLabel('Your message')).toHaveValue('');
	const received = desk.getByRole('log').getByRole('link', { name: 'my arm.png' });
	await expect(received).toBeVisible();
	await expect(desk.getByRole('log')).toContainText('This is the place.');
	const preview = desk.getByRole('img', { name: 'Picture: my arm.png' });
	await expect.poll(() => preview.evaluate((one: HTMLImageElement) => one.naturalWidth)).toBeGreaterThan(0);
	const [opened] = await Promise.all([desk.context().waitForEvent('page'), received.click()]);
	await opened.waitForLoadState();
	await opened.close();
	await expectAccessible(desk, 'a picture in the conversation');
	await expectAccessible(patient, 'a picture was sent');
	await shoot(patient, 'chat-picture');

	// Back the other way: a document has no preview, and is to be had.
	const pdf = Buffer.from('%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');
	await desk
		.getByLabel('Attach a file')
		.setInputFiles({ name: 'plan.pdf', mimeType: 'application/pdf', buffer: pdf });
	const plan = patient.getByRole('log').getByRole('link', { name: 'plan.pdf' });
	await expect(plan).toBeVisible();
	await expect(plan.getByRole('img')).toHaveCount(0);
	const address = await plan.getAttribute('href');
	const body = await (await patient.request.get(new URL(address ?? '', patient.url()).href)).body();
	expect(body.equals(pdf)).toBe(true);

	// What the clinic does not take is not tried again and again.
	await patient
		.getByLabel('Attach a file')
		.setInputFiles({ name: 'tool.exe', mimeType: 'image/png', buffer: Buffer.from('MZ\x90\x00\x03') });
	await expect(patient.getByText("Files of this kind can't be sent.", { exact: false })).toBeVisible();
	await expect(patient.getByRole('button', { name: 'Try again' })).toHaveCount(0);
	await expectAccessible(patient, 'a file was refused');
	await shoot(patient, 'chat-refused');
	await patient.getByRole('button', { name: 'Remove' }).click();
	await expect(patient.getByText('tool.exe')).toHaveCount(0);
	await clinic.ok('POST', '/accounts/-', { 'X-ApiToken': clinic.demo.admin_token }, { max_file_bytes: 64 });
	await patient
		.getByLabel('Attach a file')
		.setInputFiles({ name: 'big.png', mimeType: 'image/png', buffer: PICTURE });
	await expect(patient.getByText('This file is too large to send.', { exact: false })).toBeVisible();
	await patient.getByRole('button', { name: 'Remove' }).click();
	await clinic.ok('POST', '/accounts/-', { 'X-ApiToken': clinic.demo.admin_token }, { max_file_bytes: 0 });

	// The upload arrives, the message does not: once more, and the file is not sent twice.
	let uploads = 0;
	patient.on('request', (request) => {
		if (request.method() === 'POST' && request.url().endsWith('/files')) uploads += 1;
	});
	await patient.route(/\/messages$/, (route) =>
		route.request().method() === 'POST' ? route.abort() : route.continue(),
	);
	await patient.getByLabel('Your message').fill('And this one');
	await patient
		.getByLabel('Attach a file')
		.setInputFiles({ name: 'second.png', mimeType: 'image/png', buffer: PICTURE });
	await expect(patient.getByText('Not sent. The file is still here.')).toBeVisible();
	await patient.unroute(/\/messages$/);
	await patient.getByRole('button', { name: 'Try again' }).click();
	await expect(desk.getByRole('log').getByRole('link', { name: 'second.png' })).toBeVisible();
	await expect(desk.getByRole('log')).toContainText('And this one');
	expect(uploads).toBe(1);
});

test('whoever came by a one-time link writes, but has no file to attach', async ({ clinic, newPerson }) => {
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	await clinic.ok('POST', '/accounts/-', admin, { one_time_links: 1 });
	const heart = await booking.desk(clinic);
	const start = Math.ceil(Date.now() / 900_000) * 900;
	const patient = await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' });
	const papers = { room_code: heart.room, reason_for_visit: 'A mole', type: 2, member_id: patient.id };
	const intake = await clinic.ok<{ id: string }>('POST', '/intakes', admin, papers);
	const wanted = {
		intake_id: intake.id,
		start,
		end: start + 1800,
		provider_id: heart.provider.id,
		override: 1,
	};
	const { id } = await clinic.ok<{ id: string }>('POST', '/visits', admin, wanted);
	const visit = await clinic.visit(id);
	const page = await newPerson();
	await page.goto(String(visit.one_time_link_url));
	await page.getByRole('button', { name: 'Start', exact: true }).click();
	await passDeviceCheck(page);
	await page.getByRole('button', { name: 'Send a message' }).click();
	await say(page, 'Do you need my letter?');
	await expect(page.getByLabel('Attach a file')).toHaveCount(0);
	await expect(page.getByRole('button', { name: /^Notifications/ })).toHaveCount(0);
	await clinic.ok('POST', '/accounts/-', admin, { one_time_links: 0 });
});
