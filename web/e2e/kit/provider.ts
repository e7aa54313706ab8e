/** What a provider does on the real pages, by the words they read. */
import { expect, type Page } from '@playwright/test';
import type { Clinic, Login } from './clinic.ts';
import type { Screen } from './patient.ts';

export async function signIn(page: Page, clinic: Clinic, login: Login = clinic.provider): Promise<void> {
	await page.goto(`${clinic.demo.base_url}/providers/dashboard`);
	await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
	await page.getByLabel('Username or e-mail').fill(login.username);
	await page.getByLabel('Password', { exact: true }).fill(login.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page.getByRole('heading', { name: 'Provider dashboard' })).toBeAttached();
}

export async function take(screen: Screen, patient: string): Promise<void> {
	await screen
		.getByRole('button', { name: `Take ${patient}`, exact: true })
		.first()
		.click();
}

/** The second, named act: leaving the call never does this. */
export async function complete(screen: Screen): Promise<void> {
	await screen.getByRole('button', { name: 'Complete visit' }).first().click();
	await screen.getByRole('dialog').getByRole('button', { name: 'Complete visit' }).click();
}
