import { defineConfig } from '@playwright/test';

/** What every Chromium of the suite gets: a machine without a screen, and no word to anybody outside. */
const quiet = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/** A moving test picture and a beeping microphone, both allowed without a question. */
const fakeDevices = [
	'--use-fake-device-for-media-stream',
	'--use-fake-ui-for-media-stream',
	'--autoplay-policy=no-user-gesture-required',
];

const executablePath = process.env.BEDSIDE_CHROMIUM ?? '/usr/bin/chromium';

export default defineConfig({
	testDir: '.',
	outputDir: '../test-results',
	// Two cores carry one visit at a time; a call with two people already means two encoders.
	workers: 1,
	fullyParallel: false,
	forbidOnly: Boolean(process.env.CI),
	retries: 0,
	timeout: 90_000,
	expect: { timeout: 15_000 },
	reporter: process.env.CI ? [['line']] : [['list']],
	use: { trace: 'retain-on-failure', screenshot: 'only-on-failure', locale: 'en-GB' },
	projects: [
		{
			name: 'camera',
			testMatch: '*.spec.ts',
			testIgnore: 'no-camera.spec.ts',
			use: {
				permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'],
				launchOptions: { executablePath, args: [...quiet, ...fakeDevices] },
			},
		},
		{
			name: 'no camera',
			testMatch: 'no-camera.spec.ts',
			use: { launchOptions: { executablePath, args: quiet } },
		},
	],
});
