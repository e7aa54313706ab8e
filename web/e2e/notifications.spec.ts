/** The bell: what somebody was told, how much of it is new, and where it leads. */
import { expectAccessible } from './kit/accessible.ts';
import { expectNext, passDeviceCheck } from './kit/patient.ts';
import { signIn } from './kit/provider.ts';
import { expect, type Page, test } from './kit/test.ts';

const bell = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

async function shoot(page: Page, name: string): Promise<void> {
	const dir = process.env.BEDSIDE_SHOTS;
	if (!dir) return;
	for (const [width, colorScheme] of [
		[360, 'light'],
		[360, 'dark'],
		[1440, 'light'],
		[1440, 'dark'],
	] as const) {
		await page.setViewportSize({ width, height: 900 });
		await page.emulateMedia({ colorScheme });
		await page.screenshot({ path: `${dir}/${name}-${width}-${colorScheme}.png` });
	}
}

test('a provider sees how many are new, reads them, and comes to the patient', async ({
	clinic,
	newPerson,
}) => {
	// A provider of this test's own: nothing was told to them before.
	const password = 'a kettle full of quiet rain';
	const { id, username } = await clinic.addProvider(password);
	const admin = { 'X-ApiToken': clinic.demo.admin_token };
	await clinic.ok('POST', `/users/${id}/rooms`, admin, { room_code: clinic.room.code });
	const desk = await newPerson();
	await desk.setViewportSize({ width: 1440, height: 900 });
	await signIn(desk, clinic, { id, username, password, code: '' });
	await bell(desk, 'Notifications').click();
	await expect(desk.getByText('Nothing yet.', { exact: false })).toBeVisible();
	await expectAccessible(desk, 'no notifications');
	await desk.getByRole('dialog').getByRole('button', { name: 'Done' }).click();

	const maria = await clinic.sso(200, { first_name: 'Maria', last_name: 'Santos' });
	const tom = await clinic.sso(200, { first_name: 'Tom', last_name: 'Becker' });
	const first = await clinic.walkIn(maria);
	await expect(bell(desk, 'Notifications, 1 new')).toBeVisible();
	await clinic.walkIn(tom);
	await expect(bell(desk, 'Notifications, 2 new')).toBeVisible();
	await bell(desk, 'Notifications, 2 new').click();
	const dialog = desk.getByRole('dialog');
	const lines = dialog.getByRole('listitem');
	await expect(lines).toHaveCount(2);
	await expect(lines.first()).toContainText('A patient is waiting');
	await expect(lines.first()).toContainText('New');
	await expect(dialog).not.toContainText('Maria');
	await expectAccessible(desk, 'notifications of a provider');
	await shoot(desk, 'notices-provider');
	await desk.setViewportSize({ width: 1440, height: 900 });
	// Seen is not read: the number is gone, the marks are there until each was followed.
	await lines.last().getByRole('link').click();
	await expect(desk).toHaveURL(new RegExp(`visit=${first}$`));
	await desk.reload();
	await expect(bell(desk, 'Notifications')).toBeVisible();
	await bell(desk, 'Notifications').click();
	await expect(lines.last()).not.toContainText('New');
	await expect(lines.first()).toContainText('New');
	await dialog.getByRole('button', { name: 'Mark all as read' }).click();
	await expect(dialog.getByText('New', { exact: true })).toHaveCount(0);
	await desk.keyboard.press('Escape');
	await desk.reload();
	await bell(desk, 'Notifications').click();
	await expect(lines).toHaveCount(2);
	await expect(dialog.getByText('New', { exact: true })).toHaveCount(0);
});

test('a patient’s list leads to their visit, and nobody has one who came by a link', async ({
	clinic,
	newPerson,
}) => {
	const ana = await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' });
	const id = await clinic.walkIn(ana);
	const page = await newPerson();
	await page.setViewportSize({ width: 360, height: 740 });
	await page.goto(clinic.authUrl(ana, `/visits/start/${id}`));
	await passDeviceCheck(page);
	await expectNext(page);
	await expect(bell(page, 'Notifications')).toBeVisible();
	const desk = await clinic.providerToken();
	await clinic.ok('POST', `/visits/${id}/accept`, { 'X-ApiToken': desk }, {});
	await clinic.ok('POST', `/visits/${id}/put_back`, { 'X-ApiToken': desk }, {});
	await expect(bell(page, 'Notifications, 1 new')).toBeVisible({ timeout: 30_000 });
	await bell(page, 'Notifications, 1 new').click();
	const line = page.getByRole('dialog').getByRole('listitem').first();
	await expect(line).toContainText('Your provider is ready');
	await expect(line.getByRole('link')).toHaveAttribute('href', new RegExp(`/visits/start/${id}$`));
	await expectAccessible(page, 'notifications of a patient');
	await shoot(page, 'notices-patient');
});

test('an admin sees which ways are untested, tries one, and only then patients are offered it', async ({
	clinic,
	newPerson,
}) => {
	const page = await newPerson();
	await page.setViewportSize({ width: 1440, height: 900 });
	await page.goto(`${clinic.demo.base_url}/admin/notifications`);
	await page.getByLabel('Username or e-mail').fill(clinic.demo.admin.username);
	await page.getByLabel('Password', { exact: true }).fill(clinic.demo.admin.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page.getByRole('heading', { name: 'Notifications', exact: true })).toBeVisible();
	const mail = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'E-mail' }) });
	await expect(mail).toContainText('Not tested yet. Patients are not offered this.');
	await expect(page.getByText('Nobody can be called back yet', { exact: false })).toBeVisible();
	await expectAccessible(page, 'untested ways');
	await shoot(page, 'channels');
	await page.setViewportSize({ width: 360, height: 740 });
	await expect
		.poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
		.toBeLessThanOrEqual(0);
	await mail.getByLabel('Address for the test').fill('nobody');
	await mail.getByRole('button', { name: /^Send me a test/ }).click();
	await expect(mail.getByRole('status')).toContainText('It did not work');
	await mail.getByLabel('Address for the test').fill('admin@example.org');
	await mail.getByRole('button', { name: /^Send me a test/ }).click();
	await expect(mail).toContainText('Works. Last tested');
	await expect(page.getByText('Offered to patients who want to be called back: E-mail.')).toBeVisible();
	await expectAccessible(page, 'a tested way');
	// The bell is here, too.
	await bell(page, /^Notifications/).click();
	await expect(page.getByRole('dialog')).toContainText('Nothing yet.');
});
