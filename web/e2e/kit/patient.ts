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

export async function joinWhenReady(screen: Screen): Promise<void> {
	await screen.getByRole('button', { name: 'Join now' }).click();
}

export async function expectGoodbye(screen: Screen, name: string): Promise<void> {
	await expect(screen.getByRole('heading', { name: `You're done. Take care, ${name}.` })).toBeVisible();
}
