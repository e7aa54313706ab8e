import adapter from '@sveltejs/adapter-static';
import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

// Old phones set the floor: what Chrome 95 and Safari 15.4 run, everybody runs.
const floor = ['chrome95', 'safari15.4', 'firefox95'];

/** The calendar grid's own stylesheet speaks of colours that old browsers lack; ours, calendar.css, stands in its place. */
const calendarLooks = {
	name: 'bedside:calendar-looks',
	enforce: 'pre' as const,
	load(id: string) {
		return /@event-calendar\/core\/src\/styles\/index\.css$/.test(id) ? '' : null;
	},
};

export default defineConfig({
	plugins: [
		calendarLooks,
		sveltekit({
			compilerOptions: { runes: true },
			adapter: adapter({ pages: 'build', assets: 'build', fallback: 'index.html' }),
			// A fixed name keeps two builds of the same sources byte for byte alike.
			version: { name: 'bedside', pollInterval: 0 },
		}),
	],
	build: {
		target: floor,
		cssTarget: floor,
		// data: fonts and pictures would bypass the cache, and the pages' policy forbids data: fonts.
		assetsInlineLimit: 0,
	},
	server: {
		proxy: {
			'/api_v3': 'http://127.0.0.1:8080',
			'/auth': 'http://127.0.0.1:8080',
			'/demo/portal': 'http://127.0.0.1:8080',
			'/demo/stage.json': 'http://127.0.0.1:8080',
			'/demo/log': 'http://127.0.0.1:8080',
		},
	},
	test: {
		include: ['src/**/*.test.ts', 'sdk/**/*.test.ts'],
		environment: 'node',
	},
});
