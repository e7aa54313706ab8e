/** Forgotten passwords: from the sign-in page over the mailbox and back. */
import { expectAccessible } from './kit/accessible.ts';
import { countLetters, nextLetter } from './kit/mail.ts';
import { expect, test } from './kit/test.ts';

const first = 'a kettle full of quiet rain';
const second = 'nine yellow bicycles at noon';

test('a forgotten password is replaced by mail', async ({ clinic, newPerson }) => {
	test.setTimeout(150_000);
	const staff = await clinic.addProvider(first);
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/providers/login`);
	await page.getByRole('link', { name: 'Forgot your password?' }).click();
	await expect(page.getByRole('heading', { name: 'Forgot your password?' })).toBeVisible();
	await page.getByRole('button', { name: 'Send me a link' }).click();
	await expect(page.getByText('Enter your username or your e-mail address.')).toBeVisible();
	await expectAccessible(page, 'forgot, empty');
	await page.getByLabel('Username or e-mail').fill(staff.email);
	await page.getByRole('button', { name: 'Send me a link' }).click();
	await expect(page.getByRole('heading', { name: 'Look in your mailbox' })).toBeVisible();
	await expectAccessible(page, 'forgot, sent');

	const letter = await nextLetter(clinic, staff.email, 0);
	expect(letter.subject).toBe('Choose your password');
	const link = letter.link ?? '';
	await page.goto(link);
	await expect(page.getByRole('heading', { name: 'Choose your password' })).toBeVisible();
	await expect(page.getByText(staff.username)).toBeVisible();
	// The token has left the address.
	await expect(page).toHaveURL(/\/password$/);
	await expectAccessible(page, 'choose a password');
	const field = page.getByLabel('New password');
	await field.fill('short');
	await page.getByRole('button', { name: 'Save the password' }).click();
	await expect(page.getByText('Use at least 15 characters.')).toBeVisible();
	await field.fill(`${staff.username} ${staff.username}`);
	await page.getByRole('button', { name: 'Save the password' }).click();
	await expect(field).toHaveAttribute('aria-invalid', 'true');
	await expectAccessible(page, 'choose a password, refused');
	await field.fill(second);
	await page.getByRole('button', { name: 'Save the password' }).click();
	await expect(page.getByRole('heading', { name: 'Your password is set' })).toBeVisible();
	await expectAccessible(page, 'password is set');
	await page.getByRole('link', { name: 'Go to the dashboard' }).click();
	await expect(page.getByRole('heading', { name: 'Provider dashboard' })).toBeAttached();

	// The old one opens nothing any more; the new one does; the link is used up, and says how to get another.
	const other = await newPerson();
	await other.goto(`${clinic.demo.base_url}/providers/login`);
	await other.getByLabel('Username or e-mail').fill(staff.username);
	await other.getByLabel('Password', { exact: true }).fill(first);
	await other.getByRole('button', { name: 'Sign in' }).click();
	await expect(other.getByText('do not belong together')).toBeVisible();
	await other.getByLabel('Password', { exact: true }).fill(second);
	await other.getByRole('button', { name: 'Sign in' }).click();
	await expect(other.getByRole('heading', { name: 'Provider dashboard' })).toBeAttached();
	await other.goto(link);
	await expect(other.getByRole('heading', { name: 'This link was used already' })).toBeVisible();
	await expectAccessible(other, 'used link');
	await other.getByRole('link', { name: 'Send a new one' }).click();
	await expect(other.getByRole('heading', { name: 'Forgot your password?' })).toBeVisible();
});

test('nobody learns who there is, and a broken link says so', async ({ clinic, newPerson }) => {
	const page = await newPerson();
	await page.goto(`${clinic.demo.base_url}/forgot`);
	await page.getByLabel('Username or e-mail').fill('nobody@example.org');
	await page.getByRole('button', { name: 'Send me a link' }).click();
	await expect(page.getByText('If we know “nobody@example.org” here')).toBeVisible();
	expect(await countLetters(clinic, 'nobody@example.org')).toBe(0);
	await page.goto(`${clinic.demo.base_url}/password?email_token=${'0'.repeat(32)}`);
	await expect(page.getByRole('heading', { name: "We don't know this link" })).toBeVisible();
	await page.goto(`${clinic.demo.base_url}/password`);
	await expect(page.getByRole('heading', { name: "We don't know this link" })).toBeVisible();
});
