/** A recording: the provider asks, the patient answers, both see the mark; it ends, and the provider plays it. */
import { expectAccessible } from './kit/accessible.ts';
import { expectSeenAndHeard } from './kit/media.ts';
import { joinWhenReady, passDeviceCheck } from './kit/patient.ts';
import { signIn, take } from './kit/provider.ts';
import { expect, test } from './kit/test.ts';

interface Row {
	id: number;
	status: string;
	duration: number | null;
}

test('nothing is recorded before the patient agrees; then it can be played', async ({
	clinic,
	newPerson,
}) => {
	const patient = await clinic.sso(200, { first_name: 'Nora', last_name: 'Lind' });
	const id = await clinic.walkIn(patient);
	const patientPage = await newPerson();
	await patientPage.goto(clinic.authUrl(patient, `/visits/start/${id}`));
	await passDeviceCheck(patientPage);
	const providerPage = await newPerson();
	await signIn(providerPage, clinic);
	await take(providerPage, 'Nora Lind');
	await joinWhenReady(patientPage);
	await expectSeenAndHeard(patientPage, 'The patient');

	const rows = () =>
		clinic.ok<Row[]>('GET', `/visits/${id}/recordings`, { 'X-ApiToken': clinic.demo.admin_token });
	await providerPage.getByRole('button', { name: 'Record', exact: true }).click();
	await expect(providerPage.getByText('Waiting for 1 person to agree')).toBeVisible();

	// The first answer is no, and the call goes on.
	const question = patientPage.getByRole('dialog', { name: 'May this visit be recorded?' });
	await expect(question).toContainText('your care does not depend on it');
	await expectAccessible(patientPage, 'asked to be recorded');
	for (const width of [360, 1440]) {
		await patientPage.setViewportSize({ width, height: 800 });
		await patientPage.screenshot({ path: test.info().outputPath(`asked-${width}.png`) });
		const over = await patientPage.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		expect(over, `${width} px`).toBeLessThanOrEqual(0);
	}
	await question.getByRole('button', { name: "No, don't record" }).click();
	await expect(question).toBeHidden();
	await expect(providerPage.getByText('Somebody did not agree. It was not recorded.')).toBeVisible();
	expect((await rows()).map((row) => row.status)).toEqual(['failed']);

	await providerPage.getByRole('button', { name: 'Record', exact: true }).click();
	await question.getByRole('button', { name: 'Yes, record it' }).click();
	await expect(patientPage.getByText('Recording', { exact: true })).toBeVisible();
	await expect(providerPage.getByText('Recording', { exact: true })).toBeVisible();
	for (const width of [360, 1440]) {
		await patientPage.setViewportSize({ width, height: 800 });
		await patientPage.screenshot({ path: test.info().outputPath(`marked-${width}.png`) });
	}
	await expectAccessible(patientPage, 'being recorded');
	await providerPage.screenshot({ path: test.info().outputPath('marked-provider.png') });

	// The patient may think better of it at any time.
	await patientPage.getByRole('button', { name: 'Change my answer' }).click();
	await expect(question.getByRole('button', { name: 'Stop recording me' })).toBeVisible();
	await question.getByRole('button', { name: 'Keep recording' }).click();
	await providerPage.getByRole('button', { name: 'Stop recording', exact: true }).click();
	await expect(patientPage.getByText('Recording', { exact: true })).toBeHidden();
	await expect.poll(async () => (await rows()).at(-1)?.status, { timeout: 60_000 }).toBe('ready');

	const recording = (await rows()).at(-1);
	const player = await providerPage.context().newPage();
	await player.goto(`${clinic.demo.base_url}/visits/${id}/recordings/${recording?.id}`);
	await expect(player.getByRole('heading', { name: 'Recording', exact: true })).toBeVisible();
	await expect(player.getByText('Nora Lind agreed')).toBeVisible();
	const film = player.locator('video').first();
	await expect.poll(() => film.evaluate((video: HTMLVideoElement) => video.duration)).toBeGreaterThan(0);
	await expectAccessible(player, 'player');
	for (const width of [360, 1440]) {
		await player.setViewportSize({ width, height: 900 });
		await player.screenshot({ path: test.info().outputPath(`player-${width}.png`), fullPage: true });
		const over = await player.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		expect(over, `${width} px`).toBeLessThanOrEqual(0);
	}

	// The clinic does not share recordings: its patient is told so.
	const other = await patientPage.context().newPage();
	await other.goto(`${clinic.demo.base_url}/visits/${id}/recordings/${recording?.id}`);
	await expect(other.getByRole('alert')).toContainText('This clinic keeps recordings to itself.');

	// Whoever runs the clinic finds it, says who may see it, and deletes it.
	const admin = await newPerson();
	await admin.setViewportSize({ width: 1440, height: 900 });
	await admin.goto(`${clinic.demo.base_url}/admin/login?next=${encodeURIComponent('/admin/recordings')}`);
	await admin.getByLabel('Username or e-mail').fill(clinic.demo.admin.username);
	await admin.getByLabel('Password', { exact: true }).fill(clinic.demo.admin.password);
	await admin.getByRole('button', { name: 'Sign in' }).click();
	await expect(admin.getByRole('heading', { name: 'Recordings', exact: true })).toBeVisible();
	const list = admin.getByRole('list', { name: 'Recordings' });
	await expect(list.getByRole('listitem').filter({ hasText: 'Nora Lind' })).toHaveCount(1);
	await expectAccessible(admin, 'recordings');
	for (const width of [360, 1440]) {
		await admin.setViewportSize({ width, height: 900 });
		await admin.screenshot({ path: test.info().outputPath(`recordings-${width}.png`), fullPage: true });
		const over = await admin.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		expect(over, `${width} px`).toBeLessThanOrEqual(0);
	}
	await admin.getByLabel('From').fill('2020-01-01');
	await admin.getByLabel('To').fill('2020-01-02');
	await expect(admin.getByText('Nothing was recorded in this room on these days.')).toBeVisible();
	await admin.getByLabel('To').fill('');
	await expect(list.getByRole('listitem').filter({ hasText: 'Nora Lind' })).toHaveCount(1);

	await admin.getByLabel('Days that recordings are kept').fill('soon');
	await admin.getByRole('button', { name: 'Save' }).click();
	await expect(admin.getByText('Give a number of days, for example 30.')).toBeVisible();
	await admin.getByLabel('Days that recordings are kept').fill('90');
	await admin.getByLabel('Patients may play the recordings of their own visits').check();
	await admin.getByRole('button', { name: 'Save' }).click();
	await expect(admin.getByText('Saved.')).toBeVisible();
	await other.reload();
	await expect(other.locator('video').first()).toBeVisible();

	await list.getByRole('button', { name: /^Delete · Nora Lind/ }).click();
	const sure = admin.getByRole('dialog', { name: 'Delete this recording?' });
	await expect(sure).toContainText('Nora Lind');
	await sure.getByRole('button', { name: 'Delete it' }).click();
	await expect(list.getByRole('button', { name: /^Delete · Nora Lind/ })).toHaveCount(0);
	expect((await rows()).map((row) => row.status)).toEqual(['failed', 'deleted']);
	await other.reload();
	await expect(other.getByText('This recording was deleted.')).toBeVisible();
});
