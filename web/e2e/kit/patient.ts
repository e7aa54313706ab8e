/** What a patient does on the real pages, by the words they read. */
import { expect, type FrameLocator, type Page } from '@playwright/test';

/** A page, or one of the stage's frames. */
export type Screen = Page | FrameLocator;

/** Goes through the device check into the waiting room. */
export async function passDeviceCheck(screen: Screen): Promise<void> {
	await expect(screen.getByRole('heading', { name: 'Check camera and sound' })).toBeVisible();
	await screen.getByRole('button', { name: 'Go to the waiting room' }).click();
}

export async function expectNext(screen: Screen): Promise<void> {
	await expect(screen.getByRole('heading', { name: "You're next." })).toBeVisible();
}

/** Presses "Join now", or finds that the page has joined by itself: it does so after five seconds. */
export async function joinWhenReady(screen: Screen): Promise<void> {
	const button = screen.getByRole('button', { name: 'Join now' });
	const call = screen.getByRole('toolbar', { name: 'Call controls' });
	await expect(button.or(call)).toBeVisible();
	if (await button.isVisible()) await button.click({ timeout: 6000 }).catch(() => undefined);
	await expect(call).toBeVisible();
}

export async function expectGoodbye(screen: Screen, name: string): Promise<void> {
	await expect(screen.getByRole('heading', { name: `You're done. Take care, ${name}.` })).toBeVisible();
}
