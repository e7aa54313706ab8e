// Fails the build on what the oldest supported browsers do not read, and on scripts grown too heavy for a phone.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

const root = new URL('..', import.meta.url).pathname;
const build = join(root, 'build');

/** CSS that Chrome 95 or Safari 15.4 lacks. `dvh` units are fine beside a fallback: the last known value wins. */
const unsupported = [
	[/oklch\(|oklab\(|\blch\(|\blab\(/, 'oklch and its kin (Chrome 111)'],
	[/color-mix\(/, 'color-mix (Chrome 111)'],
	[/@container\b/, 'container queries (Chrome 105)'],
	[/:has\(/, ':has (Chrome 105)'],
	[/@layer\b/, '@layer (Chrome 99)'],
	[/@scope\b/, '@scope (Chrome 118)'],
	[/light-dark\(/, 'light-dark (Chrome 123)'],
	[/\{[^{}]*[;{]\s*&/, 'nesting (Chrome 112)'],
	[/\bsubgrid\b/, 'subgrid (Chrome 117)'],
];

/** The provider's calendar draws its grid with subgrid, and shows a list where there is none. */
const allowed = (what, css) => what.startsWith('subgrid') && css.includes('.ec-time-grid');

/** Compressed script a page may load before a person can act, in bytes. */
const budget = { everything: 100_000, call: 160_000 };

function* files(dir) {
	for (const entry of readdirSync(dir)) {
		const path = join(dir, entry);
		if (statSync(path).isDirectory()) yield* files(path);
		else yield path;
	}
}

const problems = [];
for (const path of files(build)) {
	if (!path.endsWith('.css')) continue;
	const css = readFileSync(path, 'utf8');
	for (const [pattern, what] of unsupported) {
		if (pattern.test(css) && !allowed(what, css)) problems.push(`${relative(root, path)} uses ${what}`);
	}
}

// What a patient's page loads before the call: everything its routes import statically.
const manifestPath = join(root, '.svelte-kit/output/client/.vite/manifest.json');
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));

function weigh(entries) {
	const seen = new Set();
	const queue = [...entries];
	let bytes = 0;
	while (queue.length > 0) {
		const key = queue.pop();
		if (seen.has(key) || !manifest[key]) continue;
		seen.add(key);
		const path = join(root, '.svelte-kit/output/client', manifest[key].file);
		if (path.endsWith('.js')) bytes += gzipSync(readFileSync(path)).length;
		queue.push(...(manifest[key].imports ?? []));
	}
	return bytes;
}

// Of each node its source: which route's page, layout or error page it is.
const nodes = Object.keys(manifest)
	.filter((key) => /client-optimized\/nodes\/\d+\.js$/.test(key))
	.map((key) => ({
		key,
		route: /routes\/([^'"]*)\+/.exec(readFileSync(join(root, key), 'utf8'))?.[1] ?? null,
	}));
const common = nodes.filter(({ route }) => route === '').map(({ key }) => key);
const patient = nodes.filter(
	({ route }) => route !== null && /^(u|visits|members|appointments)\//.test(route),
);
const start = Object.keys(manifest).filter((key) =>
	/runtime\/client\/entry\.js$|client-optimized\/app\.js$/.test(key),
);
// A page loads the words of one language: the heaviest counts.
const words = Object.keys(manifest)
	.filter((key) => /messages\/[a-z]+\.json$/.test(key))
	.sort((a, b) => weigh([b]) - weigh([a]))
	.slice(0, 1);
console.log(`compressed script before the call (limit ${budget.everything / 1000} kB a page):`);
for (const { key, route } of patient) {
	const weight = weigh([...start, ...common, key, ...words]);
	console.log(`  /${route} ${(weight / 1000).toFixed(1)} kB`);
	if (weight > budget.everything)
		problems.push(`/${route} loads ${weight} bytes of script, more than ${budget.everything}`);
}
const expected = ['u/[slug]/', 'u/[slug]/book/', 'visits/start/[id]/', 'members/appointment/[id]/'];
for (const route of expected.filter((wanted) => !patient.some((one) => one.route === wanted))) {
	problems.push(`/${route} was not found in the build: has the manifest changed its shape?`);
}

const fonts = [...files(build)].filter((path) => /-latin-(400|700)-normal.*\.woff2$/.test(path));
const fontBytes = fonts.reduce((sum, path) => sum + statSync(path).size, 0);
console.log(`fonts: ${(fontBytes / 1000).toFixed(1)} kB in ${fonts.length} files (limit 45 kB)`);
if (fontBytes > 45_000) problems.push(`fonts weigh ${fontBytes} bytes, more than 45000`);

if (problems.length > 0) {
	for (const problem of problems) console.error(`error: ${problem}`);
	process.exit(1);
}
