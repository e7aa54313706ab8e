/** Axe on a page's state, light and dark. What is serious or critical fails. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

export async function expectAccessible(page: Page, state: string): Promise<void> {
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
		// The scheme's colours are there two frames later.
		await page.evaluate(
			() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
		);
		await page.waitForFunction(() =>
			document
				.getAnimations()
				.every((each) => !(each instanceof CSSTransition) || each.playState !== 'running'),
		);
		const { violations } = await new AxeBuilder({ page }).analyze();
		const bad = violations
			.filter(({ impact }) => impact === 'serious' || impact === 'critical')
			.flatMap(({ id, nodes }) =>
				nodes.map(
					(node) => `${id}: ${node.target.join(' ')} (${node.any[0]?.message ?? node.failureSummary})`,
				),
			);
		expect(bad, `${state}, ${colorScheme}`).toEqual([]);
	}
}
