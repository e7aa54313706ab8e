/** Shared workstations: the page locks over what was written, in every window, and never during a call. */
import { expectAccessible } from './kit/accessible.ts';
import { signIn, take } from './kit/provider.ts';
import { expect, type Page, test } from './kit/test.ts';

const locked = (page: Page) => page.getByRole('heading', { name: 'Locked' });

async function unlock(page: Page, password: string) {
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Unlock' }).click();
}

test('a minute of warning, then the lock; the page behind keeps what was open', async ({
	clinic,
	newPerson,
}) => {
	const page = await newPerson();
	await page.clock.install();
	await signIn(page, clinic);
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' }));
	await page.getByRole('button', { name: /^Open the intake of Ana Ruiz/ }).click();
	await expect(page).toHaveURL(/visit=/);
	const address = page.url();

	await page.clock.fastForward('14:10');
	const warning = page.getByRole('dialog', { name: 'Still there?' });
	await expect(warning).toContainText(/locks in \d\d seconds/);
	await warning.getByRole('button', { name: 'I am here' }).click();
	await expect(warning).toBeHidden();
	await page.clock.fastForward('13:00');
	await expect(warning).toBeHidden();

	await page.clock.fastForward('03:00');
	await expect(locked(page)).toBeVisible();
	// The sheet hides all that lies behind.
	const cover = page.getByRole('dialog', { name: 'Locked' });
	await expect(cover).toHaveCSS('background-color', /^rgb\(/);
	expect(await cover.boundingBox()).toMatchObject({ x: 0, y: 0, ...page.viewportSize() });
	await expect(cover.getByText('Amara Osei')).toBeVisible();
	await expectAccessible(page, 'locked');
	await page.keyboard.press('Escape');
	await expect(locked(page)).toBeVisible();
	// Who reloads it gets no further, and neither does a click on what lies behind.
	await page.reload();
	await expect(locked(page)).toBeVisible();
	await unlock(page, 'not this one');
	await expect(page.getByRole('alert')).toHaveText('That is not your password. Try again.');
	await unlock(page, clinic.provider.password);
	await expect(locked(page)).toBeHidden();
	await expect(page.getByRole('heading', { name: 'Provider dashboard' })).toBeAttached();
	await expect(page).toHaveURL(address);
	await expect(page.getByRole('list', { name: 'Waiting' }).getByText('Ana Ruiz')).toBeVisible();
	// Lists are live again.
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Bea', last_name: 'Stone' }));
	await expect(page.getByRole('list', { name: 'Waiting' }).getByText('Bea Stone')).toBeVisible();
});

test('one window locks and opens all of them', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await signIn(page, clinic);
	const other = await page.context().newPage();
	await other.goto(`${clinic.demo.base_url}/providers/calendar`);
	await expect(other.getByRole('heading', { name: /calendar/i }).first()).toBeAttached();
	await page.getByRole('button', { name: 'Lock', exact: true }).click();
	await expect(locked(page)).toBeVisible();
	await expect(locked(other)).toBeVisible();
	await unlock(other, clinic.provider.password);
	await expect(locked(other)).toBeHidden();
	await expect(locked(page)).toBeHidden();
});

test('a call is never locked', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.clock.install();
	await signIn(page, clinic);
	await clinic.walkIn(await clinic.sso(200, { first_name: 'Ana', last_name: 'Ruiz' }));
	await take(page, 'Ana Ruiz');
	await expect(page.getByRole('button', { name: 'Leave', exact: false }).first()).toBeVisible();
	await expect(page.getByRole('button', { name: 'Lock', exact: true })).toBeHidden();
	await page.clock.fastForward('40:00');
	await expect(page.getByRole('dialog', { name: 'Still there?' })).toBeHidden();
	await expect(locked(page)).toBeHidden();
});

test('where somebody is signed in, and signing out there and everywhere', async ({ clinic, newPerson }) => {
	const [page, elsewhere] = [await newPerson(), await newPerson()];
	await signIn(elsewhere, clinic);
	await signIn(page, clinic);
	await page.getByRole('link', { name: 'Dr Amara Osei' }).click();
	const rows = page.getByRole('list', { name: 'Where you are signed in' }).getByRole('listitem');
	await expect(rows.first()).toContainText(/Chrom.* on Linux.*this page/s);
	await expectAccessible(page, 'where somebody is signed in');
	const before = await rows.count();
	await rows.nth(1).getByRole('button').click();
	await expect(rows).toHaveCount(before - 1);
	await elsewhere.reload();
	await expect(elsewhere.getByRole('heading', { name: 'Sign in' })).toBeVisible();

	await page.getByRole('button', { name: 'Sign out everywhere' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
	await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
	await page.goto(`${clinic.demo.base_url}/providers/sessions`);
	await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});
