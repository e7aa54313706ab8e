// Builds the script for other sites: one classic file beside the pages, under the name that integrators load.
import { defineConfig } from 'vite';

export default defineConfig({
	root: import.meta.dirname,
	publicDir: false,
	build: {
		outDir: '../build/sdk',
		emptyOutDir: true,
		target: ['chrome95', 'safari15.4', 'firefox95'],
		minify: true,
		lib: {
			entry: 'external_api.ts',
			formats: ['iife'],
			name: 'BedsideExternalAPI',
			fileName: () => 'external_api.min.js',
		},
	},
});
